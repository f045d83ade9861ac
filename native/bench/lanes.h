/*
 * A closed load: each lane does one operation after another until the time is over. Counts, times and failures of a run
 * go to standard output as one line of JSON.
 */
#ifndef MHSM_BENCH_LANES_H
#define MHSM_BENCH_LANES_H

#include <stdbool.h>
#include <stddef.h>

#define MAX_LANES 512
#define FAILURE_BYTES 160

/* One operation. False when it failed, with the reason in `failure` as text without quotation marks. */
typedef bool (*operation)(void *lane, char failure[FAILURE_BYTES]);

/*
 * Reads `run MILLISECONDS [PAUSE [MOST]]` from standard input, one a line, until it ends: a lane rests so many milliseconds
 * after a failure, one where nothing is said; no more than MOST operations begin, in all lanes together. `lanes` are handed to the operation, one a
 * thread. Exits with 4 when there are no threads or no memory.
 */
void serve_runs(operation operation, void *const *lanes, unsigned count);

/* A line of standard input without its end; false at the end of input or when it does not fit. */
bool read_line(char *line, size_t size);

/* A number of 1 to `most`; exits with 2, naming the argument. */
unsigned count_argument(const char *text, const char *name, unsigned most);

/* Nanoseconds of a clock that only goes forwards. */
unsigned long long now_ns(void);

#endif
