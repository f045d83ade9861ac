// Values of a point. Apart from the schema, so that the page need not carry a validator.

export const KEY_TYPES = ['RSA-2048', 'RSA-4096', 'P-256', 'P-384'] as const;

/** Who makes the signature: the library, the library with ConnectionCache off, and what it is held against. */
export const SIGNERS = ['library', 'library-uncached', 'bare-rest', 'softhsm', 'pem'] as const;

/** Calls of C_Sign (or its like) by so many threads, or new TLS 1.3 connections to so many workers of nginx. */
export const LOADS = ['signs', 'handshakes'] as const;
