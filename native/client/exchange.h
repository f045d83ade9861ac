/*
 * One call and its answer: what is asked, where the answer's fields go, and what came back. Made by the typed
 * functions of wire_calls.h, carried by client.h, given back with exchange_release.
 */
#ifndef MHSM_CLIENT_EXCHANGE_H
#define MHSM_CLIENT_EXCHANGE_H

#include "wire.h"

struct exchange {
    const struct wire_call *call;
    const void *request;
    void *response;

    /* From here on: the answer. */
    uint64_t rv;
    struct wire_bytes message;
    /* False after most errors; then `response` was not touched. */
    bool has_fields;
    /* The session has an operation that another call goes on with. */
    bool goes_on;
    /* Which resume of the agent's state this answer belongs to; see client_is_current. */
    uint64_t epoch;
    /* What message and response point into. */
    uint8_t *frame;
    size_t frame_length;
};

/* Bits of an answer's marks. */
enum { EXCHANGE_HAS_FIELDS = 1, EXCHANGE_GOES_ON = 2 };

/* The session in which the call is made; 0: none. */
uint64_t exchange_session(const struct exchange *exchange);
/* A whole request frame. False: out of memory, or larger than a frame may be. */
bool exchange_encode(const struct exchange *exchange, struct wire_writer *writer);
/* Takes ownership of `frame` (a body without its length prefix), also when it returns false: not an answer to
 * this. */
bool exchange_decode(struct exchange *exchange, uint8_t *frame, size_t length);
void exchange_release(struct exchange *exchange);

#endif
