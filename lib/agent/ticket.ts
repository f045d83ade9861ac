import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Bytes of the key that tickets are made with; it outlives the agent (the launcher keeps it). */
export const TICKET_KEY_BYTES = 32;
const ID_BYTES = 32;
const MAC_BYTES = 32;

function mac(key: Uint8Array, id: Uint8Array): Buffer {
  return createHmac('sha256', key).update('mhsm-pkcs11 ticket').update(id).digest();
}

/** A new ticket: 256 random bits and their HMAC-SHA-256, so that it verifies itself and nothing has to be stored. */
export function issueTicket(key: Uint8Array): Uint8Array {
  const id = randomBytes(ID_BYTES);
  return Buffer.concat([id, mac(key, id)]);
}

/** True when `ticket` was issued under `key`. Compared in constant time. */
export function verifyTicket(key: Uint8Array, ticket: Uint8Array): boolean {
  if (ticket.length !== ID_BYTES + MAC_BYTES) return false;
  return timingSafeEqual(mac(key, ticket.subarray(0, ID_BYTES)), ticket.subarray(ID_BYTES));
}
