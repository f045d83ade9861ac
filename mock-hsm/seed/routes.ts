// `/mock/seed`: what the mock holds, and a way to make it hold more while it runs.
import type { Service } from '../service.ts';
import { badParameter } from '../service-error.ts';
import type { App } from '../traffic/call.ts';
import { applySeed } from './apply.ts';
import { describeSeed } from './describe.ts';
import { readSeed, SeedError } from './document.ts';

/** Adds the routes. As all of `/mock/`, they ask for no token. */
export function seedRoutes(app: App, service: Service): void {
  app.get('/mock/seed', () => describeSeed(service));
  app.post('/mock/seed', async (request) => {
    try {
      return { changes: await applySeed(readSeed(request.body, 'seed'), service, 'seed'), ...describeSeed(service) };
    } catch (error) {
      throw error instanceof SeedError ? badParameter(error.message) : error;
    }
  });
}
