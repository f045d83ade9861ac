// A pool that was not started for the tests: its principals, and what keeps it as it was found.

import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import {
  AzureCliCredential,
  ClientSecretCredential,
  EnvironmentCredential,
  type TokenCredential,
} from '@azure/identity';
import { decodeJwt } from 'jose';
import type { AnswerBody, ListBody } from './answer-body.ts';
import { role } from './built-in-role.ts';
import { OwnNames } from './own-names.ts';
import type { Answer, KnownPool, PoolConnection } from './pool-connection.ts';

/** An answer about a key, as all of them are that have a `key`. */
const isOfKey = (body: unknown): body is Pick<AnswerBody, 'key'> =>
  typeof body === 'object' && body !== null && 'key' in body;

const rolePath = /\/providers\/Microsoft\.Authorization\/(roleDefinitions|roleAssignments)\/([^/]+)$/i;
const keyName = /^[0-9a-zA-Z-]{1,127}$/;

/** Whether two paths end with the same kind and GUID, at whichever scope. */
const namesSameRole = (one: string, other: string) =>
  rolePath.exec(one)?.[0].toLowerCase() === rolePath.exec(other)?.[0].toLowerCase();

/** Seconds that a change of roles takes to reach the whole pool. */
const settleS = Number(process.env.MHSM_CONTRACT_SETTLE_S ?? 5);

export class RealPool {
  readonly hsm: KnownPool;
  readonly #credentials: ReadonlyMap<string, TokenCredential>;
  readonly #scope: string;
  readonly #names = new OwnNames(`ct-${process.env.MHSM_CONTRACT_RUN ?? ''}${randomBytes(3).toString('hex')}-`);
  readonly #keys = new Set<string>();
  /** Paths of role definitions and assignments of this run. */
  readonly #roles = new Set<string>();

  private constructor(hsm: KnownPool, credentials: ReadonlyMap<string, TokenCredential>, scope: string) {
    this.hsm = hsm;
    this.#credentials = credentials;
    this.#scope = scope;
  }

  /** Signs in as administrator and as client. Throws an error that names the variable to set. */
  static async signIn(url: string): Promise<RealPool> {
    const { scope, tenantId } = await challengeOf(url);
    const credentials = new Map([
      ['admin', administrator(tenantId)],
      ['client', client()],
    ]);
    const principal = async (name: string) => {
      const token = await tokenOf(credentials.get(name), name, scope);
      const { oid, appid, azp } = decodeJwt<{ oid: string; appid?: string; azp?: string }>(token);
      return { name, objectId: oid, clientId: appid ?? azp ?? '', clientSecret: '' };
    };
    const [admin, member] = await Promise.all([principal('admin'), principal('client')]);
    const facts = { url, caPem: '', tenantId, principals: {}, close: async () => {} };
    return new RealPool({ ...facts, admin, client: member }, credentials, scope);
  }

  /** Throws when the client has roles that no test gave it: tests of refusals would tell nothing. */
  async assertClientHasNoRole(pool: PoolConnection): Promise<void> {
    const { objectId } = this.hsm.client;
    const filter = encodeURIComponent(`principalId eq '${objectId}'`);
    const path = `/providers/Microsoft.Authorization/roleAssignments?api-version=7.4&$filter=${filter}`;
    const { status, body } = await pool.asAdmin<ListBody>('GET', path);
    if (status !== 200) throw new Error(`the administrator cannot list role assignments: ${JSON.stringify(body)}`);
    const names = body.value.map(({ name }) => name);
    if (names.length > 0)
      throw new Error(`client ${objectId} has role assignments; delete them first: ${names.join(' ')}`);
  }

  /** @param scope the pool's own when absent */
  token(name: string, scope = this.#scope): Promise<string> {
    return tokenOf(this.#credentials.get(name), name, scope);
  }

  /** The path to send. Throws when the request would touch what is not of this run. */
  async outgoing(method: string, path: string, pool: PoolConnection): Promise<string> {
    const { pathname, search } = new URL(`${this.hsm.url}${path}`);
    if (/^\/mock(\/|$)/i.test(pathname)) throw new Error(`${pathname} is the mock's own: tag the test 'mock-routes'`);
    if (method !== 'GET') await this.#assertOwn(method, pathname, pool);
    return `${this.#names.outgoing(pathname)}${search}`;
  }

  incoming(body: string): string {
    return this.#names.incoming(body);
  }

  /** Notes what a request has made or removed. */
  async noted(method: string, path: string, { status, body }: Answer<unknown>): Promise<void> {
    const { pathname } = new URL(`${this.hsm.url}${path}`);
    if (/^\/+keys\/+restore$/i.test(pathname) && status === 200 && isOfKey(body))
      this.#keys.add(body.key.kid.split('/')[4] ?? '');
    if (status >= 300 || method === 'GET' || !rolePath.test(pathname)) return;
    if (method === 'PUT') this.#roles.add(pathname);
    else for (const each of this.#roles) if (namesSameRole(each, pathname)) this.#roles.delete(each);
    await setTimeout(settleS * 1000);
  }

  /** Removes the keys, role assignments and role definitions of this run. */
  async cleanUp(pool: PoolConnection): Promise<void> {
    if (this.#keys.size > 0) for (const each of [role.cryptoUser, role.cryptoOfficer]) await pool.assign(each, '/');
    for (const name of this.#keys) {
      await pool.call('DELETE', `/keys/${name}`);
      await purged(name, pool);
    }
    // Assignments first: a definition that is in use stays.
    const paths = [...this.#roles].sort(
      (a, b) => Number(/roleDefinitions/i.test(a)) - Number(/roleDefinitions/i.test(b)),
    );
    for (const path of paths) await pool.asAdmin('DELETE', path);
  }

  async #assertOwn(method: string, pathname: string, pool: PoolConnection): Promise<void> {
    const name = this.#names.nameIn(pathname);
    const found = rolePath.exec(pathname);
    if (found !== null) {
      // An assignment can also be reached through the path of another scope.
      if ([...this.#roles].some((each) => namesSameRole(each, pathname))) return;
      if ((await pool.asAdmin('GET', pathname)).status === 404) return;
      throw new Error(`${method} ${pathname} would change a role that is not of this run: tag the test 'own-pool'`);
    }
    if (name !== undefined) {
      if (keyName.test(name)) this.#keys.add(name);
      return;
    }
    if (/^\/+(rng|keys\/+restore)$/i.test(pathname)) return;
    throw new Error(`${method} ${pathname} may change the whole pool: tag the test 'own-pool'`);
  }
}

async function purged(name: string, pool: PoolConnection): Promise<void> {
  for (let tries = 0; tries < 30; tries += 1) {
    const { status } = await pool.call('DELETE', `/deletedkeys/${name}`);
    // 409 while the key is still being deleted, 403 until the role is known everywhere.
    if (status !== 409 && status !== 403) return;
    await setTimeout(1000);
  }
}

/** What the pool says about itself to a caller without a token. */
async function challengeOf(url: string): Promise<{ scope: string; tenantId: string }> {
  const { headers } = await fetch(`${url}/keys?api-version=7.4`);
  const challenge = headers.get('www-authenticate') ?? '';
  const [authority, resource] = [/authorization="([^"]+)"/, /resource="([^"]+)"/].map(
    (each) => each.exec(challenge)?.[1],
  );
  if (authority === undefined || resource === undefined)
    throw new Error(`${url} is no Managed HSM: it sent no challenge`);
  return { scope: `${resource}/.default`, tenantId: new URL(authority).pathname.slice(1) };
}

// An authority that is not Microsoft's cannot be looked up at Microsoft.
const authorityOptions = () => ({ disableInstanceDiscovery: process.env.AZURE_AUTHORITY_HOST !== undefined });

function administrator(tenantId: string): TokenCredential {
  const { MHSM_ADMIN_CLIENT_ID: id, MHSM_ADMIN_CLIENT_SECRET: secret } = process.env;
  if (id === undefined || secret === undefined) return new AzureCliCredential({ tenantId });
  return new ClientSecretCredential(tenantId, id, secret, authorityOptions());
}

const client = (): TokenCredential => new EnvironmentCredential(authorityOptions());

const howToSignIn: Readonly<Record<string, string>> = {
  admin: 'set MHSM_ADMIN_CLIENT_ID and MHSM_ADMIN_CLIENT_SECRET, or run az login as an administrator of the pool',
  client: 'set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET of a service principal without roles',
};

async function tokenOf(credential: TokenCredential | undefined, name: string, scope: string): Promise<string> {
  if (credential === undefined) throw new Error(`a real pool has no principal ${name}: tag the test 'directory'`);
  const token = await credential.getToken(scope).catch((cause: unknown) => {
    throw new Error(`cannot sign in as ${name} (${String(cause)}): ${howToSignIn[name]}`, { cause });
  });
  if (token === null) throw new Error(`cannot sign in as ${name}: ${howToSignIn[name]}`);
  return token.token;
}
