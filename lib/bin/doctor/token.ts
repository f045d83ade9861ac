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
  /** More than MAX_TRIED keys too. */
  readonly allKeys: boolean;
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

/** As many at once as the library has connections for by default: a queue of thousands would run into its deadline. */
const AT_ONCE = 20;

/** Works on all items, some at once, and gives the results in order. */
async function each<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let i = 0; i < items.length; i += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(i, i + AT_ONCE).map(work))));
  }
  return results;
}

async function readKeys(identity: HsmIdentity, keys: readonly KeySummary[]): Promise<Read> {
  const findings: Finding[] = [];
  const read = await each(keys, ({ name }) =>
    identity.getKey(name).catch((error: unknown) => void findings.push(unread(name, error))),
  );
  return { versions: read.filter((version) => version !== undefined), findings };
}

function unread(name: string, error: unknown): Finding {
  const finding = failure(`read ${name}`, error);
  return { ...finding, text: `cannot be read: ${finding.text}` };
}

function tooMany(all: readonly KeySummary[], tried: readonly KeySummary[]): Finding[] {
  const left = all.length - tried.length;
  if (left === 0) return [];
  const text = `${tried.length} of ${all.length} keys were looked at, ${left} left out`;
  return [warning('keys', text, 'look at all with --all-keys, at one with --key')];
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
  { key: wanted, allKeys }: Examination,
): Promise<{ findings: Finding[]; trial: Trial | undefined }> {
  const keys = wanted === undefined ? all : all.filter((key) => isWanted(key, wanted));
  if (keys.length === 0) {
    const text = wanted === undefined ? 'there is none' : `there is none of the name or label ${wanted}`;
    return { findings: [failed('keys', text, 'make one: mhsm_p11_create_key')], trial: undefined };
  }
  const chosen = wanted !== undefined;
  const tried = allKeys ? keys : keys.slice(0, MAX_TRIED);
  // A certificate may belong to any key.
  const { versions, findings } = await readKeys(identity, token.certificates.length > 0 ? all : tried);
  const byName = new Map(versions.map((version) => [version.name, version]));
  const trials = tried
    .map(({ name }) => byName.get(name))
    .map((version) => version && trialOf(version))
    .filter((trial) => trial !== undefined);
  const signing = await each(trials, (trial) => examineSigning(identity, trial));
  return {
    findings: [
      ...tried.map((key) => examineKey(key, byName.get(key.name), hsmName(token), chosen)),
      ...tooMany(keys, tried),
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
