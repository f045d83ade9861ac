/*
 * An allow list: a server's environment holds what is none of the agent's business (NODE_OPTIONS and
 * LD_PRELOAD would even run in it). It has what @azure/identity, TLS and proxies read.
 *
 * No client secrets. The product's way for a secret is the PIN; one left in the environment of a server would
 * otherwise stand in that of a process that lives much longer, and would be found by a credential that nobody
 * configured. What managed identity needs (IDENTITY_HEADER, MSI_SECRET) are not secrets of a principal but of
 * the local endpoint.
 */
#include "environment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A trailing asterisk stands for any rest. */
static const char *const allowed[] = {
    "PATH",          "HOME",          "TZ",
    "LANG",          "LC_ALL",        "TMPDIR",
    "AZURE_*",       "IDENTITY_*",    "IMDS_*",
    "MSI_*",         "MHSM_PKCS11_*", "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",    "http_proxy",    "HTTPS_PROXY",
    "https_proxy",   "NO_PROXY",      "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR",  "XDG_RUNTIME_DIR",
};
static const char *const refused[] = {"AZURE_CLIENT_SECRET", "AZURE_PASSWORD"};

static bool matches(const char *pattern, const char *name, size_t length)
{
    size_t size = strlen(pattern);
    if (size > 0 && pattern[size - 1] == '*')
        return length >= size - 1 && strncmp(name, pattern, size - 1) == 0;
    return size == length && strncmp(name, pattern, size) == 0;
}

static bool is_in(const char *const *patterns, size_t count, const char *variable)
{
    size_t length = strcspn(variable, "=");
    for (size_t i = 0; i < count; i++)
        if (matches(patterns[i], variable, length))
            return true;
    return false;
}

static bool is_allowed(const char *variable)
{
    return is_in(allowed, sizeof allowed / sizeof *allowed, variable) &&
           !is_in(refused, sizeof refused / sizeof *refused, variable);
}

char **environment_cleaned(char *const *environment, unsigned extra, char ***end)
{
    size_t count = 0;
    while (environment[count] != NULL)
        count++;
    char **cleaned = calloc(count + extra + 1, sizeof *cleaned);
    if (cleaned == NULL)
        return NULL;
    char **at = cleaned;
    for (size_t i = 0; i < count; i++)
        if (is_allowed(environment[i]))
            *at++ = environment[i];
    *end = at;
    return cleaned;
}
