/*
 * The way to the agent: find or start it, connect, survive forks and restarts of the agent, carry calls.
 * Knows frames and the hello, not what the calls mean. Any thread may call; none is ever made here.
 */
#ifndef MHSM_CLIENT_CLIENT_H
#define MHSM_CLIENT_CLIENT_H

#include "connection.h"
#include "deadline.h"
#include "exchange.h"
#include "failure.h"

#include <stdbool.h>

enum client_status {
    /* The agent answered; what, is in the exchange. */
    CLIENT_ANSWERED,
    /* The agent did not let this process in: rv and message in the exchange are its answer to the hello. */
    CLIENT_REFUSED,
    /* No answer; the failure says why. Whether the agent carried the call out is not known. */
    CLIENT_FAILED,
};

/*
 * Brings an agent that does not know this process (another one than before, or we are a fork) to the state
 * the caller believes it has, with connection_call on `connection`. Called by one thread at a time, while all
 * others wait; never with a lock of the client held.
 */
typedef enum transport client_resume(struct connection *connection, struct deadline deadline,
                                     struct failure *failure);

/* Once, when the module is loaded: remembers the environment. `module` is any address in the module. */
void client_load(client_resume *resume, const void *module);
/* When it is unloaded or the process ends: closes and clears what is this process's own. */
void client_unload(void);

/* Makes sure that there is a connection, for a process that begins to use the module. `exchange` carries a
 * refusal. */
enum client_status client_begin(bool fresh, struct exchange *exchange, struct failure *failure);
enum client_status client_call(struct exchange *exchange, struct failure *failure);
/* A session's operation is over without a call of its own, also at an agent that has been replaced. */
void client_end_operation(uint64_t session);
/* Ends what this process has at the agent; the next call begins as a new one. */
void client_end(void);

/*
 * False when the agent was replaced since it gave an answer of this epoch: what that answer established may
 * be missing from what was resumed meanwhile. Then client_forget makes the next call resume again.
 */
bool client_is_current(uint64_t epoch);
void client_forget(void);

#endif
