#include "connection_list.h"

#include <stdlib.h>

struct connection *connection_list_find_idle(struct connection *list, uint64_t epoch)
{
    for (struct connection *at = list; at != NULL; at = at->next)
        if (!at->busy && at->epoch == epoch)
            return at;
    return NULL;
}

size_t connection_list_count_idle(const struct connection *list)
{
    size_t count = 0;
    for (const struct connection *at = list; at != NULL; at = at->next)
        count += at->busy ? 0 : 1;
    return count;
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
        if (connection->busy || connection->epoch == epoch) {
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
