#include "table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 8

/* Room for one more item; the items stay where they are when there is no memory. */
static bool make_room(void **items, size_t *room, size_t count, size_t item_bytes)
{
    if (count < *room)
        return true;
    size_t larger = *room == 0 ? FIRST_ROOM : *room * 2;
    if (larger > SIZE_MAX / item_bytes)
        return false;
    /* Not reallocarray: libc takes its memory from the host's allocator, which our free may not be of. */
    void *moved = realloc(*items, larger * item_bytes);
    if (moved == NULL)
        return false;
    *items = moved;
    *room = larger;
    return true;
}

const struct session *table_find(const struct table *table, CK_SESSION_HANDLE handle)
{
    for (size_t i = 0; i < table->session_count; i++)
        if (table->sessions[i].handle == handle)
            return &table->sessions[i];
    return NULL;
}

bool table_add(struct table *table, const struct session *session)
{
    void *items = table->sessions;
    if (!make_room(&items, &table->session_room, table->session_count, sizeof *session))
        return false;
    table->sessions = items;
    table->sessions[table->session_count++] = *session;
    return true;
}

static bool has_sessions(const struct table *table, CK_SLOT_ID slot)
{
    for (size_t i = 0; i < table->session_count; i++)
        if (table->sessions[i].slot == slot)
            return true;
    return false;
}

bool table_remove(struct table *table, CK_SESSION_HANDLE handle)
{
    for (size_t i = 0; i < table->session_count; i++) {
        if (table->sessions[i].handle != handle)
            continue;
        CK_SLOT_ID slot = table->sessions[i].slot;
        table->sessions[i] = table->sessions[--table->session_count];
        if (!has_sessions(table, slot))
            table_logout(table, slot);
        return true;
    }
    return false;
}

void table_remove_slot(struct table *table, CK_SLOT_ID slot)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->session_count; i++)
        if (table->sessions[i].slot != slot)
            table->sessions[kept++] = table->sessions[i];
    table->session_count = kept;
    table_logout(table, slot);
}

static bool add_login(struct table *table, struct login login)
{
    void *items = table->logins;
    if (!make_room(&items, &table->login_room, table->login_count, sizeof login))
        return false;
    table->logins = items;
    table->logins[table->login_count++] = login;
    return true;
}

bool table_login(struct table *table, CK_SLOT_ID slot, CK_USER_TYPE user_type, const CK_BYTE *pin,
                 CK_ULONG length)
{
    struct login login = {.slot = slot, .user_type = user_type};
    table_logout(table, slot);
    if (pin != NULL) {
        login.pin = secret_new(pin, length);
        if (login.pin == NULL)
            return false;
    }
    if (add_login(table, login))
        return true;
    secret_free(login.pin);
    return false;
}

bool table_logout(struct table *table, CK_SLOT_ID slot)
{
    for (size_t i = 0; i < table->login_count; i++) {
        if (table->logins[i].slot != slot)
            continue;
        secret_free(table->logins[i].pin);
        table->logins[i] = table->logins[--table->login_count];
        return true;
    }
    return false;
}

static bool is_login(const struct login *login, CK_SLOT_ID slot, CK_USER_TYPE user_type, const CK_BYTE *pin,
                     CK_ULONG length)
{
    if (login->slot != slot || login->user_type != user_type || (login->pin == NULL) != (pin == NULL))
        return false;
    return pin == NULL || (login->pin->length == length && memcmp(login->pin->data, pin, length) == 0);
}

bool table_take_login(struct table *table, CK_SLOT_ID slot, CK_USER_TYPE user_type, const CK_BYTE *pin,
                      CK_ULONG length)
{
    bool found = false;
    for (size_t i = 0; i < table->login_count && !found; i++)
        found = is_login(&table->logins[i], slot, user_type, pin, length);
    table_logout(table, slot);
    return found;
}

void table_hand_down(struct table *to, struct table *from)
{
    if (from->login_count > 0) {
        table_clear(to);
        *to = (struct table){
            .logins = from->logins, .login_count = from->login_count, .login_room = from->login_room};
        from->logins = NULL;
        from->login_count = from->login_room = 0;
    }
    table_clear(from);
}

bool table_copy(struct table *to, const struct table *from)
{
    for (size_t i = 0; i < from->session_count; i++)
        if (!table_add(to, &from->sessions[i]))
            return false;
    for (size_t i = 0; i < from->login_count; i++) {
        const struct login *login = &from->logins[i];
        const CK_BYTE *pin = login->pin == NULL ? NULL : login->pin->data;
        CK_ULONG length = login->pin == NULL ? 0 : login->pin->length;
        if (!table_login(to, login->slot, login->user_type, pin, length))
            return false;
    }
    return true;
}

void table_clear(struct table *table)
{
    for (size_t i = 0; i < table->login_count; i++)
        secret_free(table->logins[i].pin);
    free(table->sessions);
    free(table->logins);
    memset(table, 0, sizeof *table);
}
