/* Why something did not work, as one line for the person who runs the server. Never holds a secret. */
#ifndef MHSM_CLIENT_FAILURE_H
#define MHSM_CLIENT_FAILURE_H

struct failure {
    char text[512];
};

__attribute__((format(printf, 2, 3))) void failure_set(struct failure *failure, const char *format, ...);

#endif
