/*
 * Who could have put what stands at a path. Where only trusted users could, whoever listens there was put there
 * by them, whatever its user id: an agent that root started has given root up.
 */
#ifndef MHSM_CLIENT_TRUSTED_PATH_H
#define MHSM_CLIENT_TRUSTED_PATH_H

#include "failure.h"

#include <stddef.h>
#include <sys/types.h>

struct trusted_users {
    const uid_t *users;
    size_t count;
};

enum path_trust {
    /* Nobody else can change where the path leads, neither now nor later. */
    PATH_TRUSTED,
    PATH_ABSENT,
    /* Somebody else can; or it cannot be looked at. With failure. */
    PATH_EXPOSED,
};

/*
 * Each folder and link on the way and what stands at the end belong to a trusted user; in none of the folders
 * can others write, unless it is sticky, where they cannot replace what belongs to somebody else.
 */
enum path_trust trusted_path_check(const char *path, struct trusted_users trusted, struct failure *failure);

#endif
