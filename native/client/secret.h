/*
 * Bytes that must not reach a swap file or a core dump: on pages of their own, locked if the limit allows it,
 * left out of dumps, cleared before they are given back. A forked child has its own copy, locked as its parent's was,
 * and clears its own.
 */
#ifndef MHSM_CLIENT_SECRET_H
#define MHSM_CLIENT_SECRET_H

#include <stddef.h>
#include <stdint.h>

struct secret {
    /* secret.c: list of all that this process has. */
    struct secret *next;
    size_t mapped;
    size_t length;
    uint8_t data[];
};

/* Once, before the first of them and before any pthread_atfork of who holds a lock while it makes one. */
void secrets_load(void);
/* NULL: out of memory. `data` may be NULL when length is 0. */
struct secret *secret_new(const void *data, size_t length);
void secret_free(struct secret *secret);

#endif
