#include "marshal.h"

#include <string.h>

struct wire_bytes marshal_bytes(const void *data, CK_ULONG length)
{
    static const uint8_t nothing[1];
    return (struct wire_bytes){.data = data == NULL ? nothing : data, .length = data == NULL ? 0 : length};
}

struct wire_bytes marshal_buffer(const void *data, CK_ULONG length)
{
    return (struct wire_bytes){.data = data, .length = data == NULL ? 0 : length};
}

struct wire_capacity marshal_capacity(const void *buffer, CK_ULONG length)
{
    /* No buffer has this size; a caller that reads an attribute again passes the length of the failure back
     * in. */
    if (length == CK_UNAVAILABLE_INFORMATION)
        length = 0;
    return (struct wire_capacity){.present = buffer != NULL, .bytes = length};
}

CK_RV marshal_mechanism(const CK_MECHANISM *pMechanism, struct wire_mechanism *mechanism)
{
    if (pMechanism == NULL || !marshal_is_readable(pMechanism->pParameter, pMechanism->ulParameterLen))
        return CKR_ARGUMENTS_BAD;
    mechanism->type = pMechanism->mechanism;
    mechanism->parameter = marshal_buffer(pMechanism->pParameter, pMechanism->ulParameterLen);
    return CKR_OK;
}

CK_RV marshal_template(const CK_ATTRIBUTE *pTemplate, CK_ULONG ulCount, struct wire_writer *items,
                       struct wire_list *list)
{
    if (!marshal_is_readable(pTemplate, ulCount))
        return CKR_ARGUMENTS_BAD;
    for (CK_ULONG i = 0; i < ulCount && !items->failed; i++) {
        wire_put_ulong(items, pTemplate[i].type);
        wire_put_buffer(items, marshal_buffer(pTemplate[i].pValue, pTemplate[i].ulValueLen));
    }
    /* More than a frame can hold; also ends the walk through a count that was never set. */
    if (items->failed)
        return CKR_ARGUMENTS_BAD;
    *list = wire_list_of(items, (uint32_t)ulCount);
    return CKR_OK;
}

CK_RV marshal_parts(CK_SESSION_HANDLE hSession, const CK_BYTE *pPart, CK_ULONG ulPartLen,
                    CK_RV (*send)(CK_SESSION_HANDLE hSession, struct wire_bytes part))
{
    for (;;) {
        CK_ULONG length = ulPartLen < MARSHAL_MAX_DATA ? ulPartLen : MARSHAL_MAX_DATA;
        CK_RV rv = send(hSession, marshal_bytes(pPart, length));
        if (rv != CKR_OK || length == ulPartLen)
            return rv;
        ulPartLen -= length;
        pPart += length;
    }
}

CK_RV marshal_whole_parts(CK_SESSION_HANDLE hSession, const CK_BYTE *pData, CK_ULONG ulDataLen,
                          CK_RV (*send)(CK_SESSION_HANDLE hSession, struct wire_bytes part))
{
    CK_RV rv = marshal_parts(hSession, pData, ulDataLen, send);
    /* There is an operation, so it is one that takes its data at once, and no key takes so much. */
    return rv == CKR_OPERATION_NOT_INITIALIZED ? CKR_DATA_LEN_RANGE : rv;
}

CK_RV marshal_whole(CK_SESSION_HANDLE hSession, const CK_BYTE *pData, CK_ULONG ulDataLen, CK_BYTE_PTR pBuffer,
                    CK_ULONG_PTR pulLength, const struct marshal_whole *functions)
{
    CK_ULONG needed = 0;
    CK_RV rv = functions->whole(hSession, NULL, 0, NULL, &needed);
    if (rv != CKR_OK)
        return rv;
    if (pBuffer == NULL || *pulLength < needed) {
        *pulLength = needed;
        return pBuffer == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    }
    rv = marshal_whole_parts(hSession, pData, ulDataLen, functions->send);
    return rv == CKR_OK ? functions->finish(hSession, pBuffer, pulLength) : rv;
}

CK_RV marshal_output(const struct exchange *exchange, CK_RV rv, const struct wire_output *output,
                     CK_BYTE_PTR pBuffer, CK_ULONG_PTR pulLength)
{
    if (!exchange->has_fields || (rv != CKR_OK && rv != CKR_BUFFER_TOO_SMALL))
        return rv;
    if (rv == CKR_OK && pBuffer != NULL) {
        const struct wire_bytes *bytes = &output->bytes;
        if (bytes->data == NULL || bytes->length != output->length || bytes->length > *pulLength)
            return CKR_DEVICE_ERROR;
        memcpy(pBuffer, bytes->data, bytes->length);
    }
    *pulLength = output->length;
    return rv;
}

CK_RV marshal_numbers(const struct wire_list *list, CK_ULONG_PTR pList, CK_ULONG_PTR pulCount)
{
    CK_ULONG room = *pulCount;
    *pulCount = list->count;
    if (pList == NULL)
        return CKR_OK;
    if (room < list->count)
        return CKR_BUFFER_TOO_SMALL;
    struct wire_reader reader = wire_items(list);
    for (uint32_t i = 0; i < list->count; i++)
        pList[i] = wire_get_ulong(&reader);
    return CKR_OK;
}

void marshal_padded(CK_UTF8CHAR *to, size_t size, struct wire_bytes text)
{
    size_t length = text.length < size ? text.length : size;
    while (length > 0 && length < text.length && (text.data[length] & 0xc0) == 0x80)
        length--;
    memset(to, ' ', size);
    memcpy(to, text.data, length);
}
