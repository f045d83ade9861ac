/*
 * A program that uses the module as a script tells it: one command a line on standard input, one line of
 * answer on standard output. Return values are hexadecimal, byte strings too.
 */
#ifndef MHSM_TEST_DRIVER_H
#define MHSM_TEST_DRIVER_H

#include <p11-kit/pkcs11.h>

#include <stdbool.h>
#include <stddef.h>

#define MAX_WORDS 80

struct words {
    int count;
    char *at[MAX_WORDS];
};

extern CK_FUNCTION_LIST *module;

/* They give false for a command they do not know. */
bool any_call_command(const struct words *words);
bool pkcs11_command(const struct words *words);
bool process_command(const struct words *words);
bool memory_command(const struct words *words);
bool threads_command(const struct words *words);
bool invoke_command(const struct words *words);
bool children_command(const struct words *words);
/* Passes a line on that is for a child (children.c); false for any other. */
bool forward_line(const char *line);
/* The module's own function of that name, or NULL. */
void *symbol_of(const char *name);
/* Runs one line; clears it. */
void run_line(char *line);

/* The answer: printed at once, as a fork must not copy a buffer. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
const char *word(const struct words *words, int index);
CK_ULONG number(const struct words *words, int index);
/* Decodes hex digits, every byte XORed with `mask`. */
size_t from_hex(const char *hex, unsigned char mask, CK_BYTE *bytes, size_t size);
void to_hex(const CK_BYTE *bytes, size_t length, char *hex, size_t size);
/* Before each answer of a forked child. */
extern const char *say_prefix;

#endif
