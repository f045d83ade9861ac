#include "secret.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    /* lock */
    struct secret *first;
} self = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* May be refused (RLIMIT_MEMLOCK). Serving without beats not serving. */
static void lock_pages(const struct secret *secret)
{
    (void)mlock(secret, secret->mapped);
}

static void before_fork(void)
{
    pthread_mutex_lock(&self.lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&self.lock);
}

/* A child inherits what madvise said, but no lock of memory. */
static void after_fork_in_child(void)
{
    for (const struct secret *at = self.first; at != NULL; at = at->next)
        lock_pages(at);
    pthread_mutex_unlock(&self.lock);
}

void secrets_load(void)
{
    /* Fails for lack of memory only; then a child's copies are not locked. */
    (void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static void add(struct secret *secret)
{
    pthread_mutex_lock(&self.lock);
    secret->next = self.first;
    self.first = secret;
    pthread_mutex_unlock(&self.lock);
}

static void take_out(const struct secret *secret)
{
    pthread_mutex_lock(&self.lock);
    struct secret **at = &self.first;
    while (*at != NULL && *at != secret)
        at = &(*at)->next;
    if (*at != NULL)
        *at = secret->next;
    pthread_mutex_unlock(&self.lock);
}

struct secret *secret_new(const void *data, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (length > SIZE_MAX - sizeof(struct secret) - page)
        return NULL;
    size_t mapped = (sizeof(struct secret) + length + page - 1) / page * page;
    struct secret *secret = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (secret == MAP_FAILED)
        return NULL;
    secret->mapped = mapped;
    secret->length = length;
    lock_pages(secret);
    (void)madvise(secret, mapped, MADV_DONTDUMP);
    add(secret);
    if (length > 0)
        memcpy(secret->data, data, length);
    return secret;
}

void secret_free(struct secret *secret)
{
    if (secret == NULL)
        return;
    take_out(secret);
    size_t mapped = secret->mapped;
    explicit_bzero(secret, mapped);
    munmap(secret, mapped);
}
