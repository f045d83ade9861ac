/*
 * Where the agent of this configuration is. Worked out once, at load: the environment of an nginx worker is
 * empty, and its user is not the one that started it. Nothing here changes afterwards, so no lock guards it.
 */
#ifndef MHSM_CLIENT_LOCATION_H
#define MHSM_CLIENT_LOCATION_H

#include "failure.h"
#include "trusted_path.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

#define LOCATION_CANDIDATES 2
#define LOCATION_SOCKET_BYTES sizeof(((struct sockaddr_un *)0)->sun_path)

struct candidate {
    char socket[LOCATION_SOCKET_BYTES];
    /* Only this user's processes may own the directory: it is checked before anything is said to who listens
     * there. */
    bool is_private;
    /* An agent may be started here, by a process of `location.owner`. */
    bool can_start;
};

struct location {
    char configuration[PATH_MAX];
    /* Beside the module; empty when the module's own path is not known. */
    char launcher[PATH_MAX];
    uid_t owner;
    /* Named by MHSM_PKCS11_AGENT_USER; the owner where it is not. See location_trusts. */
    uid_t agent_user;
    struct candidate candidates[LOCATION_CANDIDATES];
    /* 0: there is no place, `failure` says why. */
    size_t count;
    struct failure failure;
};

/* `module` is any address inside the module. */
void location_find(struct location *location, const void *module);
/* Whether a user may be told PINs: root, this process's own user, the owner, the agent's user. */
bool location_trusts(const struct location *location, uid_t user);
/* Whether none but those can have put a socket where it is. */
enum path_trust location_check(const struct location *location, const char *socket, struct failure *failure);
/* The directory part of a path, "." without one. False when it does not fit. */
bool location_directory(const char *path, char *directory, size_t size);

#endif
