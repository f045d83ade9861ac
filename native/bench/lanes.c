#include "lanes.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_MS 1000000ull
#define NS_PER_S 1e9
/* A lane that fails at once must not take the processor from those that do not. */
#define PAUSE_AFTER_FAILURE_NS (1 * NS_PER_MS)

struct lane {
    pthread_t thread;
    operation operation;
    void *context;
    unsigned long long end_ns;
    unsigned long long elapsed_ns;
    /* Of each operation that succeeded, in nanoseconds. */
    unsigned long long *times;
    size_t count, room;
    unsigned failures;
    char failure[FAILURE_BYTES];
};

unsigned long long now_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        abort();
    return (unsigned long long)now.tv_sec * (unsigned long long)NS_PER_S + (unsigned long long)now.tv_nsec;
}

static void keep_time(struct lane *lane, unsigned long long ns)
{
    if (lane->count == lane->room) {
        lane->room = lane->room == 0 ? 4096 : 2 * lane->room;
        lane->times = realloc(lane->times, lane->room * sizeof *lane->times);
        if (lane->times == NULL)
            exit(4);
    }
    lane->times[lane->count++] = ns;
}

static void *work(void *argument)
{
    struct lane *lane = argument;
    unsigned long long begin = now_ns(), now = begin;
    while (now < lane->end_ns) {
        char failure[FAILURE_BYTES] = "";
        bool done = lane->operation(lane->context, failure);
        unsigned long long after = now_ns();
        if (done) {
            keep_time(lane, after - now);
        } else {
            if (lane->failures++ == 0)
                memcpy(lane->failure, failure, sizeof lane->failure);
            nanosleep(&(struct timespec){.tv_nsec = PAUSE_AFTER_FAILURE_NS}, NULL);
        }
        now = now_ns();
    }
    lane->elapsed_ns = now - begin;
    return NULL;
}

static int compare(const void *left, const void *right)
{
    unsigned long long a = *(const unsigned long long *)left, b = *(const unsigned long long *)right;
    return a < b ? -1 : a > b;
}

/* In milliseconds; 0 where there is none. */
static double percentile(const unsigned long long *sorted, size_t count, double part)
{
    return count == 0 ? 0 : (double)sorted[(size_t)(part * (double)(count - 1))] / (double)NS_PER_MS;
}

/*
 * Each lane's rate is over its own time: a window cut at a fixed end would count an operation too many or too few in each
 * lane, which is much where an operation takes long.
 */
static void report(struct lane *lanes, unsigned count)
{
    size_t done = 0, at = 0;
    unsigned failures = 0;
    double per_second = 0;
    const char *failure = "";
    for (unsigned i = 0; i < count; i++) {
        done += lanes[i].count;
        failures += lanes[i].failures;
        per_second += (double)lanes[i].count / ((double)lanes[i].elapsed_ns / NS_PER_S);
        if (lanes[i].failures > 0)
            failure = lanes[i].failure;
    }
    unsigned long long *times = calloc(done + 1, sizeof *times);
    if (times == NULL)
        exit(4);
    for (unsigned i = 0; i < count; at += lanes[i++].count)
        if (lanes[i].count > 0)
            memcpy(times + at, lanes[i].times, lanes[i].count * sizeof *times);
    qsort(times, done, sizeof *times, compare);
    printf("{\"perSecond\":%.3f,\"count\":%zu,\"failures\":%u,\"failure\":\"%s\","
           "\"latencyMs\":{\"p50\":%.4f,\"p95\":%.4f,\"p99\":%.4f}}\n",
           per_second, done, failures, failure, percentile(times, done, 0.5), percentile(times, done, 0.95),
           percentile(times, done, 0.99));
    free(times);
}

static void run(operation operation, void *const *contexts, unsigned count, unsigned ms)
{
    static struct lane lanes[MAX_LANES];
    unsigned long long end = now_ns() + ms * NS_PER_MS;
    for (unsigned i = 0; i < count; i++) {
        lanes[i] = (struct lane){.operation = operation, .context = contexts[i], .end_ns = end};
        if (pthread_create(&lanes[i].thread, NULL, work, &lanes[i]) != 0)
            exit(4);
    }
    for (unsigned i = 0; i < count; i++)
        if (pthread_join(lanes[i].thread, NULL) != 0)
            exit(4);
    report(lanes, count);
    for (unsigned i = 0; i < count; i++)
        free(lanes[i].times);
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
    unsigned ms;
    while (read_line(line, sizeof line)) {
        if (sscanf(line, "run %u", &ms) != 1) {
            fprintf(stderr, "unknown order: %s\n", line);
            exit(2);
        }
        run(operation, lanes, count, ms);
        if (fflush(stdout) != 0)
            exit(4);
    }
}
