/* The sessions and logins themselves, without a lock: sessions.c has it, and replays from a copy of its own.
 */
#ifndef MHSM_SHIM_TABLE_H
#define MHSM_SHIM_TABLE_H

#include "sessions.h"

#include "../client/secret.h"

struct login {
    CK_SLOT_ID slot;
    CK_USER_TYPE user_type;
    /* NULL: the caller gave none. */
    struct secret *pin;
};

struct table {
    struct session *sessions;
    size_t session_count;
    size_t session_room;
    /* One a slot at most. */
    struct login *logins;
    size_t login_count;
    size_t login_room;
};

const struct session *table_find(const struct table *table, CK_SESSION_HANDLE handle);
bool table_add(struct table *table, const struct session *session);
bool table_remove(struct table *table, CK_SESSION_HANDLE handle);
void table_remove_slot(struct table *table, CK_SLOT_ID slot);
bool table_login(struct table *table, CK_SLOT_ID slot, CK_USER_TYPE user_type, const CK_BYTE *pin,
                 CK_ULONG length);
bool table_logout(struct table *table, CK_SLOT_ID slot);
/* Takes the slot's login out of the table. False: there was none, or another one. */
bool table_take_login(struct table *table, CK_SLOT_ID slot, CK_USER_TYPE user_type, const CK_BYTE *pin,
                      CK_ULONG length);
/* Moves the logins, where there are any, into a table for them alone, and clears the rest. */
void table_hand_down(struct table *to, struct table *from);
bool table_copy(struct table *to, const struct table *from);
void table_clear(struct table *table);

#endif
