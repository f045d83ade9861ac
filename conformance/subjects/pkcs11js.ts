/** A module loaded into this process by pkcs11js. Calls that pkcs11js makes in threads are made there. */

import { createRequire } from 'node:module';
import type * as Pkcs11js from 'pkcs11js';
import { CK_UNAVAILABLE_INFORMATION, CKF_OS_LOCKING_OK, CKR_OK } from '../../lib/pkcs11/constants.ts';
import type { Attribute, Mechanism, Output } from '../../lib/wire/schema.ts';
import type { FunctionName, Functions, Program, Reply } from '../subject.ts';

// A CommonJS module whose exports are found when it runs.
const pkcs11js = createRequire(import.meta.url)('pkcs11js') as typeof Pkcs11js;

type Pkcs11 = Pkcs11js.PKCS11;
type Call<F extends FunctionName> = (
  module: Pkcs11,
  request: Functions[F]['request'],
) => Functions[F]['values'] | Promise<Functions[F]['values']>;

function handleOf(value: number): Buffer {
  const handle = Buffer.alloc(8);
  handle.writeBigUInt64LE(BigInt(value));
  return handle;
}
const valueOfHandle = (handle: Buffer): number => Number(handle.readBigUInt64LE());
const bytesOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

const templateOf = (template: readonly Attribute[]): Pkcs11js.Template =>
  template.map(({ type, value }) => ({ type, value: bytesOf(value ?? new Uint8Array(0)) }));
const mechanismOf = ({ type, parameter }: Mechanism): Pkcs11js.Mechanism =>
  parameter === null ? { mechanism: type } : { mechanism: type, parameter: bytesOf(parameter) };
const room = (capacity: number | null): Buffer => {
  if (capacity === null) throw new Error('pkcs11js has no NULL for an output buffer');
  return Buffer.alloc(capacity);
};
/** pkcs11js has 32 bits for a CK_ULONG. */
const countOf = (value: number): number => (value === 0xffff_ffff ? CK_UNAVAILABLE_INFORMATION : value);
const outputOf = (bytes: Buffer): Output => ({ length: bytes.length, bytes });

/** What each function is in pkcs11js. */
const calls: { readonly [F in FunctionName]: Call<F> } = {
  initialize: (module) => {
    module.C_Initialize({ flags: CKF_OS_LOCKING_OK });
    return {};
  },
  finalize: (module) => {
    module.C_Finalize();
    return {};
  },
  getSlotList: (module, { tokenPresent }) => ({ slots: module.C_GetSlotList(tokenPresent).map(valueOfHandle) }),
  getSlotInfo: (module, { slot }) => {
    const info = module.C_GetSlotInfo(handleOf(slot));
    return {
      description: info.slotDescription.trimEnd(),
      manufacturer: info.manufacturerID.trimEnd(),
      flags: info.flags,
      ...versionsOf(info),
    };
  },
  getTokenInfo: (module, { slot }) => {
    const info = module.C_GetTokenInfo(handleOf(slot));
    return {
      label: info.label.trimEnd(),
      manufacturer: info.manufacturerID.trimEnd(),
      model: info.model.trimEnd(),
      serialNumber: info.serialNumber.trimEnd(),
      flags: info.flags,
      maxSessionCount: countOf(info.maxSessionCount),
      sessionCount: countOf(info.sessionCount),
      maxRwSessionCount: countOf(info.maxRwSessionCount),
      rwSessionCount: countOf(info.rwSessionCount),
      maxPinLen: info.maxPinLen,
      minPinLen: info.minPinLen,
      totalPublicMemory: countOf(info.totalPublicMemory),
      freePublicMemory: countOf(info.freePublicMemory),
      totalPrivateMemory: countOf(info.totalPrivateMemory),
      freePrivateMemory: countOf(info.freePrivateMemory),
      utcTime: info.utcTime,
      ...versionsOf(info),
    };
  },
  getMechanismList: (module, { slot }) => ({ mechanisms: module.C_GetMechanismList(handleOf(slot)) }),
  getMechanismInfo: (module, { slot, mechanism }) => module.C_GetMechanismInfo(handleOf(slot), mechanism),
  openSession: (module, { slot, flags }) => ({ session: valueOfHandle(module.C_OpenSession(handleOf(slot), flags)) }),
  closeSession: (module, { session }) => {
    module.C_CloseSession(handleOf(session));
    return {};
  },
  closeAllSessions: (module, { slot }) => {
    module.C_CloseAllSessions(handleOf(slot));
    return {};
  },
  getSessionInfo: (module, { session }) => {
    const { slotID, state, flags, deviceError } = module.C_GetSessionInfo(handleOf(session));
    return { slot: valueOfHandle(slotID), state, flags, deviceError };
  },
  login: (module, { session, userType, pin }) => {
    module.C_Login(handleOf(session), userType, Buffer.from(pin ?? []).toString());
    return {};
  },
  logout: (module, { session }) => {
    module.C_Logout(handleOf(session));
    return {};
  },
  findObjectsInit: (module, { session, template }) => {
    module.C_FindObjectsInit(handleOf(session), templateOf(template));
    return {};
  },
  findObjects: (module, { session, max }) => ({
    handles: module.C_FindObjects(handleOf(session), max).map(valueOfHandle),
  }),
  findObjectsFinal: (module, { session }) => {
    module.C_FindObjectsFinal(handleOf(session));
    return {};
  },
  getAttributeValue: (module, { session, object, queries }) => {
    const types = queries.map(({ type }) => ({ type }));
    const values = module.C_GetAttributeValue(handleOf(session), handleOf(object), types);
    return { results: values.map(({ value }) => outputOf(value as Buffer)) };
  },
  setAttributeValue: (module, { session, object, template }) => {
    module.C_SetAttributeValue(handleOf(session), handleOf(object), templateOf(template));
    return {};
  },
  getObjectSize: (module, { session, object }) => ({
    size: Number(module.C_GetObjectSize(handleOf(session), handleOf(object))),
  }),
  createObject: (module, { session, template }) => ({
    object: valueOfHandle(module.C_CreateObject(handleOf(session), templateOf(template))),
  }),
  copyObject: (module, { session, object, template }) => ({
    copy: valueOfHandle(module.C_CopyObject(handleOf(session), handleOf(object), templateOf(template))),
  }),
  destroyObject: (module, { session, object }) => {
    module.C_DestroyObject(handleOf(session), handleOf(object));
    return {};
  },
  generateKeyPair: async (module, { session, mechanism, publicTemplate, privateTemplate }) => {
    const keys = await module.C_GenerateKeyPairAsync(
      handleOf(session),
      mechanismOf(mechanism),
      templateOf(publicTemplate),
      templateOf(privateTemplate),
    );
    return { publicKey: valueOfHandle(keys.publicKey), privateKey: valueOfHandle(keys.privateKey) };
  },
  generateRandom: (module, { session, length }) => ({
    bytes: module.C_GenerateRandom(handleOf(session), Buffer.alloc(length)),
  }),
  seedRandom: (module, { session, seed }) => {
    module.C_SeedRandom(handleOf(session), bytesOf(seed));
    return {};
  },
  signInit: (module, { session, mechanism, key }) => {
    module.C_SignInit(handleOf(session), mechanismOf(mechanism), handleOf(key));
    return {};
  },
  sign: async (module, { session, data, signature }) => ({
    signature: outputOf(await module.C_SignAsync(handleOf(session), bytesOf(data), room(signature))),
  }),
  signUpdate: (module, { session, part }) => {
    module.C_SignUpdate(handleOf(session), bytesOf(part));
    return {};
  },
  signFinal: (module, { session, signature }) => ({
    signature: outputOf(module.C_SignFinal(handleOf(session), room(signature))),
  }),
  verifyInit: (module, { session, mechanism, key }) => {
    module.C_VerifyInit(handleOf(session), mechanismOf(mechanism), handleOf(key));
    return {};
  },
  verify: (module, { session, data, signature }) => {
    module.C_Verify(handleOf(session), bytesOf(data), bytesOf(signature));
    return {};
  },
  verifyUpdate: (module, { session, part }) => {
    module.C_VerifyUpdate(handleOf(session), bytesOf(part));
    return {};
  },
  verifyFinal: (module, { session, signature }) => {
    module.C_VerifyFinal(handleOf(session), bytesOf(signature));
    return {};
  },
  digestInit: (module, { session, mechanism }) => {
    module.C_DigestInit(handleOf(session), mechanismOf(mechanism));
    return {};
  },
  digest: async (module, { session, data, digest }) => ({
    digest: outputOf(await module.C_DigestAsync(handleOf(session), bytesOf(data), room(digest))),
  }),
  digestUpdate: (module, { session, part }) => {
    module.C_DigestUpdate(handleOf(session), bytesOf(part));
    return {};
  },
  digestFinal: (module, { session, digest }) => ({
    digest: outputOf(module.C_DigestFinal(handleOf(session), room(digest))),
  }),
  encryptInit: (module, { session, mechanism, key }) => {
    module.C_EncryptInit(handleOf(session), mechanismOf(mechanism), handleOf(key));
    return {};
  },
  encrypt: (module, { session, data, encrypted }) => ({
    encrypted: outputOf(module.C_Encrypt(handleOf(session), bytesOf(data), room(encrypted))),
  }),
  decryptInit: (module, { session, mechanism, key }) => {
    module.C_DecryptInit(handleOf(session), mechanismOf(mechanism), handleOf(key));
    return {};
  },
  decrypt: (module, { session, encrypted, data }) => ({
    data: outputOf(module.C_Decrypt(handleOf(session), bytesOf(encrypted), room(data))),
  }),
};

function versionsOf({ hardwareVersion, firmwareVersion }: Pkcs11js.SlotInfo | Pkcs11js.TokenInfo) {
  return {
    hardwareMajor: hardwareVersion.major,
    hardwareMinor: hardwareVersion.minor,
    firmwareMajor: firmwareVersion.major,
    firmwareMinor: firmwareVersion.minor,
  };
}

/** pkcs11js throws errors of three kinds; all of them name the code, one in its text. */
function codeOf(error: unknown): number {
  if (!(error instanceof Error)) return CKR_OK;
  const inText = /CKR_\w+:(\d+)/.exec(error.message)?.[1];
  return Number(inText ?? Reflect.get(error, 'code') ?? CKR_OK);
}

export class LoadedModule implements Program {
  readonly #module = new pkcs11js.PKCS11();

  constructor(path: string) {
    this.#module.load(path);
  }

  async call<F extends FunctionName>(name: F, request: Functions[F]['request']): Promise<Reply<F>> {
    try {
      const call: Call<F> = calls[name];
      return { rv: CKR_OK, values: await call(this.#module, request) };
    } catch (error) {
      const code = codeOf(error);
      if (code === CKR_OK) throw error;
      return { rv: code, values: undefined };
    }
  }

  unload(): void {
    this.#module.close();
  }
}
