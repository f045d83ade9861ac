/*
 * A descriptor in somebody else's process. Two things happen there that do not happen in a program of one's
 * own: descriptors 0 to 2 may be closed, so that a new one lands where others print; and a daemon may close
 * everything it does not know, so that the number means another file later. Hence each is moved above 2, and
 * is known by its inode.
 */
#ifndef MHSM_CLIENT_DESCRIPTOR_H
#define MHSM_CLIENT_DESCRIPTOR_H

#include <stdbool.h>
#include <sys/types.h>

struct descriptor {
    /* -1: none */
    int fd;
    dev_t device;
    ino_t inode;
};

#define DESCRIPTOR_NONE ((struct descriptor){.fd = -1})

/* Takes over `fd` (which may be -1): moved above 2, close-on-exec. -1 with errno on failure, `fd` is closed
 * then. */
int descriptor_raise(int fd);
struct descriptor descriptor_of(int fd);
/* True while the number still means the file it meant when it was taken over. */
bool descriptor_is_ours(const struct descriptor *descriptor);
/* Closes this process's copy, and only if it is still ours. */
void descriptor_close(struct descriptor *descriptor);

#endif
