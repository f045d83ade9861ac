/*
 * One line, one write, descriptor 2, in a process that is not ours: without waiting (a pipe that nobody
 * reads), without a SIGPIPE for the host (a pipe whose reader is gone), and without control characters, which
 * a terminal would obey.
 */
#include "report.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 2048

static atomic_bool failure_was_reported;

static bool is_control(const char *at)
{
    unsigned char byte = (unsigned char)at[0];
    /* U+0080 to U+009F in UTF-8; the byte before it is harmless alone. */
    bool c1 = byte >= 0x80 && byte <= 0x9f && (unsigned char)at[-1] == 0xc2;
    return byte < 0x20 || byte == 0x7f || c1;
}

static void write_quietly(const char *line, size_t length)
{
    struct pollfd error = {.fd = STDERR_FILENO, .events = POLLOUT};
    sigset_t pipe, pending, before;
    if (poll(&error, 1, 0) != 1 || (error.revents & POLLOUT) == 0)
        return;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    if (sigpending(&pending) != 0 || pthread_sigmask(SIG_BLOCK, &pipe, &before) != 0)
        return;
    ssize_t written = write(STDERR_FILENO, line, length);
    if (written < 0 && sigismember(&pending, SIGPIPE) == 0)
        sigtimedwait(&pipe, NULL, &(struct timespec){.tv_sec = 0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void print_line(const char *function, const char *text, size_t length)
{
    char line[LINE_BYTES];
    int start = snprintf(line, sizeof line, "mhsm-pkcs11: %s: ", function);
    if (start < 0 || (size_t)start >= sizeof line)
        return;
    size_t end = (size_t)start;
    size_t room = sizeof line - end - 1;
    if (length > room)
        length = room;
    memcpy(line + end, text, length);
    for (size_t stop = end + length; end < stop; end++)
        if (is_control(line + end))
            line[end] = '?';
    line[end++] = '\n';
    write_quietly(line, end);
}

void report_answer(const char *function, struct wire_bytes message)
{
    report_forget();
    if (message.length > 0)
        print_line(function, (const char *)message.data, message.length);
}

void report_failure(const char *function, const char *text)
{
    if (!atomic_exchange(&failure_was_reported, true))
        print_line(function, text, strlen(text));
}

void report_forget(void)
{
    atomic_store(&failure_was_reported, false);
}
