/** The shapes that calls take and give: the wire's, so that the agent hands a request over as it is. */

/** CK_MECHANISM. The bytes of a parameter are those of its C structure, on LP64 and little-endian. */
export interface Mechanism {
  type: number;
  parameter: Uint8Array | null;
}

/** CK_ATTRIBUTE. */
export interface Attribute {
  type: number;
  /** Null: a NULL pointer. */
  value: Uint8Array | null;
}

/** An attribute that C_GetAttributeValue is asked for. */
export interface AttributeQuery {
  type: number;
  /** Bytes the caller has room for; null asks for the length alone. */
  capacity: number | null;
}

/** What a caller's output buffer gets. */
export interface Output {
  /** Bytes of the whole value, or CK_UNAVAILABLE_INFORMATION. */
  length: number;
  bytes: Uint8Array | null;
}

/** An answer that is there at once when nobody has to be asked, so that the hot path queues nothing. */
export type Answer<T> = T | Promise<T>;

export type Nothing = Record<never, never>;
export const NOTHING: Nothing = Object.freeze({});
