import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** What docker-compose.yml says of how a service may run. */
export interface ComposeService {
  readonly image: string;
  readonly read_only?: boolean;
  /** Paths, each with its options behind a colon where it has some. */
  readonly tmpfs?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

/** The same as the engine's API names it. */
export interface Confinement {
  readonly ReadonlyRootfs: boolean;
  readonly Tmpfs: Record<string, string>;
  readonly CapAdd: string[];
  readonly CapDrop: string[];
  readonly SecurityOpt: string[];
}

/** A service of the checkout's docker-compose.yml. Throws when it has none of this name. */
export function composeService(name: string): ComposeService {
  const file = join(import.meta.dirname, '../docker-compose.yml');
  const { services } = parse(readFileSync(file, 'utf8')) as { services: Record<string, ComposeService> };
  const service = services[name];
  if (service === undefined) throw new Error(`${file} has no service ${name}`);
  return service;
}

function mountOf(text: string): [path: string, options: string] {
  const [path = '', ...options] = text.split(':');
  return [path, options.join(':')];
}

export function confinementOf(service: ComposeService): Confinement {
  const { read_only = false, tmpfs = [], cap_add = [], cap_drop = [], security_opt = [] } = service;
  return {
    ReadonlyRootfs: read_only,
    Tmpfs: Object.fromEntries(tmpfs.map(mountOf)),
    CapAdd: [...cap_add],
    CapDrop: [...cap_drop],
    SecurityOpt: [...security_opt],
  };
}
