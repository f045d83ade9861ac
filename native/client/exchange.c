#include "exchange.h"

#include <stdlib.h>
#include <string.h>

uint64_t exchange_session(const struct exchange *exchange)
{
    if (exchange->call == NULL || !exchange->call->in_session)
        return 0;
    const uint8_t *request = exchange->request;
    uint64_t session;
    memcpy(&session, request + exchange->call->request.list[0].offset, sizeof session);
    return session;
}

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
    uint8_t marks = wire_get_u8(&reader);
    exchange->has_fields = (marks & EXCHANGE_HAS_FIELDS) != 0;
    exchange->goes_on = (marks & EXCHANGE_GOES_ON) != 0;
    if (exchange->has_fields)
        wire_get_fields(&reader, &exchange->call->response, exchange->response);
    /* Zero is success for every call, and a success without its fields would leave `response` unset. */
    bool whole = exchange->has_fields || exchange->rv != 0;
    if (id == exchange->call->id && whole && marks <= (EXCHANGE_HAS_FIELDS | EXCHANGE_GOES_ON) && wire_at_end(&reader))
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
    exchange->goes_on = false;
    exchange->rv = 0;
}
