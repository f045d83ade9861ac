/**
 * Every call between the shim and the agent, its fields and their types: the one source of both codecs. The TypeScript
 * codec walks this table; `native/client/wire_calls.{h,c}` is generated from it by `generate-c.ts`.
 *
 * Frame, little-endian: `u32 length | u16 call | fields` for a request, `u32 length | u16 call | u64 rv | text message |
 * u8 marks | fields` for an answer. `length` counts what follows it. Marks: 1, the fields follow; 2, the session has an
 * operation that goes on.
 *
 * A call id is never reused. A change of a call's fields, or of a call's meaning, is a new PROTOCOL_VERSION.
 */

export const PROTOCOL_VERSION = 2;
/** Larger frames are refused by both sides before memory is taken for them. */
export const MAX_FRAME_BYTES = 1024 * 1024;

/**
 * - `ulong`: CK_ULONG as u64. All ones is CK_UNAVAILABLE_INFORMATION; so is any other value beyond 2^53-1, for which
 *   PKCS#11 has no code, handle or length.
 * - `flag`: u8, 0 or 1.
 * - `bytes`: u32 length and bytes. `text`: the same, UTF-8.
 * - `buffer`: as bytes, after a u8 that says whether there is one at all (a NULL pointer is not an empty buffer).
 * - `capacity`: u8 and u64: the size of a caller's output buffer, or none (NULL: "how long would it be?").
 * - `output`: u64 length of the whole value, then a `buffer` with the bytes if they were asked for and did fit.
 * - `ulongs`: u32 count and that many ulong.
 * - `mechanism`: ulong type and a `buffer` with the parameter.
 * - `attributes`: u32 count of {ulong type, buffer value}. `queries`: u32 count of {ulong type, capacity}.
 *   `outputs`: u32 count of `output`.
 */
export const FIELD_TYPES = [
  'ulong',
  'flag',
  'bytes',
  'text',
  'buffer',
  'capacity',
  'output',
  'ulongs',
  'mechanism',
  'attributes',
  'queries',
  'outputs',
] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

export interface Call {
  readonly id: number;
  /** The PKCS#11 function it is made for; the module's line in the server's log begins with it. */
  readonly purpose: string;
  /** True where an answer may take many requests to the HSM, or one that is slow by nature: the longer deadline holds. */
  readonly slow?: true;
  /**
   * True where it may be made once more at an agent that follows the one which took it and did not answer: it asks, or
   * begins what a later call goes on with. What goes on with something is lost with its agent.
   */
  readonly repeatable?: true;
  /**
   * True where it begins, goes on with or ends an operation of its session (its first field): it goes to the agent
   * with which the operation began, also when a successor has replaced that meanwhile, over the connection of the last call.
   */
  readonly operation?: true;
  readonly request: Readonly<Record<string, FieldType>>;
  readonly response: Readonly<Record<string, FieldType>>;
}

export const CALLS = {
  hello: {
    id: 1,
    purpose: 'first frame of every connection: who is there, and may it come in',
    slow: true,
    request: {
      protocol: 'ulong',
      /** 16 random bytes that one process sends on all its connections; drawn again after a fork. */
      instance: 'bytes',
      /** What an admitted ancestor of this process was given, or NULL. */
      ticket: 'buffer',
      /** 1 for the connection that a first C_Initialize opens: only then does a changed configuration count. */
      fresh: 'flag',
      /** What stat says of the configuration file as the process sees it: device, inode, size, mtime seconds, mtime nanoseconds; empty when there is no file. */
      configuration: 'ulongs',
    },
    response: {
      ticket: 'bytes',
      deadlineMs: 'ulong',
      slowDeadlineMs: 'ulong',
      /** 1: this agent hands over to a successor (new configuration); connect again. */
      again: 'flag',
      /** 1: another connection of this instance is open here, so its sessions stand; 0: replay sessions and logins. */
      known: 'flag',
    },
  },

  getSlotList: {
    id: 10,
    purpose: 'C_GetSlotList',
    repeatable: true,
    request: { tokenPresent: 'flag' },
    response: { slots: 'ulongs' },
  },
  getSlotInfo: {
    id: 11,
    purpose: 'C_GetSlotInfo',
    repeatable: true,
    request: { slot: 'ulong' },
    response: {
      description: 'text',
      manufacturer: 'text',
      flags: 'ulong',
      hardwareMajor: 'ulong',
      hardwareMinor: 'ulong',
      firmwareMajor: 'ulong',
      firmwareMinor: 'ulong',
    },
  },
  getTokenInfo: {
    id: 12,
    purpose: 'C_GetTokenInfo',
    repeatable: true,
    request: { slot: 'ulong' },
    response: {
      label: 'text',
      manufacturer: 'text',
      model: 'text',
      serialNumber: 'text',
      flags: 'ulong',
      maxSessionCount: 'ulong',
      sessionCount: 'ulong',
      maxRwSessionCount: 'ulong',
      rwSessionCount: 'ulong',
      maxPinLen: 'ulong',
      minPinLen: 'ulong',
      totalPublicMemory: 'ulong',
      freePublicMemory: 'ulong',
      totalPrivateMemory: 'ulong',
      freePrivateMemory: 'ulong',
      hardwareMajor: 'ulong',
      hardwareMinor: 'ulong',
      firmwareMajor: 'ulong',
      firmwareMinor: 'ulong',
      utcTime: 'text',
    },
  },
  getMechanismList: {
    id: 13,
    purpose: 'C_GetMechanismList',
    repeatable: true,
    request: { slot: 'ulong' },
    response: { mechanisms: 'ulongs' },
  },
  getMechanismInfo: {
    id: 14,
    purpose: 'C_GetMechanismInfo',
    repeatable: true,
    request: { slot: 'ulong', mechanism: 'ulong' },
    response: { minKeySize: 'ulong', maxKeySize: 'ulong', flags: 'ulong' },
  },

  // Replayed on a new connection: the handle is the shim's choice.
  openSession: {
    id: 20,
    purpose: 'C_OpenSession',
    repeatable: true,
    request: { session: 'ulong', slot: 'ulong', flags: 'ulong' },
    response: {},
  },
  closeSession: { id: 21, purpose: 'C_CloseSession', request: { session: 'ulong' }, response: {} },
  closeAllSessions: { id: 22, purpose: 'C_CloseAllSessions', request: { slot: 'ulong' }, response: {} },
  getSessionInfo: {
    id: 23,
    purpose: 'C_GetSessionInfo',
    repeatable: true,
    request: { session: 'ulong' },
    response: { slot: 'ulong', state: 'ulong', flags: 'ulong', deviceError: 'ulong' },
  },
  login: {
    id: 24,
    purpose: 'C_Login',
    slow: true,
    request: { session: 'ulong', userType: 'ulong', pin: 'buffer' },
    response: {},
  },
  // Replay of a login on a new connection: not verified, asks nobody.
  resumeLogin: {
    id: 25,
    purpose: 'C_Login (again)',
    repeatable: true,
    request: { slot: 'ulong', userType: 'ulong', pin: 'buffer' },
    response: {},
  },
  logout: { id: 26, purpose: 'C_Logout', request: { session: 'ulong' }, response: {} },

  findObjectsInit: {
    id: 30,
    purpose: 'C_FindObjectsInit',
    operation: true,
    repeatable: true,
    slow: true,
    request: { session: 'ulong', template: 'attributes' },
    response: {},
  },
  findObjects: {
    id: 31,
    purpose: 'C_FindObjects',
    operation: true,
    request: { session: 'ulong', max: 'ulong' },
    response: { handles: 'ulongs' },
  },
  findObjectsFinal: {
    id: 32,
    purpose: 'C_FindObjectsFinal',
    operation: true,
    request: { session: 'ulong' },
    response: {},
  },
  getAttributeValue: {
    id: 33,
    purpose: 'C_GetAttributeValue',
    repeatable: true,
    slow: true,
    request: { session: 'ulong', object: 'ulong', queries: 'queries' },
    response: { results: 'outputs' },
  },
  setAttributeValue: {
    id: 34,
    purpose: 'C_SetAttributeValue',
    slow: true,
    request: { session: 'ulong', object: 'ulong', template: 'attributes' },
    response: {},
  },
  getObjectSize: {
    id: 35,
    purpose: 'C_GetObjectSize',
    repeatable: true,
    slow: true,
    request: { session: 'ulong', object: 'ulong' },
    response: { size: 'ulong' },
  },
  createObject: {
    id: 36,
    purpose: 'C_CreateObject',
    request: { session: 'ulong', template: 'attributes' },
    response: { object: 'ulong' },
  },
  copyObject: {
    id: 37,
    purpose: 'C_CopyObject',
    request: { session: 'ulong', object: 'ulong', template: 'attributes' },
    response: { copy: 'ulong' },
  },
  destroyObject: {
    id: 38,
    purpose: 'C_DestroyObject',
    slow: true,
    request: { session: 'ulong', object: 'ulong' },
    response: {},
  },

  generateKeyPair: {
    id: 40,
    purpose: 'C_GenerateKeyPair',
    slow: true,
    request: { session: 'ulong', mechanism: 'mechanism', publicTemplate: 'attributes', privateTemplate: 'attributes' },
    response: { publicKey: 'ulong', privateKey: 'ulong' },
  },
  generateRandom: {
    id: 41,
    purpose: 'C_GenerateRandom',
    repeatable: true,
    request: { session: 'ulong', length: 'ulong' },
    response: { bytes: 'bytes' },
  },
  seedRandom: {
    id: 42,
    purpose: 'C_SeedRandom',
    repeatable: true,
    request: { session: 'ulong', seed: 'bytes' },
    response: {},
  },

  signInit: {
    id: 50,
    purpose: 'C_SignInit',
    operation: true,
    repeatable: true,
    request: { session: 'ulong', mechanism: 'mechanism', key: 'ulong' },
    response: {},
  },
  sign: {
    id: 51,
    purpose: 'C_Sign',
    operation: true,
    request: { session: 'ulong', data: 'bytes', signature: 'capacity' },
    response: { signature: 'output' },
  },
  signUpdate: {
    id: 52,
    purpose: 'C_SignUpdate',
    operation: true,
    request: { session: 'ulong', part: 'bytes' },
    response: {},
  },
  signFinal: {
    id: 53,
    purpose: 'C_SignFinal',
    operation: true,
    request: { session: 'ulong', signature: 'capacity' },
    response: { signature: 'output' },
  },
  verifyInit: {
    id: 54,
    purpose: 'C_VerifyInit',
    operation: true,
    repeatable: true,
    request: { session: 'ulong', mechanism: 'mechanism', key: 'ulong' },
    response: {},
  },
  verify: {
    id: 55,
    purpose: 'C_Verify',
    operation: true,
    request: { session: 'ulong', data: 'bytes', signature: 'bytes' },
    response: {},
  },
  verifyUpdate: {
    id: 56,
    purpose: 'C_VerifyUpdate',
    operation: true,
    request: { session: 'ulong', part: 'bytes' },
    response: {},
  },
  // C_Verify of more data than a frame holds: what it would refuse, before its parts.
  verifyWhole: {
    id: 58,
    purpose: 'C_Verify (in parts)',
    operation: true,
    request: { session: 'ulong', signatureLength: 'ulong' },
    response: {},
  },
  verifyFinal: {
    id: 57,
    purpose: 'C_VerifyFinal',
    operation: true,
    request: { session: 'ulong', signature: 'bytes' },
    response: {},
  },

  digestInit: {
    id: 60,
    purpose: 'C_DigestInit',
    operation: true,
    repeatable: true,
    request: { session: 'ulong', mechanism: 'mechanism' },
    response: {},
  },
  digest: {
    id: 61,
    purpose: 'C_Digest',
    operation: true,
    request: { session: 'ulong', data: 'bytes', digest: 'capacity' },
    response: { digest: 'output' },
  },
  digestUpdate: {
    id: 62,
    purpose: 'C_DigestUpdate',
    operation: true,
    request: { session: 'ulong', part: 'bytes' },
    response: {},
  },
  digestFinal: {
    id: 63,
    purpose: 'C_DigestFinal',
    operation: true,
    request: { session: 'ulong', digest: 'capacity' },
    response: { digest: 'output' },
  },

  encryptInit: {
    id: 70,
    purpose: 'C_EncryptInit',
    operation: true,
    repeatable: true,
    request: { session: 'ulong', mechanism: 'mechanism', key: 'ulong' },
    response: {},
  },
  encrypt: {
    id: 71,
    purpose: 'C_Encrypt',
    operation: true,
    request: { session: 'ulong', data: 'bytes', encrypted: 'capacity' },
    response: { encrypted: 'output' },
  },
  decryptInit: {
    id: 72,
    purpose: 'C_DecryptInit',
    operation: true,
    repeatable: true,
    request: { session: 'ulong', mechanism: 'mechanism', key: 'ulong' },
    response: {},
  },
  decrypt: {
    id: 73,
    purpose: 'C_Decrypt',
    operation: true,
    request: { session: 'ulong', encrypted: 'bytes', data: 'capacity' },
    response: { data: 'output' },
  },

  // End of operations after a call that could not be sent; flags as of C_SessionCancel in PKCS#11 3.0.
  cancelOperations: {
    id: 80,
    purpose: 'C_SessionCancel',
    operation: true,
    repeatable: true,
    request: { session: 'ulong', flags: 'ulong' },
    response: {},
  },
} as const satisfies Record<string, Call>;

export type CallName = keyof typeof CALLS;

export interface Mechanism {
  type: number;
  parameter: Uint8Array | null;
}
export interface Attribute {
  type: number;
  value: Uint8Array | null;
}
export interface AttributeQuery {
  type: number;
  /** Bytes; null asks for the length alone. */
  capacity: number | null;
}
export interface Output {
  /** Bytes of the whole value, or CK_UNAVAILABLE_INFORMATION. */
  length: number;
  bytes: Uint8Array | null;
}

/** What a field of each type is in TypeScript. */
export interface FieldValue {
  ulong: number;
  flag: boolean;
  bytes: Uint8Array;
  text: string;
  buffer: Uint8Array | null;
  capacity: number | null;
  output: Output;
  ulongs: readonly number[];
  mechanism: Mechanism;
  attributes: readonly Attribute[];
  queries: readonly AttributeQuery[];
  outputs: readonly Output[];
}

export type Fields<F extends Readonly<Record<string, FieldType>>> = { -readonly [K in keyof F]: FieldValue[F[K]] };
export type RequestOf<C extends CallName> = Fields<(typeof CALLS)[C]['request']>;
export type ResponseOf<C extends CallName> = Fields<(typeof CALLS)[C]['response']>;
