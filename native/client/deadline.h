/* A point in time on CLOCK_MONOTONIC, so that a clock that is set does not lengthen or cut a wait. */
#ifndef MHSM_CLIENT_DEADLINE_H
#define MHSM_CLIENT_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct deadline {
    int64_t at_ms;
    /* The whole span, for messages. */
    int64_t span_ms;
};

int64_t deadline_now_ms(void);
struct deadline deadline_in(int64_t span_ms);
bool deadline_passed(struct deadline deadline);
struct timespec deadline_timespec(struct deadline deadline);
/* Waits for `events` on a descriptor. False with errno: ETIMEDOUT, or what poll says. */
bool deadline_poll(int descriptor, short events, struct deadline deadline);
/* Sleeps `ms`, or until the deadline when that is sooner. */
void deadline_sleep(struct deadline deadline, int64_t ms);

#endif
