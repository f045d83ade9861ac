import { writeEngineConfiguration } from '../demo/nginx.ts';
import { EC_LABEL } from '../demo/offload.ts';
import type { Fault, Form, Struck } from './fault.ts';
import { upgradeServer } from './host-faults.ts';
import { killWorker } from './process-faults.ts';
import type { Scene } from './scene.ts';

const AT_ONCE = { failed: 'while it lasts', wait: 'moments', established: 'go on' } as const;
const UNNOTICED = { failed: 'none', wait: 'moments', established: 'go on' } as const;

const DEFAULT_LIFETIME_S = 3600;
const DAY_S = 86_400;

interface SeededPrincipal {
  readonly name: string;
  readonly clientId: string;
  readonly secrets: readonly { readonly keyId: string }[];
}

/** Tokens from now on live so long, and those issued so far are worth nothing. */
async function replaceTokens({ offload: { mock } }: Scene, lifetimeS = DEFAULT_LIFETIME_S): Promise<void> {
  await mock.control('POST', 'tokens', { lifetimeS, revoke: true });
}

async function serverPrincipal({ offload: { mock } }: Scene): Promise<SeededPrincipal> {
  const { servicePrincipals } = (await mock.control('GET', 'seed')) as { servicePrincipals: SeededPrincipal[] };
  const found = servicePrincipals.find(({ clientId }) => clientId === mock.offload.clientId);
  if (found === undefined) throw new Error("mock-hsm does not know the server's principal any more");
  return found;
}

/** The token endpoint stays silent or answers with an error; the rest of the HSM works. */
function noTokens(how: object, endsTokens: boolean): Fault['strike'] {
  return async (scene): Promise<Struck> => {
    const { mock } = scene.offload;
    await mock.control('POST', 'faults', { operation: 'token', times: 'always', ...how });
    if (endsTokens) await replaceTokens(scene);
    const end = async () => {
      await mock.control('DELETE', 'faults');
    };
    return { end };
  };
}

async function removeSecrets({ offload: { mock } }: Scene, { name, secrets }: SeededPrincipal): Promise<void> {
  await mock.control('POST', 'seed', { remove: { secrets: secrets.map(({ keyId }) => ({ principal: name, keyId })) } });
}

async function removeSecret(scene: Scene): Promise<Struck> {
  const principal = await serverPrincipal(scene);
  await removeSecrets(scene, principal);
  await replaceTokens(scene);
  const end = async () => {
    const again = { name: principal.name, secrets: [scene.clientSecret] };
    await scene.offload.mock.control('POST', 'seed', { servicePrincipals: [again] });
  };
  return { end };
}

/** As docs/faults.md says: the new secret beside the old one, the server upgraded with it, the old one removed. */
async function rotateSecret(scene: Scene): Promise<Struck> {
  const { offload, nginx } = scene;
  const before = await serverPrincipal(scene);
  scene.clientSecret = await offload.mock.addSecret(before.name);
  writeEngineConfiguration(nginx.setting.folder, `${offload.mock.offload.clientId}:${scene.clientSecret}`);
  await upgradeServer(scene);
  await scene.moreServed();
  await removeSecrets(scene, before);
  await replaceTokens(scene);
  return {};
}

/** The first thing that the new worker does is to log in, and libp11 does so once. */
async function replaceWorkerWithoutToken(scene: Scene, form: Form): Promise<Struck> {
  const struck = await noTokens({ status: 503 }, true)(scene, form);
  await killWorker(scene);
  return struck;
}

async function changeKey({ offload }: Scene, attributes: object): Promise<void> {
  const { key } = offload.servedKey(EC_LABEL);
  await offload.mock.asKeyGeneration('PATCH', new URL(key.id).pathname, { attributes });
}

/** Identities, tokens, roles, and the validity of the key. */
export const IDENTITY_FAULTS: readonly Fault[] = [
  {
    name: 'token endpoint down while the token is valid',
    what: 'Entra ID answers with 503 while the token is valid',
    lastsMs: { whole: 30_000, short: 1000 },
    strike: noTokens({ status: 503 }, false),
    bound: UNNOTICED,
    log: undefined,
  },
  {
    name: 'token endpoint down and no token valid',
    what: 'Entra ID answers with 503 when a token is needed',
    lastsMs: { whole: 30_000, short: 2000 },
    strike: noTokens({ status: 503 }, true),
    bound: AT_ONCE,
    log: /answered 503 instead of a token/,
  },
  {
    name: 'token endpoint silent and no token valid',
    what: 'Entra ID does not answer when a token is needed',
    lastsMs: { whole: 30_000, short: 9500 },
    strike: noTokens({ silent: true }, true),
    bound: { ...AT_ONCE, wait: 'deadline' },
    log: /did not answer in time/,
  },
  {
    name: 'worker replaced while no token is valid',
    what: 'Entra ID answers with 503, no token is valid, and a worker is replaced',
    lastsMs: { whole: 15_000, short: 2000 },
    strike: replaceWorkerWithoutToken,
    bound: { ...AT_ONCE, established: 'end with their worker' },
    log: /answered 503 instead of a token/,
  },
  {
    name: 'tokens expire',
    what: 'tokens live 3 s',
    lastsMs: { whole: 30_000, short: 4000 },
    strike: async (scene): Promise<Struck> => {
      await replaceTokens(scene, 3);
      return { end: () => replaceTokens(scene) };
    },
    bound: UNNOTICED,
    log: undefined,
  },
  {
    name: 'secret rotated',
    what: 'a new secret, an upgrade of nginx (USR2) with it, the old secret removed',
    strike: rotateSecret,
    bound: { ...UNNOTICED, established: 'end with their worker' },
    log: /changing binary/,
  },
  {
    name: 'secret removed',
    what: 'the secret is removed though the server uses it, and put back',
    lastsMs: { whole: 10_000, short: 1500 },
    strike: removeSecret,
    bound: AT_ONCE,
    log: /refused a token to client .*AADSTS7000215/,
  },
  {
    name: 'clock jumps ahead',
    what: 'the clock of the HSM jumps ahead of this host by a day',
    strike: async ({ offload: { mock } }) => {
      await mock.control('POST', 'clock', { advance: '1d' });
      return {};
    },
    bound: UNNOTICED,
    log: undefined,
  },
  {
    name: 'clock jumps back',
    what: 'the clock of the HSM jumps back by a day',
    strike: async ({ offload: { mock } }) => {
      await mock.control('POST', 'clock', { advance: '-1d' });
      return {};
    },
    bound: UNNOTICED,
    log: undefined,
  },
  {
    name: 'key disabled',
    what: 'the key is disabled, and enabled again',
    lastsMs: { whole: 10_000, short: 1000 },
    strike: async (scene): Promise<Struck> => {
      await changeKey(scene, { enabled: false });
      return { end: () => changeKey(scene, { enabled: true }) };
    },
    bound: AT_ONCE,
    log: /refused.* with 403/,
  },
  {
    name: 'key expired',
    what: 'the key expires, and gets a later date',
    lastsMs: { whole: 10_000, short: 1000 },
    strike: async (scene): Promise<Struck> => {
      const nowS = Math.floor(Date.now() / 1000);
      await changeKey(scene, { exp: nowS - DAY_S });
      return { end: () => changeKey(scene, { exp: nowS + DAY_S }) };
    },
    bound: AT_ONCE,
    log: /refused.* with 403/,
  },
  {
    name: 'key rotated',
    what: 'the key gets a new version; the certificate in use is of the old one',
    strike: async ({ offload }) => {
      const { key } = offload.servedKey(EC_LABEL);
      await offload.mock.asKeyGeneration('POST', `/keys/${key.name}/rotate`, {});
      return {};
    },
    bound: UNNOTICED,
    log: undefined,
  },
  {
    name: 'role removed',
    what: 'the role to sign with the key is removed, and given back',
    lastsMs: { whole: 10_000, short: 1000 },
    strike: async ({ offload }): Promise<Struck> => {
      const { key, assignment } = offload.servedKey(EC_LABEL);
      await offload.mock.removeAssignment(`/keys/${key.name}`, assignment);
      const end = async () => {
        await offload.grantUse(key);
      };
      return { end };
    },
    bound: AT_ONCE,
    log: /refused.* with 403/,
  },
];
