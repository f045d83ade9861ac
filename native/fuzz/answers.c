/*
 * An agent that lies: any bytes as the answer to the function whose call they name, into buffers that are exactly
 * as large as the caller says (the first byte). Nothing may be read or written beyond them, and what a function says
 * it filled in must have room.
 */
#include "../shim/api.h"
#include "../shim/module.h"

#include "../client/wire_calls.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *answer;
static size_t answer_length;

/* In place of module.c: the fuzzer's bytes are the agent's answer. */
CK_RV module_try(struct exchange *exchange, bool *answered)
{
    uint8_t *frame = malloc(answer_length + 1);
    if (frame == NULL)
        abort();
    memcpy(frame, answer, answer_length);
    *answered = exchange_decode(exchange, frame, answer_length);
    return *answered ? exchange->rv : CKR_DEVICE_ERROR;
}

CK_RV module_call(struct exchange *exchange)
{
    bool answered;
    return module_try(exchange, &answered);
}

CK_RV module_call_plain(struct exchange exchange)
{
    CK_RV rv = module_call(&exchange);
    exchange_release(&exchange);
    return rv;
}

CK_RV module_check(void)
{
    return CKR_OK;
}

/* The one session of the fuzzer is always there. */
CK_RV module_check_session(CK_SESSION_HANDLE hSession)
{
    return hSession == 1 ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

CK_RV module_refuse(CK_SESSION_HANDLE hSession, CK_FLAGS operations, CK_RV rv)
{
    struct wire_cancel_operations_request request = {.session = hSession, .flags = operations};
    (void)module_call_plain(wire_cancel_operations(&request));
    return rv;
}

CK_RV module_initialize(void)
{
    return CKR_OK;
}

CK_RV module_finalize(void)
{
    return CKR_OK;
}

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void *room_for(size_t bytes)
{
    void *buffer = malloc(bytes == 0 ? 1 : bytes);
    check(buffer != NULL);
    return buffer;
}

/* Functions that fill a buffer of bytes or tell its length. */
static void take_output(CK_RV (*call)(CK_BYTE_PTR buffer, CK_ULONG_PTR length), size_t room)
{
    CK_ULONG length = 0;
    call(NULL, &length);
    CK_BYTE *buffer = room_for(room);
    length = room;
    if (call(buffer, &length) == CKR_OK)
        check(length <= room);
    free(buffer);
}

static CK_BYTE some_data[1];

static CK_RV sign(CK_BYTE_PTR buffer, CK_ULONG_PTR length)
{
    return C_Sign(1, some_data, 1, buffer, length);
}

static CK_RV sign_final(CK_BYTE_PTR buffer, CK_ULONG_PTR length)
{
    return C_SignFinal(1, buffer, length);
}

static CK_RV digest(CK_BYTE_PTR buffer, CK_ULONG_PTR length)
{
    return C_Digest(1, some_data, 1, buffer, length);
}

static CK_RV digest_final(CK_BYTE_PTR buffer, CK_ULONG_PTR length)
{
    return C_DigestFinal(1, buffer, length);
}

static CK_RV encrypt(CK_BYTE_PTR buffer, CK_ULONG_PTR length)
{
    return C_Encrypt(1, some_data, 1, buffer, length);
}

static CK_RV decrypt(CK_BYTE_PTR buffer, CK_ULONG_PTR length)
{
    return C_Decrypt(1, some_data, 1, buffer, length);
}

static CK_RV random_bytes(CK_BYTE_PTR buffer, CK_ULONG_PTR length)
{
    return buffer == NULL ? CKR_OK : C_GenerateRandom(1, buffer, *length);
}

/* Functions that fill a list of numbers or tell its length. */
static void take_numbers(CK_RV (*call)(CK_ULONG_PTR list, CK_ULONG_PTR count), size_t room)
{
    CK_ULONG count = 0;
    call(NULL, &count);
    CK_ULONG *list = room_for(room * sizeof *list);
    count = room;
    if (call(list, &count) == CKR_OK)
        check(count <= room);
    free(list);
}

static CK_RV slots(CK_ULONG_PTR list, CK_ULONG_PTR count)
{
    return C_GetSlotList(CK_TRUE, list, count);
}

static CK_RV mechanisms(CK_ULONG_PTR list, CK_ULONG_PTR count)
{
    return C_GetMechanismList(0, list, count);
}

static CK_RV objects(CK_ULONG_PTR list, CK_ULONG_PTR count)
{
    return list == NULL ? CKR_OK : C_FindObjects(1, list, *count, count);
}

/* Three attributes with room for each, the second asked for its length alone. */
static void take_attributes(size_t room)
{
    CK_ATTRIBUTE template[3];
    size_t sizes[] = {room, 0, room / 2};
    for (size_t i = 0; i < 3; i++)
        template[i] = (CK_ATTRIBUTE){
            .type = i, .pValue = i == 1 ? NULL : room_for(sizes[i]), .ulValueLen = sizes[i]};
    CK_ULONG count = room == 0 ? 1 : 3;
    C_GetAttributeValue(1, 1, template, count);
    for (size_t i = 0; i < 3; i++) {
        bool told = template[i].ulValueLen == CK_UNAVAILABLE_INFORMATION;
        if (template[i].pValue != NULL && !told && template[i].ulValueLen <= sizes[i] && i < count)
            memset(template[i].pValue, 0, template[i].ulValueLen);
        free(template[i].pValue);
    }
}

static void take_rest(uint16_t call)
{
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_MECHANISM_INFO mechanism_info;
    CK_SESSION_INFO session;
    CK_ULONG number;
    CK_MECHANISM mechanism = {.mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN};
    if (call == wire_get_slot_info(NULL, NULL).call->id)
        C_GetSlotInfo(0, &slot);
    else if (call == wire_get_token_info(NULL, NULL).call->id)
        C_GetTokenInfo(0, &token);
    else if (call == wire_get_mechanism_info(NULL, NULL).call->id)
        C_GetMechanismInfo(0, CKM_ECDSA, &mechanism_info);
    else if (call == wire_get_session_info(NULL, NULL).call->id)
        C_GetSessionInfo(1, &session);
    else if (call == wire_get_object_size(NULL, NULL).call->id)
        C_GetObjectSize(1, 1, &number);
    else if (call == wire_create_object(NULL, NULL).call->id)
        C_CreateObject(1, NULL, 0, &number);
    else if (call == wire_copy_object(NULL, NULL).call->id)
        C_CopyObject(1, 1, NULL, 0, &number);
    else if (call == wire_generate_key_pair(NULL, NULL).call->id)
        C_GenerateKeyPair(1, &mechanism, NULL, 0, NULL, 0, &number, &number);
    else
        C_VerifyFinal(1, some_data, 1);
}

static void ask(uint16_t call, size_t room)
{
    if (call == wire_sign(NULL, NULL).call->id)
        take_output(sign, room);
    else if (call == wire_sign_final(NULL, NULL).call->id)
        take_output(sign_final, room);
    else if (call == wire_digest(NULL, NULL).call->id)
        take_output(digest, room);
    else if (call == wire_digest_final(NULL, NULL).call->id)
        take_output(digest_final, room);
    else if (call == wire_encrypt(NULL, NULL).call->id)
        take_output(encrypt, room);
    else if (call == wire_decrypt(NULL, NULL).call->id)
        take_output(decrypt, room);
    else if (call == wire_generate_random(NULL, NULL).call->id)
        take_output(random_bytes, room);
    else if (call == wire_get_slot_list(NULL, NULL).call->id)
        take_numbers(slots, room);
    else if (call == wire_get_mechanism_list(NULL, NULL).call->id)
        take_numbers(mechanisms, room);
    else if (call == wire_find_objects(NULL, NULL).call->id)
        take_numbers(objects, room);
    else if (call == wire_get_attribute_value(NULL, NULL).call->id)
        take_attributes(room);
    else
        take_rest(call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    answer = data + 1;
    answer_length = size - 1;
    struct wire_reader reader = wire_reader_of(answer, answer_length);
    ask(wire_get_u16(&reader), data[0]);
    return 0;
}
