/* Many threads that sign at once, each in a session of its own and each data of its own. */
#include "driver.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_THREADS 64
#define DIGEST_BYTES 32
/* Nobody else would come to anything beside threads that fail without a pause. */
#define AFTER_FAILURE_US 10000

struct keys {
    CK_SLOT_ID slot;
    CK_OBJECT_HANDLE private_key;
    /* CK_INVALID_HANDLE: the fake agent signs, which gives the data back. */
    CK_OBJECT_HANDLE public_key;
};

struct signer {
    pthread_t thread;
    struct keys keys;
    CK_SESSION_HANDLE session;
    unsigned rounds;
    unsigned right;
    unsigned wrong;
};

static atomic_bool enough;

static bool is_right(const struct signer *signer, CK_BYTE *data, CK_BYTE *signature, CK_ULONG length)
{
    CK_MECHANISM mechanism = {.mechanism = CKM_ECDSA};
    if (signer->keys.public_key == CK_INVALID_HANDLE)
        return length == DIGEST_BYTES && memcmp(data, signature, DIGEST_BYTES) == 0;
    return module->C_VerifyInit(signer->session, &mechanism, signer->keys.public_key) == CKR_OK &&
           module->C_Verify(signer->session, data, DIGEST_BYTES, signature, length) == CKR_OK;
}

static void *sign_often(void *argument)
{
    struct signer *signer = argument;
    CK_MECHANISM mechanism = {.mechanism = CKM_ECDSA};
    for (unsigned i = 0; i < signer->rounds && !atomic_load(&enough); i++) {
        CK_BYTE data[DIGEST_BYTES] = {0}, signature[64] = {0};
        CK_ULONG length = sizeof signature;
        memcpy(data, &signer->session, sizeof signer->session);
        memcpy(data + 16, &i, sizeof i);
        if (module->C_SignInit(signer->session, &mechanism, signer->keys.private_key) != CKR_OK ||
            module->C_Sign(signer->session, data, sizeof data, signature, &length) != CKR_OK ||
            !is_right(signer, data, signature, length))
            signer->wrong++, usleep(AFTER_FAILURE_US);
        else
            signer->right++;
    }
    return NULL;
}

static void start(struct signer *signers, unsigned count, unsigned rounds, struct keys keys)
{
    if (count > MAX_THREADS)
        exit(4);
    atomic_store(&enough, false);
    for (unsigned i = 0; i < count; i++) {
        signers[i] = (struct signer){.rounds = rounds, .keys = keys};
        if (module->C_OpenSession(keys.slot, CKF_SERIAL_SESSION, NULL, NULL, &signers[i].session) != CKR_OK ||
            pthread_create(&signers[i].thread, NULL, sign_often, &signers[i]) != 0)
            exit(4);
    }
}

/* How many signatures were refused, lost or another's. */
static unsigned join(struct signer *signers, unsigned count)
{
    unsigned wrong = 0;
    for (unsigned i = 0; i < count; i++) {
        pthread_join(signers[i].thread, NULL);
        wrong += signers[i].wrong;
    }
    return wrong;
}

/* threads COUNT ROUNDS [fork]: against the fake agent; "fork" makes children meanwhile */
static void run_threads(const struct words *words)
{
    struct signer signers[MAX_THREADS];
    unsigned count = (unsigned)number(words, 1), bad_children = 0;
    start(signers, count, (unsigned)number(words, 2), (struct keys){.slot = 0, .private_key = 1});
    for (unsigned i = 0; i < 20 && strcmp(word(words, 3), "fork") == 0; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            CK_SESSION_INFO info;
            _exit(module->C_GetSessionInfo(signers[0].session, &info) == CKR_OK ? 0 : 1);
        }
        bad_children += waitpid(pid, &status, 0) != pid || status != 0 ? 1 : 0;
    }
    unsigned wrong = join(signers, count);
    say("%u wrong %u children", wrong, bad_children);
}

/* threads-verified COUNT ROUNDS SLOT PRIVATE PUBLIC: with a real key, each signature held against its own data */
static void run_verified(const struct words *words)
{
    struct signer signers[MAX_THREADS];
    unsigned count = (unsigned)number(words, 1);
    struct keys keys = {
        .slot = number(words, 3), .private_key = number(words, 4), .public_key = number(words, 5)};
    start(signers, count, (unsigned)number(words, 2), keys);
    say("%u wrong", join(signers, count));
}

/*
 * threads-begin COUNT SLOT PRIVATE PUBLIC: as threads-verified, until threads-end, which says how many signatures came and
 * how many did not
 */
static void begin_or_end(const struct words *words)
{
    static struct signer signers[MAX_THREADS];
    static unsigned count;
    unsigned right = 0, wrong;
    if (strcmp(words->at[0], "threads-begin") == 0) {
        struct keys keys = {
            .slot = number(words, 2), .private_key = number(words, 3), .public_key = number(words, 4)};
        count = (unsigned)number(words, 1);
        start(signers, count, UINT_MAX, keys);
        say("begun");
        return;
    }
    atomic_store(&enough, true);
    wrong = join(signers, count);
    for (unsigned i = 0; i < count; i++)
        right += signers[i].right;
    say("%u right %u wrong", right, wrong);
}

/* One call in a thread of its own, so that a script can make others meanwhile. */
static struct {
    pthread_t thread;
    bool finds;
    CK_SESSION_HANDLE session;
    CK_BYTE data[DIGEST_BYTES];
    CK_ULONG length;
    CK_BYTE signature[64];
    CK_RV rv;
} aside;

static void *call_aside(void *unused)
{
    CK_ULONG room = sizeof aside.signature;
    aside.rv = aside.finds ? module->C_FindObjectsInit(aside.session, NULL, 0)
                           : module->C_Sign(aside.session, aside.data, aside.length, aside.signature, &room);
    aside.length = aside.finds || aside.rv != CKR_OK ? 0 : room;
    return unused;
}

/* aside sign SESSION BYTES, aside find SESSION: begins it */
static void begin_aside(const struct words *words)
{
    aside.finds = strcmp(word(words, 1), "find") == 0;
    aside.session = number(words, 2);
    aside.length = from_hex(word(words, 3), 0, aside.data, sizeof aside.data);
    if (pthread_create(&aside.thread, NULL, call_aside, NULL) != 0)
        exit(4);
    say("begun");
}

/* aside-end: what came of it, and the signature */
static void end_aside(void)
{
    char hex[2 * sizeof aside.signature + 1];
    pthread_join(aside.thread, NULL);
    to_hex(aside.signature, aside.length, hex, sizeof hex);
    say("%lx %s", aside.rv, hex);
}

/* processor: time that the threads of this process have computed, in ms */
static void say_processor(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    say("%ld", (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                   (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000);
}

bool threads_command(const struct words *words)
{
    if (strcmp(words->at[0], "threads") == 0)
        run_threads(words);
    else if (strcmp(words->at[0], "threads-verified") == 0)
        run_verified(words);
    else if (strcmp(words->at[0], "threads-begin") == 0 || strcmp(words->at[0], "threads-end") == 0)
        begin_or_end(words);
    else if (strcmp(words->at[0], "aside") == 0)
        begin_aside(words);
    else if (strcmp(words->at[0], "aside-end") == 0)
        end_aside();
    else if (strcmp(words->at[0], "processor") == 0)
        say_processor();
    else
        return false;
    return true;
}
