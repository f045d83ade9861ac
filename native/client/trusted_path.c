/*
 * The way is gone as the kernel goes it, one name after the other from the root folder, by descriptors: a name
 * that was looked at is the one that is followed, and each link is one too. Since none but trusted users can
 * change what was found good, it stays so until somebody connects.
 */
#include "trusted_path.h"

#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* As many as the kernel follows. */
#define MOST_LINKS 40

struct walk {
    struct trusted_users trusted;
    struct failure *failure;
    /* Of the folder that was reached; O_PATH. */
    int folder;
    int links;
    /* How it was reached, for the failure alone. */
    char seen[PATH_MAX];
    /* What is still to go. */
    char rest[PATH_MAX];
};

static bool is_trusted(const struct walk *walk, uid_t user)
{
    for (size_t i = 0; i < walk->trusted.count; i++)
        if (walk->trusted.users[i] == user)
            return true;
    return false;
}

static enum path_trust say_errno(const struct walk *walk, int error)
{
    failure_set(walk->failure, "%s: %s", walk->seen, strerror(error));
    return error == ENOENT || error == ENOTDIR ? PATH_ABSENT : PATH_EXPOSED;
}

/* False with failure: somebody else may change it, or what is in it. */
static bool is_safe(const struct walk *walk, const struct stat *seen)
{
    if (!is_trusted(walk, seen->st_uid)) {
        failure_set(walk->failure, "%s belongs to user id %u", walk->seen, (unsigned)seen->st_uid);
        return false;
    }
    /* The owner of an entry is looked at in its turn: in a sticky folder nobody else can replace it. */
    if (S_ISDIR(seen->st_mode) && (seen->st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
        (seen->st_mode & S_ISVTX) == 0) {
        failure_set(walk->failure, "others may write in %s", walk->seen);
        return false;
    }
    return true;
}

static bool print(char *to, const char *first, const char *between, const char *second)
{
    int length = snprintf(to, PATH_MAX, "%s%s%s", first, between, second);
    return length >= 0 && length < PATH_MAX;
}

static void move_to(struct walk *walk, int folder)
{
    if (walk->folder >= 0)
        close(walk->folder);
    walk->folder = folder;
}

static enum path_trust go_to_root(struct walk *walk)
{
    struct stat seen;
    move_to(walk, descriptor_raise(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)));
    strcpy(walk->seen, "/");
    if (walk->folder < 0 || fstat(walk->folder, &seen) != 0)
        return say_errno(walk, errno);
    return is_safe(walk, &seen) ? PATH_TRUSTED : PATH_EXPOSED;
}

/* Cuts the next name off; false at the end. */
static bool next_name(struct walk *walk, char name[static NAME_MAX + 1], enum path_trust *trust)
{
    const char *start = walk->rest + strspn(walk->rest, "/");
    size_t length = strcspn(start, "/");
    *trust = PATH_TRUSTED;
    if (length == 0)
        return false;
    if (length > NAME_MAX) {
        *trust = say_errno(walk, ENAMETOOLONG);
        return false;
    }
    memcpy(name, start, length);
    name[length] = '\0';
    memmove(walk->rest, start + length, strlen(start + length) + 1);
    return true;
}

static enum path_trust follow_link(struct walk *walk, int link)
{
    char target[PATH_MAX];
    char rest[PATH_MAX];
    struct statfs system;
    /* Those of /proc lead where a process is, not where their text says. */
    if (fstatfs(link, &system) != 0)
        return say_errno(walk, errno);
    if (system.f_type == PROC_SUPER_MAGIC) {
        failure_set(walk->failure, "%s is a link of /proc", walk->seen);
        return PATH_EXPOSED;
    }
    ssize_t length = readlinkat(link, "", target, sizeof target - 1);
    if (length < 0)
        return say_errno(walk, errno);
    target[length] = '\0';
    if (++walk->links > MOST_LINKS)
        return say_errno(walk, ELOOP);
    if (!print(rest, target, "/", walk->rest))
        return say_errno(walk, ENAMETOOLONG);
    strcpy(walk->rest, rest);
    if (target[0] == '/')
        return go_to_root(walk);
    char *slash = strrchr(walk->seen, '/');
    slash[slash == walk->seen ? 1 : 0] = '\0';
    return PATH_TRUSTED;
}

/* Takes over `entry`. */
static enum path_trust enter(struct walk *walk, int entry)
{
    struct stat seen;
    enum path_trust trust = PATH_EXPOSED;
    if (fstat(entry, &seen) != 0)
        trust = say_errno(walk, errno);
    else if (is_safe(walk, &seen))
        trust = PATH_TRUSTED;
    if (trust == PATH_TRUSTED && S_ISLNK(seen.st_mode)) {
        trust = follow_link(walk, entry);
        close(entry);
    } else {
        move_to(walk, entry);
    }
    return trust;
}

static enum path_trust go(struct walk *walk)
{
    char name[NAME_MAX + 1];
    enum path_trust trust = go_to_root(walk);
    while (trust == PATH_TRUSTED && next_name(walk, name, &trust)) {
        char before[PATH_MAX];
        strcpy(before, walk->seen);
        if (!print(walk->seen, before, strcmp(before, "/") == 0 ? "" : "/", name))
            return say_errno(walk, ENAMETOOLONG);
        int entry = descriptor_raise(openat(walk->folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (entry < 0)
            return say_errno(walk, errno);
        trust = enter(walk, entry);
    }
    return trust;
}

static bool make_absolute(struct walk *walk, const char *path)
{
    char current[PATH_MAX];
    if (path[0] == '/')
        return print(walk->rest, path, "", "");
    return getcwd(current, sizeof current) != NULL && current[0] == '/' &&
           print(walk->rest, current, "/", path);
}

enum path_trust trusted_path_check(const char *path, struct trusted_users trusted, struct failure *failure)
{
    struct walk walk = {.trusted = trusted, .failure = failure, .folder = -1};
    if (!make_absolute(&walk, path)) {
        failure_set(failure, "%s has no absolute path", path);
        return PATH_EXPOSED;
    }
    enum path_trust trust = go(&walk);
    if (walk.folder >= 0)
        close(walk.folder);
    return trust;
}
