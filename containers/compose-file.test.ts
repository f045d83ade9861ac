import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const run = promisify(execFile);
const CHECKOUT = join(import.meta.dirname, '..');
const BIN = join(CHECKOUT, 'node_modules/.bin');

interface Service {
  build: { target: string };
  ports?: string[];
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  environment?: unknown;
  command?: string[];
}

const { services } = parse(readFileSync(join(CHECKOUT, 'docker-compose.yml'), 'utf8')) as {
  services: Record<string, Service>;
};
const dockerfile = readFileSync(join(CHECKOUT, 'Dockerfile'), 'utf8');
const stages = [...dockerfile.matchAll(/^FROM (\S+) AS (\S+)$/gm)].map(([, base = '', name = '']) => ({ base, name }));

describe.each(Object.entries(services))('service %s', (_name, service) => {
  test('is a stage of the Dockerfile', () => {
    expect(stages.map(({ name }) => name)).toContain(service.build.target);
  });

  test('is reached from this machine alone', () => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('cannot change its programs and gets no right it does not name', () => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    expect(Object.keys(service)).not.toContain('privileged');
  });

  test('has nothing in its environment, which everybody sees who may ask the engine', () => {
    expect(service.environment).toBeUndefined();
  });
});

test('every image is made of the two public base images, by name', () => {
  const foreign = stages.map(({ base }) => base).filter((base) => !stages.some(({ name }) => name === base));
  expect([...new Set(foreign)].sort()).toEqual(['debian:bookworm-slim', 'node:24-bookworm-slim']);
});

test('the configuration of nginx’ container is a good one', async () => {
  const file = join(CHECKOUT, 'containers/nginx/mhsm-pkcs11.conf');
  const { stdout } = await run(join(BIN, 'mhsm_p11_validate_config_file'), ['--file', file]);
  expect(stdout).toContain('SUCCESS');
});
