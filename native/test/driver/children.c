/*
 * Forked children that go on beside their parent, each with a pipe for its commands: `child` makes one and says its
 * number, `to NUMBER COMMAND` is for it to answer, `reap NUMBER` ends it and says how it ended.
 */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_CHILDREN 8

static struct {
    pid_t pid;
    int commands;
} children[MAX_CHILDREN];
static CK_ULONG count;

/* The child reads its commands where its parent reads its own, and has no children yet. */
static void become_child(const int ends[2])
{
    for (CK_ULONG i = 0; i < count; i++)
        if (children[i].commands >= 0)
            close(children[i].commands);
    count = 0;
    close(ends[1]);
    if (dup2(ends[0], STDIN_FILENO) < 0)
        exit(3);
    close(ends[0]);
}

static void make_child(void)
{
    int ends[2];
    if (count == MAX_CHILDREN || pipe2(ends, O_CLOEXEC) != 0)
        exit(4);
    pid_t pid = fork();
    if (pid < 0)
        exit(4);
    if (pid == 0) {
        become_child(ends);
        return;
    }
    close(ends[0]);
    children[count].pid = pid;
    children[count].commands = ends[1];
    say("%lu", count++);
}

static void send_all(int fd, const char *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        ssize_t sent = write(fd, bytes + at, length - at);
        if (sent < 0 && errno != EINTR)
            exit(4);
        at += sent < 0 ? 0 : (size_t)sent;
    }
}

bool forward_line(const char *line)
{
    char *command;
    if (strncmp(line, "to ", 3) != 0)
        return false;
    CK_ULONG child = strtoul(line + 3, &command, 10);
    if (child >= count || *command != ' ') {
        say("there is no child %lu", child);
        return true;
    }
    send_all(children[child].commands, command + 1, strlen(command + 1));
    send_all(children[child].commands, "\n", 1);
    return true;
}

static void reap(CK_ULONG child)
{
    int status = 0;
    if (child >= count || children[child].commands < 0) {
        say("there is no child %lu", child);
        return;
    }
    close(children[child].commands);
    children[child].commands = -1;
    while (waitpid(children[child].pid, &status, 0) < 0 && errno == EINTR)
        continue;
    say("ended %d", status);
}

bool children_command(const struct words *words)
{
    if (strcmp(words->at[0], "child") == 0)
        make_child();
    else if (strcmp(words->at[0], "reap") == 0)
        reap(number(words, 1));
    else
        return false;
    return true;
}
