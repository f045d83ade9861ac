/* Commands that are one PKCS#11 function each. */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES (64 * 1024)
#define MASK 0x5a

CK_FUNCTION_LIST *module;

static CK_BYTE buffer[BUFFER_BYTES];
static CK_BYTE data[BUFFER_BYTES];
static char hex[2 * BUFFER_BYTES + 1];

static CK_RV no_mutex(void)
{
    return CKR_OK;
}

/* init null | FLAGS [callbacks] [reserved] [partial] */
static void initialize(const struct words *words)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = number(words, 1)};
    for (int i = 2; i < words->count; i++) {
        if (strcmp(words->at[i], "reserved") == 0)
            arguments.pReserved = &arguments;
        else
            arguments.CreateMutex = (CK_CREATEMUTEX)(void *)no_mutex;
        if (strcmp(words->at[i], "callbacks") == 0) {
            arguments.DestroyMutex = (CK_DESTROYMUTEX)(void *)no_mutex;
            arguments.LockMutex = (CK_LOCKMUTEX)(void *)no_mutex;
            arguments.UnlockMutex = (CK_UNLOCKMUTEX)(void *)no_mutex;
        }
    }
    say("%lx", module->C_Initialize(strcmp(word(words, 1), "null") == 0 ? NULL : &arguments));
}

/* slots null | ROOM */
static void get_slots(const struct words *words)
{
    CK_SLOT_ID slots[64] = {0};
    CK_ULONG count = number(words, 1);
    CK_RV rv = module->C_GetSlotList(CK_TRUE, strcmp(word(words, 1), "null") == 0 ? NULL : slots, &count);
    say("%lx %lu %lu", rv, count, slots[0]);
}

static void get_mechanisms(const struct words *words)
{
    CK_MECHANISM_TYPE types[64] = {0};
    CK_ULONG count = number(words, 2);
    bool null = strcmp(word(words, 2), "null") == 0;
    CK_RV rv = module->C_GetMechanismList(number(words, 1), null ? NULL : types, &count);
    say("%lx %lu %lx", rv, count, types[0]);
}

static void get_token_info(const struct words *words)
{
    CK_TOKEN_INFO info;
    CK_RV rv = module->C_GetTokenInfo(number(words, 1), &info);
    if (rv != CKR_OK)
        say("%lx", rv);
    else
        say("%lx [%.32s] [%.16s] %lx %lx [%.16s]", rv, info.label, info.model, info.flags,
            info.ulMaxSessionCount, info.utcTime);
}

static void get_info(void)
{
    CK_INFO info = {.flags = 0};
    CK_RV rv = module->C_GetInfo(&info);
    say("%lx %d.%d [%.32s] [%.32s] %d.%d", rv, info.cryptokiVersion.major, info.cryptokiVersion.minor,
        info.manufacturerID, info.libraryDescription, info.libraryVersion.major, info.libraryVersion.minor);
}

static void open_session(const struct words *words)
{
    CK_SESSION_HANDLE session = 0;
    CK_RV rv = module->C_OpenSession(number(words, 1), number(words, 2), NULL, NULL, &session);
    say("%lx %lu", rv, session);
}

static void get_session_info(const struct words *words)
{
    CK_SESSION_INFO info = {0};
    CK_RV rv = module->C_GetSessionInfo(number(words, 1), &info);
    say("%lx %lu %lu", rv, info.slotID, info.state);
}

/* login SESSION TYPE null | PIN in masked hex, so that the PIN is nowhere but where it belongs */
static void login(const struct words *words)
{
    CK_BYTE pin[256];
    bool null = strcmp(word(words, 3), "null") == 0;
    size_t length = null ? 0 : from_hex(word(words, 3), MASK, pin, sizeof pin);
    CK_RV rv = module->C_Login(number(words, 1), number(words, 2), null ? NULL : pin, length);
    explicit_bzero(pin, sizeof pin);
    say("%lx", rv);
}

/* findinit SESSION TYPE=HEX... */
static void find_init(const struct words *words)
{
    CK_ATTRIBUTE template[MAX_WORDS];
    size_t used = 0;
    CK_ULONG count = 0;
    for (int i = 2; i < words->count; i++) {
        char *value;
        template[count].type = strtoul(words->at[i], &value, 0);
        template[count].pValue = buffer + used;
        template[count].ulValueLen = from_hex(value + 1, 0, buffer + used, sizeof buffer - used);
        used += template[count++].ulValueLen;
    }
    say("%lx", module->C_FindObjectsInit(number(words, 1), count == 0 ? NULL : template, count));
}

static void find(const struct words *words)
{
    static CK_OBJECT_HANDLE objects[70000];
    CK_ULONG count = 0;
    CK_RV rv = module->C_FindObjects(number(words, 1), objects, number(words, 2), &count);
    say("%lx %lu %lu", rv, count, count > 0 ? objects[count - 1] : 0);
}

/* attributes SESSION OBJECT TYPE=null|unavailable|ROOM... */
static void get_attributes(const struct words *words)
{
    CK_ATTRIBUTE template[MAX_WORDS];
    size_t used = 0;
    CK_ULONG count = 0;
    char line[4096];
    memset(buffer, 0xee, sizeof buffer);
    for (int i = 3; i < words->count; i++, count++) {
        char *room;
        template[count].type = strtoul(words->at[i], &room, 0);
        bool null = strcmp(room, "=null") == 0;
        bool unavailable = strcmp(room, "=unavailable") == 0;
        template[count].pValue = null ? NULL : buffer + used;
        template[count].ulValueLen = unavailable ? CK_UNAVAILABLE_INFORMATION : strtoul(room + 1, NULL, 0);
        used += 256;
    }
    CK_RV rv = module->C_GetAttributeValue(number(words, 1), number(words, 2), template, count);
    int length = snprintf(line, sizeof line, "%lx", rv);
    for (CK_ULONG i = 0; i < count; i++) {
        const CK_BYTE *value = template[i].pValue;
        to_hex(value == NULL ? buffer : value, value == NULL ? 0 : 8, hex, sizeof hex);
        length += snprintf(line + length, sizeof line - (size_t)length, " %ld:%s",
                           (long)template[i].ulValueLen, hex);
    }
    say("%s", line);
}

static CK_MECHANISM mechanism_of(const struct words *words, int type, int parameter)
{
    CK_MECHANISM mechanism = {.mechanism = number(words, type)};
    if (parameter < words->count) {
        mechanism.ulParameterLen = from_hex(words->at[parameter], 0, buffer, sizeof buffer);
        mechanism.pParameter = buffer;
    }
    return mechanism;
}

/* signinit SESSION MECHANISM KEY [PARAMETER] */
static void sign_init(const struct words *words)
{
    CK_MECHANISM mechanism = mechanism_of(words, 2, 4);
    say("%lx", module->C_SignInit(number(words, 1), &mechanism, number(words, 3)));
}

static void say_output(CK_RV rv, CK_ULONG length, bool has_bytes)
{
    to_hex(buffer, rv == CKR_OK && has_bytes ? length : 0, hex, sizeof hex);
    say("%lx %lu %s", rv, length, hex);
}

/* sign SESSION DATA null|buffer ROOM */
static void sign(const struct words *words)
{
    size_t length = from_hex(word(words, 2), 0, data, sizeof data);
    bool null = strcmp(word(words, 3), "null") == 0;
    CK_ULONG room = number(words, 4);
    CK_RV rv = module->C_Sign(number(words, 1), data, length, null ? NULL : buffer, &room);
    say_output(rv, room, !null);
}

/* signlong, digestlong, verifylong SESSION BYTES null|buffer ROOM: that many zero bytes in one call */
static void process_long(const struct words *words)
{
    const char *name = words->at[0];
    CK_ULONG length = number(words, 2), room = number(words, 4);
    CK_BYTE *bytes = calloc(1, length + 1);
    CK_BYTE *output = strcmp(word(words, 3), "null") == 0 ? NULL : buffer;
    CK_RV rv;
    if (strcmp(name, "verifylong") == 0)
        rv = module->C_Verify(number(words, 1), bytes, length, output, room);
    else if (strcmp(name, "digestlong") == 0)
        rv = module->C_Digest(number(words, 1), bytes, length, output, &room);
    else
        rv = module->C_Sign(number(words, 1), bytes, length, output, &room);
    free(bytes);
    say("%lx %lu", rv, room);
}

/* signupdate SESSION BYTES */
static void sign_update(const struct words *words)
{
    CK_ULONG length = number(words, 2);
    CK_BYTE *part = calloc(1, length + 1);
    say("%lx", module->C_SignUpdate(number(words, 1), part, length));
    free(part);
}

static void sign_final(const struct words *words)
{
    CK_ULONG room = number(words, 2);
    CK_RV rv = module->C_SignFinal(number(words, 1), buffer, &room);
    say_output(rv, room, true);
}

/* decryptinit and encryptinit SESSION MECHANISM KEY [PARAMETER] */
static void decrypt_init(const struct words *words)
{
    CK_MECHANISM mechanism = mechanism_of(words, 2, 4);
    say("%lx", module->C_DecryptInit(number(words, 1), &mechanism, number(words, 3)));
}

static void encrypt_init(const struct words *words)
{
    CK_MECHANISM mechanism = mechanism_of(words, 2, 4);
    say("%lx", module->C_EncryptInit(number(words, 1), &mechanism, number(words, 3)));
}

/* decrypt and encrypt SESSION BYTES null|buffer ROOM */
static void decrypt(const struct words *words)
{
    size_t length = from_hex(word(words, 2), 0, data, sizeof data);
    bool null = strcmp(word(words, 3), "null") == 0;
    CK_ULONG room = number(words, 4);
    CK_RV rv = module->C_Decrypt(number(words, 1), data, length, null ? NULL : buffer, &room);
    say_output(rv, room, !null);
}

static void encrypt(const struct words *words)
{
    size_t length = from_hex(word(words, 2), 0, data, sizeof data);
    bool null = strcmp(word(words, 3), "null") == 0;
    CK_ULONG room = number(words, 4);
    CK_RV rv = module->C_Encrypt(number(words, 1), data, length, null ? NULL : buffer, &room);
    say_output(rv, room, !null);
}

static void generate_random(const struct words *words)
{
    CK_ULONG length = number(words, 2);
    CK_BYTE *bytes = calloc(1, length + 1);
    CK_RV rv = module->C_GenerateRandom(number(words, 1), bytes, length);
    say("%lx %02x %02x", rv, bytes[0], length > 0 ? bytes[length - 1] : 0);
    free(bytes);
}

bool pkcs11_command(const struct words *words)
{
    static const struct {
        const char *name;
        void (*run)(const struct words *words);
    } commands[] = {
        {"init", initialize},
        {"slots", get_slots},
        {"mechanisms", get_mechanisms},
        {"token", get_token_info},
        {"open", open_session},
        {"session", get_session_info},
        {"login", login},
        {"findinit", find_init},
        {"find", find},
        {"signinit", sign_init},
        {"attributes", get_attributes},
        {"sign", sign},
        {"signlong", process_long},
        {"digestlong", process_long},
        {"verifylong", process_long},
        {"signupdate", sign_update},
        {"signfinal", sign_final},
        {"decryptinit", decrypt_init},
        {"decrypt", decrypt},
        {"encryptinit", encrypt_init},
        {"encrypt", encrypt},
        {"random", generate_random},
    };
    const char *name = words->at[0];
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0) {
            commands[i].run(words);
            return true;
        }
    if (strcmp(name, "final") == 0)
        say("%lx", module->C_Finalize(NULL));
    else if (strcmp(name, "info") == 0)
        get_info();
    else if (strcmp(name, "close") == 0)
        say("%lx", module->C_CloseSession(number(words, 1)));
    else if (strcmp(name, "closeall") == 0)
        say("%lx", module->C_CloseAllSessions(number(words, 1)));
    else if (strcmp(name, "logout") == 0)
        say("%lx", module->C_Logout(number(words, 1)));
    else if (strcmp(name, "findfinal") == 0)
        say("%lx", module->C_FindObjectsFinal(number(words, 1)));
    else
        return false;
    return true;
}
