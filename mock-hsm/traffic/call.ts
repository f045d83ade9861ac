// What is learnt about a request on its way, for the log and the counters.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { FastifyInstance } from 'fastify';
import type { ApiVersion } from '../keyvault/api-versions.ts';
import type { ActionName } from '../rbac/data-actions.ts';
import type { Fault } from './fault-model.ts';

export interface Call {
  readonly operation: string;
  readonly startMs: number;
  /** Object id. */
  principal?: string;
  clientId?: string;
  /** Object ids of the groups the token names. */
  groups?: readonly string[];
  /** The role that allowed it. */
  role?: string;
  /** Why it was refused. */
  reason?: string;
  key?: string;
  version?: string;
  algorithm?: string;
  /** As the published figures name it: RSA-2048, P-256, AES-256. */
  keyType?: string;
  /** How long it waited until the HSM took it, in milliseconds; only with a profile. */
  waitedMs?: number;
  /** What befell it on request. */
  fault?: Fault;
}

/** What a route demands before its body is read. */
export interface Guard {
  readonly action: ActionName;
  /** Where the action is checked: the key of the path, all keys, the pool, or the role scope that the path begins with. */
  readonly scope: 'key' | 'keys' | 'pool' | 'path';
  /** The first api-version that knows the call; absent when all do. */
  readonly since?: ApiVersion;
  /** Whether it is also answered without api-version: clients follow the link of a 202 as they find it. */
  readonly withoutVersion?: boolean;
  /** Whether it gives lists in pages: the link to the next page names no api-version, either. */
  readonly isPaged?: boolean;
  /** Whether a pool answers it whose security domain nobody has downloaded yet. */
  readonly beforeActivation?: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    call: Call;
  }
  interface FastifyContextConfig {
    operation?: string;
    guard?: Guard;
  }
}

export type App = FastifyInstance<Server, IncomingMessage, ServerResponse>;
