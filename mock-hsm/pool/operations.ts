// One row per operation on the whole pool: its route and its data action, which is checked at `/`.
import { introduced } from '../keyvault/api-versions.ts';
import type { Guard } from '../traffic/call.ts';

export interface PoolOperationRow extends Omit<Guard, 'scope'> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  readonly path: string;
}

export const poolOperations = {
  fullBackup: { method: 'POST', path: '/backup', action: 'backup/start/action' },
  fullBackupStatus: {
    method: 'GET',
    path: '/backup/:jobId/pending',
    action: 'backup/status/action',
    withoutVersion: true,
  },
  preFullBackup: {
    method: 'POST',
    path: '/prebackup',
    action: 'backup/start/action',
    since: introduced.backupChecks,
  },
  fullRestore: { method: 'PUT', path: '/restore', action: 'restore/start/action' },
  restoreStatus: {
    method: 'GET',
    path: '/restore/:jobId/pending',
    action: 'restore/status/action',
    withoutVersion: true,
  },
  preFullRestore: {
    method: 'PUT',
    path: '/prerestore',
    action: 'restore/start/action',
    since: introduced.backupChecks,
  },
  selectiveKeyRestore: { method: 'PUT', path: '/keys/:name/restore', action: 'restore/start/action' },
  getSettings: { method: 'GET', path: '/settings', action: 'settings/read/action', since: introduced.settings },
  getSetting: { method: 'GET', path: '/settings/:setting', action: 'settings/read/action', since: introduced.settings },
  updateSetting: {
    method: 'PATCH',
    path: '/settings/:setting',
    action: 'settings/write/action',
    since: introduced.settings,
  },
  downloadDomain: {
    method: 'POST',
    path: '/securitydomain/download',
    action: 'securitydomain/download/action',
    beforeActivation: true,
  },
  downloadDomainStatus: {
    method: 'GET',
    path: '/securitydomain/download/pending',
    action: 'securitydomain/download/read',
    withoutVersion: true,
    beforeActivation: true,
  },
  transferKey: {
    method: 'GET',
    path: '/securitydomain/upload',
    action: 'securitydomain/transferkey/read',
    beforeActivation: true,
  },
  uploadDomain: {
    method: 'POST',
    path: '/securitydomain/upload',
    action: 'securitydomain/upload/action',
    beforeActivation: true,
  },
  uploadDomainStatus: {
    method: 'GET',
    path: '/securitydomain/upload/pending',
    action: 'securitydomain/upload/read',
    withoutVersion: true,
    beforeActivation: true,
  },
} as const satisfies Record<string, PoolOperationRow>;

export type PoolOperation = keyof typeof poolOperations;
