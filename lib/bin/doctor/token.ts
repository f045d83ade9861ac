/** One token from the identity on: what a server that uses it would meet. */
import type { Configuration, TokenConfiguration } from '../../config/configuration.ts';
import type { HsmIdentity, KeySummary, KeyVersion } from '../../core/hsm.ts';
import { Key } from '../../core/key.ts';
import { equalBytes, ofText } from '../../tags/values.ts';
import { loginOf } from '../token.ts';
import { withIdentityOf } from '../token-identity.ts';
import { type Finding, failed, failure, good, skipped, warning } from './finding.ts';
import {
  examineCertificates,
  examineKey,
  examineSigning,
  MAX_TRIED,
  type Trial,
  trialOf,
  weighSigning,
} from './keys.ts';
import { examineSpeed, MEASURED_CONNECTIONS } from './speed.ts';

export interface Examination {
  readonly identity: boolean;
  /** Only the key of this name or label; all when undefined. */
  readonly key: string | undefined;
  readonly speed: boolean;
}

/** The identity with as many connections as the measurement wants; warnings of the library become findings. */
async function withDoctor(
  token: TokenConfiguration,
  configuration: Configuration,
  managed: boolean,
  work: (identity: HsmIdentity) => Promise<Finding[]>,
): Promise<Finding[]> {
  const lines: string[] = [];
  const ConnectionCache = { ...configuration.ConnectionCache, MaxConnections: MEASURED_CONNECTIONS };
  const login = loginOf({ ...configuration, ConnectionCache }, token, managed, process.env);
  const findings = await withIdentityOf(login, (line) => lines.push(line), work);
  return [...findings, ...lines.map((line) => warning('library', line, 'see the line itself'))];
}

const hsmName = ({ baseUrl }: TokenConfiguration) => new URL(baseUrl).hostname.split('.')[0] ?? '';

function isWanted(summary: KeySummary, wanted: string): boolean {
  const key = new Key(summary);
  return (
    key.name === wanted ||
    [key.label('private'), key.label('public')].some((label) => equalBytes(label, ofText(wanted)))
  );
}

interface Read {
  readonly versions: readonly KeyVersion[];
  readonly findings: readonly Finding[];
}

async function readKeys(identity: HsmIdentity, keys: readonly KeySummary[]): Promise<Read> {
  const findings: Finding[] = [];
  const read = keys.map(({ name }) =>
    identity.getKey(name).catch((error: unknown) => void findings.push(failure(`key ${name}`, error))),
  );
  const versions = (await Promise.all(read)).filter((version) => version !== undefined);
  return { versions, findings };
}

function tooMany(keys: readonly KeySummary[]): Finding[] {
  if (keys.length <= MAX_TRIED) return [];
  return [warning('keys', `only the first ${MAX_TRIED} of ${keys.length} keys were tried`, 'choose one with --key')];
}

async function random(identity: HsmIdentity): Promise<Finding> {
  try {
    await identity.random(32);
    return good('random', 'the HSM gives random bytes');
  } catch (error) {
    return warning(
      'random',
      error instanceof Error ? error.message : String(error),
      'nothing, unless a program calls C_GenerateRandom after login: TLS does not',
    );
  }
}

const NONE_SIGNS = failed('sign', 'no key has the operation sign', 'make one: mhsm_p11_create_key');

async function examineKeys(
  identity: HsmIdentity,
  all: readonly KeySummary[],
  token: TokenConfiguration,
  { key: wanted }: Examination,
): Promise<{ findings: Finding[]; trial: Trial | undefined }> {
  const keys = wanted === undefined ? all : all.filter((key) => isWanted(key, wanted));
  if (keys.length === 0) {
    const text = wanted === undefined ? 'there is none' : `there is none of the name or label ${wanted}`;
    return { findings: [failed('keys', text, 'make one: mhsm_p11_create_key')], trial: undefined };
  }
  const chosen = wanted !== undefined;
  const tried = keys.slice(0, MAX_TRIED);
  // A certificate may belong to any key.
  const { versions, findings } = await readKeys(identity, token.certificates.length > 0 ? all : tried);
  const names = new Set(tried.map(({ name }) => name));
  const trials = versions
    .filter(({ name }) => names.has(name))
    .map(trialOf)
    .filter((trial) => trial !== undefined);
  const signing = await Promise.all(trials.map((trial) => examineSigning(identity, trial)));
  return {
    findings: [
      ...tried.map((key) => examineKey(key, hsmName(token), chosen)),
      ...tooMany(keys),
      ...findings,
      ...(signing.length === 0 ? [NONE_SIGNS] : weighSigning(signing, chosen)),
      ...(await examineCertificates(token, versions)),
    ],
    trial: trials[signing.findIndex(({ outcome }) => outcome === 'good')],
  };
}

const LATER = ['list', 'keys', 'sign', 'random', 'latency', 'connections'];

async function afterLogin(
  identity: HsmIdentity,
  token: TokenConfiguration,
  configuration: Configuration,
  examination: Examination,
): Promise<Finding[]> {
  const gained = good('identity', `${identity.name} got a token`);
  try {
    const list = await identity.listKeys();
    const { findings, trial } = await examineKeys(identity, list, token, examination);
    const speed = trial !== undefined && examination.speed;
    return [
      gained,
      good('list', `${list.length} key(s)`),
      ...findings,
      await random(identity),
      ...(speed ? await examineSpeed(identity, trial, configuration.ConnectionCache) : []),
    ];
  } catch (error) {
    const later = LATER.slice(1).filter((check) => check !== 'random');
    return [
      gained,
      failure('list', error),
      ...later.map((check) => skipped(check, 'the list')),
      await random(identity),
    ];
  }
}

/** Identity, roles, keys and speed of a token that can be reached. */
export async function examineToken(
  token: TokenConfiguration,
  configuration: Configuration,
  examination: Examination,
): Promise<Finding[]> {
  try {
    return await withDoctor(token, configuration, examination.identity, async (identity) => {
      await identity.authenticate();
      return afterLogin(identity, token, configuration, examination);
    });
  } catch (error) {
    return [failure('identity', error), ...LATER.map((check) => skipped(check, 'a token'))];
  }
}
