#!/usr/bin/env node
// Command line of the mock. Prints one line on standard output when it serves; everything else goes to standard error.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { writeEnvironment } from './environment-file.ts';
import { type MockHsm, startMockHsm } from './start.ts';

interface Flags {
  port: number;
  dataDir?: string;
  listen: string;
  hostname: string[];
  servicePrincipal: string[];
  tokenLifetime: number;
  retentionDays: number;
  purgeProtection: boolean;
}

const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (value < least || value > most) throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
    return value;
  };

const principalName = (text: string, before: string[]): string[] => {
  if (!/^[A-Z0-9_]{1,64}$/.test(text)) {
    throw new InvalidArgumentError('It must consist of upper-case letters, digits and underscores.');
  }
  return [...before, text];
};

const program = new Command('mock-hsm')
  .description(
    'A Managed HSM on this machine: key data plane, local RBAC and Entra ID over HTTPS.\n' +
      'It is a mock: keys in the data folder are not protected against whoever can read it.',
  )
  .option('--port <number>', 'port to listen on; 0 takes a free one', whole(0, 65_535), 0)
  .option('--data-dir <folder>', 'keeps everything there, and writes ca.pem and env (default: a temporary folder)')
  .option('--listen <address>', 'address to listen on', '127.0.0.1')
  .option('--hostname <name>', 'further name for the certificate, e.g. *.managedhsm.azure.net; repeatable', collect, [])
  .option('--service-principal <NAME>', 'adds a service principal without roles; repeatable', principalName, [])
  .option('--token-lifetime <seconds>', 'life of access tokens', whole(1, 86_400), 3600)
  .option('--retention-days <days>', 'how long a deleted key can be recovered', whole(7, 90), 90)
  .option('--purge-protection', 'nobody can purge a deleted key', false)
  .addHelpText('after', '\nTo use it:  mock-hsm --data-dir D &  . D/env  and trust D/ca.pem (curl --cacert D/ca.pem).');

function collect(text: string, before: string[]): string[] {
  return [...before, text];
}

async function main(): Promise<void> {
  const flags = program.parse().opts<Flags>();
  const temporary = flags.dataDir === undefined ? mkdtempSync(join(tmpdir(), 'mock-hsm-')) : undefined;
  const folder = flags.dataDir ?? temporary ?? '';
  // Also after a crash; `exit` runs synchronous code alone.
  if (temporary !== undefined) process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));
  const hsm = await startMockHsm({
    port: flags.port,
    listen: flags.listen,
    dataDir: folder,
    hostnames: flags.hostname,
    servicePrincipals: flags.servicePrincipal,
    tokenLifetimeS: flags.tokenLifetime,
    retentionDays: flags.retentionDays,
    purgeProtection: flags.purgeProtection,
  });
  stopOnSignals(hsm);
  writeEnvironment(folder, hsm);
  if (temporary !== undefined) process.stderr.write(`mock-hsm: temporary data folder ${temporary}\n`);
  process.stdout.write(`ready ${hsm.url}\n`);
}

function stopOnSignals(hsm: MockHsm): void {
  const stop = () => {
    hsm.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

function fail(error: unknown): never {
  process.stderr.write(`mock-hsm: ${messageOf(error)}\n`);
  process.exit(1);
}

function messageOf(error: unknown): string {
  const { code, message, port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string };
  if (code === 'EADDRINUSE')
    return `port ${port} of ${address} is in use; stop what listens there or choose another --port`;
  if (code === 'EACCES' && port !== undefined) return `no right to listen on port ${port}; choose one from 1024 up`;
  return message ?? String(error);
}

main().catch(fail);
