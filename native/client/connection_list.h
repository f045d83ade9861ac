/* The connections of a process, under the client lock. */
#ifndef MHSM_CLIENT_CONNECTION_LIST_H
#define MHSM_CLIENT_CONNECTION_LIST_H

#include "connection.h"

#include <stddef.h>
#include <stdint.h>

/* One that nobody uses and that leads to the agent of this epoch, or NULL. */
struct connection *connection_list_find_idle(struct connection *list, uint64_t epoch);
size_t connection_list_count_idle(const struct connection *list);
void connection_list_remove(struct connection **list, const struct connection *connection);
/* Closes those of other epochs. Busy ones are left to the thread that uses them, which finds their epoch
 * gone. */
void connection_list_close_stale(struct connection **list, uint64_t epoch);
/* Closes and frees one that is in no list. */
void connection_discard(struct connection *connection);

#endif
