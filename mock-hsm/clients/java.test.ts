import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Stage } from './stage.ts';
import { ways } from './ways.ts';

// Foreign programs start slowly on a busy machine.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const sources = join(import.meta.dirname, 'java');
const jars = join(import.meta.dirname, '../../build/clients/java/*');

describe.each(ways)('the Azure SDK for Java $way', ({ port, settings }) => {
  let stage: Stage;

  /** Runs inside and fails with what the program printed. */
  async function run(program: string, args: readonly string[], environment = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await stage.run(program, args, environment);
    if (exitCode !== 0) throw new Error(`${program} ${args.join(' ')}: ${exitCode}\n${stdout}${stderr}`);
    return stdout;
  }

  const classes = () => join(stage.folder, 'classes');
  const trustStore = () => join(stage.folder, 'trust.p12');

  beforeAll(async () => {
    stage = await Stage.open(port);
    const files = ['Steps', 'Connection', 'Keys', 'Cryptography', 'AccessControl'];
    await run('javac', ['-cp', jars, '-d', classes(), ...files.map((name) => join(sources, `${name}.java`))]);
    const store = ['-keystore', trustStore(), '-storepass', 'changeit'];
    await run('keytool', ['-importcert', '-noprompt', '-alias', 'mock-hsm', '-file', stage.caFile, ...store]);
  });

  afterAll(() => stage.close());

  test.each([
    ['Keys', 'MHSM'],
    ['Cryptography', 'MHSM'],
    ['AccessControl', 'MHSM_ADMIN'],
  ])('every step of %s succeeds as %s', async (program, principal) => {
    const trust = [`-Djavax.net.ssl.trustStore=${trustStore()}`, '-Djavax.net.ssl.trustStorePassword=changeit'];
    const environment = { ...settings, ...stage.credentials(principal) };
    const output = await run('java', [...trust, '-cp', `${jars}:${classes()}`, program], environment);
    expect(output).not.toMatch(/^not ok .*$/m);
    expect(output).toMatch(/^ok [1-9]/m);
  });
});
