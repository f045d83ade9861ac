// For tests that go through all calls: every operation of every route table.
import { randomUUID } from 'node:crypto';
import { operations } from '../keyvault/operations.ts';
import { poolOperations } from '../pool/operations.ts';
import type { ActionName } from '../rbac/data-actions.ts';
import { roleOperationPaths, roleOperations } from '../rbac/role-operations.ts';

export interface Call {
  readonly operation: string;
  readonly action: ActionName;
  readonly method: string;
  /** With parameters such as `:name`. */
  readonly path: string;
}

/** One for each path of an operation. */
export const calls: readonly Call[] = [
  ...Object.entries(operations).flatMap(([operation, { paths, action, method }]) =>
    paths.map((path) => ({ operation, action, method, path })),
  ),
  ...Object.entries(poolOperations).map(([operation, { action, method, path }]) => ({
    operation,
    action,
    method,
    path,
  })),
  ...Object.entries(roleOperations).flatMap(([operation, row]) =>
    roleOperationPaths(row).map((path) => ({ operation, action: row.action, method: row.method, path })),
  ),
];

/** The key that harmless paths name. */
export const absentKey = 'nothing-here';

/** A path to a key, version, role and assignment that are not there: whoever is let through finds nothing to change. */
export const harmless = (path: string): string =>
  path
    .replace(':name', absentKey)
    .replace(':version', '0123456789abcdef0123456789abcdef')
    .replace(/:(id|jobId|setting)/, randomUUID())
    .concat('?api-version=7.6');

/** Whether a role was missing, and not something else about the request. */
export const isAccessDenied = (answer: {
  readonly status: number;
  readonly body: { readonly error?: { readonly code?: string } };
}): boolean => answer.status === 403 && answer.body.error?.code === 'AccessDenied';
