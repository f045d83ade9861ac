import { verifyTicket } from './ticket.ts';

/** The other end of a Unix socket, as the kernel says (SO_PEERCRED at connect time). */
export interface Peer {
  pid: number;
  uid: number;
  gid: number;
  /** Number of its connection at this agent. */
  connection?: number;
}

export interface AdmissionPolicy {
  /** Users whose processes come in by their uid: the one that started the agent, the agent's own, the configured ones. */
  readonly uids: ReadonlySet<number>;
  /** Users who may look at metrics and status, and do nothing else. */
  readonly observers: ReadonlySet<number>;
  readonly ticketKey: Uint8Array;
}

/**
 * Whether a peer may use the agent: by its uid, or by the ticket that an admitted process got and its children
 * inherited. Root is always in: it can read the agent's memory anyway.
 */
export function isAdmitted(policy: AdmissionPolicy, peer: Peer, ticket: Uint8Array | null): boolean {
  if (peer.uid === 0 || policy.uids.has(peer.uid)) return true;
  return ticket !== null && verifyTicket(policy.ticketKey, ticket);
}

/** Whether a peer may see metrics and status: whoever comes in by its uid, and those who may look only. No ticket helps. */
export function mayObserve(policy: AdmissionPolicy, peer: Peer): boolean {
  return isAdmitted(policy, peer, null) || policy.observers.has(peer.uid);
}
