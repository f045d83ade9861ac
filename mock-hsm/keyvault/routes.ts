// HTTP of the key operations: reads bodies, calls the key service, shapes answers.
import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { keyTypeOf } from '../profile/key-type.ts';
import type { Service } from '../service.ts';
import { originOf, queryValue } from '../traffic/admission.ts';
import type { App } from '../traffic/call.ts';
import { type BundleContext, deletedKeyBundle, deletedKeyItem, keyBundle, keyItem, kidOf } from './bundles.ts';
import { addDuration } from './durations.ts';
import { type Key, type KeyVersion, newestOf, type RotationPolicy } from './key-model.ts';
import { type KeyOperation, type OperationRow, operations } from './operations.ts';
import { pageOf, readPageRequest } from './paging.ts';
import * as requests from './requests.ts';
import { encryptionAlgorithmFor, type KeyUse, signatureAlgorithmFor } from './use-policy.ts';

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** Adds one route per path of the operations table. */
export function keyRoutes(app: App, service: Service): void {
  const handlers: Record<KeyOperation, Handler> = {
    ...keyHandlers(service),
    ...deletedKeyHandlers(service),
    ...rotationHandlers(service),
    ...cryptoHandlers(service),
  };
  for (const [operation, row] of Object.entries(operations) as [KeyOperation, OperationRow][]) {
    const { method, paths, action, scope } = row;
    for (const url of paths) {
      app.route({ method, url, config: { operation, guard: { action, scope } }, handler: handlers[operation] });
    }
  }
}

function keyHandlers(service: Service) {
  const { keys } = service;
  const context = contextOf(service);
  return {
    create: async (request) => {
      const made = await keys.create(nameOf(request), requests.readBody(requests.keyCreateBody, request.body));
      return keyBundle(context(request), noted(request, made));
    },
    import: (request) => {
      const made = keys.import(nameOf(request), requests.readBody(requests.keyImportBody, request.body));
      return keyBundle(context(request), noted(request, made));
    },
    get: (request) => keyBundle(context(request), versionOf(service, request)),
    list: (request) =>
      listAnswer(service, request, '/keys', (after, count) => keys.ring.pageLive(after, count), {
        nameOf: (key: Key) => key.name.toLowerCase(),
        itemOf: (key: Key) => keyItem(context(request), newestOf(key), false),
      }),
    listVersions: (request) => {
      const { name, versions } = keys.ring.live(nameOf(request));
      const following = (after: string, count: number) => {
        const start = versions.findIndex(({ version }) => version === after) + 1;
        return versions.slice(start, start + count);
      };
      return listAnswer(service, request, `/keys/${name}/versions`, following, {
        nameOf: (version: KeyVersion) => version.version,
        itemOf: (version: KeyVersion) => keyItem(context(request), version, true),
      });
    },
    update: (request) => {
      const body = requests.readBody(requests.keyUpdateBody, request.body);
      return keyBundle(context(request), noted(request, keys.update(nameOf(request), versionParam(request), body)));
    },
    delete: (request) => deletedKeyBundle(context(request), keys.delete(nameOf(request))),
    backup: (request) => ({ value: keys.backup(nameOf(request)) }),
    restore: (request) => {
      const key = keys.restore(requests.readBody(requests.restoreBody, request.body).value);
      return keyBundle(context(request), noted(request, newestOf(key)));
    },
    rng: (request) => {
      const { count } = requests.readBody(requests.randomBody, request.body);
      return { value: randomBytes(count).toString('base64url') };
    },
  } satisfies Partial<Record<KeyOperation, Handler>>;
}

function deletedKeyHandlers(service: Service) {
  const { keys } = service;
  const context = contextOf(service);
  return {
    listDeleted: (request) =>
      listAnswer(service, request, '/deletedkeys', (after, count) => keys.ring.pageDeleted(after, count), {
        nameOf: (key) => key.name.toLowerCase(),
        itemOf: (key) => deletedKeyItem(context(request), key),
      }),
    getDeleted: (request) => deletedKeyBundle(context(request), keys.ring.deleted(nameOf(request))),
    recover: (request) => keyBundle(context(request), newestOf(keys.ring.recover(nameOf(request)))),
    purge: (request, reply) => {
      keys.purge(nameOf(request));
      reply.code(204);
      return '';
    },
  } satisfies Partial<Record<KeyOperation, Handler>>;
}

function rotationHandlers(service: Service) {
  const { keys } = service;
  const policyBody = (request: FastifyRequest, name: string, policy: RotationPolicy | undefined) => ({
    id: `${originOf(request, service)}/keys/${name}/rotationpolicy`,
    ...(policy ?? { attributes: {}, lifetimeActions: [] }),
  });
  return {
    rotate: async (request) => {
      const made = await keys.rotate(nameOf(request));
      return keyBundle(contextOf(service)(request), noted(request, made));
    },
    getRotationPolicy: (request) => {
      const { name, rotationPolicy } = keys.ring.live(nameOf(request));
      return policyBody(request, name, rotationPolicy);
    },
    updateRotationPolicy: (request) => {
      const body = requests.readBody(requests.rotationPolicyBody, request.body);
      const { name, rotationPolicy } = keys.ring.live(nameOf(request));
      const nowS = service.clock.nowS();
      const expiryTime = body.attributes?.expiryTime;
      if (expiryTime != null) addDuration(nowS, expiryTime);
      const created = rotationPolicy?.attributes.created ?? nowS;
      const attributes = { ...(expiryTime == null ? {} : { expiryTime }), created, updated: nowS };
      const policy: RotationPolicy = { attributes, lifetimeActions: body.lifetimeActions ?? [] };
      keys.ring.setRotationPolicy(name, policy);
      return policyBody(request, name, policy);
    },
  } satisfies Partial<Record<KeyOperation, Handler>>;
}

function cryptoHandlers(service: Service) {
  const { keys, metrics } = service;
  const context = contextOf(service);
  const cipher =
    (use: KeyUse, operation: 'encrypt' | 'decrypt'): Handler =>
    async (request) => {
      const body = requests.readBody(requests.cipherBody, request.body);
      const key = versionOf(service, request);
      request.call.algorithm = body.alg;
      encryptionAlgorithmFor(key.material, body.alg, use, body);
      const [iv, aad, tag] = [body.iv ?? undefined, body.aad ?? undefined, body.tag ?? undefined];
      const result = await keys.use(key, use, { operation, algorithm: body.alg, value: body.value, iv, aad, tag });
      return {
        ...(operation === 'encrypt' && result.iv !== undefined ? { aad: aad?.toString('base64url') } : {}),
        alg: body.alg,
        ...(result.iv === undefined ? {} : { iv: result.iv.toString('base64url') }),
        kid: kidOf(context(request), key),
        ...(result.tag === undefined ? {} : { tag: result.tag.toString('base64url') }),
        value: result.value?.toString('base64url'),
      };
    };
  return {
    sign: async (request) => {
      const { alg, value } = requests.readBody(requests.signBody, request.body);
      const key = versionOf(service, request);
      request.call.algorithm = alg;
      signatureAlgorithmFor(key.material, alg, value);
      const result = await keys.use(key, 'sign', { operation: 'sign', algorithm: alg, value });
      metrics.countSign(key.name, key.version, alg);
      return { alg, kid: kidOf(context(request), key), value: result.value?.toString('base64url') };
    },
    verify: async (request) => {
      const { alg, digest, value: signature } = requests.readBody(requests.verifyBody, request.body);
      const key = versionOf(service, request);
      request.call.algorithm = alg;
      signatureAlgorithmFor(key.material, alg, digest);
      const result = await keys.use(key, 'verify', { operation: 'verify', algorithm: alg, value: digest, signature });
      return { value: result.verified === true };
    },
    encrypt: cipher('encrypt', 'encrypt'),
    decrypt: cipher('decrypt', 'decrypt'),
    wrapKey: cipher('wrapKey', 'encrypt'),
    unwrapKey: cipher('unwrapKey', 'decrypt'),
  } satisfies Partial<Record<KeyOperation, Handler>>;
}

interface ListForm<Element> {
  nameOf(element: Element): string;
  itemOf(element: Element): unknown;
}

function listAnswer<Element>(
  service: Service,
  request: FastifyRequest,
  path: string,
  following: (after: string, count: number) => Element[],
  { nameOf, itemOf }: ListForm<Element>,
) {
  const page = readPageRequest(request.query as Record<string, unknown>);
  const url = `${originOf(request, service)}${path}`;
  const found = following(page.after, page.count + 1);
  const { elements, nextLink } = pageOf(found, page, url, queryValue(request, 'api-version') ?? '', nameOf);
  return { ...(nextLink === undefined ? {} : { nextLink }), value: elements.map(itemOf) };
}

function contextOf(service: Service): (request: FastifyRequest) => BundleContext {
  const { retentionDays, purgeProtection } = service.keys.pool;
  const recoverableDays = retentionDays;
  const recoveryLevel = `${retentionDays === 90 ? '' : 'Customized'}Recoverable${purgeProtection ? '' : '+Purgeable'}`;
  return (request) => ({ origin: originOf(request, service), recoverableDays, recoveryLevel });
}

const nameOf = (request: FastifyRequest) => (request.params as { name: string }).name;

const versionParam = (request: FastifyRequest) => (request.params as { version?: string }).version;

function versionOf(service: Service, request: FastifyRequest): KeyVersion {
  return noted(request, service.keys.ring.version(nameOf(request), versionParam(request)?.toLowerCase()));
}

/** Notes for the request log which version was meant. */
function noted(request: FastifyRequest, version: KeyVersion): KeyVersion {
  request.call.key = version.name;
  request.call.version = version.version;
  request.call.keyType = keyTypeOf(version.material);
  return version;
}
