/* Starts the launcher where no agent listens. */
#ifndef MHSM_CLIENT_STARTER_H
#define MHSM_CLIENT_STARTER_H

#include "deadline.h"
#include "failure.h"
#include "location.h"

#include <stdbool.h>

/* True when the launcher says that an agent serves `socket`. Two that start at once get one agent: launchers
 * lock. */
bool starter_run(const struct location *location, const char *socket, struct deadline deadline,
                 struct failure *failure);

#endif
