#include "connection_list.h"

#include <stdlib.h>

#define FIRST_CAPACITY 16

static struct operation *find_operation(const struct connection_list *list, uint64_t session)
{
    for (size_t i = 0; i < list->operation_count; i++)
        if (list->operations[i].session == session)
            return &list->operations[i];
    return NULL;
}

static void forget_operation(struct connection_list *list, struct operation *operation)
{
    operation->connection->operations--;
    *operation = list->operations[--list->operation_count];
}

static bool make_room(struct connection_list *list)
{
    if (list->operation_count < list->operation_capacity)
        return true;
    size_t capacity = list->operation_capacity == 0 ? FIRST_CAPACITY : 2 * list->operation_capacity;
    if (capacity > SIZE_MAX / sizeof(struct operation))
        return false;
    /* Not reallocarray: libc takes its memory from the host's allocator, which our free may not be of. */
    struct operation *operations = realloc(list->operations, capacity * sizeof *operations);
    if (operations == NULL)
        return false;
    list->operations = operations;
    list->operation_capacity = capacity;
    return true;
}

void connection_list_move_operation(struct connection_list *list, uint64_t session,
                                    struct connection *connection)
{
    struct operation *operation = find_operation(list, session);
    if (operation != NULL)
        forget_operation(list, operation);
    if (connection == NULL || !make_room(list))
        return;
    list->operations[list->operation_count++] =
        (struct operation){.session = session, .connection = connection};
    connection->operations++;
}

void connection_list_end_operations(struct connection_list *list)
{
    for (struct connection *at = list->first; at != NULL; at = at->next)
        at->operations = 0;
    free(list->operations);
    list->operations = NULL;
    list->operation_count = 0;
    list->operation_capacity = 0;
}

struct connection *connection_list_find_begun(const struct connection_list *list,
                                              const struct exchange *exchange)
{
    uint64_t session = exchange_session(exchange);
    const struct operation *operation = session == 0 ? NULL : find_operation(list, session);
    return operation != NULL && exchange->call->operation ? operation->connection : NULL;
}

static struct connection *find_own(const struct connection_list *list, uint64_t epoch,
                                   const struct exchange *exchange)
{
    uint64_t session = exchange_session(exchange);
    const struct operation *operation = session == 0 ? NULL : find_operation(list, session);
    if (operation == NULL || operation->connection->busy)
        return NULL;
    return operation->connection->epoch == epoch || exchange->call->operation ? operation->connection : NULL;
}

struct connection *connection_list_find_idle(const struct connection_list *list, uint64_t epoch, bool shares,
                                             const struct exchange *exchange)
{
    struct connection *best = NULL;
    struct connection *own = find_own(list, epoch, exchange);
    if (own != NULL)
        return own;
    const struct connection *begun = connection_list_find_begun(list, exchange);
    if (begun != NULL && begun->epoch != epoch)
        return NULL;
    for (struct connection *at = list->first; at != NULL; at = at->next)
        if (!at->busy && at->epoch == epoch && (best == NULL || at->operations < best->operations))
            best = at;
    bool fits = best != NULL && (best->operations == 0 || shares || connection_list_is_full(list));
    return fits ? best : NULL;
}

bool connection_list_is_full(const struct connection_list *list)
{
    size_t count = 0;
    for (const struct connection *at = list->first; at != NULL; at = at->next)
        count++;
    return count >= CONNECTION_LIST_FULL;
}

bool connection_list_reaches(const struct connection_list *list, uint64_t epoch)
{
    for (const struct connection *at = list->first; at != NULL; at = at->next)
        if (at->epoch == epoch)
            return true;
    return false;
}

size_t connection_list_count_spare(const struct connection_list *list)
{
    size_t count = 0;
    for (const struct connection *at = list->first; at != NULL; at = at->next)
        count += at->busy || at->operations != 0 ? 0 : 1;
    return count;
}

void connection_list_add(struct connection_list *list, struct connection *connection)
{
    connection->next = list->first;
    list->first = connection;
}

void connection_list_remove(struct connection_list *list, const struct connection *connection)
{
    for (size_t i = list->operation_count; i > 0; i--)
        if (list->operations[i - 1].connection == connection)
            forget_operation(list, &list->operations[i - 1]);
    struct connection **at = &list->first;
    while (*at != NULL && *at != connection)
        at = &(*at)->next;
    if (*at != NULL)
        *at = connection->next;
}

void connection_list_close_stale(struct connection_list *list, uint64_t epoch)
{
    struct connection *next;
    for (struct connection *at = list->first; at != NULL; at = next) {
        next = at->next;
        if (at->busy || at->epoch == epoch || (at->operations != 0 && connection_is_usable(at)))
            continue;
        connection_list_remove(list, at);
        connection_discard(at);
    }
}

void connection_list_give_up_operation(struct connection_list *list, uint64_t session)
{
    struct operation *operation = find_operation(list, session);
    if (operation == NULL)
        return;
    struct connection *connection = operation->connection;
    forget_operation(list, operation);
    if (connection->busy || connection->operations != 0)
        return;
    connection_list_remove(list, connection);
    connection_discard(connection);
}

void connection_discard(struct connection *connection)
{
    connection_close(connection);
    free(connection);
}
