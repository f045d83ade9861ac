#include "failure.h"

#include <stdarg.h>
#include <stdio.h>

void failure_set(struct failure *failure, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    /* A text that does not fit is cut; a sentence without its end still helps. */
    if (vsnprintf(failure->text, sizeof failure->text, format, arguments) < 0)
        failure->text[0] = '\0';
    va_end(arguments);
}
