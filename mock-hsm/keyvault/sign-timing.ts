// Whether the time of an ECDSA signature tells anything of the key: two keys, one whose private scalar has few bits set
// and one with nearly all, take turns in random order, and Welch's t says whether their mean times differ. Beyond 4.5 in
// either direction is what the field calls a leak. No test runs it: other work on the machine moves single runs.
//
//   node mock-hsm/keyvault/sign-timing.ts [signatures a key, default 50000]
import { createECDH, createPrivateKey, type KeyObject, randomBytes, randomInt } from 'node:crypto';
import { runCryptoJob } from './crypto-job.ts';
import { type Curve, curves, toBytes } from './curves.ts';

const leak = 4.5;
/** The slowest part is the collector's and the scheduler's, not the key's. */
const keptShare = 0.9;

const algorithms = { 'P-256': 'ES256', 'P-256K': 'ES256K', 'P-384': 'ES384', 'P-521': 'ES512' } as const;

function keyOf(curve: Curve, scalar: bigint): KeyObject {
  const d = toBytes(scalar, curve.fieldBytes);
  const ecdh = createECDH(curve.opensslName);
  ecdh.setPrivateKey(d);
  const point = ecdh.getPublicKey().subarray(1);
  const [x, y] = [point.subarray(0, curve.fieldBytes), point.subarray(curve.fieldBytes)];
  const text = (bytes: Buffer) => bytes.toString('base64url');
  return createPrivateKey({
    key: { kty: 'EC', crv: curve.jwkName, d: text(d), x: text(x), y: text(y) },
    format: 'jwk',
  });
}

/** Nanoseconds of each signature, by key. */
function measure(curve: Curve, keys: readonly KeyObject[], count: number): number[][] {
  const algorithm = algorithms[curve.name];
  const times: number[][] = keys.map(() => []);
  const digestBytes = curve.name === 'P-521' ? 64 : curve.fieldBytes;
  for (let i = 0; i < count * keys.length; i += 1) {
    const which = randomInt(keys.length);
    const key = keys[which];
    if (key === undefined) continue;
    const value = randomBytes(digestBytes);
    const start = process.hrtime.bigint();
    runCryptoJob({ operation: 'sign', algorithm, value }, key);
    times[which]?.push(Number(process.hrtime.bigint() - start));
  }
  return times;
}

function summary(times: readonly number[]) {
  const kept = times.toSorted((a, b) => a - b).slice(0, Math.floor(times.length * keptShare));
  const mean = kept.reduce((sum, time) => sum + time, 0) / kept.length;
  const variance = kept.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (kept.length - 1);
  return { mean, error: variance / kept.length };
}

const count = Number(process.argv[2] ?? 50_000);
for (const curve of Object.values(curves)) {
  const rounds = curve.name === 'P-256' ? count : Math.ceil(count / 10);
  const keys = [keyOf(curve, 3n), keyOf(curve, curve.order - 2n)];
  measure(curve, keys, rounds / 10);
  const [few, many] = measure(curve, keys, rounds).map(summary);
  if (few === undefined || many === undefined) continue;
  const t = (few.mean - many.mean) / Math.sqrt(few.error + many.error);
  const verdict = Math.abs(t) > leak ? 'DIFFERENT' : 'alike';
  const means = `${(few.mean / 1000).toFixed(2)} µs with few bits, ${(many.mean / 1000).toFixed(2)} µs with many`;
  process.stdout.write(`${curve.name.padEnd(6)} ${means}, t = ${t.toFixed(2)}: ${verdict}\n`);
}
