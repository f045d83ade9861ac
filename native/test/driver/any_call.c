/* Commands for every function of the list alike, found by its name. */
#include "driver.h"

#include <dlfcn.h>
#include <string.h>

#define MAX_ARGUMENTS 8

/* Integers and pointers travel alike, and a function does not see the arguments that it does not take. */
typedef CK_RV (*any_function)(CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG);

static CK_BYTE buffer[4096];
static CK_ULONG length;

/* NUMBER | null | buffer | length: the last a pointer to the size of the buffer */
static CK_ULONG argument_of(const struct words *words, int index)
{
    const char *text = word(words, index);
    if (strcmp(text, "null") == 0)
        return 0;
    if (strcmp(text, "buffer") == 0)
        return (CK_ULONG)buffer;
    if (strcmp(text, "length") == 0)
        return (CK_ULONG)&length;
    return number(words, index);
}

/* call NAME [ARGUMENT...] */
static void call(const struct words *words)
{
    CK_ULONG a[MAX_ARGUMENTS] = {0};
    void *symbol = symbol_of(word(words, 1));
    any_function function;
    if (symbol == NULL) {
        say("there is no %s", word(words, 1));
        return;
    }
    memcpy(&function, &symbol, sizeof function);
    memset(buffer, 0, sizeof buffer);
    length = sizeof buffer;
    for (int i = 0; i < MAX_ARGUMENTS && i + 2 < words->count; i++)
        a[i] = argument_of(words, i + 2);
    say("%lx", function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]));
}

/* list NAME...: the first name whose place in the function list holds another function, or "complete" */
static void list(const struct words *words)
{
    void *places[(sizeof(CK_FUNCTION_LIST) - offsetof(CK_FUNCTION_LIST, C_Initialize)) / sizeof(void *)];
    int count = sizeof places / sizeof *places;
    memcpy(places, &module->C_Initialize, sizeof places);
    for (int i = 0; i < count; i++) {
        if (places[i] == NULL || i + 1 >= words->count || places[i] != symbol_of(words->at[i + 1])) {
            say("%d %s", i, word(words, i + 1));
            return;
        }
    }
    say(words->count == count + 1 ? "complete" : "too many names");
}

bool any_call_command(const struct words *words)
{
    if (strcmp(words->at[0], "call") == 0)
        call(words);
    else if (strcmp(words->at[0], "list") == 0)
        list(words);
    else
        return false;
    return true;
}
