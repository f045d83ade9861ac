#include "secret.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct secret *secret_new(const void *data, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (length > SIZE_MAX - sizeof(struct secret) - page)
        return NULL;
    size_t mapped = (sizeof(struct secret) + length + page - 1) / page * page;
    struct secret *secret = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (secret == MAP_FAILED)
        return NULL;
    /* Both may be refused (RLIMIT_MEMLOCK, old kernels). Serving without them beats not serving. */
    (void)mlock(secret, mapped);
    (void)madvise(secret, mapped, MADV_DONTDUMP);
    secret->mapped = mapped;
    secret->length = length;
    if (length > 0)
        memcpy(secret->data, data, length);
    return secret;
}

void secret_free(struct secret *secret)
{
    if (secret == NULL)
        return;
    size_t mapped = secret->mapped;
    explicit_bzero(secret, mapped);
    munmap(secret, mapped);
}
