// Keys as the page shows them: no material, not even the public half.
import { type Key, type KeyVersion, newestOf, type RotationPolicy } from '../keyvault/key-model.ts';
import type { KeyAnswer, KeyRow, KeysAnswer, VersionView } from './api.ts';
import { pkcs11Attributes, pkcs11Label } from './pkcs11-tags.ts';

const maxRows = 200;

/** Keys whose name, label, type, state or tags hold every word of the search, by name. */
export function keysAnswer(keys: Iterable<Key>, search: string): KeysAnswer {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const all = [...keys];
  const found = all.filter((key) => {
    const text = searchable(key);
    return words.every((word) => text.includes(word));
  });
  const shown = found.sort((a, b) => a.name.localeCompare(b.name)).slice(0, maxRows);
  return { keys: shown.map(keyRow), matching: found.length, all: all.length };
}

function searchable(key: Key): string {
  const newest = newestOf(key);
  const state = [key.deletion === undefined ? 'live' : 'deleted', newest.enabled ? 'enabled' : 'disabled'];
  return [key.name, typeOf(newest), ...state, ...Object.entries(newest.tags).flat()].join('\n').toLowerCase();
}

export function keyAnswer(key: Key): KeyAnswer {
  return {
    ...keyRow(key),
    history: key.versions.toReversed().map(versionView),
    ...(key.rotationPolicy === undefined ? {} : { rotation: rotationText(key.rotationPolicy) }),
  };
}

function keyRow(key: Key): KeyRow {
  const newest = newestOf(key);
  const { enabled, nbf, exp, created, tags } = newest;
  const label = pkcs11Label(tags);
  return {
    name: key.name,
    ...(label === undefined ? {} : { label }),
    type: typeOf(newest),
    versions: key.versions.length,
    enabled,
    ...validity({ nbf, exp }),
    created,
    ...(key.deletion === undefined ? {} : { scheduledPurgeDate: key.deletion.scheduledPurgeDate }),
    damaged: pkcs11Attributes(tags).filter(({ damage }) => damage !== undefined).length,
  };
}

function versionView(version: KeyVersion): VersionView {
  const { keyOps, enabled, nbf, exp, created, updated, exportable, tags } = version;
  const type = typeOf(version);
  return {
    version: version.version,
    ...{ type, keyOps, enabled, created, updated, exportable, tags },
    ...validity({ nbf, exp }),
    pkcs11: pkcs11Attributes(tags),
  };
}

function validity({ nbf, exp }: { nbf: number | undefined; exp: number | undefined }) {
  return { ...(nbf === undefined ? {} : { nbf }), ...(exp === undefined ? {} : { exp }) };
}

const families = { 'RSA-HSM': 'RSA', 'EC-HSM': 'EC', 'oct-HSM': 'AES' };

function typeOf({ material }: KeyVersion): string {
  return `${families[material.kty]} ${material.crv ?? material.bits ?? ''}`.trim();
}

function rotationText({ lifetimeActions, attributes }: RotationPolicy): string {
  const rotations = lifetimeActions.map(({ trigger }) =>
    'timeAfterCreate' in trigger
      ? `rotates ${trigger.timeAfterCreate} after creation`
      : `rotates ${trigger.timeBeforeExpiry} before expiry`,
  );
  const expiry = attributes.expiryTime === undefined ? [] : [`new versions expire after ${attributes.expiryTime}`];
  return [...rotations, ...expiry].join(', ') || 'no action';
}
