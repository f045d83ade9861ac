/*
 * Any bytes as a request or an answer ('q' or 'a' in front): a refusal, or a frame that encodes to as many bytes
 * and, encoded once, stays as it is. Two spellings are not kept byte by byte: numbers beyond 2^53-1 become all
 * ones, and the size of a buffer that is not there becomes zero.
 */
#include "reencode.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX_BYTES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int kind, const uint8_t *body, size_t length)
{
    struct wire_writer once = {.data = NULL};
    struct wire_writer twice = {.data = NULL};
    if (reencode(kind, body, length, &once)) {
        if (once.length != PREFIX_BYTES + length)
            abort();
        if (!reencode(kind, once.data + PREFIX_BYTES, length, &twice))
            abort();
        if (twice.length != once.length || memcmp(once.data, twice.data, once.length) != 0)
            abort();
    }
    wire_release(&once);
    wire_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && (data[0] == 'q' || data[0] == 'a'))
        check(data[0], data + 1, size - 1);
    return 0;
}
