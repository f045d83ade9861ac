/*
 * Connections of this process, and who may use which.
 *
 * A call takes an idle connection or opens one; before it goes on, the agent behind it must have the module's
 * state
 * ("resumed"). Opening is serial, so that exactly one thread learns that the agent is a new one; replaying is
 * exclusive, so that nothing is closed or logged out between the copy of the state and its arrival.
 *
 * Fork: the lock is taken before and given back after by pthread_atfork, so that no child inherits it locked
 * or a list half written; the child handler does nothing else but count. The child notices at its first call
 * and closes its copies of the parent's connections (otherwise the agent would not see the parent end). It
 * never writes to them.
 */
#include "client_state.h"

#include "wire_calls.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_DEADLINE_MS 10000
/* Until an agent that let a deadline pass answers a hello, all calls but one in this time fail at once ... */
#define SILENT_PAUSE_MS 1000
/* ... and that one waits so long: a server's only thread stands still meanwhile. */
#define SILENT_HELLO_MS 250
#define MAX_IDLE_CONNECTIONS 64
/* How long none is asked for after one could not be had: the agent, or this process, has no room for it. */
#define SHARED_PAUSE_MS 1000
#define LOOK_PAUSE_MS 1000
/* A request that an agent took along into its end goes to the next one; not for ever, as it may be the reason. */
#define MAX_SENDS 3
/* One that found its connection closed goes to another one: each idle one may be so. */
#define MAX_UNSENT (CONNECTION_LIST_FULL + MAX_SENDS)
/* Nor does a call follow an agent that dies, or talks nonsense, each time state is replayed to it. */
#define MAX_REPLAYS 3

static struct client self = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .lease = {.fd = -1},
    .deadline_ms = FIRST_DEADLINE_MS,
    .slow_deadline_ms = FIRST_DEADLINE_MS,
};
static atomic_uint forks;

static void make_condition(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self.changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

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
    atomic_fetch_add(&forks, 1);
    /* Made anew: waiters of the parent are recorded in the old one. */
    make_condition();
    pthread_mutex_unlock(&self.lock);
}

/* With the lock. */
static void begin_new_life(void)
{
    self.epoch++;
    self.born = self.epoch;
    self.has_instance = false;
    self.resumed = false;
    self.shares_until_ms = 0;
    self.shares_because.text[0] = '\0';
    connection_list_end_operations(&self.connections);
    connection_list_close_stale(&self.connections, self.epoch);
    pthread_cond_broadcast(&self.changed);
}

/* With the lock: makes the state this process's own if it came here by fork. */
static void adopt(void)
{
    pid_t pid = getpid();
    unsigned now = atomic_load(&forks);
    if (self.pid == pid && self.forks_seen == now)
        return;
    /* The threads that used these did not come along. */
    for (struct connection *connection = self.connections.first; connection != NULL; connection = connection->next)
        connection->busy = false;
    self.greeting = false;
    self.replaying = false;
    self.pid = pid;
    self.forks_seen = now;
    begin_new_life();
}

static void enter(void)
{
    pthread_mutex_lock(&self.lock);
    adopt();
}

static void leave(void)
{
    pthread_mutex_unlock(&self.lock);
}

static void say_waited(struct deadline deadline, struct failure *failure)
{
    /* What was true in an earlier wait is not told in this one. */
    bool failed_meanwhile = self.shares_until_ms > deadline.at_ms - deadline.span_ms;
    const char *because = failed_meanwhile ? self.shares_because.text : "";
    failure_set(failure, "other threads waited for the agent for %.1f s%s%s", (double)deadline.span_ms / 1000,
                because[0] == '\0' ? "" : ", and no further connection could be had: ", because);
}

/* With the lock. That a further connection may be asked for again is a change too. */
static bool wait_for_change(struct deadline deadline, struct failure *failure)
{
    struct deadline wake = deadline;
    if (self.shares_until_ms > deadline_now_ms() && self.shares_until_ms < wake.at_ms)
        wake.at_ms = self.shares_until_ms;
    struct timespec until = deadline_timespec(wake);
    if (pthread_cond_timedwait(&self.changed, &self.lock, &until) == 0 || !deadline_passed(deadline))
        return true;
    say_waited(deadline, failure);
    return false;
}

/* With the lock. */
static bool shares(void)
{
    return deadline_now_ms() < self.shares_until_ms && connection_list_reaches(&self.connections, self.epoch);
}

/*
 * With the lock. A further connection would be of no use: it leads to another agent than the one that has the
 * operation, or it is not to be had.
 */
static bool waits_for_another(const struct exchange *exchange)
{
    const struct connection *begun = connection_list_find_begun(&self.connections, exchange);
    return shares() || (begun != NULL && begun->epoch != self.epoch);
}

/* With the lock. True: a connection to look at, or (NULL) the right to open one, `greeting` being set. */
static bool reserve(struct connection **connection, const struct exchange *exchange, struct deadline deadline,
                    struct failure *failure)
{
    for (;;) {
        if (!self.replaying) {
            *connection = connection_list_find_idle(&self.connections, self.epoch, shares(), exchange);
            if (*connection != NULL) {
                (*connection)->busy = true;
                return true;
            }
            if (!self.greeting && !waits_for_another(exchange)) {
                self.greeting = true;
                return true;
            }
        }
        if (!wait_for_change(deadline, failure))
            return false;
    }
}

/* With the lock. */
static bool is_wanted(const struct connection *connection)
{
    if (connection->epoch < self.born)
        return false;
    return connection->operations != 0 ||
           (connection->epoch == self.epoch &&
            connection_list_count_spare(&self.connections) < MAX_IDLE_CONNECTIONS);
}

static void give_back(struct connection *connection, bool usable)
{
    enter();
    usable = usable && is_wanted(connection);
    connection->busy = false;
    if (!usable)
        connection_list_remove(&self.connections, connection);
    pthread_cond_broadcast(&self.changed);
    leave();
    if (!usable)
        connection_discard(connection);
}

/*
 * An agent that is alive answers before the deadline, be it with a refusal. The next call finds out. One that
 * was asked late, after a wait for other threads of this process, had no time to answer.
 */
static void doubt(int64_t asked_ms, struct deadline deadline)
{
    int64_t now = deadline_now_ms();
    if (!deadline_passed(deadline) || now - asked_ms < deadline.span_ms / 2)
        return;
    enter();
    if (!self.silent)
        self.ask_again_ms = now;
    self.silent = true;
    leave();
}

/* By the thread that set `greeting`. NULL unless CLIENT_ANSWERED. */
static enum client_status open_connection(struct connection **opened, bool fresh, struct exchange *exchange,
                                          struct deadline deadline, struct failure *failure)
{
    enum client_status status = CLIENT_FAILED;
    int64_t asked_ms = deadline_now_ms();
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        failure_set(failure, "out of memory");
    } else {
        connection->socket = DESCRIPTOR_NONE;
        connection->busy = true;
        status = greeting_make(&self, connection, fresh, exchange, deadline, failure);
    }
    enter();
    self.greeting = false;
    if (status == CLIENT_ANSWERED) {
        self.shares_because.text[0] = '\0';
        connection_list_add(&self.connections, connection);
        connection_list_close_stale(&self.connections, self.epoch);
    } else if (status == CLIENT_FAILED) {
        self.shares_until_ms = deadline_now_ms() + SHARED_PAUSE_MS;
        self.shares_because = *failure;
    }
    pthread_cond_broadcast(&self.changed);
    leave();
    if (status == CLIENT_FAILED)
        doubt(asked_ms, deadline);
    if (status != CLIENT_ANSWERED && connection != NULL) {
        connection_discard(connection);
        connection = NULL;
    }
    *opened = connection;
    return status;
}

static bool replay(struct connection *connection, struct deadline deadline, struct failure *failure)
{
    int64_t asked_ms = deadline_now_ms();
    enum transport result = self.resume(connection, deadline, failure);
    if (result == TRANSPORT_FAILED)
        doubt(asked_ms, deadline);
    enter();
    self.replaying = false;
    if (result == TRANSPORT_OK && connection->epoch == self.epoch)
        self.resumed = true;
    pthread_cond_broadcast(&self.changed);
    leave();
    return result == TRANSPORT_OK;
}

/*
 * Waits until the agent behind `connection` has our state, or gives it. False: not this connection. An agent that has been
 * replaced meanwhile has what belongs to the operation.
 */
static bool settle(struct connection *connection, const struct exchange *exchange, struct deadline deadline,
                   struct failure *failure)
{
    enter();
    while (self.replaying && wait_for_change(deadline, failure))
        continue;
    bool current = !self.replaying && connection->epoch == self.epoch;
    bool mine = current && !self.resumed;
    bool belongs = connection_list_find_begun(&self.connections, exchange) == connection;
    bool goes_on = belongs && connection->epoch >= self.born && connection->epoch != self.epoch;
    if (mine)
        self.replaying = true;
    leave();
    if (goes_on || !current)
        return goes_on;
    return !mine || replay(connection, deadline, failure);
}

/* A successor took over while one was looked for, and the operation is not there. */
static bool goes_on_elsewhere(const struct connection *connection, const struct exchange *exchange)
{
    enter();
    const struct connection *begun = connection_list_find_begun(&self.connections, exchange);
    bool elsewhere = begun != NULL && begun->epoch != connection->epoch;
    leave();
    return elsewhere;
}

/*
 * An agent that retires lets go of connections without an operation, by which a process notices: one that has
 * none has to look, or what it begins lasts as long as what it never ends. True: `greeting` is set.
 */
static bool is_time_to_look(const struct connection *connection, const struct exchange *exchange)
{
    enter();
    int64_t now = deadline_now_ms();
    bool looks = connection->operations != 0 && connection->epoch == self.epoch && !self.greeting &&
                 connection_list_is_full(&self.connections) && now >= self.look_at_ms && !shares() &&
                 connection_list_find_begun(&self.connections, exchange) != connection;
    if (looks) {
        self.greeting = true;
        self.look_at_ms = now + LOOK_PAUSE_MS;
    }
    leave();
    return looks;
}

/* Keeps a connection to an agent that is another one than that behind `connection`. */
static void look(const struct connection *connection, struct exchange *exchange, struct deadline deadline,
                 struct failure *failure)
{
    struct connection *other;
    if (open_connection(&other, false, exchange, deadline, failure) == CLIENT_ANSWERED)
        give_back(other, other->epoch != connection->epoch);
    exchange_release(exchange);
}

static bool may_share(void)
{
    enter();
    bool may = shares();
    leave();
    return may;
}

/* CLIENT_ANSWERED without a connection: it is worth another try. */
static enum client_status obtain(struct connection **taken, bool fresh, struct exchange *exchange,
                                 struct deadline deadline, struct failure *failure)
{
    enter();
    bool reserved = reserve(taken, exchange, deadline, failure);
    leave();
    if (!reserved)
        return CLIENT_FAILED;
    if (*taken == NULL) {
        enum client_status status = open_connection(taken, fresh, exchange, deadline, failure);
        return status == CLIENT_FAILED && may_share() ? CLIENT_ANSWERED : status;
    }
    bool usable = connection_is_usable(*taken);
    if (usable && !is_time_to_look(*taken, exchange))
        return CLIENT_ANSWERED;
    if (usable)
        look(*taken, exchange, deadline, failure);
    give_back(*taken, usable);
    *taken = NULL;
    return CLIENT_ANSWERED;
}

static enum client_status take(struct connection **taken, bool fresh, struct exchange *exchange,
                               struct deadline deadline, struct failure *failure)
{
    for (int replays = 0; replays < MAX_REPLAYS && !deadline_passed(deadline);) {
        enum client_status status = obtain(taken, fresh, exchange, deadline, failure);
        if (status != CLIENT_ANSWERED)
            return status;
        if (*taken == NULL)
            continue;
        bool settled = settle(*taken, exchange, deadline, failure);
        bool elsewhere = settled && goes_on_elsewhere(*taken, exchange);
        if (settled && !elsewhere)
            return CLIENT_ANSWERED;
        give_back(*taken, elsewhere);
        replays += elsewhere ? 0 : 1;
    }
    if (failure->text[0] == '\0')
        failure_set(failure, "no connection to the agent within %.1f s", (double)deadline.span_ms / 1000);
    return CLIENT_FAILED;
}

/* The agent gives up first, so that its sentence arrives and not only the fact that there was no answer. */
static struct deadline deadline_of(const struct wire_call *call)
{
    enter();
    int64_t span = call->slow ? self.slow_deadline_ms : self.deadline_ms;
    leave();
    return deadline_in(span);
}

/* With the lock: whether this thread is the one that asks, `greeting` being set then. */
static bool may_ask(void)
{
    if (self.greeting || deadline_now_ms() < self.ask_again_ms)
        return false;
    self.greeting = true;
    self.ask_again_ms = deadline_now_ms() + SILENT_PAUSE_MS;
    return true;
}

/*
 * False while the agent is known to give no answer (stopped, or stuck): a caller that serves many in one thread
 * must not wait for the whole deadline once for each of them.
 */
static bool is_heard(struct exchange *exchange, struct failure *failure)
{
    enter();
    bool silent = self.silent;
    bool asks = silent && may_ask();
    leave();
    if (!silent)
        return true;
    struct connection *connection = NULL;
    struct deadline deadline = deadline_in(SILENT_HELLO_MS);
    if (asks && open_connection(&connection, false, exchange, deadline, failure) == CLIENT_ANSWERED)
        give_back(connection, true);
    exchange_release(exchange);
    /* Whoever refuses, or is not there at all, is not silent. */
    bool heard = asks && (connection != NULL || !deadline_passed(deadline));
    if (heard) {
        enter();
        self.silent = false;
        leave();
    } else {
        failure_set(failure, "the agent gave no answer, and is asked again every second");
    }
    return heard;
}

void client_end_operation(uint64_t session)
{
    enter();
    connection_list_move_operation(&self.connections, session, NULL);
    connection_list_close_stale(&self.connections, self.epoch);
    leave();
}

/* The operation of the exchange's session goes on where the answer came from, or nowhere. */
static void follow_operation(struct connection *connection, const struct exchange *exchange)
{
    uint64_t session = exchange_session(exchange);
    if (!exchange->call->operation)
        return;
    enter();
    connection_list_move_operation(&self.connections, session, exchange->goes_on ? connection : NULL);
    connection_list_close_stale(&self.connections, self.epoch);
    leave();
}

/*
 * Gives the connection back. One on which no answer came in time is of no use any more, but for other
 * operations at an agent that only it leads to.
 */
static enum transport ask(struct connection *connection, struct exchange *exchange, struct deadline deadline,
                          struct failure *failure)
{
    int64_t asked_ms = deadline_now_ms();
    exchange->epoch = connection->epoch;
    enum transport result = connection_call(connection, exchange, deadline, failure);
    bool current = client_is_current(connection->epoch);
    if (result == TRANSPORT_OK)
        follow_operation(connection, exchange);
    else if (result == TRANSPORT_FAILED && current)
        doubt(asked_ms, deadline);
    give_back(connection, result == TRANSPORT_OK || (connection->late && !current));
    return result;
}

static enum client_status call_until_deadline(struct exchange *exchange, struct failure *failure)
{
    if (!is_heard(exchange, failure))
        return CLIENT_FAILED;
    struct deadline deadline = deadline_of(exchange->call);
    for (int sends = 0, unsent = 0; sends < MAX_SENDS && unsent < MAX_UNSENT;) {
        struct connection *connection;
        enum client_status status = take(&connection, false, exchange, deadline, failure);
        if (status != CLIENT_ANSWERED)
            return status;
        enum transport result = ask(connection, exchange, deadline, failure);
        if (result == TRANSPORT_OK)
            return CLIENT_ANSWERED;
        if (result == TRANSPORT_UNSENT)
            unsent++;
        else if (result == TRANSPORT_BROKEN && exchange->call->repeatable)
            sends++;
        else
            break;
    }
    return CLIENT_FAILED;
}

/* A failure ends an operation: the agent shall not wait for what comes next. */
static void give_up_operation(const struct exchange *exchange)
{
    if (!exchange->call->operation)
        return;
    enter();
    connection_list_give_up_operation(&self.connections, exchange_session(exchange));
    leave();
}

enum client_status client_call(struct exchange *exchange, struct failure *failure)
{
    enum client_status status = call_until_deadline(exchange, failure);
    if (status == CLIENT_FAILED)
        give_up_operation(exchange);
    return status;
}

enum client_status client_begin(bool fresh, struct exchange *exchange, struct failure *failure)
{
    struct connection *connection;
    if (!is_heard(exchange, failure))
        return CLIENT_FAILED;
    enter();
    struct deadline deadline = deadline_in(self.deadline_ms);
    leave();
    enum client_status status = take(&connection, fresh, exchange, deadline, failure);
    if (status == CLIENT_ANSWERED)
        give_back(connection, true);
    return status;
}

void client_end(void)
{
    enter();
    begin_new_life();
    if (self.lease_pid == self.pid)
        descriptor_close(&self.lease);
    leave();
}

bool client_is_current(uint64_t epoch)
{
    enter();
    bool current = epoch == self.epoch;
    leave();
    return current;
}

void client_forget(void)
{
    enter();
    self.resumed = false;
    leave();
}

void client_load(client_resume *resume, const void *module)
{
    self.resume = resume;
    secrets_load();
    location_find(&self.location, module);
    make_condition();
    /* Fails for lack of memory only; then getpid alone tells a child. */
    (void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void client_unload(void)
{
    /* At exit another thread may still be in a call, and in a child made without our handlers the lock may be
     * held. */
    if (pthread_mutex_trylock(&self.lock) != 0)
        return;
    adopt();
    begin_new_life();
    descriptor_close(&self.lease);
    secret_free(self.ticket);
    self.ticket = NULL;
    pthread_mutex_unlock(&self.lock);
}
