#include "listener.h"

#include "../client/deadline.h"
#include "../client/directory.h"
#include "../client/location.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
/* Everyone may connect; who may stay is the agent's decision. */
#define SOCKET_UMASK 0111
#define LOCK_DEADLINE_MS 10000
#define LOCK_PAUSE_MS 20
#define OWN_DIRECTORY_PREFIX "mhsm-pkcs11"

static void beside(const struct listener *listener, const char *suffix, char path[static PATH_MAX + 8])
{
    snprintf(path, PATH_MAX + 8, "%s%s", listener->socket, suffix);
}

static bool is_at(int fd, const char *path)
{
    struct stat open_file, named;
    return fstat(fd, &open_file) == 0 && lstat(path, &named) == 0 && open_file.st_dev == named.st_dev &&
           open_file.st_ino == named.st_ino;
}

static bool flock_until(int fd, struct deadline deadline)
{
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || deadline_passed(deadline))
            return false;
        deadline_sleep(deadline, LOCK_PAUSE_MS);
    }
    return true;
}

/* -1 with failure. A launcher that leaves removes directory and lock file: then the lock we got is nobody's.
 */
static int take_lock(const struct listener *listener, struct failure *failure)
{
    struct deadline deadline = deadline_in(LOCK_DEADLINE_MS);
    char path[PATH_MAX + 8];
    beside(listener, ".lock", path);
    do {
        if (!directory_make(listener->directory, failure))
            return -1;
        int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0) {
            failure_set(failure, "cannot open %s: %s", path, strerror(errno));
            if (errno == ENOENT)
                continue;
            return -1;
        }
        if (flock_until(fd, deadline) && is_at(fd, path))
            return fd;
        close(fd);
        failure_set(failure, "another process holds %s", path);
    } while (!deadline_passed(deadline));
    return -1;
}

static bool address_of(const char *path, struct sockaddr_un *address, struct failure *failure)
{
    size_t length = strlen(path);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (length >= sizeof address->sun_path) {
        failure_set(failure, "%s is longer than the %zu bytes that the path of a socket may have", path,
                    sizeof address->sun_path - 1);
        return false;
    }
    memcpy(address->sun_path, path, length + 1);
    return true;
}

/* A full backlog is an answer too. */
static bool somebody_listens(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool connected = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN;
    close(fd);
    return connected;
}

/* With the lock. Bound under another name first, so that nobody finds a socket that does not listen yet. */
static bool bind_socket(struct listener *listener, struct failure *failure)
{
    char path[PATH_MAX + 8];
    struct sockaddr_un address;
    struct stat seen;
    if (lstat(listener->socket, &seen) == 0 && !S_ISSOCK(seen.st_mode)) {
        failure_set(failure, "%s is there and not a socket", listener->socket);
        return false;
    }
    beside(listener, ".new", path);
    if (!address_of(path, &address, failure))
        return false;
    unlink(path);
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(SOCKET_UMASK);
    bool bound = listener->fd >= 0 &&
                 bind(listener->fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                 listen(listener->fd, BACKLOG) == 0 && rename(path, listener->socket) == 0;
    umask(before);
    if (!bound || lstat(listener->socket, &seen) != 0) {
        failure_set(failure, "cannot listen at %s: %s", listener->socket, strerror(errno));
        return false;
    }
    listener->device = seen.st_dev;
    listener->inode = seen.st_ino;
    return true;
}

/* An existing file is used as it is: its holders began under a launcher that was killed. */
static bool open_lease(struct listener *listener, struct failure *failure)
{
    char path[PATH_MAX + 8];
    beside(listener, ".lease", path);
    listener->lease = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (listener->lease < 0)
        failure_set(failure, "cannot open %s: %s", path, strerror(errno));
    return listener->lease >= 0;
}

enum listener_result listener_open(struct listener *listener, const char *socket, struct failure *failure)
{
    struct sockaddr_un address;
    enum listener_result result = LISTENER_FAILED;
    *listener = (struct listener){.fd = -1, .lease = -1};
    if (!address_of(socket, &address, failure))
        return LISTENER_FAILED;
    snprintf(listener->socket, sizeof listener->socket, "%s", socket);
    if (!location_directory(socket, listener->directory, sizeof listener->directory))
        return LISTENER_FAILED;
    int lock = take_lock(listener, failure);
    if (lock < 0)
        return LISTENER_FAILED;
    if (somebody_listens(&address))
        result = LISTENER_SERVED;
    else if (open_lease(listener, failure) && bind_socket(listener, failure))
        result = LISTENER_OURS;
    close(lock);
    return result;
}

bool listener_has_caller(const struct listener *listener)
{
    struct pollfd wait = {.fd = listener->fd, .events = POLLIN};
    return poll(&wait, 1, 0) > 0;
}

static bool is_ours(const struct listener *listener, const char *path)
{
    struct stat seen;
    return lstat(path, &seen) == 0 && seen.st_dev == listener->device && seen.st_ino == listener->inode;
}

/* With the lock. */
static void remove_files(const struct listener *listener, const char *socket)
{
    char path[PATH_MAX + 8];
    if (!is_ours(listener, socket))
        return;
    unlink(socket);
    beside(listener, ".lease", path);
    unlink(path);
    beside(listener, ".lock", path);
    unlink(path);
    const char *name = strrchr(listener->directory, '/');
    if (name != NULL && strncmp(name + 1, OWN_DIRECTORY_PREFIX, sizeof OWN_DIRECTORY_PREFIX - 1) == 0)
        rmdir(listener->directory);
}

/*
 * With the lock. The name goes first, then the question whether somebody came through it: asked the other way
 * round, a caller between both would wait for an agent that never comes. Callers that find no name start a
 * launcher, which waits for our lock.
 */
static bool leave_locked(const struct listener *listener)
{
    char path[PATH_MAX + 8];
    beside(listener, ".old", path);
    if (!is_ours(listener, listener->socket))
        return true;
    if (flock(listener->lease, LOCK_EX | LOCK_NB) != 0)
        return false;
    if (rename(listener->socket, path) == 0 && !listener_has_caller(listener)) {
        remove_files(listener, path);
        return true;
    }
    (void)rename(path, listener->socket);
    flock(listener->lease, LOCK_UN);
    return false;
}

bool listener_leave(struct listener *listener)
{
    struct failure failure;
    int lock = take_lock(listener, &failure);
    if (lock < 0)
        return false;
    bool left = leave_locked(listener);
    close(lock);
    return left;
}

void listener_remove(struct listener *listener)
{
    struct failure failure;
    /* Gone already: taking the lock would leave a lock file behind. */
    if (!is_ours(listener, listener->socket))
        return;
    int lock = take_lock(listener, &failure);
    if (lock < 0)
        return;
    remove_files(listener, listener->socket);
    close(lock);
}
