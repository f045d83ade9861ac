/*
 * One connection to the agent: a stream socket that carries one call at a time. Used by one thread at a time;
 * which one is the business of client.c, whose lock guards the fields marked so.
 */
#ifndef MHSM_CLIENT_CONNECTION_H
#define MHSM_CLIENT_CONNECTION_H

#include "deadline.h"
#include "descriptor.h"
#include "exchange.h"
#include "failure.h"

#include <stdbool.h>
#include <stddef.h>

enum transport {
    TRANSPORT_OK,
    /* Nobody listens at that path. */
    TRANSPORT_ABSENT,
    /* The connection was closed before any byte of the request went out: it may be sent on another one. */
    TRANSPORT_UNSENT,
    /* The other side closed it after the request, or part of it, went out. */
    TRANSPORT_BROKEN,
    TRANSPORT_FAILED,
};

struct connection {
    struct descriptor socket;
    /* client lock: list of all connections of this process. */
    struct connection *next;
    /* client lock: a thread is using it. */
    bool busy;
    /* client lock: see struct client. Copied into answers. */
    uint64_t epoch;
    /* client lock: how many operations go on here; which, the list knows. */
    size_t operations;
    /* A call was given up before its answer began: that comes before the answer to the next one. */
    bool late;
};

enum transport connection_open(struct connection *connection, const char *socket, struct deadline deadline,
                               struct failure *failure);
/* The user of the process that listens there, as the kernel says. False with failure: it does not say. */
bool connection_listener(const struct connection *connection, uid_t *user, struct failure *failure);
/* False when the agent has closed it, wrote what nobody asked for, or the host closed the descriptor. Never
 * waits. */
bool connection_is_usable(const struct connection *connection);
enum transport connection_call(struct connection *connection, struct exchange *exchange,
                               struct deadline deadline, struct failure *failure);
void connection_close(struct connection *connection);

#endif
