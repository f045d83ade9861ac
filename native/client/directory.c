#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Processes of every user come to root's agent (which admits by credentials); one's own agent is nobody
 * else's. */
static mode_t directory_mode(void)
{
    return geteuid() == 0 ? 0755 : 0700;
}

enum directory_state directory_check(const char *path, struct failure *failure)
{
    struct stat seen;
    if (lstat(path, &seen) != 0) {
        if (errno == ENOENT)
            return DIRECTORY_ABSENT;
        failure_set(failure, "directory %s: %s", path, strerror(errno));
        return DIRECTORY_UNSAFE;
    }
    if (!S_ISDIR(seen.st_mode)) {
        failure_set(failure, "%s is not a directory; remove it", path);
        return DIRECTORY_UNSAFE;
    }
    if (seen.st_uid != geteuid()) {
        failure_set(failure, "directory %s belongs to user id %u, not to %u; remove it", path,
                    (unsigned)seen.st_uid, (unsigned)geteuid());
        return DIRECTORY_UNSAFE;
    }
    if ((seen.st_mode & 0777 & ~directory_mode()) != 0) {
        failure_set(failure, "directory %s has mode %03o, at most %03o is safe; chmod it", path,
                    (unsigned)(seen.st_mode & 0777), (unsigned)directory_mode());
        return DIRECTORY_UNSAFE;
    }
    return DIRECTORY_SAFE;
}

/* Whatever the umask, which is the server's or the launcher's. */
static bool make_with_mode(const char *path)
{
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = fchmod(fd, directory_mode()) == 0;
    int error = errno;
    close(fd);
    errno = error;
    return done;
}

bool directory_make(const char *path, struct failure *failure)
{
    if (!make_with_mode(path)) {
        failure_set(failure, "cannot make directory %s: %s", path, strerror(errno));
        return false;
    }
    enum directory_state state = directory_check(path, failure);
    if (state == DIRECTORY_ABSENT)
        failure_set(failure, "directory %s was removed again", path);
    return state == DIRECTORY_SAFE;
}
