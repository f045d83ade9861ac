// Handlers of the calls that compute with a key. Existence of the key comes before the form of the body, as in all calls
// on a key: who may use it learns first that it is not there.

import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { readBody } from '../http/read-body.ts';
import type { Service } from '../service.ts';
import { badParameter } from '../service-error.ts';
import { apiVersionOf, contextOf, type Handler, versionOf } from './answers.ts';
import { alphabetical, keyBundle, kidOf } from './bundles.ts';
import type { KeyVersion } from './key-model.ts';
import type { KeyOperation } from './operations.ts';
import * as requests from './requests.ts';
import { encryptionAlgorithmFor, type KeyUse, signatureAlgorithmFor } from './use-policy.ts';

const maxRandomBytes = 128;

const badRandomCount = () =>
  badParameter(`GetRandomBytesRequest: count cannot be greater than ${maxRandomBytes} or less than 1`);

export function cryptoHandlers(service: Service) {
  const { keys, metrics } = service;
  const kid = (request: FastifyRequest, key: KeyVersion) => kidOf(contextOf(service, request), key);
  const cipher =
    (use: KeyUse, operation: 'encrypt' | 'decrypt'): Handler =>
    async (request) => {
      const key = versionOf(service, request);
      const body = readBody(requests.cipherBody, request.body);
      request.call.algorithm = body.alg;
      encryptionAlgorithmFor(key.material, body.alg, use, body);
      const [iv, aad, tag] = [body.iv ?? undefined, body.aad ?? undefined, body.tag ?? undefined];
      const result = await keys.use(key, use, { operation, algorithm: body.alg, value: body.value, iv, aad, tag });
      return {
        ...(operation === 'encrypt' && result.iv !== undefined ? { aad: aad?.toString('base64url') } : {}),
        alg: body.alg,
        ...(result.iv === undefined ? {} : { iv: result.iv.toString('base64url') }),
        kid: kid(request, key),
        ...(result.tag === undefined ? {} : { tag: result.tag.toString('base64url') }),
        value: result.value?.toString('base64url'),
      };
    };
  return {
    sign: async (request) => {
      const key = versionOf(service, request);
      const { alg, value } = readBody(requests.signBody, request.body);
      request.call.algorithm = alg;
      signatureAlgorithmFor(key.material, alg, value, apiVersionOf(request));
      const result = await keys.use(key, 'sign', { operation: 'sign', algorithm: alg, value });
      metrics.countSign(key.name, key.version, alg);
      return { alg, kid: kid(request, key), value: result.value?.toString('base64url') };
    },
    verify: async (request) => {
      const key = versionOf(service, request);
      const { alg, digest, value: signature } = readBody(requests.verifyBody, request.body);
      request.call.algorithm = alg;
      signatureAlgorithmFor(key.material, alg, digest, apiVersionOf(request));
      const result = await keys.use(key, 'verify', { operation: 'verify', algorithm: alg, value: digest, signature });
      return { alg, kid: kid(request, key), value: result.verified === true };
    },
    encrypt: cipher('encrypt', 'encrypt'),
    decrypt: cipher('decrypt', 'decrypt'),
    wrapKey: cipher('wrapKey', 'encrypt'),
    unwrapKey: cipher('unwrapKey', 'decrypt'),
    rng: (request) => {
      const { count } = readBody(requests.randomBody, request.body);
      if (count < 1 || count > maxRandomBytes) throw badRandomCount();
      return { value: randomBytes(count).toString('base64url') };
    },
  } satisfies Partial<Record<KeyOperation, Handler>>;
}

/** The id of the key as the path names it: without a version when it names none. */
function askedId(service: Service, request: FastifyRequest): string {
  const { name, version } = request.params as { name: string; version?: string };
  return `${contextOf(service, request).origin}/keys/${name}${version === undefined ? '' : `/${version}`}`;
}

/** Handlers of the calls that vouch for a key, or let it out. */
export function releaseHandlers(service: Service) {
  const { keys, releases } = service;
  return {
    release: async (request) => {
      const key = versionOf(service, request);
      const body = readBody(requests.releaseBody, request.body);
      return { value: await releases.release(key, keys, body, contextOf(service, request), askedId(service, request)) };
    },
    attestation: async (request) => {
      const key = versionOf(service, request);
      const context = contextOf(service, request);
      const bundle = keyBundle(context, key);
      const attestation = await releases.attest(key, kidOf(context, key));
      return { ...bundle, attributes: alphabetical({ ...bundle.attributes, attestation }) };
    },
  } satisfies Partial<Record<KeyOperation, Handler>>;
}
