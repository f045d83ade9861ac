/*
 * One agent is the current one; others drain after they asked for a successor. States of the current one:
 *   running   pid != 0
 *   waiting   ended badly, is started again at `start_at_ms`: at once, then after 100 ms, 200 ms, ... 5 s (800 ms
 *             where it had served: callers wait for it, and have a deadline)
 *   dormant   ended well, because nobody called: is started by the next caller, or we leave
 * An agent that never got ready is no reason to go on: then whoever started us shall hear why, now and at its
 * next call.
 */
#include "supervisor.h"

#include "log.h"

#include "../client/deadline.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define MAX_AGENTS 16
#define FIRST_PAUSE_MS 100
#define LONGEST_PAUSE_MS 5000
#define LONGEST_PAUSE_OF_SERVED_MS 800
/* An agent that ran this long was not the reason why it failed. */
#define SOUND_AFTER_MS 10000
#define MAX_FAILED_STARTS 3
/* One that is told to stop may have much to end, and says each second that it still has. One that hangs says nothing. */
#define SILENT_STOP_MS 10000
/* Told once more, or killed. */
#define HURRIED_STOP_MS 1000
/* Between two looks at whether the lease is still held. */
#define SHORTEST_WATCH_MS 100
#define NEVER INT64_MAX

struct supervisor {
    struct listener *listener;
    struct agent_options *options;
    int64_t idle_ms;
    supervisor_report *report;
    int signals;

    struct agent agents[MAX_AGENTS];
    /* NULL: waiting or dormant. */
    struct agent *current;
    int64_t start_at_ms;
    int64_t leave_at_ms;
    /* In a row, since an agent was sound. */
    unsigned failures;
    bool was_ready;
    /* Its agents have been told to stop. */
    bool stops;
    /* Told once more: none is waited for, whatever it says. */
    bool hurries;
    /* Set to end the loop. */
    bool done;
    int status;
};

static struct agent *find_place(struct supervisor *supervisor)
{
    for (size_t i = 0; i < MAX_AGENTS; i++)
        if (supervisor->agents[i].pid == 0)
            return &supervisor->agents[i];
    return NULL;
}

static bool has_agents(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < MAX_AGENTS; i++)
        if (supervisor->agents[i].pid != 0)
            return true;
    return false;
}

static void give_up(struct supervisor *supervisor, const char *reason)
{
    log_line(LOG_ERR, "gives up: %s", reason);
    supervisor->report(reason);
    supervisor->status = 1;
    supervisor->done = true;
}

static void start_later(struct supervisor *supervisor, const char *reason, int64_t longest_ms)
{
    int64_t pause = 0;
    for (unsigned i = 1; i <= supervisor->failures && pause < longest_ms; i++)
        pause = i == 1 ? FIRST_PAUSE_MS : pause * 2;
    supervisor->failures++;
    if (pause > longest_ms)
        pause = longest_ms;
    if (!supervisor->was_ready && supervisor->failures >= MAX_FAILED_STARTS)
        give_up(supervisor, reason);
    else
        log_line(LOG_WARNING, "%s; starts another in %lld ms", reason, (long long)pause);
    supervisor->current = NULL;
    supervisor->start_at_ms = deadline_now_ms() + pause;
}

static void start(struct supervisor *supervisor)
{
    struct failure failure = {.text = "too many agents drain"};
    struct agent *place = find_place(supervisor);
    supervisor->start_at_ms = NEVER;
    supervisor->leave_at_ms = NEVER;
    if (place != NULL && agent_start(place, supervisor->options, &failure)) {
        supervisor->current = place;
        log_line(LOG_INFO, "started agent %d", (int)place->pid);
    } else {
        start_later(supervisor, failure.text, LONGEST_PAUSE_MS);
    }
}

static void fall_dormant(struct supervisor *supervisor)
{
    supervisor->current = NULL;
    supervisor->failures = 0;
    /* The agent has waited long enough for both. */
    supervisor->leave_at_ms = deadline_now_ms();
    log_line(LOG_INFO, "the agent ended because nobody called");
}

static void describe_end(pid_t pid, int status, const char *last, struct failure *failure)
{
    const char *link = last[0] == '\0' ? "" : ": ";
    if (WIFSIGNALED(status))
        failure_set(failure, "agent %d was ended by signal %d%s%s", (int)pid, WTERMSIG(status), link, last);
    else
        failure_set(failure, "agent %d ended with status %d%s%s", (int)pid, WEXITSTATUS(status), link, last);
}

static void on_end(struct supervisor *supervisor, struct agent *agent, int status)
{
    struct failure failure;
    pid_t pid = agent->pid;
    bool served = agent->ready;
    agent_forget(agent);
    describe_end(pid, status, agent->last, &failure);
    if (agent != supervisor->current)
        return;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && supervisor->was_ready) {
        fall_dormant(supervisor);
        return;
    }
    if (deadline_now_ms() - agent->started_ms >= SOUND_AFTER_MS)
        supervisor->failures = 0;
    start_later(supervisor, failure.text, served ? LONGEST_PAUSE_OF_SERVED_MS : LONGEST_PAUSE_MS);
}

static void reap(struct supervisor *supervisor)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < MAX_AGENTS; i++)
            if (supervisor->agents[i].pid == pid)
                on_end(supervisor, &supervisor->agents[i], status);
}

static void tell_ready(const struct supervisor *supervisor, const struct agent *ready)
{
    for (size_t i = 0; i < MAX_AGENTS; i++)
        if (supervisor->agents[i].pid != 0 && &supervisor->agents[i] != ready)
            agent_tell_ready(&supervisor->agents[i]);
}

/*
 * The agent asks for its successor itself: it knows whether it can. One that is starting could do nothing but end, and may
 * have read what was changed since: it is asked as soon as it is ready.
 */
static void renew(struct supervisor *supervisor)
{
    struct agent *agent = supervisor->current;
    if (agent == NULL)
        return;
    agent->renews_when_ready = !agent->ready;
    if (agent->ready)
        kill(agent->pid, SIGHUP);
    else
        log_line(LOG_INFO, "agent %d is renewed when it is ready", (int)agent->pid);
}

static void on_control(struct supervisor *supervisor, struct agent *agent)
{
    switch (agent_read_control(agent)) {
    case 'e':
        if (!supervisor->hurries)
            agent->stop_by_ms = deadline_now_ms() + SILENT_STOP_MS;
        break;
    case 'r':
        if (!supervisor->was_ready && !supervisor->stops)
            supervisor->report(NULL);
        supervisor->was_ready = true;
        agent->ready = true;
        tell_ready(supervisor, agent);
        if (agent->renews_when_ready)
            renew(supervisor);
        break;
    case 'n':
        if (agent == supervisor->current) {
            log_line(LOG_INFO, "agent %d hands over", (int)agent->pid);
            start(supervisor);
        } else {
            /* It has a successor already, which was asked for before. */
            renew(supervisor);
        }
        break;
    default:
        break;
    }
}

static void on_signal(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;
    while (read(supervisor->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(supervisor);
        else if (info.ssi_signo == SIGHUP)
            renew(supervisor);
        else
            supervisor->done = true;
    }
}

static void on_time(struct supervisor *supervisor)
{
    int64_t now = deadline_now_ms();
    bool dormant = supervisor->current == NULL && supervisor->start_at_ms == NEVER;
    if (now >= supervisor->start_at_ms || (dormant && listener_has_caller(supervisor->listener))) {
        start(supervisor);
    } else if (dormant && now >= supervisor->leave_at_ms) {
        supervisor->done = !has_agents(supervisor) && listener_leave(supervisor->listener);
        supervisor->leave_at_ms =
            now + (supervisor->idle_ms > SHORTEST_WATCH_MS ? supervisor->idle_ms : SHORTEST_WATCH_MS);
    }
}

static int left_ms(const struct supervisor *supervisor)
{
    int64_t at =
        supervisor->start_at_ms < supervisor->leave_at_ms ? supervisor->start_at_ms : supervisor->leave_at_ms;
    for (size_t i = 0; supervisor->stops && i < MAX_AGENTS; i++)
        if (supervisor->agents[i].pid != 0 && supervisor->agents[i].stop_by_ms < at)
            at = supervisor->agents[i].stop_by_ms;
    if (at == NEVER)
        return -1;
    int64_t left = at - deadline_now_ms();
    if (left < 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

/* Descriptors of -1 are ignored by poll, so every agent has its two places. */
static void wait_once(struct supervisor *supervisor)
{
    struct pollfd waits[2 + 2 * MAX_AGENTS];
    bool dormant = supervisor->current == NULL && supervisor->start_at_ms == NEVER;
    waits[0] = (struct pollfd){.fd = supervisor->signals, .events = POLLIN};
    waits[1] = (struct pollfd){.fd = dormant ? supervisor->listener->fd : -1, .events = POLLIN};
    for (size_t i = 0; i < MAX_AGENTS; i++) {
        const struct agent *agent = &supervisor->agents[i];
        bool used = agent->pid != 0;
        waits[2 + 2 * i] = (struct pollfd){.fd = used ? agent->control : -1, .events = POLLIN};
        waits[3 + 2 * i] = (struct pollfd){.fd = used ? agent->output : -1, .events = POLLIN};
    }
    if (poll(waits, sizeof waits / sizeof *waits, left_ms(supervisor)) < 0)
        return;
    for (size_t i = 0; i < MAX_AGENTS; i++) {
        if (waits[2 + 2 * i].revents != 0)
            on_control(supervisor, &supervisor->agents[i]);
        if (waits[3 + 2 * i].revents != 0)
            agent_relay(&supervisor->agents[i]);
    }
    if (waits[0].revents != 0)
        on_signal(supervisor);
}

static void tell_to_stop(struct supervisor *supervisor, int64_t within_ms)
{
    int64_t by = deadline_now_ms() + within_ms;
    for (size_t i = 0; i < MAX_AGENTS; i++) {
        struct agent *agent = &supervisor->agents[i];
        if (agent->pid == 0)
            continue;
        kill(agent->pid, SIGTERM);
        agent->stop_by_ms = by;
    }
}

static void kill_late(struct agent *agent, int64_t now)
{
    if (agent->pid == 0 || now < agent->stop_by_ms)
        return;
    if (agent->killed) {
        /* Its end is the kernel's business. */
        agent_forget(agent);
        return;
    }
    log_line(LOG_ERR, "agent %d was told to stop and did not: it is killed", (int)agent->pid);
    kill(agent->pid, SIGKILL);
    agent->killed = true;
    agent->stop_by_ms = now + HURRIED_STOP_MS;
}

/*
 * They answer what is under way and let their clients go. What they write meanwhile is read, or they would wait for that. A
 * second signal ends what is not over by then.
 */
static void stop_agents(struct supervisor *supervisor)
{
    /* Not restarted, whatever they end with. */
    supervisor->current = NULL;
    supervisor->start_at_ms = NEVER;
    supervisor->leave_at_ms = NEVER;
    supervisor->done = false;
    supervisor->stops = true;
    tell_to_stop(supervisor, SILENT_STOP_MS);
    while (has_agents(supervisor)) {
        wait_once(supervisor);
        if (supervisor->done) {
            supervisor->done = false;
            supervisor->hurries = true;
            tell_to_stop(supervisor, HURRIED_STOP_MS);
        }
        for (size_t i = 0; i < MAX_AGENTS; i++)
            kill_late(&supervisor->agents[i], deadline_now_ms());
    }
}

static int open_signals(void)
{
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &watched, NULL) != 0)
        return -1;
    return signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
}

int supervisor_run(struct listener *listener, struct agent_options *options, int64_t idle_ms,
                   supervisor_report *report)
{
    struct supervisor supervisor = {
        .listener = listener,
        .options = options,
        .idle_ms = idle_ms,
        .report = report,
        .signals = open_signals(),
        .start_at_ms = NEVER,
        .leave_at_ms = NEVER,
    };
    if (supervisor.signals < 0)
        give_up(&supervisor, strerror(errno));
    else
        start(&supervisor);
    while (!supervisor.done) {
        wait_once(&supervisor);
        if (!supervisor.done)
            on_time(&supervisor);
    }
    /* Whoever comes from now on finds nobody, and may start another launcher, instead of waiting for us. */
    listener_remove(listener);
    close(listener->fd);
    listener->fd = -1;
    stop_agents(&supervisor);
    return supervisor.status;
}
