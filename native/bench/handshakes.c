/*
 * New TLS 1.3 connections to 127.0.0.1, each with a whole handshake and nothing else: no resumption, no request. The
 * certificate is not held against an authority; the server's signature is verified, as every client must.
 *
 *   handshakes PORT LANES
 *
 * Prints `ready`, then what lanes.h says. It is in C because the load shares two cores with what it measures.
 */
#include "lanes.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_S 10

static SSL_CTX *context;
static struct sockaddr_in address;

/* A socket that is connected, or -1. */
static int connected(void)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = PATIENCE_S};
    if (fd < 0)
        return -1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* What OpenSSL says, and else the system. */
static void explain(char failure[FAILURE_BYTES], const char *what)
{
    unsigned long error = ERR_get_error();
    const char *reason = error == 0 ? NULL : ERR_reason_error_string(error);
    snprintf(failure, FAILURE_BYTES, "%s: %s", what, reason != NULL ? reason : strerror(errno));
}

static bool shake_hands(void *lane, char failure[FAILURE_BYTES])
{
    (void)lane;
    bool done = false;
    ERR_clear_error();
    errno = 0;
    int fd = connected();
    if (fd < 0) {
        explain(failure, "connect");
        return false;
    }
    SSL *ssl = SSL_new(context);
    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1)
        done = SSL_connect(ssl) == 1;
    if (!done)
        explain(failure, "handshake");
    SSL_free(ssl);
    if (close(fd) != 0 && done) {
        explain(failure, "close");
        done = false;
    }
    return done;
}

int main(int argc, char **argv)
{
    static void *lanes[MAX_LANES];
    if (argc != 3) {
        fprintf(stderr, "usage: handshakes PORT LANES\n");
        return 2;
    }
    address = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((in_port_t)count_argument(argv[1], "PORT", 65535)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    unsigned count = count_argument(argv[2], "LANES", MAX_LANES);
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
        SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1) {
        fprintf(stderr, "OpenSSL has no TLS 1.3\n");
        return 3;
    }
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    printf("ready\n");
    if (fflush(stdout) != 0)
        return 4;
    serve_runs(shake_hands, lanes, count);
    SSL_CTX_free(context);
    return 0;
}
