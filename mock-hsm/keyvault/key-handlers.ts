// Handlers of the calls on live and deleted keys: reads bodies, calls the key service, shapes answers.

import type { FastifyRequest } from 'fastify';
import { readBody } from '../http/read-body.ts';
import type { Service } from '../service.ts';
import { keyToRotateNotFound } from '../service-error.ts';
import { contextOf, type Handler, listAnswer, nameOf, noted, versionOf } from './answers.ts';
import { deletedKeyBundle, deletedKeyItem, keyBundle, keyItem } from './bundles.ts';
import { type Key, type KeyVersion, newestOf } from './key-model.ts';
import type { KeyOperation } from './operations.ts';
import * as requests from './requests.ts';
import { readRotationPolicy, rotationPolicyAnswer } from './rotation-policy.ts';

export function keyHandlers(service: Service) {
  const { keys, keyBackups } = service;
  const bundle = (request: FastifyRequest, version: KeyVersion) =>
    keyBundle(contextOf(service, request), noted(request, version));
  return {
    create: async (request) => {
      const body = readBody(requests.keyCreateBody, request.body);
      return bundle(request, await keys.create(nameOf(request), body));
    },
    import: (request) => {
      const body = readBody(requests.keyImportBody, request.body);
      return bundle(request, keys.import(nameOf(request), body));
    },
    get: (request) => bundle(request, versionOf(service, request)),
    list: (request) =>
      listAnswer(service, request, {
        path: '/keys',
        following: (after, count) => keys.ring.pageLive(after, count),
        nameOf: (key: Key) => key.name.toLowerCase(),
        itemOf: (context, key) => keyItem(context, newestOf(key), false),
      }),
    listVersions: (request) => {
      const name = nameOf(request);
      const versions = keys.ring.liveVersions(name);
      return listAnswer(service, request, {
        path: `/keys/${name}/versions`,
        following: (after, count) => {
          const start = versions.findIndex(({ version }) => version === after) + 1;
          return versions.slice(start, start + count);
        },
        nameOf: (version: KeyVersion) => version.version,
        itemOf: (context, version) => keyItem(context, version, true),
      });
    },
    update: (request) => {
      const { name, version } = versionOf(service, request);
      const body = readBody(requests.keyUpdateBody, request.body);
      return bundle(request, keys.update(name, version, body));
    },
    delete: (request) => deletedKeyBundle(contextOf(service, request), keys.delete(nameOf(request))),
    backup: (request) => ({ value: keyBackups.backup(nameOf(request)) }),
    restore: (request) => {
      const { value } = readBody(requests.restoreBody, request.body);
      return bundle(request, newestOf(keyBackups.restore(value)));
    },
  } satisfies Partial<Record<KeyOperation, Handler>>;
}

export function deletedKeyHandlers(service: Service) {
  const { keys } = service;
  return {
    listDeleted: (request) =>
      listAnswer(service, request, {
        path: '/deletedkeys',
        following: (after, count) => keys.ring.pageDeleted(after, count),
        nameOf: (key) => key.name.toLowerCase(),
        itemOf: deletedKeyItem,
      }),
    getDeleted: (request) => deletedKeyBundle(contextOf(service, request), keys.ring.deleted(nameOf(request))),
    recover: (request) => keyBundle(contextOf(service, request), newestOf(keys.ring.recover(nameOf(request)))),
    purge: (request, reply) => {
      keys.purge(nameOf(request));
      reply.code(204);
      return '';
    },
  } satisfies Partial<Record<KeyOperation, Handler>>;
}

export function rotationHandlers(service: Service) {
  const { keys } = service;
  const idOf = (request: FastifyRequest, name: string) =>
    `${contextOf(service, request).origin}/keys/${name}/rotationpolicy`;
  return {
    rotate: async (request) => {
      const name = nameOf(request);
      if (keys.ring.find(name) === undefined) throw keyToRotateNotFound(name);
      const made = await keys.rotate(name);
      return keyBundle(contextOf(service, request), noted(request, made));
    },
    getRotationPolicy: (request) => {
      const { name, rotationPolicy } = keys.ring.live(nameOf(request));
      return rotationPolicyAnswer(idOf(request, name), rotationPolicy);
    },
    updateRotationPolicy: (request) => {
      const { name, rotationPolicy } = keys.ring.live(nameOf(request));
      const body = readBody(requests.rotationPolicyBody, request.body);
      const policy = readRotationPolicy(body, rotationPolicy, service.clock.nowS());
      keys.ring.setRotationPolicy(name, policy);
      return rotationPolicyAnswer(idOf(request, name), policy);
    },
  } satisfies Partial<Record<KeyOperation, Handler>>;
}
