#include "deadline.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>

int64_t deadline_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct deadline deadline_in(int64_t span_ms)
{
    return (struct deadline){.at_ms = deadline_now_ms() + span_ms, .span_ms = span_ms};
}

static int left_ms(struct deadline deadline)
{
    int64_t left = deadline.at_ms - deadline_now_ms();
    if (left < 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

bool deadline_passed(struct deadline deadline)
{
    return left_ms(deadline) == 0;
}

struct timespec deadline_timespec(struct deadline deadline)
{
    return (struct timespec){.tv_sec = deadline.at_ms / 1000, .tv_nsec = deadline.at_ms % 1000 * 1000000};
}

bool deadline_poll(int descriptor, short events, struct deadline deadline)
{
    for (;;) {
        struct pollfd wait = {.fd = descriptor, .events = events};
        int ready = poll(&wait, 1, left_ms(deadline));
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
        if (deadline_passed(deadline)) {
            errno = ETIMEDOUT;
            return false;
        }
    }
}

void deadline_sleep(struct deadline deadline, int64_t ms)
{
    int64_t left = left_ms(deadline);
    int64_t pause = ms < left ? ms : left;
    struct timespec span = {.tv_sec = pause / 1000, .tv_nsec = pause % 1000 * 1000000};
    /* A signal that cuts the pause short only makes the next attempt earlier. */
    nanosleep(&span, NULL);
}
