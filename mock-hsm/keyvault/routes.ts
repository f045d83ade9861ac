// The routes of the key operations.
import type { Service } from '../service.ts';
import type { App } from '../traffic/call.ts';
import type { Handler } from './answers.ts';
import { cryptoHandlers, releaseHandlers } from './crypto-handlers.ts';
import { deletedKeyHandlers, keyHandlers, rotationHandlers } from './key-handlers.ts';
import { type KeyOperation, type OperationRow, operations } from './operations.ts';

/** Adds one route per path of the operations table. */
export function keyRoutes(app: App, service: Service): void {
  const handlers: Record<KeyOperation, Handler> = {
    ...keyHandlers(service),
    ...deletedKeyHandlers(service),
    ...rotationHandlers(service),
    ...cryptoHandlers(service),
    ...releaseHandlers(service),
  };
  for (const [operation, row] of Object.entries(operations) as [KeyOperation, OperationRow][]) {
    const { method, paths, ...guard } = row;
    for (const url of paths) {
      app.route({ method, url, config: { operation, guard }, handler: handlers[operation] });
    }
  }
}
