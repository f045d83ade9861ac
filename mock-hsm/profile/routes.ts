// /mock/profile: how fast the pool is, to read and to change while it serves.
import { readBody } from '../http/read-body.ts';
import type { Service } from '../service.ts';
import type { App } from '../traffic/call.ts';
import { withoutUnset } from '../without-unset.ts';
import { profileBody, profileChange } from './settings.ts';

/** Adds GET (settings, rates in force, lanes), PUT (all settings) and PATCH (some). */
export function profileRoutes(app: App, { profile }: Service): void {
  const state = () => ({ ...profile.settings, rates: profile.rates(), lanes: profile.lanes(performance.now()) });
  app.get('/mock/profile', state);
  app.put('/mock/profile', (request) => {
    profile.set(readBody(profileBody, request.body));
    return state();
  });
  app.patch('/mock/profile', (request) => {
    profile.set({ ...profile.settings, ...withoutUnset(readBody(profileChange, request.body)) });
    return state();
  });
}
