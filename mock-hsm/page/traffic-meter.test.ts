import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RequestLog } from '../traffic/request-log.ts';
import { TrafficMeter } from './traffic-meter.ts';

const entry = (durationMs: number, operation = 'sign', status = 200) => ({
  time: '',
  operation,
  method: 'POST',
  path: '/',
  status,
  durationMs,
  connection: 1,
});

const idle = { connections: 0, queued: 0 };

test('each request is in one sample, and requests of before the start in none', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.float({ min: 0, noNaN: true })), { maxLength: 10 }),
      fc.nat(5),
      (seconds, before) => {
        const log = new RequestLog();
        for (let i = 0; i < before; i += 1) log.add(entry(1));
        const meter = new TrafficMeter(log, () => idle, 0);
        seconds.forEach((durations, second) => {
          for (const durationMs of durations) log.add(entry(durationMs));
          meter.sample((second + 1) * 1000);
        });
        expect(meter.since(0).map(({ requests }) => requests)).toEqual(seconds.map(({ length }) => length));
        for (const { latencyMs } of meter.since(0)) {
          if (latencyMs !== undefined)
            expect(latencyMs.p50 <= latencyMs.p95 && latencyMs.p95 <= latencyMs.p99).toBe(true);
        }
      },
    ),
  );
});

test('a sample tells operations and statuses apart, percentiles by nearest rank, and the gauges of its moment', () => {
  const log = new RequestLog();
  const meter = new TrafficMeter(log, () => ({ connections: 3, queued: 2 }), 0);
  for (let ms = 1; ms <= 100; ms += 1) log.add(entry(ms));
  log.add(entry(7, 'get', 404));
  meter.sample(1000);
  expect(meter.since(0)).toEqual([
    {
      timeMs: 1000,
      spanMs: 1000,
      requests: 101,
      latencyMs: { p50: 50, p95: 95, p99: 99 },
      connections: 3,
      queued: 2,
      outcomes: [
        { operation: 'sign', status: 200, requests: 100, durationMs: 5050 },
        { operation: 'get', status: 404, requests: 1, durationMs: 7 },
      ],
    },
  ]);
});

test('more requests than the log keeps are all counted', () => {
  const log = new RequestLog(10);
  const meter = new TrafficMeter(log, () => idle, 0);
  for (let i = 0; i < 35; i += 1) log.add(entry(i));
  meter.sample(1000);
  expect(meter.since(0)).toMatchObject([{ requests: 35, latencyMs: { p50: 29 } }]);
});

test('the last five minutes are kept', () => {
  const meter = new TrafficMeter(new RequestLog(), () => idle, 0);
  for (let second = 1; second <= 400; second += 1) meter.sample(second * 1000);
  expect(meter.since(0).map(({ timeMs }) => timeMs)).toEqual(Array.from({ length: 300 }, (_, i) => (i + 101) * 1000));
  expect(meter.since(399_000)).toHaveLength(1);
});
