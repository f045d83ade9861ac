#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
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

static bool is_one_of(uid_t user, const uid_t *users, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (users[i] == user)
            return true;
    return false;
}

/* `name` is a path whose last part is an entry of `folder`. */
static bool guards_entry(const struct stat *folder, const char *name, const uid_t *trusted, size_t count)
{
    struct stat entry;
    if ((folder->st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return true;
    /* In a sticky folder only its owner can replace an entry. */
    return (folder->st_mode & S_ISVTX) != 0 && lstat(name, &entry) == 0 &&
           is_one_of(entry.st_uid, trusted, count);
}

/* Each name on an absolute path as an entry of the folder before it. */
static bool guards_names(const char *path, const uid_t *trusted, size_t count)
{
    char name[PATH_MAX];
    struct stat folder;
    size_t length = strlen(path);
    if (length >= sizeof name || stat("/", &folder) != 0)
        return false;
    memcpy(name, path, length + 1);
    for (char *slash = strchr(name + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL)
            *slash = '\0';
        if (!guards_entry(&folder, name, trusted, count))
            return false;
        if (slash == NULL)
            return true;
        if (stat(name, &folder) != 0)
            return false;
        *slash = '/';
    }
}

bool directory_guards(const char *path, const uid_t *trusted, size_t count)
{
    char resolved[PATH_MAX];
    /* Both as it is spelled and where its links lead. */
    return (path[0] != '/' || guards_names(path, trusted, count)) && realpath(path, resolved) != NULL &&
           guards_names(resolved, trusted, count);
}
