#include "sessions.h"

#include "table.h"

#include "../client/wire_calls.h"

#include <pthread.h>

static struct {
    pthread_mutex_t lock;
    /* lock */
    CK_SESSION_HANDLE last_handle;
    /* lock */
    struct table table;
    /* lock; logins alone: of the process that this one is a fork of, or of one before it that had any. */
    struct table inherited;
} self = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void before_fork(void)
{
    pthread_mutex_lock(&self.lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&self.lock);
}

void sessions_load(void)
{
    /* So that no child inherits a table half written. */
    (void)pthread_atfork(before_fork, after_fork, after_fork);
}

void sessions_unload(void)
{
    if (pthread_mutex_trylock(&self.lock) != 0)
        return;
    table_clear(&self.table);
    table_clear(&self.inherited);
    pthread_mutex_unlock(&self.lock);
}

CK_SESSION_HANDLE sessions_next_handle(void)
{
    pthread_mutex_lock(&self.lock);
    CK_SESSION_HANDLE handle = ++self.last_handle;
    pthread_mutex_unlock(&self.lock);
    return handle;
}

bool sessions_find(CK_SESSION_HANDLE handle, struct session *found)
{
    pthread_mutex_lock(&self.lock);
    const struct session *session = table_find(&self.table, handle);
    if (session != NULL)
        *found = *session;
    pthread_mutex_unlock(&self.lock);
    return session != NULL;
}

bool sessions_add(const struct session *session)
{
    pthread_mutex_lock(&self.lock);
    bool added = table_add(&self.table, session);
    pthread_mutex_unlock(&self.lock);
    return added;
}

bool sessions_remove(CK_SESSION_HANDLE handle)
{
    pthread_mutex_lock(&self.lock);
    bool removed = table_remove(&self.table, handle);
    pthread_mutex_unlock(&self.lock);
    client_end_operation(handle);
    return removed;
}

/* With the lock. */
static void end_operations(CK_SLOT_ID slot)
{
    for (size_t i = 0; i < self.table.session_count; i++)
        if (self.table.sessions[i].slot == slot)
            client_end_operation(self.table.sessions[i].handle);
}

void sessions_remove_slot(CK_SLOT_ID slot)
{
    pthread_mutex_lock(&self.lock);
    end_operations(slot);
    table_remove_slot(&self.table, slot);
    pthread_mutex_unlock(&self.lock);
}

void sessions_clear(void)
{
    pthread_mutex_lock(&self.lock);
    table_clear(&self.table);
    table_clear(&self.inherited);
    pthread_mutex_unlock(&self.lock);
}

void sessions_inherit(void)
{
    pthread_mutex_lock(&self.lock);
    table_hand_down(&self.inherited, &self.table);
    pthread_mutex_unlock(&self.lock);
}

bool sessions_take_inherited(CK_SLOT_ID slot, CK_USER_TYPE user_type, const CK_BYTE *pin, CK_ULONG length)
{
    pthread_mutex_lock(&self.lock);
    bool found = table_take_login(&self.inherited, slot, user_type, pin, length);
    pthread_mutex_unlock(&self.lock);
    return found;
}

bool sessions_login(CK_SLOT_ID slot, CK_USER_TYPE user_type, const CK_BYTE *pin, CK_ULONG length)
{
    pthread_mutex_lock(&self.lock);
    bool kept = table_login(&self.table, slot, user_type, pin, length);
    pthread_mutex_unlock(&self.lock);
    return kept;
}

bool sessions_logout(CK_SLOT_ID slot)
{
    pthread_mutex_lock(&self.lock);
    bool removed = table_logout(&self.table, slot);
    (void)table_logout(&self.inherited, slot);
    end_operations(slot);
    pthread_mutex_unlock(&self.lock);
    return removed;
}

/* CKR codes of one session or login are its own affair: the caller hears of them at its next call with it. */
static enum transport replay(struct connection *connection, struct exchange exchange,
                             struct deadline deadline, struct failure *failure)
{
    enum transport result = connection_call(connection, &exchange, deadline, failure);
    exchange_release(&exchange);
    return result;
}

static enum transport replay_sessions(const struct table *table, struct connection *connection,
                                      struct deadline deadline, struct failure *failure)
{
    enum transport result = TRANSPORT_OK;
    for (size_t i = 0; i < table->session_count && result == TRANSPORT_OK; i++) {
        const struct session *session = &table->sessions[i];
        struct wire_open_session_request request = {
            .session = session->handle, .slot = session->slot, .flags = session->flags};
        result = replay(connection, wire_open_session(&request), deadline, failure);
    }
    return result;
}

static enum transport replay_logins(const struct table *table, struct connection *connection,
                                    struct deadline deadline, struct failure *failure)
{
    enum transport result = TRANSPORT_OK;
    for (size_t i = 0; i < table->login_count && result == TRANSPORT_OK; i++) {
        const struct login *login = &table->logins[i];
        struct wire_resume_login_request request = {.slot = login->slot, .user_type = login->user_type};
        if (login->pin != NULL)
            request.pin = (struct wire_bytes){login->pin->data, login->pin->length};
        result = replay(connection, wire_resume_login(&request), deadline, failure);
    }
    return result;
}

enum transport sessions_resume(struct connection *connection, struct deadline deadline,
                               struct failure *failure)
{
    struct table copy = {.sessions = NULL};
    pthread_mutex_lock(&self.lock);
    bool copied = table_copy(&copy, &self.table);
    pthread_mutex_unlock(&self.lock);
    enum transport result = TRANSPORT_FAILED;
    if (!copied)
        failure_set(failure, "out of memory");
    else
        result = replay_sessions(&copy, connection, deadline, failure);
    if (result == TRANSPORT_OK)
        result = replay_logins(&copy, connection, deadline, failure);
    table_clear(&copy);
    return result;
}
