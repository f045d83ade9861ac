/* Reaching an agent and being let in: where to look, when to start one, the hello. */
#include "client_state.h"

#include "directory.h"
#include "lease.h"
#include "starter.h"
#include "wire_calls.h"

#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_PAUSE_MS 2000
#define AGAIN_PAUSE_MS 50
/* An agent that dies while it greets us is replaced by its launcher; one that always does is not worth the
 * deadline. */
#define MAX_BROKEN_HELLOS 3
/* Deadlines come from the agent's configuration; these bound what a mistaken one can do. */
#define SHORTEST_DEADLINE_MS 1
#define LONGEST_DEADLINE_MS (60 * 60 * 1000)

/* What one greeting sends, copied under the lock. */
struct introduction {
    uint8_t instance[INSTANCE_BYTES];
    struct secret *ticket;
    uint64_t epoch;
    size_t admitted_at;
    bool fresh;
    /* Not in the short time that is spent on one that may be silent. */
    bool may_start;
};

static bool introduce(struct client *client, bool fresh, struct introduction *introduction,
                      struct failure *failure)
{
    bool done = true;
    pthread_mutex_lock(&client->lock);
    if (!client->has_instance) {
        done = getrandom(client->instance, INSTANCE_BYTES, 0) == INSTANCE_BYTES;
        client->has_instance = done;
    }
    memcpy(introduction->instance, client->instance, INSTANCE_BYTES);
    introduction->epoch = client->epoch;
    introduction->admitted_at = client->admitted_at;
    introduction->fresh = fresh;
    introduction->may_start = !client->silent;
    if (done && client->ticket != NULL) {
        introduction->ticket = secret_new(client->ticket->data, client->ticket->length);
        done = introduction->ticket != NULL;
    }
    pthread_mutex_unlock(&client->lock);
    if (!done)
        failure_set(failure, "no random bytes, or out of memory");
    return done;
}

/*
 * Who listens is told PINs, and a socket is anybody's who could put it there. The path is looked at before it
 * is used: one that none but trusted users can change leads to the same place a moment later.
 */
static enum transport connect_trusted(const struct location *location, const char *socket,
                                      struct connection *connection, struct deadline deadline,
                                      struct failure *failure)
{
    struct failure exposed;
    uid_t listener;
    enum path_trust trust = location_check(location, socket, &exposed);
    enum transport result = connection_open(connection, socket, deadline, failure);
    if (result != TRANSPORT_OK)
        return result;
    bool known = connection_listener(connection, &listener, failure);
    if (known && (location_trusts(location, listener) || trust == PATH_TRUSTED))
        return TRANSPORT_OK;
    connection_close(connection);
    if (known)
        failure_set(failure,
                    "user id %u listens at %s, and %s: put the socket where only root and this user may, or "
                    "set MHSM_PKCS11_AGENT_USER=%u if it is the agent's user",
                    (unsigned)listener, socket, exposed.text, (unsigned)listener);
    /* Absent a moment ago: it is worth another look. */
    return known && trust == PATH_ABSENT ? TRANSPORT_BROKEN : TRANSPORT_FAILED;
}

static enum transport connect_candidate(const struct location *location, const struct candidate *candidate,
                                        struct connection *connection, struct deadline deadline,
                                        struct failure *failure)
{
    char directory[LOCATION_SOCKET_BYTES];
    if (candidate->is_private) {
        if (!location_directory(candidate->socket, directory, sizeof directory))
            return TRANSPORT_FAILED;
        switch (directory_check(directory, failure)) {
        case DIRECTORY_ABSENT:
            failure_set(failure, "no agent listens at %s", candidate->socket);
            return TRANSPORT_ABSENT;
        case DIRECTORY_UNSAFE:
            return TRANSPORT_FAILED;
        case DIRECTORY_SAFE:
            break;
        }
    }
    return connect_trusted(location, candidate->socket, connection, deadline, failure);
}

static bool start(struct client *client, const struct candidate *candidate, struct deadline deadline,
                  struct failure *failure)
{
    /* A worker that runs as another user than the process that loaded the module would own the wrong agent.
     */
    if (!candidate->can_start || geteuid() != client->location.owner)
        return false;
    if (deadline_now_ms() < client->not_before_ms)
        return false;
    bool started = starter_run(&client->location, candidate->socket, deadline, failure);
    client->not_before_ms = started ? 0 : deadline_now_ms() + START_PAUSE_MS;
    return started;
}

/* The first candidate where somebody listens; else the first where an agent may be started, and can be. */
static enum transport reach(struct client *client, const struct introduction *introduction,
                            struct connection *connection, size_t *index, struct deadline deadline,
                            struct failure *failure)
{
    const struct location *location = &client->location;
    size_t first = introduction->admitted_at == 0 ? 0 : introduction->admitted_at - 1;
    size_t end = introduction->admitted_at == 0 ? location->count : introduction->admitted_at;
    if (location->count == 0)
        *failure = location->failure;
    enum transport result = TRANSPORT_FAILED;
    for (*index = first; *index < end; ++*index) {
        result = connect_candidate(location, &location->candidates[*index], connection, deadline, failure);
        if (result != TRANSPORT_ABSENT)
            return result;
    }
    for (*index = first; introduction->may_start && *index < end; ++*index)
        if (start(client, &location->candidates[*index], deadline, failure))
            return connect_candidate(location, &location->candidates[*index], connection, deadline, failure);
    return result;
}

/* What stat says of the configuration file, so that the agent can tell whether it serves this very file. */
static bool describe_configuration(const char *path, struct wire_writer *items, struct wire_list *list)
{
    struct stat seen;
    if (stat(path, &seen) != 0) {
        *list = (struct wire_list){.count = 0};
        return true;
    }
    wire_put_ulong(items, seen.st_dev);
    wire_put_ulong(items, seen.st_ino);
    wire_put_ulong(items, (uint64_t)seen.st_size);
    wire_put_ulong(items, (uint64_t)seen.st_mtim.tv_sec);
    wire_put_ulong(items, (uint64_t)seen.st_mtim.tv_nsec);
    *list = wire_list_of(items, 5);
    return !items->failed;
}

static enum transport say_hello(const struct client *client, const struct introduction *introduction,
                                struct connection *connection, struct exchange *exchange,
                                struct deadline deadline, struct failure *failure)
{
    struct wire_writer items = {.data = NULL};
    struct wire_hello_request request = {
        .protocol = WIRE_PROTOCOL_VERSION,
        .instance = {introduction->instance, INSTANCE_BYTES},
        .fresh = introduction->fresh,
    };
    if (introduction->ticket != NULL)
        request.ticket = (struct wire_bytes){introduction->ticket->data, introduction->ticket->length};
    enum transport result = TRANSPORT_FAILED;
    if (!introduction->fresh ||
        describe_configuration(client->location.configuration, &items, &request.configuration)) {
        exchange->request = &request;
        result = connection_call(connection, exchange, deadline, failure);
        exchange->request = NULL;
    } else {
        failure_set(failure, "out of memory");
    }
    wire_release(&items);
    return result;
}

static int64_t bounded(uint64_t deadline_ms)
{
    if (deadline_ms < SHORTEST_DEADLINE_MS)
        return SHORTEST_DEADLINE_MS;
    return deadline_ms > LONGEST_DEADLINE_MS ? LONGEST_DEADLINE_MS : (int64_t)deadline_ms;
}

/* False: this process began anew (C_Finalize in another thread) while we were greeted under its old instance.
 */
static bool admit(struct client *client, const struct introduction *introduction,
                  const struct wire_hello_response *hello, size_t index, struct connection *connection)
{
    struct secret *ticket = NULL;
    struct secret *previous = NULL;
    if (hello->ticket.length > 0)
        ticket = secret_new(hello->ticket.data, hello->ticket.length);
    pthread_mutex_lock(&client->lock);
    bool current = introduction->epoch == client->epoch;
    if (current && !hello->known) {
        client->epoch++;
        client->resumed = false;
    }
    connection->epoch = client->epoch;
    client->admitted_at = index + 1;
    client->deadline_ms = bounded(hello->deadline_ms);
    client->slow_deadline_ms = bounded(hello->slow_deadline_ms);
    if (ticket != NULL) {
        previous = client->ticket;
        client->ticket = ticket;
    }
    if (current && lease_hold(&client->lease, client->location.candidates[index].socket))
        client->lease_pid = client->pid;
    pthread_mutex_unlock(&client->lock);
    secret_free(previous);
    return current;
}

/* The refused caller reads rv and message from its own exchange. */
static void hand_over_refusal(struct exchange *hello, struct exchange *exchange)
{
    exchange_release(exchange);
    exchange->rv = hello->rv;
    exchange->message = hello->message;
    exchange->frame = hello->frame;
    exchange->frame_length = hello->frame_length;
    hello->frame = NULL;
}

enum attempt { ATTEMPT_ADMITTED, ATTEMPT_REFUSED, ATTEMPT_AGAIN, ATTEMPT_BROKEN, ATTEMPT_FAILED };

static enum attempt attempt(struct client *client, const struct introduction *introduction,
                            struct connection *connection, struct exchange *exchange,
                            struct deadline deadline, struct failure *failure)
{
    struct wire_hello_response response = {.again = false};
    struct exchange hello = wire_hello(NULL, &response);
    enum attempt result = ATTEMPT_FAILED;
    size_t index;
    enum transport reached = reach(client, introduction, connection, &index, deadline, failure);
    if (reached == TRANSPORT_OK)
        reached = say_hello(client, introduction, connection, &hello, deadline, failure);
    if (reached == TRANSPORT_BROKEN || reached == TRANSPORT_UNSENT) {
        result = ATTEMPT_BROKEN;
    } else if (reached != TRANSPORT_OK) {
        result = ATTEMPT_FAILED;
    } else if (hello.rv != 0) {
        hand_over_refusal(&hello, exchange);
        result = ATTEMPT_REFUSED;
    } else if (response.again) {
        failure_set(failure, "the agent handed over to a successor that did not come");
        result = ATTEMPT_AGAIN;
    } else if (admit(client, introduction, &response, index, connection)) {
        result = ATTEMPT_ADMITTED;
    } else {
        failure_set(failure, "the module was finalized meanwhile");
    }
    exchange_release(&hello);
    if (result != ATTEMPT_ADMITTED)
        connection_close(connection);
    return result;
}

enum client_status greeting_make(struct client *client, struct connection *connection, bool fresh,
                                 struct exchange *exchange, struct deadline deadline, struct failure *failure)
{
    struct introduction introduction = {.ticket = NULL};
    enum attempt result = ATTEMPT_FAILED;
    if (introduce(client, fresh, &introduction, failure)) {
        int broken = 0;
        do {
            if (result == ATTEMPT_AGAIN || result == ATTEMPT_BROKEN)
                deadline_sleep(deadline, AGAIN_PAUSE_MS);
            result = attempt(client, &introduction, connection, exchange, deadline, failure);
            broken += result == ATTEMPT_BROKEN ? 1 : 0;
        } while ((result == ATTEMPT_AGAIN || result == ATTEMPT_BROKEN) && broken < MAX_BROKEN_HELLOS &&
                 !deadline_passed(deadline));
    }
    secret_free(introduction.ticket);
    if (result == ATTEMPT_ADMITTED)
        return CLIENT_ANSWERED;
    return result == ATTEMPT_REFUSED ? CLIENT_REFUSED : CLIENT_FAILED;
}
