/* Keeps an agent behind the socket as long as somebody wants one. */
#ifndef MHSM_LAUNCHER_SUPERVISOR_H
#define MHSM_LAUNCHER_SUPERVISOR_H

#include "agent.h"
#include "listener.h"

#include <stdint.h>

/* How the start ended, told once: NULL for "ready", else why not. */
typedef void supervisor_report(const char *reason);

/* Serves until nobody wants an agent any more, or SIGTERM or SIGINT. Gives the exit status. */
int supervisor_run(struct listener *listener, struct agent_options *options, int64_t idle_ms,
                   supervisor_report *report);

#endif
