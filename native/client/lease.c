#include "lease.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LEASE_PATH_BYTES (sizeof(((struct sockaddr_un *)0)->sun_path) + sizeof ".lease")

/* A launcher that left took its file along; a lease on that one would tell the next launcher nothing. */
static bool is_current(const struct descriptor *lease, const char *path)
{
    struct stat seen;
    return descriptor_is_ours(lease) && lstat(path, &seen) == 0 && seen.st_dev == lease->device &&
           seen.st_ino == lease->inode;
}

bool lease_hold(struct descriptor *lease, const char *socket)
{
    char path[LEASE_PATH_BYTES];
    snprintf(path, sizeof path, "%s.lease", socket);
    if (is_current(lease, path))
        return false;
    int fd = descriptor_raise(open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (fd < 0)
        return false;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
        close(fd);
        return false;
    }
    /* Only closed, never unlocked: an unlock would take it from the relatives that share the open file. */
    descriptor_close(lease);
    *lease = descriptor_of(fd);
    return true;
}
