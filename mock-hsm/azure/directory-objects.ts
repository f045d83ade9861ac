// Entries of the directory as Microsoft Graph shows them, and the few filters that clients search them by.
import type { DirectoryEntry } from '../identity/directory-model.ts';

/** An object of Microsoft Graph. `id` is the object id. */
export interface DirectoryObject {
  readonly '@odata.type': '#microsoft.graph.user' | '#microsoft.graph.group' | '#microsoft.graph.servicePrincipal';
  readonly id: string;
  readonly displayName: string;
  readonly [property: string]: unknown;
}

/** What an entry looks like in Graph. */
export function directoryObject(entry: DirectoryEntry): DirectoryObject {
  const { objectId: id, name: displayName } = entry;
  switch (entry.kind) {
    case 'User':
      return {
        '@odata.type': '#microsoft.graph.user',
        id,
        displayName,
        userPrincipalName: entry.upn,
        mail: null,
        accountEnabled: entry.disabled !== true,
      };
    case 'Group':
      return {
        '@odata.type': '#microsoft.graph.group',
        id,
        displayName,
        securityEnabled: true,
        mailEnabled: false,
        mailNickname: displayName,
        groupTypes: [],
      };
    case 'ServicePrincipal':
    case 'ManagedIdentity':
      return {
        '@odata.type': '#microsoft.graph.servicePrincipal',
        id,
        appId: entry.clientId,
        displayName,
        appDisplayName: displayName,
        // The service lists what an administrator registered; here an entry goes by its name, too.
        servicePrincipalNames: [entry.clientId, displayName],
        servicePrincipalType: entry.kind === 'ManagedIdentity' ? 'ManagedIdentity' : 'Application',
        accountEnabled: entry.kind === 'ManagedIdentity' || entry.disabled !== true,
        alternativeNames:
          entry.kind === 'ManagedIdentity' ? [`isExplicit=${entry.assigned === 'user'}`, entry.resourceId] : [],
      };
  }
}

type Predicate = (object: DirectoryObject) => boolean;

/** The forms of $filter that clients use, each with the comparison it means. */
const forms: readonly [RegExp, (property: string, value: string) => Predicate][] = [
  [/^(\w+) eq '((?:[^']|'')*)'$/i, (property, value) => (object) => isSame(object[property], value)],
  [
    /^(\w+)\/any\(\s*\w+\s*:\s*\w+ eq '((?:[^']|'')*)'\s*\)$/i,
    (property, value) => (object) => {
      const values = object[property];
      return Array.isArray(values) && values.some((each) => isSame(each, value));
    },
  ],
  [
    /^startswith\(\s*(\w+)\s*,\s*'((?:[^']|'')*)'\s*\)$/i,
    (property, value) => (object) => String(object[property]).toLowerCase().startsWith(value.toLowerCase()),
  ],
];

/** Reads a $filter; parts may be joined by ` and `. Undefined when it has another form. */
export function readFilter(text: string): Predicate | undefined {
  const whole = readCondition(text);
  if (whole !== undefined) return whole;
  const parts = text.split(/ and /i).map(readCondition);
  const known = parts.filter((part) => part !== undefined);
  if (known.length !== parts.length) return undefined;
  return (object) => known.every((part) => part(object));
}

function readCondition(text: string): Predicate | undefined {
  for (const [form, meaning] of forms) {
    const [, property, value] = form.exec(text.trim()) ?? [];
    if (property !== undefined && value !== undefined) return meaning(property, value.replaceAll("''", "'"));
  }
  return undefined;
}

const isSame = (a: unknown, b: string) => typeof a === 'string' && a.toLowerCase() === b.toLowerCase();
