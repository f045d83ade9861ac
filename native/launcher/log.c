#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#define NAME "mhsm-pkcs11-launcher"

static bool to_stderr;

void log_open(bool foreground)
{
    to_stderr = foreground || isatty(STDERR_FILENO);
    if (!to_stderr)
        openlog(NAME, LOG_PID, LOG_DAEMON);
}

void log_line(int priority, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    for (char *at = line; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    if (to_stderr)
        dprintf(STDERR_FILENO, NAME ": %s\n", line);
    else
        syslog(priority, "%s", line);
}
