/*
 * Primitives of the wire: a bounded reader that never allocates, a growing writer, and the walk over a call's
 * fields. The calls themselves are generated into wire_calls.h from lib/wire/schema.ts.
 *
 * Both sides are sticky: after the first failure every further operation does nothing, so a caller checks
 * once, at the end. What a reader returns points into the frame and lives as long as it does.
 */
#ifndef MHSM_CLIENT_WIRE_H
#define MHSM_CLIENT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "There is no such information": the one value above 2^53-1 that a ulong has. */
#define WIRE_UNAVAILABLE UINT64_MAX

struct wire_reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

struct wire_writer {
    uint8_t *data;
    size_t length;
    size_t capacity;
    bool failed;
};

/* `data` NULL is "no buffer at all", which is not the same as an empty one. */
struct wire_bytes {
    const uint8_t *data;
    size_t length;
};

/* Room in the receiver's buffer; not present means "how long would it be?". */
struct wire_capacity {
    bool present;
    uint64_t bytes;
};

struct wire_output {
    uint64_t length;
    struct wire_bytes bytes;
};

struct wire_mechanism {
    uint64_t type;
    struct wire_bytes parameter;
};

/* Items as they lie in the frame: already checked when they come from a reader, so walking them cannot fail.
 */
struct wire_list {
    const uint8_t *items;
    size_t bytes;
    uint32_t count;
};

enum wire_type {
    WIRE_ULONG,
    WIRE_FLAG,
    WIRE_BYTES,
    WIRE_TEXT,
    WIRE_BUFFER,
    WIRE_CAPACITY,
    WIRE_OUTPUT,
    WIRE_ULONGS,
    WIRE_MECHANISM,
    WIRE_ATTRIBUTES,
    WIRE_QUERIES,
    WIRE_OUTPUTS,
};

/* One field of a request or response: its type, and where it lies in the struct that carries it. */
struct wire_field {
    enum wire_type type;
    size_t offset;
};

struct wire_fields {
    const struct wire_field *list;
    size_t count;
};

/* A row of the schema. */
struct wire_call {
    uint16_t id;
    bool slow;
    bool repeatable;
    /* The session is the first field of the request. */
    bool in_session;
    bool operation;
    const char *name;
    const char *purpose;
    struct wire_fields request;
    struct wire_fields response;
};

struct wire_reader wire_reader_of(const void *data, size_t length);
struct wire_reader wire_items(const struct wire_list *list);
uint8_t wire_get_u8(struct wire_reader *reader);
uint16_t wire_get_u16(struct wire_reader *reader);
uint32_t wire_get_u32(struct wire_reader *reader);
uint64_t wire_get_ulong(struct wire_reader *reader);
bool wire_get_flag(struct wire_reader *reader);
struct wire_bytes wire_get_bytes(struct wire_reader *reader);
struct wire_bytes wire_get_buffer(struct wire_reader *reader);
struct wire_output wire_get_output(struct wire_reader *reader);
/* True when nothing failed and nothing is left over. */
bool wire_at_end(const struct wire_reader *reader);
void wire_get_fields(struct wire_reader *reader, const struct wire_fields *fields, void *values);

void wire_put_u8(struct wire_writer *writer, uint8_t value);
void wire_put_u16(struct wire_writer *writer, uint16_t value);
void wire_put_u32(struct wire_writer *writer, uint32_t value);
void wire_put_ulong(struct wire_writer *writer, uint64_t value);
void wire_put_flag(struct wire_writer *writer, bool value);
void wire_put_bytes(struct wire_writer *writer, struct wire_bytes value);
void wire_put_buffer(struct wire_writer *writer, struct wire_bytes value);
void wire_put_capacity(struct wire_writer *writer, struct wire_capacity value);
void wire_put_output(struct wire_writer *writer, struct wire_output value);
void wire_put_fields(struct wire_writer *writer, const struct wire_fields *fields, const void *values);

/* A frame's length prefix: `begin` leaves room for it, `end` fills it in. */
void wire_begin_frame(struct wire_writer *writer);
void wire_end_frame(struct wire_writer *writer);
/* What was written as the items of a list. The writer must outlive the list. */
struct wire_list wire_list_of(const struct wire_writer *writer, uint32_t count);
/* Frames carry PINs and tickets, so the bytes are cleared before they are given back. */
void wire_release(struct wire_writer *writer);

#endif
