/* Decodes a frame and encodes it again: what tests and fuzzers hold against the bytes they began with. */
#ifndef MHSM_FUZZ_REENCODE_H
#define MHSM_FUZZ_REENCODE_H

#include "../client/wire.h"

/* `kind` is 'q' for a request, 'a' for an answer; `body` has no length prefix, `out` has. False: refused. */
bool reencode(int kind, const uint8_t *body, size_t length, struct wire_writer *out);

#endif
