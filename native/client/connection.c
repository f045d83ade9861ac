#include "connection.h"

#include "wire_calls.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PREFIX_BYTES 4
/* call, rv, empty message, no fields */
#define SMALLEST_ANSWER_BYTES (2 + 8 + 4 + 1)
/* A full backlog is no event that poll knows for a Unix socket. */
#define BACKLOG_RETRY_MS 10

static enum transport connect_to(int fd, const char *socket, struct deadline deadline,
                                 struct failure *failure)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(socket);
    if (length >= sizeof address.sun_path) {
        failure_set(failure, "the path of socket %s is too long", socket);
        return TRANSPORT_FAILED;
    }
    memcpy(address.sun_path, socket, length + 1);
    while (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;
        if (error == EISCONN)
            break;
        if ((error == EAGAIN || error == EINTR) && !deadline_passed(deadline)) {
            if (error == EAGAIN)
                deadline_sleep(deadline, BACKLOG_RETRY_MS);
            continue;
        }
        failure_set(failure, "cannot connect to the agent at %s: %s", socket, strerror(error));
        return error == ENOENT || error == ECONNREFUSED || error == ENOTDIR ? TRANSPORT_ABSENT
                                                                            : TRANSPORT_FAILED;
    }
    return TRANSPORT_OK;
}

enum transport connection_open(struct connection *connection, const char *socket_path,
                               struct deadline deadline, struct failure *failure)
{
    int fd = descriptor_raise(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd < 0) {
        failure_set(failure, "cannot make a socket: %s", strerror(errno));
        return TRANSPORT_FAILED;
    }
    connection->socket = descriptor_of(fd);
    enum transport result = connect_to(fd, socket_path, deadline, failure);
    if (result != TRANSPORT_OK)
        connection_close(connection);
    return result;
}

bool connection_listener(const struct connection *connection, uid_t *user, struct failure *failure)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(connection->socket.fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        failure_set(failure, "cannot tell who listens: %s", strerror(errno));
        return false;
    }
    *user = peer.uid;
    return true;
}

void connection_close(struct connection *connection)
{
    descriptor_close(&connection->socket);
}

bool connection_is_usable(const struct connection *connection)
{
    char byte;
    if (!descriptor_is_ours(&connection->socket))
        return false;
    ssize_t count = recv(connection->socket.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count > 0)
        return connection->late;
    return count < 0 && (errno == EAGAIN || errno == EINTR);
}

static enum transport say_timed_out(struct deadline deadline, struct failure *failure)
{
    failure_set(failure, "the agent gave no answer within %.1f s", (double)deadline.span_ms / 1000);
    return TRANSPORT_FAILED;
}

static enum transport say_broken(const char *what, int error, struct failure *failure)
{
    failure_set(failure, "the connection to the agent broke while %s: %s", what,
                error == 0 ? "closed by the agent" : strerror(error));
    return error == 0 || error == EPIPE || error == ECONNRESET ? TRANSPORT_BROKEN : TRANSPORT_FAILED;
}

static enum transport send_all(int fd, const uint8_t *data, size_t length, struct deadline deadline,
                               struct failure *failure)
{
    size_t sent = 0;
    while (sent < length) {
        ssize_t count = send(fd, data + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count >= 0) {
            sent += (size_t)count;
            continue;
        }
        int error = errno;
        if (error == EAGAIN && deadline_poll(fd, POLLOUT, deadline))
            continue;
        if (error == EAGAIN)
            return say_timed_out(deadline, failure);
        if (error == EINTR)
            continue;
        enum transport result = say_broken("sending", error, failure);
        return result == TRANSPORT_BROKEN && sent == 0 ? TRANSPORT_UNSENT : result;
    }
    return TRANSPORT_OK;
}

static enum transport receive_all(int fd, uint8_t *data, size_t length, struct deadline deadline,
                                  struct failure *failure)
{
    size_t received = 0;
    while (received < length) {
        ssize_t count = recv(fd, data + received, length - received, MSG_DONTWAIT);
        if (count > 0) {
            received += (size_t)count;
            continue;
        }
        if (count == 0)
            return say_broken("waiting for an answer", 0, failure);
        int error = errno;
        if (error == EAGAIN && deadline_poll(fd, POLLIN, deadline))
            continue;
        if (error == EAGAIN)
            return say_timed_out(deadline, failure);
        if (error != EINTR)
            return say_broken("waiting for an answer", error, failure);
    }
    return TRANSPORT_OK;
}

/* The body of a frame, to be freed. */
static enum transport receive_frame(struct connection *connection, uint8_t **frame, uint32_t *length,
                                    struct deadline deadline, struct failure *failure)
{
    int fd = connection->socket.fd;
    uint8_t prefix[PREFIX_BYTES];
    connection->late = !deadline_poll(fd, POLLIN, deadline);
    if (connection->late)
        return say_timed_out(deadline, failure);
    enum transport result = receive_all(fd, prefix, sizeof prefix, deadline, failure);
    if (result != TRANSPORT_OK)
        return result;
    struct wire_reader reader = wire_reader_of(prefix, sizeof prefix);
    *length = wire_get_u32(&reader);
    if (*length < SMALLEST_ANSWER_BYTES || *length > WIRE_MAX_FRAME_BYTES) {
        failure_set(failure, "the agent announced an answer of %u bytes", *length);
        return TRANSPORT_FAILED;
    }
    *frame = malloc(*length);
    if (*frame == NULL) {
        failure_set(failure, "out of memory");
        return TRANSPORT_FAILED;
    }
    result = receive_all(fd, *frame, *length, deadline, failure);
    if (result != TRANSPORT_OK)
        free(*frame);
    return result;
}

/*
 * Nothing of the request was sent where this fails. A second wait in vain is the last one: whoever has an
 * operation here would wait as long.
 */
static enum transport skip_late_answer(struct connection *connection, struct deadline deadline,
                                       struct failure *failure)
{
    uint8_t *frame;
    uint32_t length;
    int64_t began_ms = deadline_now_ms();
    enum transport result = receive_frame(connection, &frame, &length, deadline, failure);
    if (connection->late && deadline_now_ms() - began_ms >= deadline.span_ms / 2)
        connection->late = false;
    if (result == TRANSPORT_BROKEN)
        return TRANSPORT_UNSENT;
    if (result != TRANSPORT_OK)
        return result;
    explicit_bzero(frame, length);
    free(frame);
    return TRANSPORT_OK;
}

static enum transport receive_answer(struct connection *connection, struct exchange *exchange,
                                     struct deadline deadline, struct failure *failure)
{
    uint8_t *frame;
    uint32_t length;
    enum transport result = receive_frame(connection, &frame, &length, deadline, failure);
    if (result != TRANSPORT_OK)
        return result;
    if (!exchange_decode(exchange, frame, length)) {
        failure_set(failure,
                    "the agent's answer to %s is not understood; are agent and module of one version?",
                    exchange->call->name);
        return TRANSPORT_FAILED;
    }
    return TRANSPORT_OK;
}

static enum transport send_request(const struct connection *connection, const struct exchange *exchange,
                                   struct deadline deadline, struct failure *failure)
{
    struct wire_writer frame = {.data = NULL};
    enum transport result = TRANSPORT_FAILED;
    if (exchange_encode(exchange, &frame))
        result = send_all(connection->socket.fd, frame.data, frame.length, deadline, failure);
    else
        failure_set(failure, "out of memory, or a call above the limit of %d bytes", WIRE_MAX_FRAME_BYTES);
    wire_release(&frame);
    return result;
}

enum transport connection_call(struct connection *connection, struct exchange *exchange,
                               struct deadline deadline, struct failure *failure)
{
    enum transport result = TRANSPORT_OK;
    if (connection->late)
        result = skip_late_answer(connection, deadline, failure);
    if (result == TRANSPORT_OK)
        result = send_request(connection, exchange, deadline, failure);
    if (result == TRANSPORT_OK)
        result = receive_answer(connection, exchange, deadline, failure);
    return result;
}
