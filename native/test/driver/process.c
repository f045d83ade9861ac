/* Commands about the process that the module lives in: loading, forks, descriptors, exit. */
#include "driver.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

static void *library;
static char library_path[4096];

static void load(const struct words *words)
{
    snprintf(library_path, sizeof library_path, "%s", word(words, 1));
    library = dlopen(library_path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        say("%s", dlerror());
        return;
    }
    CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
    say("%lx", get(&module));
}

void *symbol_of(const char *name)
{
    return dlsym(library, name);
}

static void unload(void)
{
    int failed = dlclose(library);
    /* RTLD_NOLOAD finds it only if it is still there. */
    say("%d %s", failed, dlopen(library_path, RTLD_NOLOAD | RTLD_NOW) == NULL ? "gone" : "there");
}

/* fork COMMAND;COMMAND...: in a child, whose answers begin with "child "; then the answer of the parent */
static void run_in_child(const struct words *words)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        char *rest = NULL;
        char *script = strdup(word(words, 1));
        say_prefix = "child ";
        for (char *line = strtok_r(script, ";", &rest); line != NULL; line = strtok_r(NULL, ";", &rest)) {
            char *copy = strdup(line);
            run_line(copy);
            free(copy);
        }
        free(script);
        exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        say("no child");
    else
        say("ended %d", status);
}

/* The parent exits, as one that puts itself in the background does; the child goes on with the script. */
static void detach(void)
{
    pid_t pid = fork();
    if (pid > 0)
        exit(0);
    say("%s", pid == 0 ? "detached" : "no child");
}

static void list_descriptors(void)
{
    char line[1024];
    int length = 0;
    DIR *directory = opendir("/proc/self/fd");
    line[0] = '\0';
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != dirfd(directory))
            length += snprintf(line + length, sizeof line - (size_t)length, "%d%s ", fd,
                               (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 ? "" : "!");
    }
    closedir(directory);
    say("%s", line);
}

static void say_signals(void)
{
    struct sigaction pipe, child;
    sigset_t mask;
    sigaction(SIGPIPE, NULL, &pipe);
    sigaction(SIGCHLD, NULL, &child);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    say("%d %d %d", pipe.sa_handler == SIG_DFL, child.sa_handler == SIG_DFL, sigismember(&mask, SIGPIPE));
}

static void say_children(void)
{
    pid_t pid = waitpid(-1, NULL, WNOHANG);
    say("%s", pid < 0 && errno == ECHILD ? "none" : "some");
}

static void call_at_exit(void)
{
    CK_ULONG length = 0;
    CK_SESSION_INFO info;
    say("%lx %lx", module->C_GetSessionInfo(1, &info), module->C_Sign(1, NULL, 0, NULL, &length));
}

static void close_descriptors(const struct words *words)
{
    for (int i = 1; i < words->count; i++)
        close((int)number(words, i));
    say("closed");
}

/* Not close-on-exec, as a careless host has them. */
static void open_file(const struct words *words)
{
    say("%d", open(word(words, 1), O_RDONLY) >= 0 ? 0 : errno);
}

/* Standard error becomes a pipe whose reader is gone. */
static void break_stderr(void)
{
    int ends[2] = {-1, -1};
    bool done = pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO;
    close(ends[0]);
    close(ends[1]);
    say("%d", done);
}

static void ignore_children(void)
{
    say("%d", signal(SIGCHLD, SIG_IGN) == SIG_ERR);
}

/* As a daemon does that closes all it does not know, and then opens its own files. */
static void replace_descriptors(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 3; i < 64; i++)
        if (i != fd && fcntl(i, F_GETFD) >= 0)
            dup3(fd, i, O_CLOEXEC);
    say("replaced");
}

bool process_command(const struct words *words)
{
    const char *name = words->at[0];
    if (strcmp(name, "load") == 0)
        load(words);
    else if (strcmp(name, "unload") == 0)
        unload();
    else if (strcmp(name, "fork") == 0)
        run_in_child(words);
    else if (strcmp(name, "detach") == 0)
        detach();
    else if (strcmp(name, "descriptors") == 0)
        list_descriptors();
    else if (strcmp(name, "close-descriptors") == 0)
        close_descriptors(words);
    else if (strcmp(name, "open-file") == 0)
        open_file(words);
    else if (strcmp(name, "break-stderr") == 0)
        break_stderr();
    else if (strcmp(name, "ignore-children") == 0)
        ignore_children();
    else if (strcmp(name, "replace-descriptors") == 0)
        replace_descriptors();
    else if (strcmp(name, "signals") == 0)
        say_signals();
    else if (strcmp(name, "children") == 0)
        say_children();
    else if (strcmp(name, "at-exit") == 0)
        say("%d", atexit(call_at_exit));
    else if (strcmp(name, "clear-environment") == 0)
        say("%d", clearenv());
    else if (strcmp(name, "become") == 0)
        say("%d", setgid((gid_t)number(words, 1)) + setuid((uid_t)number(words, 1)));
    else if (strcmp(name, "is-set-user-id") == 0)
        say("%lu", getauxval(AT_SECURE));
    else if (strcmp(name, "exit") == 0)
        exit(0);
    else
        return false;
    return true;
}
