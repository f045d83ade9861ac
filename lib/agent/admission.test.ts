import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAdmitted } from './admission.ts';
import { issueTicket, TICKET_KEY_BYTES, verifyTicket } from './ticket.ts';

const ticketKey = randomBytes(TICKET_KEY_BYTES);
const policy = { uids: new Set([1000]), observers: new Set([2000]), ticketKey };
const peer = (uid: number) => ({ pid: 1, uid, gid: uid });

describe('isAdmitted', () => {
  test('root and listed users come in without a ticket', () => {
    expect(isAdmitted(policy, peer(0), null)).toBe(true);
    expect(isAdmitted(policy, peer(1000), null)).toBe(true);
  });

  test('another user stays out without a ticket and comes in with one', () => {
    expect(isAdmitted(policy, peer(33), null)).toBe(false);
    expect(isAdmitted(policy, peer(33), issueTicket(ticketKey))).toBe(true);
  });

  test('a ticket of another key opens nothing', () => {
    expect(isAdmitted(policy, peer(33), issueTicket(randomBytes(TICKET_KEY_BYTES)))).toBe(false);
  });
});

describe('verifyTicket', () => {
  test('no bit of a ticket can change', () => {
    const ticket = issueTicket(ticketKey);
    fc.assert(
      fc.property(fc.nat({ max: ticket.length * 8 - 1 }), (bit) => {
        const forged = Uint8Array.from(ticket);
        forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(verifyTicket(ticketKey, forged)).toBe(false);
      }),
    );
  });

  test('bytes of any other length are no ticket', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(verifyTicket(ticketKey, bytes)).toBe(false);
      }),
    );
  });

  test('two tickets are never alike', () => {
    expect(Buffer.compare(issueTicket(ticketKey), issueTicket(ticketKey))).not.toBe(0);
  });
});
