/*
 * Decodes frames and encodes them again, so that a test can compare both codecs byte by byte. In: 'q'
 * (request) or 'a' (answer), then a frame with its length prefix. Out: the frame again, or four zero bytes
 * for one that is refused.
 */
#include "../client/wire_calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_BYTES 1024

static const struct wire_call *find_call(uint16_t id)
{
    for (size_t i = 0; i < WIRE_CALL_COUNT; i++)
        if (wire_calls[i].id == id)
            return &wire_calls[i];
    return NULL;
}

static bool echo_request(const uint8_t *body, size_t length, struct wire_writer *out)
{
    _Alignas(max_align_t) uint8_t values[VALUE_BYTES];
    struct wire_reader reader = wire_reader_of(body, length);
    const struct wire_call *call = find_call(wire_get_u16(&reader));
    if (call == NULL)
        return false;
    wire_get_fields(&reader, &call->request, values);
    if (!wire_at_end(&reader))
        return false;
    struct exchange exchange = {.call = call, .request = values};
    return exchange_encode(&exchange, out);
}

static bool echo_answer(const uint8_t *body, size_t length, struct wire_writer *out)
{
    _Alignas(max_align_t) uint8_t values[VALUE_BYTES];
    struct wire_reader reader = wire_reader_of(body, length);
    const struct wire_call *call = find_call(wire_get_u16(&reader));
    struct exchange exchange = {.call = call, .response = values};
    uint8_t *copy = malloc(length + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, body, length);
    if (call == NULL || !exchange_decode(&exchange, copy, length)) {
        if (call == NULL)
            free(copy);
        return false;
    }
    wire_begin_frame(out);
    wire_put_u16(out, call->id);
    wire_put_ulong(out, exchange.rv);
    wire_put_bytes(out, exchange.message);
    wire_put_flag(out, exchange.has_fields);
    if (exchange.has_fields)
        wire_put_fields(out, &call->response, values);
    wire_end_frame(out);
    exchange_release(&exchange);
    return !out->failed;
}

static void echo(int kind, const uint8_t *body, size_t length)
{
    static const uint8_t refused[4];
    struct wire_writer out = {.data = NULL};
    bool done = kind == 'q' ? echo_request(body, length, &out) : echo_answer(body, length, &out);
    if (done)
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
