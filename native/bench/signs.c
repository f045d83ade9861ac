/*
 * Signatures by any PKCS#11 module, from as many threads as lanes, each in a session of its own; one operation is
 * C_SignInit and C_Sign.
 *
 *   signs MODULE TOKEN KEY pss|ecdsa DIGEST_BYTES LANES [ID]
 *
 * KEY is its CKA_LABEL, ID its CKA_ID in hexadecimal; more than one private key that has them is an error. The first line of standard input is the PIN. Prints `ready MICROSECONDS` (what C_Initialize took), then what lanes.h says.
 * Exits with 3 when a call before the first run fails, naming it and its code.
 */
#include "lanes.h"

#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIGNATURE_BYTES 512
#define MAX_DIGEST_BYTES 64
#define MAX_SLOTS 64
#define MAX_ID_BYTES 64

static CK_FUNCTION_LIST *module;
static CK_OBJECT_HANDLE key;
static CK_MECHANISM mechanism;
static CK_RSA_PKCS_PSS_PARAMS pss = {.hash_alg = CKM_SHA256, .mgf = CKG_MGF1_SHA256, .s_len = 32};
static CK_ULONG digest_bytes;

static void must(const char *what, CK_RV rv)
{
    if (rv == CKR_OK)
        return;
    fprintf(stderr, "%s: 0x%lx\n", what, rv);
    exit(3);
}

static bool sign(void *lane, char failure[FAILURE_BYTES])
{
    CK_SESSION_HANDLE session = *(CK_SESSION_HANDLE *)lane;
    CK_BYTE digest[MAX_DIGEST_BYTES] = {7}, signature[MAX_SIGNATURE_BYTES];
    CK_ULONG length = sizeof signature;
    CK_RV rv = module->C_SignInit(session, &mechanism, key);
    const char *call = "C_SignInit";
    if (rv == CKR_OK) {
        call = "C_Sign";
        rv = module->C_Sign(session, digest, digest_bytes, signature, &length);
    }
    if (rv != CKR_OK)
        snprintf(failure, FAILURE_BYTES, "%s: 0x%lx", call, rv);
    return rv == CKR_OK;
}

static void load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get_list = NULL;
    if (library != NULL)
        *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    if (get_list == NULL) {
        fprintf(stderr, "%s: %s\n", path, dlerror());
        exit(3);
    }
    must("C_GetFunctionList", get_list(&module));
}

/* Token labels are padded with blanks. */
static bool has_label(CK_SLOT_ID slot, const char *label)
{
    CK_TOKEN_INFO info;
    size_t length = strlen(label);
    return length <= sizeof info.label && module->C_GetTokenInfo(slot, &info) == CKR_OK &&
           memcmp(info.label, label, length) == 0 && (length == sizeof info.label || info.label[length] == ' ');
}

static CK_SLOT_ID slot_of(const char *token)
{
    CK_SLOT_ID slots[MAX_SLOTS];
    CK_ULONG count = MAX_SLOTS;
    must("C_GetSlotList", module->C_GetSlotList(CK_TRUE, slots, &count));
    for (CK_ULONG i = 0; i < count; i++)
        if (has_label(slots[i], token))
            return slots[i];
    fprintf(stderr, "no token is called %s\n", token);
    exit(3);
}

/* The bytes that `text` says in hexadecimal; exits with 2 when it does not. */
static CK_ULONG id_argument(const char *text, CK_BYTE id[MAX_ID_BYTES])
{
    size_t digits = strlen(text);
    if (digits % 2 != 0 || digits / 2 > MAX_ID_BYTES || strspn(text, "0123456789abcdefABCDEF") != digits) {
        fprintf(stderr, "ID must be hexadecimal, not %s\n", text);
        exit(2);
    }
    for (size_t i = 0; i < digits / 2; i++) {
        char octet[] = {text[2 * i], text[2 * i + 1], '\0'};
        id[i] = (CK_BYTE)strtoul(octet, NULL, 16);
    }
    return digits / 2;
}

/* `hex_id` may be NULL. Two are asked for, since signing by one of several would load a key that nobody named. */
static void find_key(CK_SESSION_HANDLE session, char *label, const char *hex_id)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_OBJECT_HANDLE keys[2] = {0};
    CK_BYTE id[MAX_ID_BYTES];
    CK_ULONG found = 0, id_bytes = hex_id == NULL ? 0 : id_argument(hex_id, id);
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, strlen(label)}, {CKA_ID, id, id_bytes}};
    must("C_FindObjectsInit", module->C_FindObjectsInit(session, template, hex_id == NULL ? 2 : 3));
    must("C_FindObjects", module->C_FindObjects(session, keys, 2, &found));
    must("C_FindObjectsFinal", module->C_FindObjectsFinal(session));
    key = keys[0];
    if (found == 1)
        return;
    fprintf(stderr, "%s private key is called %s%s%s\n", found == 0 ? "no" : "more than one", label,
            hex_id == NULL ? "" : " with id ", hex_id == NULL ? "" : hex_id);
    exit(3);
}

static void log_in(CK_SESSION_HANDLE session)
{
    char pin[512];
    if (!read_line(pin, sizeof pin)) {
        fprintf(stderr, "the first line of standard input must be the PIN\n");
        exit(2);
    }
    CK_RV rv = module->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin));
    explicit_bzero(pin, sizeof pin);
    must("C_Login", rv);
}

static void choose_mechanism(const char *name)
{
    if (strcmp(name, "pss") == 0)
        mechanism = (CK_MECHANISM){CKM_RSA_PKCS_PSS, &pss, sizeof pss};
    else
        mechanism = (CK_MECHANISM){CKM_ECDSA, NULL, 0};
}

int main(int argc, char **argv)
{
    static CK_SESSION_HANDLE sessions[MAX_LANES];
    static void *lanes[MAX_LANES];
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    if (argc != 7 && argc != 8) {
        fprintf(stderr, "usage: signs MODULE TOKEN KEY pss|ecdsa DIGEST_BYTES LANES [ID]\n");
        return 2;
    }
    choose_mechanism(argv[4]);
    digest_bytes = count_argument(argv[5], "DIGEST_BYTES", MAX_DIGEST_BYTES);
    unsigned count = count_argument(argv[6], "LANES", MAX_LANES);
    load(argv[1]);
    unsigned long long begin = now_ns();
    must("C_Initialize", module->C_Initialize(&arguments));
    unsigned long long initialized = now_ns();
    CK_SLOT_ID slot = slot_of(argv[2]);
    for (unsigned i = 0; i < count; i++) {
        must("C_OpenSession", module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &sessions[i]));
        lanes[i] = &sessions[i];
    }
    log_in(sessions[0]);
    find_key(sessions[0], argv[3], argv[7]);
    printf("ready %llu\n", (initialized - begin) / 1000);
    if (fflush(stdout) != 0)
        return 4;
    serve_runs(sign, lanes, count);
    must("C_Finalize", module->C_Finalize(NULL));
    return 0;
}
