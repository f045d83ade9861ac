/* What an agent writes to its standard error, as the launcher passes it on: any bytes, in any pieces. */
#include "../launcher/agent.h"
#include "../launcher/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LARGEST_INPUT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In place of log.c: the system's log is no part of this. */
void log_line(int priority, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(line, sizeof line, format, arguments) < 0 || priority < 0)
        abort();
    va_end(arguments);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];
    if (size > LARGEST_INPUT)
        return 0;
    if (pipe(ends) != 0)
        abort();
    struct agent agent = {.control = -1, .output = ends[0]};
    size_t first = size == 0 ? 0 : data[0] % size;
    if (write(ends[1], data, first) != (ssize_t)first || (first > 0 && !agent_relay(&agent)))
        abort();
    if (write(ends[1], data + first, size - first) != (ssize_t)(size - first) || close(ends[1]) != 0)
        abort();
    while (agent_relay(&agent))
        continue;
    agent_forget(&agent);
    if (memchr(agent.last, '\0', sizeof agent.last) == NULL || memchr(agent.last, '\n', sizeof agent.last) != NULL)
        abort();
    return 0;
}
