import { expect, test } from 'vitest';
import { resourceFor } from './resource.ts';

test.each([
  ['localhost:8443', 'https://managedhsm.azure.net'],
  ['127.0.0.1:8443', 'https://managedhsm.azure.net'],
  ['[::1]:8443', 'https://managedhsm.azure.net'],
  ['mypool.managedhsm.azure.net', 'https://managedhsm.azure.net'],
  ['mypool.managedhsm.azure.net:443', 'https://managedhsm.azure.net'],
  ['mypool.managedhsm.azure.net:8443', 'https://managedhsm.azure.net:8443'],
  ['MyPool.hsm.test:8443', 'https://hsm.test:8443'],
  ['x.hsm.test', 'https://hsm.test'],
])('a pool reached as %s is the resource %s', (host, resource) => {
  expect(resourceFor(host)).toBe(resource);
});
