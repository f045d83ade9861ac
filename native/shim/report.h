/* Lines for the operator, on standard error of the server that loaded the module. */
#ifndef MHSM_SHIM_REPORT_H
#define MHSM_SHIM_REPORT_H

#include "../client/wire.h"

/* What the agent says about a call; nothing when that is empty. The agent limits the rate. */
void report_answer(const char *function, struct wire_bytes message);
/* That the agent was not reached: once, until it answered again. */
void report_failure(const char *function, const char *text);
void report_forget(void);

#endif
