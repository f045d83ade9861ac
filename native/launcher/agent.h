/* One agent process: how it is started, and what comes back from it. */
#ifndef MHSM_LAUNCHER_AGENT_H
#define MHSM_LAUNCHER_AGENT_H

#include "../client/failure.h"
#include "../client/secret.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct agent_options {
    const char *program;
    const char *configuration;
    const char *idle_seconds;
    /* Our standard error is the agent's too. */
    bool foreground;
    int listener;
    const struct secret *ticket_key;
};

struct agent {
    /* 0: none. */
    pid_t pid;
    /* Our end; -1 after the agent closed its own. */
    int control;
    /* What it writes to its standard output and error; -1: nothing to relay. */
    int output;
    int64_t started_ms;
    bool ready;
    /* A successor was asked for before. */
    bool renews_when_ready;
    /* When it is killed, unless it says before that it still has something to end; once it was told to stop. */
    int64_t stop_by_ms;
    bool killed;
    char line[256];
    size_t line_length;
    /* The last line that may be a reason why it ended. */
    char last[256];
};

bool agent_start(struct agent *agent, const struct agent_options *options, struct failure *failure);
/* A byte from the agent, or 0. */
char agent_read_control(struct agent *agent);
/* Tells it that another one is ready on the same socket. It may be gone, or too busy to hear: then it serves on. */
void agent_tell_ready(const struct agent *agent);
/* Passes whole lines on to the log; the last one stays in `line` for who asks why it ended. False: nothing
 * was there. */
bool agent_relay(struct agent *agent);
void agent_forget(struct agent *agent);

#endif
