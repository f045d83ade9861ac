/*
 * Decodes frames and encodes them again, so that a test can compare both codecs byte by byte. In: 'q'
 * (request) or 'a' (answer), then a frame with its length prefix. Out: the frame again, or four zero bytes
 * for one that is refused.
 */
#include "../fuzz/reencode.h"

#include <stdio.h>
#include <stdlib.h>

static void echo(int kind, const uint8_t *body, size_t length)
{
    static const uint8_t refused[4];
    struct wire_writer out = {.data = NULL};
    if (reencode(kind, body, length, &out))
        fwrite(out.data, 1, out.length, stdout);
    else
        fwrite(refused, 1, sizeof refused, stdout);
    fflush(stdout);
    wire_release(&out);
}

int main(void)
{
    int kind;
    while ((kind = getchar()) != EOF) {
        uint8_t prefix[4];
        if (fread(prefix, 1, sizeof prefix, stdin) != sizeof prefix)
            return 1;
        struct wire_reader reader = wire_reader_of(prefix, sizeof prefix);
        size_t length = wire_get_u32(&reader);
        /* Exactly as large as the frame, so that a sanitizer sees a read beyond it. */
        uint8_t *body = malloc(length == 0 ? 1 : length);
        if (body == NULL || fread(body, 1, length, stdin) != length)
            return 1;
        echo(kind, body, length);
        free(body);
    }
    return 0;
}
