/*
 * An allow list: a server's environment holds what is none of the agent's business (NODE_OPTIONS and
 * LD_PRELOAD would even run in it). It has what @azure/identity, TLS and proxies read.
 *
 * No client secrets, no passwords, no keys of other services: of AZURE_* by name. The product's way for a secret
 * is the PIN; one left in the environment of a server would otherwise stand in that of a process that lives much
 * longer, and would be found by a credential that nobody configured. What managed identity needs
 * (IDENTITY_HEADER, MSI_SECRET) are not secrets of a principal but of the local endpoint.
 */
#include "environment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A trailing asterisk stands for any rest. */
static const char *const allowed[] = {
    "PATH",
    "HOME",
    "TZ",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "MHSM_PKCS11_*",
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_AUTHORITY_HOST",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_REGIONAL_AUTHORITY_NAME",
    "AZURE_ADDITIONALLY_ALLOWED_TENANTS",
    "AZURE_IDENTITY_DISABLE_MULTITENANTAUTH",
    "AZURE_KUBERNETES_*",
    "IDENTITY_*",
    "IMDS_*",
    "MSI_*",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
};

static bool matches(const char *pattern, const char *name, size_t length)
{
    size_t size = strlen(pattern);
    if (size > 0 && pattern[size - 1] == '*')
        return length >= size - 1 && strncmp(name, pattern, size - 1) == 0;
    return size == length && strncmp(name, pattern, size) == 0;
}

static bool is_allowed(const char *variable)
{
    size_t length = strcspn(variable, "=");
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (matches(allowed[i], variable, length))
            return true;
    return false;
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
