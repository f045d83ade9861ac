// The options of `mock-hsm serve`: one row each, with the field of MockHsmOptions that it sets.
import { Option } from 'commander';
import type { MockHsmOptions } from '../options.ts';
import type { OptionRow } from './option-row.ts';
import { collect, objectId, variableName, whole } from './option-values.ts';
import { trafficOptions } from './traffic-options.ts';

const rows: readonly OptionRow[] = [
  {
    field: 'port',
    flags: '--port <number>',
    description: 'port to listen on; 0 takes a free one',
    group: 'Server',
    read: whole(0, 65_535),
    standard: '0',
  },
  {
    field: 'listen',
    flags: '--listen <address>',
    description: 'address to listen on',
    group: 'Server',
    read: String,
    standard: '127.0.0.1',
  },
  {
    field: 'dataDir',
    flags: '--data-dir <folder>',
    description: 'keeps everything there, and writes ca.pem and env',
    group: 'Server',
    read: String,
    standard: 'a temporary folder',
  },
  {
    field: 'hostnames',
    flags: '--hostname <name>',
    description: 'further name for the certificate, e.g. *.managedhsm.azure.net; repeatable',
    group: 'Server',
    read: collect,
  },
  {
    field: 'seedFile',
    flags: '--seed-file <file>',
    description: 'YAML or JSON file of principals, roles and keys that the mock is to hold',
    group: 'Identity',
    read: String,
  },
  {
    field: 'servicePrincipals',
    flags: '--service-principal <NAME>',
    description: 'adds a service principal without roles; repeatable',
    group: 'Identity',
    read: variableName,
  },
  {
    field: 'tokenLifetimeS',
    flags: '--token-lifetime <seconds>',
    description: 'life of access tokens for this run',
    group: 'Identity',
    read: whole(1, 86_400),
    standard: 'what a seed said last, else 3600',
  },
  {
    field: 'imdsPort',
    flags: '--imds-port <number>',
    description: 'port for managed identity (IMDS and App Service) over plain HTTP; 0 takes a free one',
    group: 'Identity',
    read: whole(0, 65_535),
    standard: 'none',
  },
  {
    field: 'imdsListen',
    flags: '--imds-listen <address>',
    description: 'address for it',
    group: 'Identity',
    read: String,
    standard: '127.0.0.1',
  },
  {
    field: 'retentionDays',
    flags: '--retention-days <days>',
    description: 'how long a deleted key can be recovered',
    group: 'Pool',
    read: whole(7, 90),
    standard: '90',
  },
  {
    field: 'purgeProtection',
    flags: '--purge-protection',
    description: 'nobody can purge a deleted key',
    group: 'Pool',
  },
  {
    field: 'activated',
    flags: '--no-activated',
    description: 'a new pool begins as one whose security domain nobody has downloaded',
    group: 'Pool',
  },
  {
    field: 'initialAdministrators',
    flags: '--initial-administrator <object id>',
    description: 'has the role Managed HSM Administrator, as the principal admin has; repeatable',
    group: 'Pool',
    read: objectId,
  },
  {
    field: 'propagationDelayMs',
    flags: '--propagation-delay <ms>',
    description: 'how long a change of roles takes to be felt',
    group: 'Pool',
    read: whole(0, 3_600_000),
    standard: '0',
  },
];

const options = [...rows, ...trafficOptions].map((row) => {
  const text = row.standard === undefined ? row.description : `${row.description} (default: ${row.standard})`;
  const option = new Option(row.flags, text).helpGroup(`${row.group}:`);
  if (row.read !== undefined) option.argParser(row.read as (text: string, before: unknown) => unknown);
  return { field: row.field, option };
});

/** For commander. */
export const serveOptions: readonly Option[] = options.map(({ option }) => option);

/** What the parsed flags say; fields of options that were not given are absent. */
export function hsmOptions(flags: Readonly<Record<string, unknown>>): MockHsmOptions {
  const given = options.filter(({ option }) => flags[option.attributeName()] !== undefined);
  return Object.fromEntries(given.map(({ field, option }) => [field, flags[option.attributeName()]]));
}
