/* The launcher's own lines: to standard error in the foreground, else to the system's log. */
#ifndef MHSM_LAUNCHER_LOG_H
#define MHSM_LAUNCHER_LOG_H

#include <stdbool.h>

void log_open(bool foreground);
/* `priority` as in syslog.h. Control characters in the text are replaced. */
__attribute__((format(printf, 2, 3))) void log_line(int priority, const char *format, ...);

#endif
