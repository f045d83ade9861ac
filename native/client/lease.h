/*
 * The lease tells the launcher that somebody still counts on it: a shared flock on `<socket>.lease`, which
 * belongs to the open file and so passes to forked children. It says so even when no process of the family
 * has a connection (an nginx master between two reloads), and goes by itself when the last of them is gone.
 */
#ifndef MHSM_CLIENT_LEASE_H
#define MHSM_CLIENT_LEASE_H

#include "descriptor.h"

#include <stdbool.h>

/* Holds the lease of the launcher at `socket` if there is one and this user may. True: it was opened just
 * now. */
bool lease_hold(struct descriptor *lease, const char *socket);

#endif
