/* The directory that holds socket, lock and lease: whoever can write in it could pose as the agent and be
 * given PINs. */
#ifndef MHSM_CLIENT_DIRECTORY_H
#define MHSM_CLIENT_DIRECTORY_H

#include "failure.h"

#include <stdbool.h>

enum directory_state {
    DIRECTORY_SAFE,
    DIRECTORY_ABSENT,
    DIRECTORY_UNSAFE,
};

/* Safe: a real directory, this user's own, and nobody else can write (for others than root: nor read) in it.
 */
enum directory_state directory_check(const char *path, struct failure *failure);
/* Makes it if it is absent. False with `failure` when it cannot be made or is not safe. */
bool directory_make(const char *path, struct failure *failure);

#endif
