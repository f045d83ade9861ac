/* What the agent inherits of the environment of the server that happened to be started first. */
#ifndef MHSM_LAUNCHER_ENVIRONMENT_H
#define MHSM_LAUNCHER_ENVIRONMENT_H

/* A new list of the allowed variables and room for `extra` more at its end, which is *end. NULL: out of
 * memory. */
char **environment_cleaned(char *const *environment, unsigned extra, char ***end);

#endif
