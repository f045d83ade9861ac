/*
 * invoke NAME ARGUMENT...: any function of the module, with memory of every kind that they take. The answer: the code,
 * then what came out, a word an argument.
 */
#include "driver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGUMENTS 12
#define ARENA_BYTES (256 * 1024)
#define TEXT_BYTES (128 * 1024)
#define MASK 0x5a

typedef CK_RV (*any_function)(CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG,
                              CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG);

/* What came out of one argument. */
struct output {
    enum { BYTES, NUMBERS, ATTRIBUTES } kind;
    void *at;
    CK_ULONG *count;
};

static struct {
    CK_ULONG arguments[MAX_ARGUMENTS];
    int count;
    struct output outputs[MAX_ARGUMENTS];
    int output_count;
} call;

static _Alignas(16) CK_BYTE arena[ARENA_BYTES];
static size_t used;
static char text[TEXT_BYTES];

static void *take(size_t length)
{
    size_t start = used;
    used += (length + 15) & ~(size_t)15;
    if (used > sizeof arena)
        exit(4);
    return arena + start;
}

static void push(CK_ULONG value)
{
    if (call.count == MAX_ARGUMENTS)
        exit(4);
    call.arguments[call.count++] = value;
}

static void expect(struct output output)
{
    call.outputs[call.output_count++] = output;
}

static CK_BYTE *bytes_of(const char *hex, unsigned char mask, CK_ULONG *length)
{
    CK_BYTE *bytes = take(strlen(hex) / 2 + 1);
    *length = from_hex(hex, mask, bytes, strlen(hex) / 2);
    return bytes;
}

static CK_ULONG *count_of(CK_ULONG value)
{
    CK_ULONG *count = take(sizeof *count);
    *count = value;
    return count;
}

/* in:HEX, pin:HEX (masked): pointer and length */
static void push_input(const char *hex, unsigned char mask)
{
    CK_ULONG length;
    push((CK_ULONG)bytes_of(hex, mask, &length));
    push(length);
}

static void push_data(const char *hex)
{
    push_input(hex, 0);
}

static void push_pin(const char *hex)
{
    push_input(hex, MASK);
}

/* out:ROOM, out:null: pointer, and pointer to the length */
static void push_buffer(const char *room)
{
    CK_ULONG *length = count_of(strtoul(room, NULL, 0));
    void *buffer = strcmp(room, "null") == 0 ? NULL : take(*length);
    push((CK_ULONG)buffer);
    push((CK_ULONG)length);
    expect((struct output){BYTES, buffer, length});
}

/* numbers:COUNT: a pointer to so many CK_ULONG, for handles and for the structures that are made of them */
static void push_numbers(const char *count)
{
    CK_ULONG *length = count_of(strtoul(count, NULL, 0));
    void *numbers = memset(take(*length * sizeof *length), 0, *length * sizeof *length);
    push((CK_ULONG)numbers);
    expect((struct output){NUMBERS, numbers, length});
}

/* list:ROOM: as C_FindObjects takes its handles: pointer, how many it has room for, pointer to how many there are */
static void push_list(const char *room)
{
    CK_ULONG *count = count_of(0);
    CK_ULONG size = strtoul(room, NULL, 0);
    void *numbers = take(size * sizeof *count);
    push((CK_ULONG)numbers);
    push(size);
    push((CK_ULONG)count);
    expect((struct output){NUMBERS, numbers, count});
}

/* mechanism:TYPE=[HEX] */
static void push_mechanism(const char *words)
{
    CK_MECHANISM *mechanism = memset(take(sizeof *mechanism), 0, sizeof *mechanism);
    char *hex;
    mechanism->mechanism = strtoul(words, &hex, 0);
    if (hex[0] == '=' && hex[1] != '\0')
        mechanism->pParameter = bytes_of(hex + 1, 0, &mechanism->ulParameterLen);
    push((CK_ULONG)mechanism);
}

/* Goes over TYPE=VALUE,TYPE=VALUE; the pointer to the template and their count are pushed. */
static CK_ATTRIBUTE *push_attributes(char *words, CK_ULONG *count, void (*fill)(CK_ATTRIBUTE *, const char *))
{
    char *rest = NULL;
    CK_ATTRIBUTE *template = take(MAX_WORDS * sizeof *template);
    *count = 0;
    for (char *at = strtok_r(words, ",", &rest); at != NULL && *count < MAX_WORDS; at = strtok_r(NULL, ",", &rest)) {
        char *value;
        template[*count].type = strtoul(at, &value, 0);
        fill(&template[(*count)++], value + 1);
    }
    push((CK_ULONG)template);
    push(*count);
    return template;
}

static void fill_value(CK_ATTRIBUTE *attribute, const char *hex)
{
    attribute->pValue = bytes_of(hex, 0, &attribute->ulValueLen);
}

static void fill_room(CK_ATTRIBUTE *attribute, const char *room)
{
    attribute->ulValueLen = strtoul(room, NULL, 0);
    attribute->pValue = strcmp(room, "null") == 0 ? NULL : take(attribute->ulValueLen);
}

/* template:TYPE=HEX,... */
static void push_template(const char *words)
{
    CK_ULONG count;
    push_attributes((char *)words, &count, fill_value);
}

/* query:TYPE=ROOM,... where ROOM may be null */
static void push_query(const char *words)
{
    CK_ULONG *count = count_of(0);
    void *template = push_attributes((char *)words, count, fill_room);
    expect((struct output){ATTRIBUTES, template, count});
}

static void push_argument(const char *word)
{
    static const struct {
        const char *prefix;
        void (*push)(const char *rest);
    } kinds[] = {
        {"in:", push_data},
        {"pin:", push_pin},
        {"out:", push_buffer},
        {"numbers:", push_numbers},
        {"list:", push_list},
        {"mechanism:", push_mechanism},
        {"template:", push_template},
        {"query:", push_query},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(word, kinds[i].prefix, strlen(kinds[i].prefix)) == 0) {
            kinds[i].push(word + strlen(kinds[i].prefix));
            return;
        }
    push(strcmp(word, "null") == 0 ? 0 : strtoul(word, NULL, 0));
}

__attribute__((format(printf, 2, 3))) static size_t print(size_t at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text + at, sizeof text - at, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text - at)
        exit(4);
    return at + (size_t)length;
}

/* LENGTH:HEX; a length that is unavailable is -1 */
static size_t print_bytes(size_t at, const CK_BYTE *bytes, CK_ULONG length, bool is_there)
{
    at = print(at, "%ld:", (long)length);
    for (CK_ULONG i = 0; is_there && bytes != NULL && i < length; i++)
        at = print(at, "%02x", bytes[i]);
    return at;
}

static size_t print_output(size_t at, const struct output *output, CK_RV rv)
{
    const CK_ULONG *numbers = output->at;
    const CK_ATTRIBUTE *attributes = output->at;
    at = print(at, " ");
    if (output->kind == BYTES)
        return print_bytes(at, output->at, *output->count, rv == CKR_OK);
    for (CK_ULONG i = 0; i < *output->count; i++) {
        at = print(at, i == 0 ? "" : ",");
        if (output->kind == NUMBERS)
            at = print(at, "%lu", numbers[i]);
        else
            at = print_bytes(at, attributes[i].pValue, attributes[i].ulValueLen,
                             attributes[i].ulValueLen != CK_UNAVAILABLE_INFORMATION);
    }
    return at;
}

static void invoke(const struct words *words)
{
    void *symbol = symbol_of(word(words, 1));
    any_function function;
    if (symbol == NULL) {
        say("there is no %s", word(words, 1));
        return;
    }
    memcpy(&function, &symbol, sizeof function);
    memset(&call, 0, sizeof call);
    used = 0;
    for (int i = 2; i < words->count; i++)
        push_argument(words->at[i]);
    const CK_ULONG *a = call.arguments;
    CK_RV rv = function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
    size_t end = print(0, "%lx", rv);
    for (int i = 0; i < call.output_count; i++)
        end = print_output(end, &call.outputs[i], rv);
    say("%s", text);
    /* A PIN was here. */
    explicit_bzero(arena, used);
}

bool invoke_command(const struct words *words)
{
    if (strcmp(words->at[0], "invoke") != 0)
        return false;
    invoke(words);
    return true;
}
