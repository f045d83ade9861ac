/*
 * What the module remembers between calls, so that it can be given to another agent: sessions and logins.
 * Everything else about PKCS#11 is the agent's.
 */
#ifndef MHSM_SHIM_MODULE_H
#define MHSM_SHIM_MODULE_H

#include "api.h"

#include "../client/exchange.h"

#include <stdbool.h>

/* CKR_CRYPTOKI_NOT_INITIALIZED unless this process, or one it was forked from, called C_Initialize. */
CK_RV module_check(void);
/* The same, and CKR_SESSION_HANDLE_INVALID: both come before CKR_ARGUMENTS_BAD (section 5.1.7). */
CK_RV module_check_session(CK_SESSION_HANDLE hSession);
/*
 * For a call that is refused before it is sent: ends the operations (CKF_SIGN ...) at the agent, as the functions of
 * sections 5.8 to 5.12 do with every refusal, and gives the code.
 */
CK_RV module_refuse(CK_SESSION_HANDLE hSession, CK_FLAGS operations, CK_RV rv);
/* Carries a call, prints the agent's line for the operator, and gives the agent's code or CKR_DEVICE_ERROR.
 */
CK_RV module_call(struct exchange *exchange);
/* The same; `answered` tells the agent's own CKR_DEVICE_ERROR from an agent that was not reached. */
CK_RV module_try(struct exchange *exchange, bool *answered);
/* For a call whose answer is only its code. */
CK_RV module_call_plain(struct exchange exchange);

CK_RV module_initialize(void);
CK_RV module_finalize(void);

#endif
