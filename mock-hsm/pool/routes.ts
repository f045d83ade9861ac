// Calls on the whole pool: backup and restore, settings, security domain.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { readBody } from '../http/read-body.ts';
import { originOf } from '../http/request.ts';
import type { Handler } from '../keyvault/answers.ts';
import type { Service } from '../service.ts';
import { JobNotFound, nothingTransferred } from '../service-error.ts';
import type { App, Guard } from '../traffic/call.ts';
import { certificateInfoBody } from './domain-format.ts';
import { type Job, type JobKind, retryAfterS } from './jobs.ts';
import { type PoolOperation, type PoolOperationRow, poolOperations } from './operations.ts';
import * as backups from './pool-backups.ts';
import type { DomainTransfer } from './security-domain.ts';

export function poolRoutes(app: App, service: Service): void {
  const handlers: Record<PoolOperation, Handler> = {
    ...backupHandlers(service),
    ...settingHandlers(service),
    ...domainHandlers(service),
  };
  for (const [operation, row] of Object.entries(poolOperations) as [PoolOperation, PoolOperationRow][]) {
    const { method, path: url, ...rest } = row;
    const guard: Guard = { ...rest, scope: 'pool' };
    app.route({ method, url, config: { operation, guard }, handler: handlers[operation] });
  }
}

function backupHandlers(service: Service) {
  const { poolBackups, jobs } = service;
  const started = (request: FastifyRequest, reply: FastifyReply, job: Job) => {
    accepted(reply, `${originOf(request, service)}/${job.kind}/${job.id}/pending`);
    return jobs.startOf(job);
  };
  const status = (kind: JobKind) => (request: FastifyRequest) => {
    const { jobId } = request.params as { jobId: string };
    const job = jobs.find(kind, jobId);
    if (job === undefined) throw new JobNotFound();
    return jobs.statusOf(job);
  };
  return {
    fullBackup: (request, reply) => {
      const body = readBody(backups.backupBody, request.body);
      return started(request, reply, poolBackups.backup(body, poolNameOf(request)));
    },
    fullBackupStatus: status('backup'),
    preFullBackup: (request, reply) => {
      const body = readBody(backups.checkBackupBody, request.body);
      return started(request, reply, poolBackups.check('backup', body));
    },
    fullRestore: (request, reply) => {
      const { sasTokenParameters, folderToRestore } = readBody(backups.restoreBody, request.body);
      return started(request, reply, poolBackups.restore(sasTokenParameters, folderToRestore));
    },
    restoreStatus: status('restore'),
    preFullRestore: (request, reply) => {
      const { sasTokenParameters, folderToRestore } = readBody(backups.checkRestoreBody, request.body);
      return started(request, reply, poolBackups.check('restore', sasTokenParameters ?? {}, folderToRestore));
    },
    selectiveKeyRestore: (request, reply) => {
      const { name } = request.params as { name: string };
      const { sasTokenParameters, folder } = readBody(backups.selectiveRestoreBody, request.body);
      return started(request, reply, poolBackups.restoreKey(name, sasTokenParameters, folder));
    },
  } satisfies Partial<Record<PoolOperation, Handler>>;
}

function settingHandlers({ poolSettings }: Service) {
  const nameOf = (request: FastifyRequest) => (request.params as { setting: string }).setting;
  return {
    getSettings: () => ({ settings: poolSettings.all() }),
    getSetting: (request) => poolSettings.get(nameOf(request)),
    updateSetting: (request) => {
      const { value } = readBody(z.object({ value: z.string() }), request.body);
      return poolSettings.set(nameOf(request), value);
    },
  } satisfies Partial<Record<PoolOperation, Handler>>;
}

function domainHandlers(service: Service) {
  const { securityDomain } = service;
  const statusUrl = (request: FastifyRequest, transfer: DomainTransfer) =>
    `${originOf(request, service)}/securitydomain/${transfer}/pending`;
  const status = (transfer: DomainTransfer) => () => {
    if (!securityDomain.hasDone(transfer)) throw nothingTransferred(transfer);
    return succeeded;
  };
  return {
    downloadDomain: async (request, reply) => {
      const value = await securityDomain.download(readBody(certificateInfoBody, request.body));
      accepted(reply, statusUrl(request, 'download'));
      return { value };
    },
    downloadDomainStatus: status('download'),
    // The key is JSON in a string: so az reads it.
    transferKey: async () => ({ key_format: 'jwk', transfer_key: JSON.stringify(await securityDomain.transferKey()) }),
    uploadDomain: async (request, reply) => {
      const { value } = readBody(z.object({ value: z.string() }), request.body);
      await securityDomain.upload(value);
      accepted(reply, statusUrl(request, 'upload'));
      return succeeded;
    },
    uploadDomainStatus: status('upload'),
  } satisfies Partial<Record<PoolOperation, Handler>>;
}

/** The service description has status_details; pools answer statusDetails. */
const succeeded = { status: 'Success', statusDetails: '', status_details: '' };

function accepted(reply: FastifyReply, statusUrl: string): void {
  reply.code(202).headers({ 'azure-asyncoperation': statusUrl, 'retry-after': String(retryAfterS) });
}

/** The first label of the host name, as pools call their folders. */
const poolNameOf = (request: FastifyRequest) => /^[\w-]+/.exec(request.hostname)?.[0] ?? 'mock';
