#include "reencode.h"

#include "../client/wire_calls.h"

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

static bool reencode_request(const uint8_t *body, size_t length, struct wire_writer *out)
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

static bool reencode_answer(const uint8_t *body, size_t length, struct wire_writer *out)
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
    wire_put_u8(out, (uint8_t)((exchange.has_fields ? EXCHANGE_HAS_FIELDS : 0) |
                             (exchange.goes_on ? EXCHANGE_GOES_ON : 0)));
    if (exchange.has_fields)
        wire_put_fields(out, &call->response, values);
    wire_end_frame(out);
    exchange_release(&exchange);
    return !out->failed;
}

bool reencode(int kind, const uint8_t *body, size_t length, struct wire_writer *out)
{
    return kind == 'q' ? reencode_request(body, length, out) : reencode_answer(body, length, out);
}
