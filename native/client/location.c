#include "location.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define DEFAULT_CONFIGURATION "/etc/mhsm-pkcs11.conf"
#define SYSTEM_DIRECTORY "/run/mhsm-pkcs11"
#define LAUNCHER_NAME "mhsm-pkcs11-launcher"
#define TRUSTED_USERS 4

__attribute__((format(printf, 3, 4))) static bool print(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return length >= 0 && (size_t)length < size;
}

bool location_directory(const char *path, char *directory, size_t size)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return print(directory, size, ".");
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    return print(directory, size, "%.*s", (int)length, path);
}

/* One file has one name, however it was spelled; a missing directory keeps the spelling, made absolute. */
static bool make_absolute(const char *path, char absolute[static PATH_MAX])
{
    char directory[PATH_MAX];
    char resolved[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    if (!location_directory(path, directory, sizeof directory))
        return false;
    if (realpath(directory, resolved) != NULL)
        return print(absolute, PATH_MAX, "%s/%s", strcmp(resolved, "/") == 0 ? "" : resolved, name);
    if (path[0] == '/')
        return print(absolute, PATH_MAX, "%s", path);
    return getcwd(resolved, sizeof resolved) != NULL && print(absolute, PATH_MAX, "%s/%s", resolved, path);
}

static uint64_t fnv1a(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static void find_launcher(struct location *location, const void *module)
{
    Dl_info info;
    char resolved[PATH_MAX];
    char directory[PATH_MAX];
    location->launcher[0] = '\0';
    if (dladdr(module, &info) == 0 || info.dli_fname == NULL || realpath(info.dli_fname, resolved) == NULL)
        return;
    if (!location_directory(resolved, directory, sizeof directory) ||
        !print(location->launcher, sizeof location->launcher, "%s/" LAUNCHER_NAME, directory))
        location->launcher[0] = '\0';
}

static void add_candidate(struct location *location, const char *directory, bool is_private, bool can_start)
{
    struct candidate *candidate = &location->candidates[location->count];
    unsigned long long hash = fnv1a(location->configuration);
    if (!print(candidate->socket, sizeof candidate->socket, "%s/%016llx.sock", directory, hash)) {
        failure_set(&location->failure, "the path of a socket in %s is too long", directory);
        return;
    }
    candidate->is_private = is_private;
    /* Whoever runs a set-user-id program chose what it would pass on: its environment, PATH too. */
    candidate->can_start = can_start && getauxval(AT_SECURE) == 0;
    location->count++;
}

static void add_own_candidate(struct location *location)
{
    char directory[PATH_MAX];
    const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
    bool fits;
    if (runtime != NULL && runtime[0] == '/')
        fits = print(directory, sizeof directory, "%s/mhsm-pkcs11", runtime);
    else
        fits = print(directory, sizeof directory, "/tmp/mhsm-pkcs11-%u", (unsigned)location->owner);
    if (fits)
        add_candidate(location, directory, true, true);
}

static void add_override(struct location *location, const char *socket)
{
    struct candidate *candidate = &location->candidates[0];
    if (print(candidate->socket, sizeof candidate->socket, "%s", socket))
        location->count = 1;
    else
        failure_set(&location->failure, "MHSM_PKCS11_SOCKET is longer than %zu bytes",
                    sizeof candidate->socket - 1);
}

static void list_trusted(const struct location *location, uid_t users[static TRUSTED_USERS])
{
    users[0] = 0;
    users[1] = geteuid();
    users[2] = location->owner;
    users[3] = location->agent_user;
}

bool location_trusts(const struct location *location, uid_t user)
{
    uid_t users[TRUSTED_USERS];
    list_trusted(location, users);
    for (size_t i = 0; i < TRUSTED_USERS; i++)
        if (users[i] == user)
            return true;
    return false;
}

enum path_trust location_check(const struct location *location, const char *socket, struct failure *failure)
{
    uid_t users[TRUSTED_USERS];
    list_trusted(location, users);
    return trusted_path_check(socket, (struct trusted_users){users, TRUSTED_USERS}, failure);
}

/* False: it is no user id. */
static bool find_agent_user(struct location *location)
{
    const char *text = secure_getenv("MHSM_PKCS11_AGENT_USER");
    char *end;
    location->agent_user = location->owner;
    if (text == NULL || text[0] == '\0')
        return true;
    errno = 0;
    unsigned long user = strtoul(text, &end, 10);
    location->agent_user = (uid_t)user;
    return errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0' && user < (uid_t)-1;
}

void location_find(struct location *location, const void *module)
{
    /* secure_getenv: a set-user-id program must not be led to a configuration or an agent of its caller's
     * choice. */
    const char *configuration = secure_getenv("MHSM_PKCS11_CONF");
    const char *socket = secure_getenv("MHSM_PKCS11_SOCKET");
    memset(location, 0, sizeof *location);
    location->owner = geteuid();
    find_launcher(location, module);
    if (configuration == NULL || configuration[0] == '\0')
        configuration = DEFAULT_CONFIGURATION;
    if (!make_absolute(configuration, location->configuration))
        failure_set(&location->failure, "the path of the configuration is too long");
    else if (!find_agent_user(location))
        failure_set(&location->failure, "MHSM_PKCS11_AGENT_USER is not a user id, which is a number");
    else if (socket != NULL && socket[0] != '\0')
        add_override(location, socket);
    else if (location->owner == 0)
        add_candidate(location, SYSTEM_DIRECTORY, false, true);
    else {
        add_candidate(location, SYSTEM_DIRECTORY, false, false);
        add_own_candidate(location);
    }
}
