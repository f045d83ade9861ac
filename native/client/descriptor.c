#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int descriptor_raise(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int raised = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int error = errno;
    close(fd);
    errno = error;
    return raised;
}

struct descriptor descriptor_of(int fd)
{
    struct stat seen;
    if (fd < 0 || fstat(fd, &seen) != 0)
        return (struct descriptor){.fd = fd};
    return (struct descriptor){.fd = fd, .device = seen.st_dev, .inode = seen.st_ino};
}

bool descriptor_is_ours(const struct descriptor *descriptor)
{
    struct stat seen;
    return descriptor->fd >= 0 && fstat(descriptor->fd, &seen) == 0 && seen.st_dev == descriptor->device &&
           seen.st_ino == descriptor->inode;
}

void descriptor_close(struct descriptor *descriptor)
{
    if (descriptor_is_ours(descriptor))
        close(descriptor->fd);
    descriptor->fd = -1;
}
