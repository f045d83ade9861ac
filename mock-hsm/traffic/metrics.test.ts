import { expect, test } from 'vitest';
import { Metrics, mostSignSeries } from './metrics.ts';

test('series of keys that came and went give way to newer ones, and those in use stay', async () => {
  const metrics = new Metrics();
  metrics.countSign('kept', 'v', 'ES256');
  metrics.countSign('idle', 'v', 'ES256');
  for (let i = 1; i < mostSignSeries; i += 1) {
    metrics.countSign(`key-${i}`, 'v', 'ES256');
    metrics.countSign('kept', 'v', 'ES256');
  }
  const series = (await metrics.text()).split('\n').filter((line) => line.startsWith('mock_hsm_signs_total{'));
  expect(series).toHaveLength(mostSignSeries);
  expect(series).toContain(`mock_hsm_signs_total{key="kept",version="v",algorithm="ES256"} ${mostSignSeries}`);
  expect(series.filter((line) => line.includes('"idle"'))).toEqual([]);
});
