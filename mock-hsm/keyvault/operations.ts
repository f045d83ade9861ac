// One row per operation on keys: its routes, its data action, and the scope the action is checked at.
import type { Guard } from '../traffic/call.ts';
import { introduced } from './api-versions.ts';

export interface OperationRow extends Guard {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly paths: readonly string[];
}

/** The path of an operation on a version, and the same on the newest version. */
const onVersion = (tail: string) => [`/keys/:name/:version/${tail}`, `/keys/:name/${tail}`];

export const operations = {
  create: { method: 'POST', paths: ['/keys/:name/create'], action: 'keys/create', scope: 'key' },
  import: { method: 'PUT', paths: ['/keys/:name'], action: 'keys/import/action', scope: 'key' },
  get: { method: 'GET', paths: ['/keys/:name', '/keys/:name/:version'], action: 'keys/read/action', scope: 'key' },
  list: { method: 'GET', paths: ['/keys'], action: 'keys/read/action', scope: 'keys', isPaged: true },
  listVersions: {
    method: 'GET',
    paths: ['/keys/:name/versions'],
    action: 'keys/read/action',
    scope: 'key',
    isPaged: true,
  },
  update: {
    method: 'PATCH',
    paths: ['/keys/:name', '/keys/:name/:version'],
    action: 'keys/write/action',
    scope: 'key',
  },
  delete: { method: 'DELETE', paths: ['/keys/:name'], action: 'keys/delete', scope: 'key' },
  listDeleted: {
    method: 'GET',
    paths: ['/deletedkeys'],
    action: 'keys/deletedKeys/read/action',
    scope: 'keys',
    isPaged: true,
  },
  getDeleted: { method: 'GET', paths: ['/deletedkeys/:name'], action: 'keys/deletedKeys/read/action', scope: 'key' },
  recover: {
    method: 'POST',
    paths: ['/deletedkeys/:name/recover'],
    action: 'keys/deletedKeys/recover/action',
    scope: 'key',
  },
  purge: { method: 'DELETE', paths: ['/deletedkeys/:name'], action: 'keys/deletedKeys/delete', scope: 'key' },
  backup: { method: 'POST', paths: ['/keys/:name/backup'], action: 'keys/backup/action', scope: 'key' },
  restore: { method: 'POST', paths: ['/keys/restore'], action: 'keys/restore/action', scope: 'keys' },
  rotate: {
    method: 'POST',
    paths: ['/keys/:name/rotate'],
    action: 'keys/rotate/action',
    scope: 'key',
    since: introduced.rotation,
  },
  getRotationPolicy: {
    method: 'GET',
    paths: ['/keys/:name/rotationpolicy'],
    action: 'keys/read/action',
    scope: 'key',
    since: introduced.rotation,
  },
  updateRotationPolicy: {
    method: 'PUT',
    paths: ['/keys/:name/rotationpolicy'],
    action: 'keys/write/action',
    scope: 'key',
    since: introduced.rotation,
  },
  sign: { method: 'POST', paths: onVersion('sign'), action: 'keys/sign/action', scope: 'key' },
  verify: { method: 'POST', paths: onVersion('verify'), action: 'keys/verify/action', scope: 'key' },
  encrypt: { method: 'POST', paths: onVersion('encrypt'), action: 'keys/encrypt/action', scope: 'key' },
  decrypt: { method: 'POST', paths: onVersion('decrypt'), action: 'keys/decrypt/action', scope: 'key' },
  wrapKey: { method: 'POST', paths: onVersion('wrapkey'), action: 'keys/wrap/action', scope: 'key' },
  unwrapKey: { method: 'POST', paths: onVersion('unwrapkey'), action: 'keys/unwrap/action', scope: 'key' },
  release: {
    method: 'POST',
    paths: onVersion('release'),
    action: 'keys/release/action',
    scope: 'key',
    since: introduced.release,
  },
  attestation: {
    method: 'GET',
    paths: onVersion('attestation'),
    action: 'keys/read/action',
    scope: 'key',
    since: introduced.attestation,
  },
  rng: { method: 'POST', paths: ['/rng'], action: 'rng/action', scope: 'pool', since: introduced.random },
} as const satisfies Record<string, OperationRow>;

export type KeyOperation = keyof typeof operations;
