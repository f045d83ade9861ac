/*
 * Session management (PKCS#11 v2.40, section 5.6).
 *
 * What is opened is remembered after the agent knows it, what is closed is forgotten before: a replay that
 * runs at the same time then never brings back what is gone. What a replay may have missed is replayed again
 * (client_forget).
 */
#include "marshal.h"
#include "module.h"
#include "sessions.h"

/*
 * An agent that is not reached is no reason to fail: libp11 waits for ever for a session when its first
 * C_OpenSession fails. The session is opened when an agent is there, and trouble shows at the first call that
 * needs it.
 */
CK_RV C_OpenSession(CK_SLOT_ID slotID, CK_FLAGS flags, CK_VOID_PTR pApplication, CK_NOTIFY Notify,
                    CK_SESSION_HANDLE_PTR phSession)
{
    /* There is nothing to notify of. */
    (void)pApplication;
    (void)Notify;
    bool answered;
    CK_RV rv = module_check();
    if (rv != CKR_OK)
        return rv;
    if (phSession == NULL)
        return CKR_ARGUMENTS_BAD;
    struct session session = {.handle = sessions_next_handle(), .slot = slotID, .flags = flags};
    struct wire_open_session_request request = {.session = session.handle, .slot = slotID, .flags = flags};
    struct exchange exchange = wire_open_session(&request);
    rv = module_try(&exchange, &answered);
    if (!answered)
        rv = CKR_OK;
    if (rv == CKR_OK && !sessions_add(&session))
        rv = CKR_HOST_MEMORY;
    if (rv == CKR_OK) {
        *phSession = session.handle;
        if (!answered || !client_is_current(exchange.epoch))
            client_forget();
    }
    exchange_release(&exchange);
    return rv;
}

CK_RV C_CloseSession(CK_SESSION_HANDLE hSession)
{
    bool answered;
    CK_RV rv = module_check();
    if (rv != CKR_OK)
        return rv;
    if (!sessions_remove(hSession))
        return CKR_SESSION_HANDLE_INVALID;
    struct wire_close_session_request request = {.session = hSession};
    struct exchange exchange = wire_close_session(&request);
    rv = module_try(&exchange, &answered);
    exchange_release(&exchange);
    /* An agent that is gone, or a new one, does not have the session any more: that is what was asked for. */
    if (!answered || rv == CKR_SESSION_HANDLE_INVALID)
        return CKR_OK;
    return rv;
}

CK_RV C_CloseAllSessions(CK_SLOT_ID slotID)
{
    bool answered;
    CK_RV rv = module_check();
    if (rv != CKR_OK)
        return rv;
    sessions_remove_slot(slotID);
    struct wire_close_all_sessions_request request = {.slot = slotID};
    struct exchange exchange = wire_close_all_sessions(&request);
    rv = module_try(&exchange, &answered);
    exchange_release(&exchange);
    return answered ? rv : CKR_OK;
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE hSession, CK_SESSION_INFO_PTR pInfo)
{
    struct wire_get_session_info_request request = {.session = hSession};
    struct wire_get_session_info_response response;
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (pInfo == NULL)
        return CKR_ARGUMENTS_BAD;
    struct exchange exchange = wire_get_session_info(&request, &response);
    rv = module_call(&exchange);
    if (rv == CKR_OK) {
        pInfo->slotID = response.slot;
        pInfo->state = response.state;
        pInfo->flags = response.flags;
        pInfo->ulDeviceError = response.device_error;
    }
    exchange_release(&exchange);
    return rv;
}

static void remember_login(CK_SESSION_HANDLE hSession, CK_USER_TYPE userType, CK_UTF8CHAR_PTR pPin,
                           CK_ULONG ulPinLen, uint64_t epoch)
{
    struct session session;
    /* A context specific login belongs to one operation, which a new agent does not have. */
    if (userType == CKU_CONTEXT_SPECIFIC || !sessions_find(hSession, &session))
        return;
    /* Without memory for it the login stands as long as this agent does. */
    (void)sessions_login(session.slot, userType, pPin, ulPinLen);
    if (!client_is_current(epoch))
        client_forget();
}

/* What may pass: it says nothing about a login that was good once. */
static bool may_pass(CK_RV rv)
{
    return rv == CKR_DEVICE_ERROR || rv == CKR_FUNCTION_FAILED || rv == CKR_PIN_INCORRECT;
}

/*
 * A forked child logs in with what its parent had logged in with, and libp11 does so once: when that fails, all its
 * handshakes fail until the server is reloaded. So it is resumed like the login of a process whose agent is
 * another one now, and trouble shows at the calls that need it.
 */
CK_RV C_Login(CK_SESSION_HANDLE hSession, CK_USER_TYPE userType, CK_UTF8CHAR_PTR pPin, CK_ULONG ulPinLen)
{
    struct session session;
    bool answered;
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (!marshal_is_readable(pPin, ulPinLen))
        return CKR_ARGUMENTS_BAD;
    if (ulPinLen > MARSHAL_MAX_DATA)
        return CKR_PIN_INCORRECT;
    if (!sessions_find(hSession, &session))
        return CKR_SESSION_HANDLE_INVALID;
    bool inherited = sessions_take_inherited(session.slot, userType, pPin, ulPinLen);
    struct wire_login_request request = {
        .session = hSession, .user_type = userType, .pin = marshal_buffer(pPin, ulPinLen)};
    struct exchange exchange = wire_login(&request);
    rv = module_try(&exchange, &answered);
    bool resumed = inherited && rv != CKR_OK && (!answered || may_pass(rv));
    if (resumed)
        rv = CKR_OK;
    if (rv == CKR_OK)
        remember_login(hSession, userType, pPin, ulPinLen, exchange.epoch);
    if (resumed)
        client_forget();
    exchange_release(&exchange);
    return rv;
}

CK_RV C_Logout(CK_SESSION_HANDLE hSession)
{
    struct session session;
    bool answered;
    CK_RV rv = module_check();
    if (rv != CKR_OK)
        return rv;
    if (!sessions_find(hSession, &session))
        return CKR_SESSION_HANDLE_INVALID;
    bool was_in = sessions_logout(session.slot);
    struct wire_logout_request request = {.session = hSession};
    struct exchange exchange = wire_logout(&request);
    rv = module_try(&exchange, &answered);
    exchange_release(&exchange);
    /* As in C_CloseSession. */
    if (was_in && (!answered || rv == CKR_USER_NOT_LOGGED_IN))
        return CKR_OK;
    return rv;
}
