/* The connections of a process, and which operation goes on where; under the client lock. */
#ifndef MHSM_CLIENT_CONNECTION_LIST_H
#define MHSM_CLIENT_CONNECTION_LIST_H

#include "connection.h"

#include <stddef.h>
#include <stdint.h>

/* Beside so many no further one is made only because the others have operations: those share. */
#define CONNECTION_LIST_FULL 128

/* A session's operation goes on where it began: its agent alone has it once another one took over. */
struct operation {
    uint64_t session;
    struct connection *connection;
};

struct connection_list {
    struct connection *first;
    struct operation *operations;
    size_t operation_count;
    size_t operation_capacity;
};

void connection_list_add(struct connection_list *list, struct connection *connection);
/* Closes nothing; its operations are forgotten. */
void connection_list_remove(struct connection_list *list, const struct connection *connection);
/*
 * One that nobody uses, for that exchange, or NULL: that on which the operation of its session goes on, be it
 * at an agent of an earlier epoch when the exchange belongs to it, and then no other; else one without an
 * operation; else, of a full list or when it `shares`, that with the fewest.
 */
struct connection *connection_list_find_idle(const struct connection_list *list, uint64_t epoch, bool shares,
                                             const struct exchange *exchange);
/* Where the operation goes on that the exchange belongs to; NULL: nowhere. */
struct connection *connection_list_find_begun(const struct connection_list *list,
                                              const struct exchange *exchange);
bool connection_list_is_full(const struct connection_list *list);
/* Some connection leads to the agent of that epoch. */
bool connection_list_reaches(const struct connection_list *list, uint64_t epoch);
/* Those that nobody uses and that no operation needs. */
size_t connection_list_count_spare(const struct connection_list *list);
/*
 * From now on the operation of `session` goes on there; NULL: it has ended. Without memory for it nothing is
 * kept: it goes on as long as its agent is the present one.
 */
void connection_list_move_operation(struct connection_list *list, uint64_t session,
                                    struct connection *connection);
void connection_list_end_operations(struct connection_list *list);
/*
 * Closes those of other epochs, but for those with an operation that their agent can still go on with. Busy
 * ones are left to the thread that uses them.
 */
void connection_list_close_stale(struct connection_list *list, uint64_t epoch);
/* Forgets the operation of `session`, and closes its connection if no other one goes on there. */
void connection_list_give_up_operation(struct connection_list *list, uint64_t session);
/* Closes and frees one that is in no list. */
void connection_discard(struct connection *connection);

#endif
