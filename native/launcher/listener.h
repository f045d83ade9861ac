/*
 * The socket and the two files beside it. `<socket>.lock` is held while a socket comes or goes, so that two
 * launchers that start, or one that starts while another leaves, end up as one. `<socket>.lease` is held,
 * shared, by the processes that count on this launcher (client/lease.h).
 */
#ifndef MHSM_LAUNCHER_LISTENER_H
#define MHSM_LAUNCHER_LISTENER_H

#include "../client/failure.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct listener {
    char socket[PATH_MAX];
    char directory[PATH_MAX];
    /* Of the path: another file there is not ours to remove. */
    dev_t device;
    ino_t inode;
    int fd;
    int lease;
};

enum listener_result {
    LISTENER_OURS,
    /* Somebody listens there already. */
    LISTENER_SERVED,
    LISTENER_FAILED,
};

enum listener_result listener_open(struct listener *listener, const char *socket, struct failure *failure);
/* A connection waits to be accepted. */
bool listener_has_caller(const struct listener *listener);
/* Takes the socket away, unless somebody still counts on it: false then, and everything stays. */
bool listener_leave(struct listener *listener);
/* The same without asking. */
void listener_remove(struct listener *listener);

#endif
