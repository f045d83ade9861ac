/* Reading half of wire.h: bytes from the peer are hostile until they have been read to the end. */
#include "wire.h"

#define LARGEST_ULONG ((UINT64_C(1) << 53) - 1)

struct wire_reader wire_reader_of(const void *data, size_t length)
{
    return (struct wire_reader){.at = data, .left = length};
}

struct wire_reader wire_items(const struct wire_list *list)
{
    return wire_reader_of(list->items, list->bytes);
}

static const uint8_t *take(struct wire_reader *reader, size_t length)
{
    if (reader->failed || length > reader->left) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *at = reader->at;
    reader->at += length;
    reader->left -= length;
    return at;
}

static uint64_t take_number(struct wire_reader *reader, size_t length)
{
    const uint8_t *at = take(reader, length);
    uint64_t value = 0;
    if (at != NULL)
        for (size_t i = length; i > 0; i--)
            value = value << 8 | at[i - 1];
    return value;
}

uint8_t wire_get_u8(struct wire_reader *reader)
{
    return (uint8_t)take_number(reader, 1);
}

uint16_t wire_get_u16(struct wire_reader *reader)
{
    return (uint16_t)take_number(reader, 2);
}

uint32_t wire_get_u32(struct wire_reader *reader)
{
    return (uint32_t)take_number(reader, 4);
}

uint64_t wire_get_ulong(struct wire_reader *reader)
{
    uint64_t value = take_number(reader, 8);
    return value > LARGEST_ULONG ? WIRE_UNAVAILABLE : value;
}

bool wire_get_flag(struct wire_reader *reader)
{
    uint8_t value = wire_get_u8(reader);
    if (value > 1)
        reader->failed = true;
    return value == 1;
}

struct wire_bytes wire_get_bytes(struct wire_reader *reader)
{
    size_t length = wire_get_u32(reader);
    const uint8_t *data = take(reader, length);
    return (struct wire_bytes){.data = data, .length = data == NULL ? 0 : length};
}

struct wire_bytes wire_get_buffer(struct wire_reader *reader)
{
    if (wire_get_flag(reader))
        return wire_get_bytes(reader);
    return (struct wire_bytes){.data = NULL};
}

static struct wire_capacity get_capacity(struct wire_reader *reader)
{
    bool present = wire_get_flag(reader);
    uint64_t bytes = wire_get_ulong(reader);
    return (struct wire_capacity){.present = present, .bytes = present ? bytes : 0};
}

struct wire_output wire_get_output(struct wire_reader *reader)
{
    uint64_t length = wire_get_ulong(reader);
    return (struct wire_output){.length = length, .bytes = wire_get_buffer(reader)};
}

static struct wire_mechanism get_mechanism(struct wire_reader *reader)
{
    uint64_t type = wire_get_ulong(reader);
    return (struct wire_mechanism){.type = type, .parameter = wire_get_buffer(reader)};
}

static void skip_item(struct wire_reader *reader, enum wire_type type)
{
    switch (type) {
    case WIRE_ATTRIBUTES:
        get_mechanism(reader);
        break;
    case WIRE_QUERIES:
        wire_get_ulong(reader);
        get_capacity(reader);
        break;
    case WIRE_OUTPUTS:
        wire_get_output(reader);
        break;
    default:
        wire_get_ulong(reader);
        break;
    }
}

/* No count is trusted: each item is walked, and the walk ends with the first one the frame does not hold. */
static struct wire_list get_list(struct wire_reader *reader, enum wire_type type)
{
    struct wire_list list = {.count = wire_get_u32(reader)};
    list.items = reader->at;
    size_t before = reader->left;
    for (uint32_t i = 0; i < list.count && !reader->failed; i++)
        skip_item(reader, type);
    list.bytes = before - reader->left;
    return list;
}

static void get_field(struct wire_reader *reader, enum wire_type type, void *value)
{
    switch (type) {
    case WIRE_ULONG:
        *(uint64_t *)value = wire_get_ulong(reader);
        break;
    case WIRE_FLAG:
        *(bool *)value = wire_get_flag(reader);
        break;
    case WIRE_BYTES:
    case WIRE_TEXT:
        *(struct wire_bytes *)value = wire_get_bytes(reader);
        break;
    case WIRE_BUFFER:
        *(struct wire_bytes *)value = wire_get_buffer(reader);
        break;
    case WIRE_CAPACITY:
        *(struct wire_capacity *)value = get_capacity(reader);
        break;
    case WIRE_OUTPUT:
        *(struct wire_output *)value = wire_get_output(reader);
        break;
    case WIRE_MECHANISM:
        *(struct wire_mechanism *)value = get_mechanism(reader);
        break;
    case WIRE_ULONGS:
    case WIRE_ATTRIBUTES:
    case WIRE_QUERIES:
    case WIRE_OUTPUTS:
        *(struct wire_list *)value = get_list(reader, type);
        break;
    }
}

void wire_get_fields(struct wire_reader *reader, const struct wire_fields *fields, void *values)
{
    for (size_t i = 0; i < fields->count; i++)
        get_field(reader, fields->list[i].type, (uint8_t *)values + fields->list[i].offset);
}

bool wire_at_end(const struct wire_reader *reader)
{
    return !reader->failed && reader->left == 0;
}
