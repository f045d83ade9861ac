#include "lanes.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull
/* A lane that fails at once must not take the processor from those that do not. */
#define PAUSE_AFTER_FAILURE_MS 1

/* Of each operation, in nanoseconds. */
struct times {
    unsigned long long *at;
    size_t count, room;
};

/* Operations that a run may still begin, in all its lanes together. */
static atomic_llong left;

struct lane {
    pthread_t thread;
    operation operation;
    void *context;
    unsigned long long begin_ns;
    unsigned long long end_ns;
    /* When it stopped loading, since the load began. */
    unsigned long long left_ns;
    unsigned long long pause_ns;
    struct times done, failed;
    /* Of those that were done, since the load began. */
    struct times ends;
    char failure[FAILURE_BYTES];
};

unsigned long long now_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        abort();
    return (unsigned long long)now.tv_sec * NS_PER_S + (unsigned long long)now.tv_nsec;
}

static void keep_time(struct times *times, unsigned long long ns)
{
    if (times->count == times->room) {
        times->room = times->room == 0 ? 4096 : 2 * times->room;
        times->at = realloc(times->at, times->room * sizeof *times->at);
        if (times->at == NULL)
            exit(4);
    }
    times->at[times->count++] = ns;
}

static void rest(unsigned long long ns)
{
    struct timespec pause = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
    /* Cut short by a signal it is a shorter pause. */
    (void)nanosleep(&pause, NULL);
}

static void *work(void *argument)
{
    struct lane *lane = argument;
    unsigned long long now = now_ns();
    /* Also one that began too late does one. */
    while (atomic_fetch_sub(&left, 1) > 0) {
        char failure[FAILURE_BYTES] = "";
        bool done = lane->operation(lane->context, failure);
        unsigned long long after = now_ns();
        if (done) {
            keep_time(&lane->done, after - now);
            keep_time(&lane->ends, after - lane->begin_ns);
        } else {
            if (lane->failed.count == 0)
                memcpy(lane->failure, failure, sizeof lane->failure);
            keep_time(&lane->failed, after - now);
            rest(lane->pause_ns);
        }
        now = now_ns();
        if (now >= lane->end_ns)
            break;
    }
    lane->left_ns = now - lane->begin_ns;
    return NULL;
}

static int compare(const void *left, const void *right)
{
    unsigned long long a = *(const unsigned long long *)left, b = *(const unsigned long long *)right;
    return a < b ? -1 : a > b;
}

static double milliseconds(unsigned long long ns)
{
    return (double)ns / (double)NS_PER_MS;
}

/* Nearest rank: the least that so many of 100 do not exceed. In milliseconds; 0 where there is none. */
static double percentile(const unsigned long long *sorted, size_t count, size_t percent)
{
    return count == 0 ? 0 : milliseconds(sorted[(percent * count + 99) / 100 - 1]);
}

/* Those of all lanes, in order of size; the caller frees them. */
static struct times gather(const struct lane *lanes, unsigned count, bool failed)
{
    struct times all = {0};
    for (unsigned i = 0; i < count; i++) {
        const struct times *times = failed ? &lanes[i].failed : &lanes[i].done;
        for (size_t j = 0; j < times->count; j++)
            keep_time(&all, times->at[j]);
    }
    if (all.count > 0)
        qsort(all.at, all.count, sizeof *all.at, compare);
    return all;
}

/* When the first lane stopped loading, and when operations ended: what a rate is made of. In milliseconds. */
static void print_course(const struct lane *lanes, unsigned count)
{
    unsigned long long loaded = ULLONG_MAX;
    const char *separator = "";
    printf("\"endsMs\":[");
    for (unsigned i = 0; i < count; i++) {
        for (size_t j = 0; j < lanes[i].ends.count; j++) {
            printf("%s%.3f", separator, milliseconds(lanes[i].ends.at[j]));
            separator = ",";
        }
        loaded = lanes[i].left_ns < loaded ? lanes[i].left_ns : loaded;
    }
    printf("],\"lanes\":%u,\"loadedMs\":%.3f", count, milliseconds(loaded));
}

static void report(struct lane *lanes, unsigned count)
{
    const char *failure = "";
    for (unsigned i = 0; i < count; i++)
        if (lanes[i].failed.count > 0)
            failure = lanes[i].failure;
    struct times done = gather(lanes, count, false), failed = gather(lanes, count, true);
    printf("{\"count\":%zu,\"failures\":%zu,\"failure\":\"%s\","
           "\"latencyMs\":{\"p50\":%.4f,\"p95\":%.4f,\"p99\":%.4f},"
           "\"failureMs\":{\"p50\":%.4f,\"p99\":%.4f},",
           done.count, failed.count, failure, percentile(done.at, done.count, 50),
           percentile(done.at, done.count, 95), percentile(done.at, done.count, 99),
           percentile(failed.at, failed.count, 50), percentile(failed.at, failed.count, 99));
    print_course(lanes, count);
    printf("}\n");
    free(done.at);
    free(failed.at);
}

static void run(operation operation, void *const *contexts, unsigned count, unsigned ms, unsigned pause_ms)
{
    static struct lane lanes[MAX_LANES];
    unsigned long long begin = now_ns();
    for (unsigned i = 0; i < count; i++) {
        lanes[i] = (struct lane){.operation = operation,
                                 .context = contexts[i],
                                 .begin_ns = begin,
                                 .end_ns = begin + ms * NS_PER_MS,
                                 .pause_ns = pause_ms * NS_PER_MS};
        if (pthread_create(&lanes[i].thread, NULL, work, &lanes[i]) != 0)
            exit(4);
    }
    for (unsigned i = 0; i < count; i++)
        if (pthread_join(lanes[i].thread, NULL) != 0)
            exit(4);
    report(lanes, count);
    for (unsigned i = 0; i < count; i++) {
        free(lanes[i].done.at);
        free(lanes[i].failed.at);
        free(lanes[i].ends.at);
    }
}

bool read_line(char *line, size_t size)
{
    if (fgets(line, (int)size, stdin) == NULL)
        return false;
    size_t length = strcspn(line, "\n");
    if (line[length] == '\0')
        return false;
    line[length] = '\0';
    return true;
}

unsigned count_argument(const char *text, const char *name, unsigned most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end == '\0' && value >= 1 && value <= most)
        return (unsigned)value;
    fprintf(stderr, "%s must be a number from 1 to %u, not %s\n", name, most, text);
    exit(2);
}

void serve_runs(operation operation, void *const *lanes, unsigned count)
{
    char line[64];
    unsigned ms, pause_ms, most;
    while (read_line(line, sizeof line)) {
        pause_ms = PAUSE_AFTER_FAILURE_MS;
        int said = sscanf(line, "run %u %u %u", &ms, &pause_ms, &most);
        if (said < 1) {
            fprintf(stderr, "unknown order: %s\n", line);
            exit(2);
        }
        atomic_store(&left, said == 3 ? (long long)most : LLONG_MAX);
        run(operation, lanes, count, ms, pause_ms);
        if (fflush(stdout) != 0)
            exit(4);
    }
}
