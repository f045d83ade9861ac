/* Open sessions and logins of this process, for resuming them with another agent. */
#ifndef MHSM_SHIM_SESSIONS_H
#define MHSM_SHIM_SESSIONS_H

#include "api.h"

#include "../client/client.h"

#include <stdbool.h>

struct session {
    CK_SESSION_HANDLE handle;
    CK_SLOT_ID slot;
    CK_FLAGS flags;
};

void sessions_load(void);
void sessions_unload(void);

/* A handle that no session of this process or its ancestors had. */
CK_SESSION_HANDLE sessions_next_handle(void);
bool sessions_find(CK_SESSION_HANDLE handle, struct session *found);
bool sessions_add(const struct session *session);
/* False: there was none. A login goes with the last session of its slot. */
bool sessions_remove(CK_SESSION_HANDLE handle);
void sessions_remove_slot(CK_SLOT_ID slot);
void sessions_clear(void);
/* In a forked child: nothing is open any more, and what its parent had logged in with is inherited. */
void sessions_inherit(void);
/* False: the slot's inherited login was another one, or there was none. Either way it is inherited no more. */
bool sessions_take_inherited(CK_SLOT_ID slot, CK_USER_TYPE user_type, const CK_BYTE *pin, CK_ULONG length);

/* False: out of memory; the login is then not resumed. */
bool sessions_login(CK_SLOT_ID slot, CK_USER_TYPE user_type, const CK_BYTE *pin, CK_ULONG length);
/* False: there was none. */
bool sessions_logout(CK_SLOT_ID slot);

client_resume sessions_resume;

#endif
