#include "driver.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_BYTES (256 * 1024)

const char *say_prefix = "";

void say(const char *format, ...)
{
    static char line[LINE_BYTES];
    va_list arguments;
    int start = snprintf(line, sizeof line, "%s", say_prefix);
    va_start(arguments, format);
    int length = vsnprintf(line + start, sizeof line - (size_t)start - 1, format, arguments);
    va_end(arguments);
    size_t end = (size_t)start + (size_t)length;
    line[end++] = '\n';
    for (size_t at = 0; at < end;) {
        ssize_t count = write(STDOUT_FILENO, line + at, end - at);
        if (count < 0 && errno != EINTR)
            exit(3);
        at += count < 0 ? 0 : (size_t)count;
    }
}

const char *word(const struct words *words, int index)
{
    return index < words->count ? words->at[index] : "";
}

CK_ULONG number(const struct words *words, int index)
{
    return strtoul(word(words, index), NULL, 0);
}

size_t from_hex(const char *hex, unsigned char mask, CK_BYTE *bytes, size_t size)
{
    size_t length = 0;
    unsigned value;
    for (; length < size && sscanf(hex, "%2x", &value) == 1; hex += 2)
        bytes[length++] = (CK_BYTE)(value ^ mask);
    return length;
}

void to_hex(const CK_BYTE *bytes, size_t length, char *hex, size_t size)
{
    hex[0] = '\0';
    for (size_t i = 0; i < length && 2 * i + 2 < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

void run_line(char *line)
{
    struct words words = {.count = 0};
    size_t length = strlen(line);
    char *rest = NULL;
    if (forward_line(line)) {
        explicit_bzero(line, length);
        return;
    }
    /* A forked child's script is one word, with its own separators. */
    if (strncmp(line, "fork ", 5) == 0) {
        words = (struct words){.count = 2, .at = {"fork", line + 5}};
    } else {
        for (char *at = strtok_r(line, " ", &rest); at != NULL && words.count < MAX_WORDS;
             at = strtok_r(NULL, " ", &rest))
            words.at[words.count++] = at;
    }
    if (words.count > 0 && !any_call_command(&words) && !pkcs11_command(&words) &&
        !process_command(&words) && !memory_command(&words) && !threads_command(&words) && !invoke_command(&words) &&
        !children_command(&words))
        say("unknown command %s", words.at[0]);
    explicit_bzero(line, length);
}

/*
 * The process that the test started only waits for the one that loads the module, and for what it forks: whoever closes
 * the pipe last. So a script may go on in a child whose parent has ended.
 */
static void stay_behind(void)
{
    int ends[2], status = 0;
    char byte;
    if (pipe(ends) != 0)
        exit(3);
    pid_t pid = fork();
    if (pid < 0)
        exit(3);
    if (pid == 0) {
        close(ends[0]);
        return;
    }
    close(ends[1]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
        continue;
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* By read and not by stdio, whose buffer would keep a PIN. */
int main(void)
{
    static char line[LINE_BYTES];
    size_t length = 0;
    stay_behind();
    for (;;) {
        char byte;
        ssize_t count = read(STDIN_FILENO, &byte, 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return 0;
        if (byte != '\n' && length < sizeof line - 1) {
            line[length++] = byte;
            continue;
        }
        line[length] = '\0';
        run_line(line);
        length = 0;
    }
}
