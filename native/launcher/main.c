/*
 * mhsm-pkcs11-launcher: does for an agent that a server's PKCS#11 module starts what a service manager does
 * for an installed one. Says "ready" or why not as one line on its standard output, which the module waits
 * for.
 */
#include "listener.h"
#include "log.h"
#include "supervisor.h"

#include "../client/location.h"
#include "../client/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define TICKET_KEY_BYTES 32
#define AGENT_NAME "mhsm-pkcs11-agent"
#define DEFAULT_IDLE "30"
#define LONGEST_IDLE_SECONDS (24 * 60 * 60)
#define EXIT_USAGE 2

struct options {
    const char *configuration;
    const char *socket;
    const char *idle;
    long idle_seconds;
    char agent[PATH_MAX];
    bool foreground;
};

static bool in_foreground;

static const char usage[] =
    "usage: mhsm-pkcs11-launcher --config PATH --socket PATH [--idle SECONDS] [--agent PATH] [--foreground]\n"
    "Listens at the socket and keeps an agent behind it. Paths are absolute.\n";

static bool find_agent(char path[static PATH_MAX])
{
    char own[PATH_MAX];
    char directory[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    if (length < 0)
        return false;
    own[length] = '\0';
    return location_directory(own, directory, sizeof directory) &&
           snprintf(path, PATH_MAX, "%s/" AGENT_NAME, directory) < PATH_MAX;
}

static bool parse_idle(struct options *options)
{
    char *end;
    errno = 0;
    options->idle_seconds = strtol(options->idle, &end, 10);
    return errno == 0 && end != options->idle && *end == '\0' && options->idle_seconds >= 0 &&
           options->idle_seconds <= LONGEST_IDLE_SECONDS;
}

static bool is_absolute(const char *path)
{
    return path != NULL && path[0] == '/' && strlen(path) < PATH_MAX;
}

static bool parse(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"config", required_argument, NULL, 'c'}, {"socket", required_argument, NULL, 's'},
        {"idle", required_argument, NULL, 'i'},   {"agent", required_argument, NULL, 'a'},
        {"foreground", no_argument, NULL, 'f'},   {NULL, 0, NULL, 0},
    };
    const char *agent = NULL;
    int option;
    *options = (struct options){.idle = DEFAULT_IDLE};
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'c')
            options->configuration = optarg;
        else if (option == 's')
            options->socket = optarg;
        else if (option == 'i')
            options->idle = optarg;
        else if (option == 'a')
            agent = optarg;
        else if (option == 'f')
            options->foreground = true;
        else
            return false;
    }
    if (agent == NULL && !find_agent(options->agent))
        return false;
    if (agent != NULL)
        snprintf(options->agent, sizeof options->agent, "%s", agent);
    return optind == argc && is_absolute(options->configuration) && is_absolute(options->socket) &&
           is_absolute(options->agent) && parse_idle(options);
}

/* Whatever is opened later must not become somebody's standard output. */
static void open_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

static void report(const char *reason)
{
    dprintf(STDOUT_FILENO, "%s\n", reason == NULL ? "ready" : reason);
    if (in_foreground)
        return;
    /* The module waits for the end of the pipe. */
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDOUT_FILENO);
        close(null);
    }
}

static void harden(void)
{
    /* The ticket key is in memory, and the process may be root's. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){.rlim_cur = 0, .rlim_max = 0});
    prctl(PR_SET_DUMPABLE, 0);
    umask(077);
}

static struct secret *draw_ticket_key(void)
{
    struct secret *key = secret_new(NULL, 0);
    if (key == NULL)
        return NULL;
    /* Drawn in place, on the locked page. */
    if (getrandom(key->data, TICKET_KEY_BYTES, 0) == TICKET_KEY_BYTES) {
        key->length = TICKET_KEY_BYTES;
        return key;
    }
    secret_free(key);
    return NULL;
}

static int serve(const struct options *options)
{
    struct failure failure = {.text = ""};
    struct listener listener;
    switch (listener_open(&listener, options->socket, &failure)) {
    case LISTENER_SERVED:
        report(NULL);
        return EXIT_SUCCESS;
    case LISTENER_FAILED:
        log_line(LOG_ERR, "%s", failure.text);
        report(failure.text);
        return EXIT_FAILURE;
    case LISTENER_OURS:
        break;
    }
    struct secret *key = draw_ticket_key();
    if (key == NULL) {
        report("no random bytes for the ticket key");
        listener_remove(&listener);
        return EXIT_FAILURE;
    }
    struct agent_options agent = {
        .program = options->agent,
        .configuration = options->configuration,
        .idle_seconds = options->idle,
        .foreground = options->foreground,
        .listener = listener.fd,
        .ticket_key = key,
    };
    int status = supervisor_run(&listener, &agent, (int64_t)options->idle_seconds * 1000, report);
    secret_free(key);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    open_standard_streams();
    if (!parse(argc, argv, &options)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    in_foreground = options.foreground;
    log_open(options.foreground);
    harden();
    if (!options.foreground) {
        /* The second fork of a daemon; the first was the module's. Nobody waits for us, and no terminal ends
         * us. */
        pid_t pid = fork();
        if (pid < 0) {
            report(strerror(errno));
            return EXIT_FAILURE;
        }
        if (pid > 0)
            return EXIT_SUCCESS;
        setsid();
    }
    if (chdir("/") != 0)
        log_line(LOG_WARNING, "cannot leave the current directory: %s", strerror(errno));
    return serve(&options);
}
