/* What client.c and greeting.c share. No lock is held across a system call that can wait. */
#ifndef MHSM_CLIENT_CLIENT_STATE_H
#define MHSM_CLIENT_CLIENT_STATE_H

#include "client.h"
#include "connection_list.h"
#include "location.h"
#include "secret.h"

#include <pthread.h>
#include <sys/types.h>

#define INSTANCE_BYTES 16

struct client {
    /* Set at load, constant afterwards. */
    client_resume *resume;
    struct location location;

    /* Guards what follows, but for `forks` and what says otherwise. */
    pthread_mutex_t lock;
    /* greeting, replaying or connections changed. */
    pthread_cond_t changed;

    /* The process that the state belongs to: both differ from now in a forked child. */
    pid_t pid;
    unsigned forks_seen;

    struct connection_list connections;
    uint8_t instance[INSTANCE_BYTES];
    bool has_instance;
    /* Kept over forks, and by a child that was never admitted itself. */
    struct secret *ticket;
    /* Where an agent let us in, index + 1; there and nowhere else from then on, also in children. 0: nowhere
     * yet. */
    size_t admitted_at;
    int64_t deadline_ms;
    int64_t slow_deadline_ms;
    /* A deadline passed, and no agent has greeted us since. Also in a fork: the agent is the same. */
    bool silent;
    int64_t ask_again_ms;
    /* No further connection was to be had a moment ago: until then operations share those that there are. */
    int64_t shares_until_ms;
    /* Why it was not; empty once one was. */
    struct failure shares_because;
    /* When to look next whether an agent all whose connections have operations still is the present one. */
    int64_t look_at_ms;

    /*
     * Counts the agents (and lives of this process) that the connections belong to: a connection of an
     * earlier epoch leads to an agent that knows other things than the present one, and is closed instead of
     * used, but for what goes on with an operation that began there.
     */
    uint64_t epoch;
    /* The epoch with which this life of the process began: connections of earlier ones are another's. */
    uint64_t born;
    /* The agent of this epoch has the state that the module believes it has. */
    bool resumed;
    /* One thread opens a connection. It alone touches `not_before_ms`, without the lock. */
    bool greeting;
    /* One thread replays state; nobody else calls meanwhile. */
    bool replaying;

    struct descriptor lease;
    /* The process that opened `lease`. What a child inherited it may not be allowed to open again. */
    pid_t lease_pid;
    /* See greeting. After a start that failed, failing at once is better than a fork a call. */
    int64_t not_before_ms;
};

/*
 * Opens a connection and is admitted on it. Called by the one thread that set `greeting`, without the lock.
 * CLIENT_REFUSED leaves the agent's words in `exchange`.
 */
enum client_status greeting_make(struct client *client, struct connection *connection, bool fresh,
                                 struct exchange *exchange, struct deadline deadline,
                                 struct failure *failure);

#endif
