import { expect, test } from 'vitest';
import { poolResource, resourceFor } from './resource.ts';

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

test.each([
  ['localhost:8443', 'https://managedhsm.azure.net'],
  ['mypool.managedhsm.azure.net:8443', 'https://managedhsm.azure.net:8443'],
  ['x.hsm.test', 'https://hsm.test'],
  ['pool.example.test:8443', 'https://example.test:8443'],
  ['other.example.test', 'https://managedhsm.azure.net'],
  ['x.management.azure.com', 'https://managedhsm.azure.net'],
  ['login.microsoftonline.com', 'https://managedhsm.azure.net'],
  ['x.y.hsm.test', 'https://managedhsm.azure.net'],
])('a pool known as *.hsm.test and pool.example.test is at %s the resource %s', (host, resource) => {
  expect(poolResource(host, ['*.HSM.test', 'pool.example.test'])).toBe(resource);
});
