/*
 * The agent gets what systemd gives a socket activated service: descriptor 3 is the listening socket,
 * LISTEN_FDS and LISTEN_PID say so. Descriptor 4 (MHSM_CONTROL_FD) is ours: 32 bytes of ticket key to the
 * agent, then single bytes from it; its end tells the agent that the launcher is gone, also after it changed
 * its user (which undoes PR_SET_PDEATHSIG).
 */
#include "agent.h"

#include "environment.h"
#include "log.h"

#include "../client/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#define FIRST_PASSED 3
#define CONTROL 4
#define EXEC_FAILED 127
#define VARIABLES 3
#define MAX_LAST_READS 64

extern char **environ;

struct ends {
    int control[2];
    int output[2];
};

static bool open_ends(struct ends *ends, bool foreground)
{
    *ends = (struct ends){.control = {-1, -1}, .output = {-1, -1}};
    /* The agent's end stays blocking: it reads its key before anything else. */
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends->control) == 0 &&
           fcntl(ends->control[0], F_SETFL, O_NONBLOCK) == 0 &&
           (foreground ||
            (pipe2(ends->output, O_CLOEXEC) == 0 && fcntl(ends->output[0], F_SETFL, O_NONBLOCK) == 0));
}

static void close_if_open(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Sources are moved out of the way first, as one may lie where another has to go. */
static bool place_descriptors(const struct agent_options *options, const struct ends *ends)
{
    int output = options->foreground ? STDERR_FILENO : ends->output[1];
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int sources[] = {null, output, output, options->listener, ends->control[1]};
    int count = sizeof sources / sizeof *sources;
    for (int i = 0; i < count; i++)
        sources[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, CONTROL + 1);
    for (int i = 0; i < count; i++)
        if (sources[i] < 0 || dup2(sources[i], i) < 0)
            return false;
    return close_range(CONTROL + 1, ~0U, 0) == 0 || errno == ENOSYS;
}

static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static char **set_up_environment(void)
{
    static char listen_pid[32];
    char **end;
    char **environment = environment_cleaned(environ, VARIABLES, &end);
    if (environment == NULL)
        return NULL;
    snprintf(listen_pid, sizeof listen_pid, "LISTEN_PID=%d", (int)getpid());
    end[0] = listen_pid;
    end[1] = "LISTEN_FDS=1";
    end[2] = "MHSM_CONTROL_FD=4";
    return environment;
}

__attribute__((noreturn)) static void become_agent(const struct agent_options *options,
                                                   const struct ends *ends, pid_t launcher)
{
    char *const arguments[] = {
        (char *)options->program,      "--config", (char *)options->configuration, "--idle",
        (char *)options->idle_seconds, NULL,
    };
    char **environment = set_up_environment();
    /* The parent may have gone before prctl took effect. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == launcher && environment != NULL &&
        place_descriptors(options, ends)) {
        reset_signals();
        execve(options->program, arguments, environment);
    }
    dprintf(STDERR_FILENO, "cannot execute %s: %s\n", options->program, strerror(errno));
    _exit(EXEC_FAILED);
}

bool agent_start(struct agent *agent, const struct agent_options *options, struct failure *failure)
{
    struct ends ends;
    pid_t launcher = getpid();
    pid_t pid = -1;
    const struct secret *key = options->ticket_key;
    if (!open_ends(&ends, options->foreground) ||
        send(ends.control[0], key->data, key->length, MSG_NOSIGNAL) != (ssize_t)key->length)
        goto fail;
    pid = fork();
    if (pid == 0)
        become_agent(options, &ends, launcher);
    if (pid < 0)
        goto fail;
    close_if_open(&ends.control[1]);
    close_if_open(&ends.output[1]);
    *agent = (struct agent){
        .pid = pid, .control = ends.control[0], .output = ends.output[0], .started_ms = deadline_now_ms()};
    return true;

fail:
    failure_set(failure, "cannot start %s: %s", options->program, strerror(errno));
    for (int i = 0; i < 2; i++) {
        close_if_open(&ends.control[i]);
        close_if_open(&ends.output[i]);
    }
    return false;
}

char agent_read_control(struct agent *agent)
{
    char byte = 0;
    ssize_t count = recv(agent->control, &byte, 1, MSG_DONTWAIT);
    if (count == 1)
        return byte;
    if (count == 0 || (errno != EAGAIN && errno != EINTR))
        close_if_open(&agent->control);
    return 0;
}

void agent_tell_ready(const struct agent *agent)
{
    if (agent->control >= 0)
        (void)send(agent->control, "g", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Of what Node writes when it ends with an error: neither its version, nor lines of the stack, nor what
 * closes them. */
static bool may_be_reason(const char *line)
{
    return line[0] != ' ' && line[0] != '}' && strncmp(line, "Node.js v", 9) != 0;
}

static void pass_line(struct agent *agent)
{
    if (agent->line_length == 0)
        return;
    agent->line[agent->line_length] = '\0';
    log_line(LOG_WARNING, "agent %d: %s", (int)agent->pid, agent->line);
    if (may_be_reason(agent->line))
        memcpy(agent->last, agent->line, sizeof agent->last);
    agent->line_length = 0;
}

static void take_bytes(struct agent *agent, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n' || agent->line_length == sizeof agent->line - 1)
            pass_line(agent);
        if (bytes[i] != '\n')
            agent->line[agent->line_length++] = bytes[i];
    }
}

bool agent_relay(struct agent *agent)
{
    char bytes[1024];
    ssize_t count = read(agent->output, bytes, sizeof bytes);
    if (count > 0) {
        take_bytes(agent, bytes, (size_t)count);
        return true;
    }
    if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        pass_line(agent);
        close_if_open(&agent->output);
    }
    return false;
}

void agent_forget(struct agent *agent)
{
    /* Not to the end of the pipe: a descendant of the agent may keep it open, and write for ever. */
    for (int i = 0; i < MAX_LAST_READS && agent->output >= 0 && agent_relay(agent); i++)
        continue;
    pass_line(agent);
    close_if_open(&agent->control);
    close_if_open(&agent->output);
    agent->pid = 0;
}
