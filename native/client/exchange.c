#include "exchange.h"

#include <stdlib.h>
#include <string.h>

bool exchange_encode(const struct exchange *exchange, struct wire_writer *writer)
{
    wire_begin_frame(writer);
    wire_put_u16(writer, exchange->call->id);
    wire_put_fields(writer, &exchange->call->request, exchange->request);
    wire_end_frame(writer);
    return !writer->failed;
}

bool exchange_decode(struct exchange *exchange, uint8_t *frame, size_t length)
{
    exchange_release(exchange);
    exchange->frame = frame;
    exchange->frame_length = length;
    struct wire_reader reader = wire_reader_of(frame, length);
    uint16_t id = wire_get_u16(&reader);
    exchange->rv = wire_get_ulong(&reader);
    exchange->message = wire_get_bytes(&reader);
    exchange->has_fields = wire_get_flag(&reader);
    if (exchange->has_fields)
        wire_get_fields(&reader, &exchange->call->response, exchange->response);
    /* Zero is success for every call, and a success without its fields would leave `response` unset. */
    bool whole = exchange->has_fields || exchange->rv != 0;
    if (id == exchange->call->id && whole && wire_at_end(&reader))
        return true;
    exchange_release(exchange);
    return false;
}

void exchange_release(struct exchange *exchange)
{
    if (exchange->frame != NULL) {
        explicit_bzero(exchange->frame, exchange->frame_length);
        free(exchange->frame);
    }
    exchange->frame = NULL;
    exchange->frame_length = 0;
    exchange->message = (struct wire_bytes){.data = NULL};
    exchange->has_fields = false;
    exchange->rv = 0;
}
