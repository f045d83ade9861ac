/*
 * Rules for a program started out of somebody else's process:
 * - posix_spawn and not fork: the host's atfork handlers do not run, and a large host is not copied. The
 * second fork of a daemon is the launcher's own: it leaves at once, so that waiting for it is short and
 * nothing stays behind.
 * - The host may reap our child before we do (its SIGCHLD handler waits for any child): ECHILD is as good as
 * a status. Success is therefore not the exit status, but the line the launcher writes to its standard
 * output.
 * - Signal dispositions and mask are reset in the child only.
 */
#include "starter.h"

#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int set_up_actions(posix_spawn_file_actions_t *actions, int output)
{
    int error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return error;
}

static int set_up_attributes(posix_spawnattr_t *attributes)
{
    sigset_t signals;
    sigfillset(&signals);
    int error = posix_spawnattr_setsigdefault(attributes, &signals);
    sigemptyset(&signals);
    if (error == 0)
        error = posix_spawnattr_setsigmask(attributes, &signals);
    if (error == 0)
        error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    return error;
}

static int spawn(const struct location *location, const char *socket, int output, pid_t *pid)
{
    char *const arguments[] = {
        (char *)location->launcher,
        "--config",
        (char *)location->configuration,
        "--socket",
        (char *)socket,
        NULL,
    };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0)
        goto free_actions;
    error = set_up_actions(&actions, output);
    if (error == 0)
        error = set_up_attributes(&attributes);
    if (error == 0)
        error = posix_spawn(pid, location->launcher, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
free_actions:
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static bool open_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    ends[0] = descriptor_raise(ends[0]);
    ends[1] = descriptor_raise(ends[1]);
    if (ends[0] >= 0 && ends[1] >= 0)
        return true;
    int error = errno;
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
    errno = error;
    return false;
}

/* One line, or what came of it before the end or the deadline. */
static void read_line(int input, char *line, size_t size, struct deadline deadline)
{
    size_t length = 0;
    while (length < size - 1 && deadline_poll(input, POLLIN, deadline)) {
        ssize_t count = read(input, line + length, size - 1 - length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        length += (size_t)count;
        if (memchr(line, '\n', length) != NULL)
            break;
    }
    line[length] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

static void reap(pid_t pid, struct deadline deadline)
{
    for (;;) {
        pid_t seen = waitpid(pid, NULL, WNOHANG);
        if (seen == pid || (seen < 0 && errno != EINTR))
            return;
        if (deadline_passed(deadline))
            break;
        deadline_sleep(deadline, 1);
    }
    /* Still our own unreaped child, or waitpid had said so: the number cannot mean another process. */
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

bool starter_run(const struct location *location, const char *socket, struct deadline deadline,
                 struct failure *failure)
{
    int ends[2];
    pid_t pid;
    char line[256];
    if (location->launcher[0] == '\0') {
        failure_set(failure, "no agent listens at %s, and the folder of the module is not known", socket);
        return false;
    }
    if (!open_pipe(ends)) {
        failure_set(failure, "cannot start %s: %s", location->launcher, strerror(errno));
        return false;
    }
    int error = spawn(location, socket, ends[1], &pid);
    close(ends[1]);
    if (error != 0) {
        close(ends[0]);
        failure_set(failure, "no agent listens at %s, and cannot start %s: %s", socket, location->launcher,
                    strerror(error));
        return false;
    }
    read_line(ends[0], line, sizeof line, deadline);
    close(ends[0]);
    reap(pid, deadline);
    if (strcmp(line, "ready") == 0)
        return true;
    failure_set(failure, "the agent did not start: %s",
                line[0] == '\0' ? "its launcher gave no reason" : line);
    return false;
}
