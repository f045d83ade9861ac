/*
 * Life of the module in a process. `initialised_in` is the process that called C_Initialize; a forked child
 * inherits it and goes on with the handles of its parent until it calls C_Initialize itself, which begins
 * anew.
 */
#include "module.h"

#include "report.h"
#include "sessions.h"

#include "../client/client.h"
#include "../client/wire_calls.h"

#include <pthread.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    /* lock: 0 when nobody did, or C_Finalize undid it. */
    pid_t initialised_in;
    /* lock: this is a child of initialised_in, even if it happens to have its number. */
    bool forked;
    /* lock: the first process that ever did; its children take the configuration as they find it. */
    pid_t first_in;
} self = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void before_fork(void)
{
    pthread_mutex_lock(&self.lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&self.lock);
}

static void after_fork_in_child(void)
{
    self.forked = true;
    pthread_mutex_unlock(&self.lock);
}

CK_RV module_check(void)
{
    pthread_mutex_lock(&self.lock);
    bool initialised = self.initialised_in != 0;
    pthread_mutex_unlock(&self.lock);
    return initialised ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
}

CK_RV module_check_session(CK_SESSION_HANDLE hSession)
{
    struct session session;
    CK_RV rv = module_check();
    if (rv != CKR_OK)
        return rv;
    return sessions_find(hSession, &session) ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

CK_RV module_try(struct exchange *exchange, bool *answered)
{
    struct failure failure = {.text = ""};
    *answered = false;
    CK_RV rv = module_check();
    if (rv != CKR_OK)
        return rv;
    switch (client_call(exchange, &failure)) {
    case CLIENT_ANSWERED:
        *answered = true;
        report_answer(exchange->call->purpose, exchange->message);
        return exchange->rv;
    case CLIENT_REFUSED:
        report_answer(exchange->call->purpose, exchange->message);
        return exchange->rv;
    case CLIENT_FAILED:
        break;
    }
    report_failure(exchange->call->purpose, failure.text);
    return CKR_DEVICE_ERROR;
}

CK_RV module_call(struct exchange *exchange)
{
    bool answered;
    return module_try(exchange, &answered);
}

CK_RV module_call_plain(struct exchange exchange)
{
    CK_RV rv = module_call(&exchange);
    exchange_release(&exchange);
    return rv;
}

CK_RV module_refuse(CK_SESSION_HANDLE hSession, CK_FLAGS operations, CK_RV rv)
{
    /* An agent that is not reached has no operation either. */
    struct wire_cancel_operations_request request = {.session = hSession, .flags = operations};
    (void)module_call_plain(wire_cancel_operations(&request));
    return rv;
}

/* With an agent that cannot be reached the module still loads: a caller that checks nothing would crash
 * otherwise. */
static CK_RV meet_agent(bool fresh)
{
    struct failure failure = {.text = ""};
    struct exchange exchange = {.call = NULL};
    CK_RV rv = CKR_OK;
    switch (client_begin(fresh, &exchange, &failure)) {
    case CLIENT_ANSWERED:
        report_forget();
        break;
    case CLIENT_REFUSED:
        report_answer("C_Initialize", exchange.message);
        rv = exchange.rv;
        break;
    case CLIENT_FAILED:
        report_failure("C_Initialize", failure.text);
        break;
    }
    exchange_release(&exchange);
    return rv;
}

CK_RV module_initialize(void)
{
    pid_t pid = getpid();
    pthread_mutex_lock(&self.lock);
    bool inherited = self.initialised_in != 0 && (self.forked || self.initialised_in != pid);
    if (self.initialised_in != 0 && !inherited) {
        pthread_mutex_unlock(&self.lock);
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    }
    bool first = self.first_in == 0 || (self.first_in == pid && !self.forked);
    if (first)
        self.first_in = pid;
    self.initialised_in = pid;
    self.forked = false;
    pthread_mutex_unlock(&self.lock);
    if (!first) {
        /* A child begins without sessions and logins, and without asking anybody: it must not fail here. */
        sessions_inherit();
        client_end();
        return CKR_OK;
    }
    CK_RV rv = meet_agent(true);
    if (rv != CKR_OK) {
        pthread_mutex_lock(&self.lock);
        self.initialised_in = 0;
        pthread_mutex_unlock(&self.lock);
    }
    return rv;
}

CK_RV module_finalize(void)
{
    pthread_mutex_lock(&self.lock);
    bool initialised = self.initialised_in != 0;
    bool inherited = self.forked || self.initialised_in != getpid();
    self.initialised_in = 0;
    pthread_mutex_unlock(&self.lock);
    if (!initialised)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (inherited)
        sessions_inherit();
    else
        sessions_clear();
    client_end();
    return CKR_OK;
}

__attribute__((constructor)) static void load(void)
{
    client_load(sessions_resume, &self);
    sessions_load();
    (void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/*
 * Runs at dlclose and at exit. A process that started others by fork exits early, as servers that put
 * themselves in the background do: only what is this process's own is closed and cleared. Calls that come
 * later find nothing initialised.
 */
__attribute__((destructor)) static void unload(void)
{
    if (pthread_mutex_trylock(&self.lock) != 0)
        return;
    self.initialised_in = 0;
    pthread_mutex_unlock(&self.lock);
    sessions_unload();
    client_unload();
}
