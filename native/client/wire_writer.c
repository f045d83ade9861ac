/* Writing half of wire.h. */
#include "wire.h"
#include "wire_calls.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX_BYTES 4
#define FIRST_BYTES 512

/* realloc would leave the old bytes, a PIN among them, behind in the heap. */
static bool grow(struct wire_writer *writer, size_t needed)
{
    size_t capacity = writer->capacity == 0 ? FIRST_BYTES : writer->capacity;
    while (capacity < needed)
        capacity *= 2;
    uint8_t *larger = malloc(capacity);
    if (larger == NULL)
        return false;
    if (writer->data != NULL) {
        memcpy(larger, writer->data, writer->length);
        explicit_bzero(writer->data, writer->length);
        free(writer->data);
    }
    writer->data = larger;
    writer->capacity = capacity;
    return true;
}

static uint8_t *reserve(struct wire_writer *writer, size_t length)
{
    if (writer->failed || length > WIRE_MAX_FRAME_BYTES + PREFIX_BYTES - writer->length)
        goto fail;
    if (writer->length + length > writer->capacity && !grow(writer, writer->length + length))
        goto fail;
    uint8_t *at = writer->data + writer->length;
    writer->length += length;
    return at;

fail:
    writer->failed = true;
    return NULL;
}

static void put_number(struct wire_writer *writer, uint64_t value, size_t length)
{
    uint8_t *at = reserve(writer, length);
    for (size_t i = 0; at != NULL && i < length; i++, value >>= 8)
        at[i] = (uint8_t)value;
}

static void put_raw(struct wire_writer *writer, const uint8_t *data, size_t length)
{
    uint8_t *at = reserve(writer, length);
    if (at != NULL && length > 0)
        memcpy(at, data, length);
}

void wire_put_u8(struct wire_writer *writer, uint8_t value)
{
    put_number(writer, value, 1);
}

void wire_put_u16(struct wire_writer *writer, uint16_t value)
{
    put_number(writer, value, 2);
}

void wire_put_u32(struct wire_writer *writer, uint32_t value)
{
    put_number(writer, value, 4);
}

void wire_put_ulong(struct wire_writer *writer, uint64_t value)
{
    put_number(writer, value, 8);
}

void wire_put_flag(struct wire_writer *writer, bool value)
{
    wire_put_u8(writer, value ? 1 : 0);
}

void wire_put_bytes(struct wire_writer *writer, struct wire_bytes value)
{
    /* Before the cast: a length beyond 32 bits must fail, not wrap. */
    if (value.length > WIRE_MAX_FRAME_BYTES) {
        writer->failed = true;
        return;
    }
    wire_put_u32(writer, (uint32_t)value.length);
    put_raw(writer, value.data, value.length);
}

void wire_put_buffer(struct wire_writer *writer, struct wire_bytes value)
{
    wire_put_flag(writer, value.data != NULL);
    if (value.data != NULL)
        wire_put_bytes(writer, value);
}

void wire_put_capacity(struct wire_writer *writer, struct wire_capacity value)
{
    wire_put_flag(writer, value.present);
    wire_put_ulong(writer, value.present ? value.bytes : 0);
}

void wire_put_output(struct wire_writer *writer, struct wire_output value)
{
    wire_put_ulong(writer, value.length);
    wire_put_buffer(writer, value.bytes);
}

static void put_mechanism(struct wire_writer *writer, const struct wire_mechanism *value)
{
    wire_put_ulong(writer, value->type);
    wire_put_buffer(writer, value->parameter);
}

static void put_list(struct wire_writer *writer, const struct wire_list *value)
{
    wire_put_u32(writer, value->count);
    put_raw(writer, value->items, value->bytes);
}

static void put_field(struct wire_writer *writer, enum wire_type type, const void *value)
{
    switch (type) {
    case WIRE_ULONG:
        wire_put_ulong(writer, *(const uint64_t *)value);
        break;
    case WIRE_FLAG:
        wire_put_flag(writer, *(const bool *)value);
        break;
    case WIRE_BYTES:
    case WIRE_TEXT:
        wire_put_bytes(writer, *(const struct wire_bytes *)value);
        break;
    case WIRE_BUFFER:
        wire_put_buffer(writer, *(const struct wire_bytes *)value);
        break;
    case WIRE_CAPACITY:
        wire_put_capacity(writer, *(const struct wire_capacity *)value);
        break;
    case WIRE_OUTPUT:
        wire_put_output(writer, *(const struct wire_output *)value);
        break;
    case WIRE_MECHANISM:
        put_mechanism(writer, value);
        break;
    case WIRE_ULONGS:
    case WIRE_ATTRIBUTES:
    case WIRE_QUERIES:
    case WIRE_OUTPUTS:
        put_list(writer, value);
        break;
    }
}

void wire_put_fields(struct wire_writer *writer, const struct wire_fields *fields, const void *values)
{
    for (size_t i = 0; i < fields->count; i++)
        put_field(writer, fields->list[i].type, (const uint8_t *)values + fields->list[i].offset);
}

void wire_begin_frame(struct wire_writer *writer)
{
    put_number(writer, 0, PREFIX_BYTES);
}

void wire_end_frame(struct wire_writer *writer)
{
    if (writer->failed)
        return;
    size_t length = writer->length - PREFIX_BYTES;
    for (size_t i = 0; i < PREFIX_BYTES; i++, length >>= 8)
        writer->data[i] = (uint8_t)length;
}

struct wire_list wire_list_of(const struct wire_writer *writer, uint32_t count)
{
    return (struct wire_list){.items = writer->data, .bytes = writer->length, .count = count};
}

void wire_release(struct wire_writer *writer)
{
    if (writer->data != NULL) {
        explicit_bzero(writer->data, writer->length);
        free(writer->data);
    }
    *writer = (struct wire_writer){.data = NULL};
}
