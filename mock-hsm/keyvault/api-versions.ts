// The api-versions a client may name, oldest first: what a request may ask for depends on its place in this list.

/** Pools answer also the versions from before there were pools. */
const versions = [
  '2016-10-01',
  '7.0',
  '7.1',
  '7.2-preview',
  '7.2',
  '7.3-preview',
  '7.3',
  '7.4-preview.1',
  '7.4',
  '7.5-preview.1',
  '7.5',
  '7.6-preview.2',
  '7.6',
  '2025-06-01-preview',
  '2025-07-01',
  '2026-01-01-preview',
  '2026-03-01-preview',
  '2026-04-01',
  '2026-05-01-preview',
  '2026-07-01-preview',
] as const;

export type ApiVersion = (typeof versions)[number];

export const apiVersions: ReadonlySet<string> = new Set(versions);

const rank: ReadonlyMap<string, number> = new Map(versions.map((version, index) => [version, index]));

/** Whether `version` is `since` or newer. An unknown version is older than all. */
export function isAtLeast(version: string, since: ApiVersion): boolean {
  return (rank.get(version) ?? -1) >= (rank.get(since) ?? 0);
}

/** When a thing appeared that older versions do not know. */
export const introduced = {
  rotation: '7.3-preview',
  random: '7.3-preview',
  release: '7.3-preview',
  settings: '7.4-preview.1',
  backupChecks: '7.6-preview.2',
  attestation: '7.6-preview.2',
  hmac: '7.6-preview.2',
  keySize: '2026-03-01-preview',
} as const satisfies Record<string, ApiVersion>;
