/* Commands about the memory of the process: what is in it, what a core dump takes of it. */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MASK 0x5a
#define LARGEST_MAPPING (256UL << 20)

/* scan HEX: how often the masked bytes are in the writable memory of this process */
static void scan(const struct words *words)
{
    unsigned char needle[256];
    static unsigned char page[4096];
    size_t length = from_hex(word(words, 1), 0, needle, sizeof needle), matched = 0;
    unsigned long start, end, found = 0;
    char line[512], access[8];
    FILE *maps = fopen("/proc/self/maps", "re");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx %7s", &start, &end, access) != 3 || access[0] != 'r' || access[1] != 'w')
            continue;
        /* The shadow of a sanitizer is terabytes of nothing. */
        if (end - start > LARGEST_MAPPING)
            continue;
        for (unsigned long at = start; at < end; at += sizeof page) {
            if (pread(memory, page, sizeof page, (off_t)at) != sizeof page)
                continue;
            for (size_t i = 0; i < sizeof page; i++) {
                matched = (page[i] ^ MASK) == needle[matched] ? matched + 1 : (page[i] ^ MASK) == needle[0];
                if (matched == length) {
                    found++;
                    matched = 0;
                }
            }
        }
    }
    fclose(maps);
    close(memory);
    say("%lu", found);
}

/* locked: kilobytes that cannot be swapped out */
static void say_locked(void)
{
    char line[128];
    unsigned long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "re");
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmLck: %lu", &kilobytes) == 1)
            break;
    fclose(status);
    say("%lu", kilobytes);
}

static void dump_core(const char *folder)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) != 0)
        _exit(1);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_CORE, &limit) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0 && chdir(folder) == 0)
        abort();
    _exit(1);
}

/* core FOLDER: a child crashes there; whether it left a core */
static void core(const struct words *words)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        dump_core(word(words, 1));
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    say("%s", WIFSIGNALED(status) && WCOREDUMP(status) ? "dumped" : "no core");
}

bool memory_command(const struct words *words)
{
    const char *name = words->at[0];
    if (strcmp(name, "scan") == 0)
        scan(words);
    else if (strcmp(name, "locked") == 0)
        say_locked();
    else if (strcmp(name, "core") == 0)
        core(words);
    else
        return false;
    return true;
}
