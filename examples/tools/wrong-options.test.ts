// Command lines that no program may take in silence. None of them needs an HSM: they are refused before anything is asked.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BIN } from '../../demo/offload.ts';
import { runProgram } from '../../demo/process.ts';

const env = { PATH: process.env.PATH, MHSM_PKCS11_CONF: join(import.meta.dirname, '../mhsm-pkcs11.conf') };

async function refusal(line: readonly string[]): Promise<string> {
  const [program = '', ...args] = line;
  const { status, stdout, stderr } = await runProgram(join(BIN, program), args, { env });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(new RegExp(`^${program}: [^\\n]+; hint: [^\\n]+\\n$`));
  return stderr;
}

const csr = ['mhsm-p11', 'csr', '--subject', 'CN=x'];

describe('an empty value is refused by the name of the option', () => {
  test.each([
    [[...csr, '--label', '']],
    [[...csr, '--label', 'x', '--out', '']],
    [[...csr, '--label', 'x', '--san', '']],
    [['mhsm-p11', 'doctor', '--key', '']],
    [['mhsm-p11', 'doctor', '--slot', '']],
    [['mhsm-p11', 'verify', '--label', 'x', '--signature', '']],
    [['mhsm-p11', 'roles', '--key', '']],
    [['mhsm-p11', 'tags', 'show', '--name', '']],
    [['mhsm_p11_create_key', '--RSA', '2K', '--label', '']],
    [['mhsm_p11_list_keys', '--slot', '']],
    [['mhsm_p11_validate_config_file', '--file', '']],
  ])('%j', async (line) => {
    expect(await refusal(line)).toContain(`${line.at(-2)} is empty; hint: give it a value, or leave it out`);
  });

  test('and of the file that is signed', async () => {
    expect(await refusal(['mhsm-p11', 'sign', '', '--label', 'x'])).toContain('the file has an empty name');
  });
});

describe('an option that is given twice is refused: nobody knows which of the two was meant', () => {
  test.each([
    [[...csr, '--label', 'a', '--label', 'b'], '--label'],
    [[...csr, '--label', 'a', '--subject=CN=y'], '--subject'],
    [['mhsm-p11', 'doctor', '--key', 'a', '--key', 'a'], '--key'],
    [['mhsm_p11_create_key', '--RSA', '2K', '--RSA', '4K', '--label', 'x'], '--RSA'],
    [['mhsm_p11_validate_config_file', '--file', 'a', '--file', 'b'], '--file'],
  ])('%j', async (line, option) => {
    expect(await refusal(line)).toContain(`${option} is given twice`);
  });
});

describe('an option whose value was forgotten does not take the next option for it', () => {
  test.each([
    [['mhsm_p11_create_key', '--RSA', '2K', '--label', '--json'], '--label has no value before --json'],
    [['mhsm-p11', 'self-sign', '--label', '--days', '30', '--subject', 'CN=x'], '--label has no value before --days'],
    [['mhsm-p11', 'roles', '--principal', '--json'], '--principal has no value before --json'],
    [['mhsm_p11_create_key', '--RSA', '2K', '--label', '--help'], '--label has no value before --help'],
    [['mhsm_p11_create_key', '--RSA', '2K', '--label', '-h'], '--label has no value before -h'],
    [[...csr, '--label', '--help'], '--label has no value before --help'],
  ])('%j', async (line, complaint) => {
    expect(await refusal(line)).toContain(complaint);
  });
});

describe('what no key and no certificate can have is refused by the name of the option', () => {
  const selfSign = ['mhsm-p11', 'self-sign', '--subject', 'CN=x', '--label', 'x'];
  test.each([
    [[...selfSign, '--not-before', '1900-01-01'], '--not-before 1900-01-01 is before 1970'],
    [[...selfSign, '--not-before', '9999-01-01', '--days', '366'], '--days 366 end after the year 9999'],
    [['mhsm_p11_create_key', '--RSA', '2K', '--label', 'x', '--not-before', '1969-12-31'], 'is before 1970'],
    [['mhsm_p11_create_key', '--RSA', '2K', '--label', 'x', '--id', 'ab'.repeat(129)], '--id has 258 digits'],
    [['mhsm-p11', 'tags', 'repair', '--name', 'x', '--new-id', 'zz'], '--new-id zz is not hexadecimal'],
    [
      ['mhsm-p11', 'roles', '--principal', 'p', '--key', 'k', '--hsm', 'h', '--slot', '9'],
      '--hsm and --slot both name',
    ],
  ])('%j', async (line, complaint) => {
    expect(await refusal(line)).toContain(complaint);
  });
});

describe('what is long is quoted by its beginning', () => {
  const long = 'y'.repeat(5000);
  const cut = `${'y'.repeat(57)}...`;
  test.each([
    [[...csr, '--label', 'x', '--slot', long], `--slot ${cut} is not a number`],
    [[...csr, '--label', 'x', `--slot=${long}`], `--slot ${cut} is not a number`],
    [['mhsm-p11', long], `unknown command '${cut}'`],
    [['mhsm-p11', 'csr', `--${long}`], `unknown option '--${'y'.repeat(55)}...'`],
    [['mhsm_p11_create_key', '--RSA', long], `argument '${cut}' is invalid`],
    [['mhsm_p11_create_key', '--RSA', '2K', '--label', 'x', '--name', long], `--name ${cut} cannot be`],
  ])('%#', async (line, complaint) => {
    const said = await refusal(line);
    expect(said).toContain(complaint);
    expect(said.length).toBeLessThan(300);
  });
});

test('options that may be given again, and switches, may', async () => {
  const args = ['roles', '--principal', 'a@b.example', '--key', 'a', '--key', 'b', '--json', '--json'];
  const { status, stdout } = await runProgram(join(BIN, 'mhsm-p11'), args, { env });
  expect(status).toBe(0);
  expect(stdout).toContain('/keys/b');
});
