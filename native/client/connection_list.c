#include "connection_list.h"

#include <stdlib.h>

static struct connection *find_own(struct connection *list, uint64_t epoch, const struct exchange *exchange)
{
    uint64_t session = exchange_session(exchange);
    for (struct connection *at = list; at != NULL && session != 0; at = at->next)
        if (!at->busy && at->session == session && (at->epoch == epoch || exchange->call->operation))
            return at;
    return NULL;
}

struct connection *connection_list_find_idle(struct connection *list, uint64_t epoch,
                                             const struct exchange *exchange)
{
    size_t count = 0;
    struct connection *with_operation = NULL;
    struct connection *own = find_own(list, epoch, exchange);
    if (own != NULL)
        return own;
    for (struct connection *at = list; at != NULL; at = at->next) {
        count++;
        if (at->busy || at->epoch != epoch)
            continue;
        if (at->session == 0)
            return at;
        with_operation = at;
    }
    return count >= CONNECTION_LIST_FULL ? with_operation : NULL;
}

size_t connection_list_count_spare(const struct connection *list)
{
    size_t count = 0;
    for (const struct connection *at = list; at != NULL; at = at->next)
        count += at->busy || at->session != 0 ? 0 : 1;
    return count;
}

void connection_list_end_operation(struct connection *list, uint64_t session)
{
    for (struct connection *at = list; at != NULL; at = at->next)
        if (at->session == session)
            at->session = 0;
}

void connection_list_remove(struct connection **list, const struct connection *connection)
{
    while (*list != NULL && *list != connection)
        list = &(*list)->next;
    if (*list != NULL)
        *list = connection->next;
}

void connection_list_close_stale(struct connection **list, uint64_t epoch)
{
    while (*list != NULL) {
        struct connection *connection = *list;
        if (connection->busy || connection->epoch == epoch ||
            (connection->session != 0 && connection_is_usable(connection))) {
            list = &connection->next;
            continue;
        }
        *list = connection->next;
        connection_discard(connection);
    }
}

void connection_list_close_of(struct connection **list, uint64_t session)
{
    while (*list != NULL) {
        struct connection *connection = *list;
        if (connection->busy || connection->session != session) {
            list = &connection->next;
            continue;
        }
        *list = connection->next;
        connection_discard(connection);
    }
}

void connection_discard(struct connection *connection)
{
    connection_close(connection);
    free(connection);
}
