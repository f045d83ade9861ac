import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Child } from './child.ts';
import type { LoadResult } from './sign-load.ts';

let server: Server;
afterEach(() => server.close());

test('a lost connection is a failure of its lane alone: all lanes load until the end, and none after it', async () => {
  let requests = 0;
  server = createServer((request, response) => {
    requests += 1;
    if (requests === 3) request.socket.destroy();
    else response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const load = new Child('./sign-load.ts');
  try {
    const order = { caPem: '', connections: 4, path: '/', headers: {}, body: '{}', durationMs: 300 };
    const result = await load.ask<LoadResult>({ ...order, origin: `http://127.0.0.1:${port}` });
    const atEnd = requests;
    expect(result).toMatchObject({ failures: 1, failure: expect.stringContaining('other side closed') });
    expect(result.count).toBe(atEnd - 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(requests).toBe(atEnd);
  } finally {
    await load.stop();
  }
});
