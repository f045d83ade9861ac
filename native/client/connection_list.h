/* The connections of a process, under the client lock. */
#ifndef MHSM_CLIENT_CONNECTION_LIST_H
#define MHSM_CLIENT_CONNECTION_LIST_H

#include "connection.h"

#include <stddef.h>
#include <stdint.h>

/* Beside so many no further one is made only because the others have operations. */
#define CONNECTION_LIST_FULL 128

/*
 * One that nobody uses, for that exchange, or NULL: that on which the operation of its session goes on, be it at an agent
 * of an earlier epoch when the exchange belongs to it; else one without an operation; else, of a full list, any.
 */
struct connection *connection_list_find_idle(struct connection *list, uint64_t epoch,
                                             const struct exchange *exchange);
/* Those that nobody uses and that no operation needs. */
size_t connection_list_count_spare(const struct connection *list);
/* The operation of `session` has ended, or goes on elsewhere. */
void connection_list_end_operation(struct connection *list, uint64_t session);
void connection_list_remove(struct connection **list, const struct connection *connection);
/*
 * Closes those of other epochs, but for those with an operation that their agent can still go on with. Busy ones are left
 * to the thread that uses them.
 */
void connection_list_close_stale(struct connection **list, uint64_t epoch);
/* Closes those on which an operation of `session` goes on. */
void connection_list_close_of(struct connection **list, uint64_t session);
/* Closes and frees one that is in no list. */
void connection_discard(struct connection *connection);

#endif
