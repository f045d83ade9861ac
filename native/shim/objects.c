/* Object management and key pairs (PKCS#11 v2.40, sections 5.7 and 5.14). */
#include "marshal.h"
#include "module.h"

#include <string.h>

/* One answer's worth; a caller that offers room for more calls again, as it must anyway until nothing comes.
 */
#define MAX_FOUND 65536

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE hSession, CK_ATTRIBUTE_PTR pTemplate, CK_ULONG ulCount)
{
    struct wire_writer items = {.data = NULL};
    struct wire_find_objects_init_request request = {.session = hSession};
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    rv = marshal_template(pTemplate, ulCount, &items, &request.template);
    if (rv == CKR_OK)
        rv = module_call_plain(wire_find_objects_init(&request));
    wire_release(&items);
    return rv;
}

CK_RV C_FindObjects(CK_SESSION_HANDLE hSession, CK_OBJECT_HANDLE_PTR phObject, CK_ULONG ulMaxObjectCount,
                    CK_ULONG_PTR pulObjectCount)
{
    struct wire_find_objects_request request = {.session = hSession, .max = ulMaxObjectCount};
    struct wire_find_objects_response response;
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (!marshal_is_readable(phObject, ulMaxObjectCount) || pulObjectCount == NULL)
        return CKR_ARGUMENTS_BAD;
    if (request.max > MAX_FOUND)
        request.max = MAX_FOUND;
    struct exchange exchange = wire_find_objects(&request, &response);
    rv = module_call(&exchange);
    if (rv == CKR_OK && response.handles.count > request.max)
        rv = CKR_DEVICE_ERROR;
    if (rv == CKR_OK) {
        struct wire_reader reader = wire_items(&response.handles);
        for (uint32_t i = 0; i < response.handles.count; i++)
            phObject[i] = wire_get_ulong(&reader);
        *pulObjectCount = response.handles.count;
    }
    exchange_release(&exchange);
    return rv;
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE hSession)
{
    struct wire_find_objects_final_request request = {.session = hSession};
    CK_RV rv = module_check_session(hSession);
    return rv == CKR_OK ? module_call_plain(wire_find_objects_final(&request)) : rv;
}

static bool fits(const CK_ATTRIBUTE *attribute, const struct wire_output *output)
{
    if (output->bytes.data == NULL)
        return true;
    return attribute->pValue != NULL && output->bytes.length == output->length &&
           attribute->ulValueLen != CK_UNAVAILABLE_INFORMATION && output->length <= attribute->ulValueLen;
}

/* All are looked at before the first is written: an answer that is wrong somewhere changes nothing. */
static CK_RV fill_template(CK_ATTRIBUTE_PTR pTemplate, CK_ULONG ulCount, const struct wire_list *results,
                           CK_RV rv)
{
    if (results->count != ulCount)
        return CKR_DEVICE_ERROR;
    struct wire_reader reader = wire_items(results);
    for (CK_ULONG i = 0; i < ulCount; i++) {
        struct wire_output output = wire_get_output(&reader);
        bool is_missing = output.bytes.data == NULL && pTemplate[i].pValue != NULL;
        if (!fits(&pTemplate[i], &output) || (rv == CKR_OK && is_missing))
            return CKR_DEVICE_ERROR;
    }
    reader = wire_items(results);
    for (CK_ULONG i = 0; i < ulCount; i++) {
        struct wire_output output = wire_get_output(&reader);
        if (output.bytes.length > 0)
            memcpy(pTemplate[i].pValue, output.bytes.data, output.bytes.length);
        pTemplate[i].ulValueLen = output.length;
    }
    return rv;
}

/* Some codes come with the rest of the template filled (section 5.7.5), so whatever results there are are
 * used. */
CK_RV C_GetAttributeValue(CK_SESSION_HANDLE hSession, CK_OBJECT_HANDLE hObject, CK_ATTRIBUTE_PTR pTemplate,
                          CK_ULONG ulCount)
{
    struct wire_writer items = {.data = NULL};
    struct wire_get_attribute_value_response response;
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (!marshal_is_readable(pTemplate, ulCount))
        return CKR_ARGUMENTS_BAD;
    for (CK_ULONG i = 0; i < ulCount && !items.failed; i++) {
        wire_put_ulong(&items, pTemplate[i].type);
        wire_put_capacity(&items, marshal_capacity(pTemplate[i].pValue, pTemplate[i].ulValueLen));
    }
    if (items.failed) {
        wire_release(&items);
        return CKR_ARGUMENTS_BAD;
    }
    struct wire_get_attribute_value_request request = {
        .session = hSession, .object = hObject, .queries = wire_list_of(&items, (uint32_t)ulCount)};
    struct exchange exchange = wire_get_attribute_value(&request, &response);
    rv = module_call(&exchange);
    if (exchange.has_fields)
        rv = fill_template(pTemplate, ulCount, &response.results, rv);
    exchange_release(&exchange);
    wire_release(&items);
    return rv;
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE hSession, CK_OBJECT_HANDLE hObject, CK_ATTRIBUTE_PTR pTemplate,
                          CK_ULONG ulCount)
{
    struct wire_writer items = {.data = NULL};
    struct wire_set_attribute_value_request request = {.session = hSession, .object = hObject};
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    rv = marshal_template(pTemplate, ulCount, &items, &request.template);
    if (rv == CKR_OK)
        rv = module_call_plain(wire_set_attribute_value(&request));
    wire_release(&items);
    return rv;
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE hSession, CK_OBJECT_HANDLE hObject, CK_ULONG_PTR pulSize)
{
    struct wire_get_object_size_request request = {.session = hSession, .object = hObject};
    struct wire_get_object_size_response response;
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (pulSize == NULL)
        return CKR_ARGUMENTS_BAD;
    struct exchange exchange = wire_get_object_size(&request, &response);
    rv = module_call(&exchange);
    if (rv == CKR_OK)
        *pulSize = response.size;
    exchange_release(&exchange);
    return rv;
}

CK_RV C_CreateObject(CK_SESSION_HANDLE hSession, CK_ATTRIBUTE_PTR pTemplate, CK_ULONG ulCount,
                     CK_OBJECT_HANDLE_PTR phObject)
{
    struct wire_writer items = {.data = NULL};
    struct wire_create_object_request request = {.session = hSession};
    struct wire_create_object_response response;
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (phObject == NULL)
        return CKR_ARGUMENTS_BAD;
    rv = marshal_template(pTemplate, ulCount, &items, &request.template);
    struct exchange exchange = wire_create_object(&request, &response);
    if (rv == CKR_OK)
        rv = module_call(&exchange);
    if (rv == CKR_OK)
        *phObject = response.object;
    exchange_release(&exchange);
    wire_release(&items);
    return rv;
}

CK_RV C_CopyObject(CK_SESSION_HANDLE hSession, CK_OBJECT_HANDLE hObject, CK_ATTRIBUTE_PTR pTemplate,
                   CK_ULONG ulCount, CK_OBJECT_HANDLE_PTR phNewObject)
{
    struct wire_writer items = {.data = NULL};
    struct wire_copy_object_request request = {.session = hSession, .object = hObject};
    struct wire_copy_object_response response;
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (phNewObject == NULL)
        return CKR_ARGUMENTS_BAD;
    rv = marshal_template(pTemplate, ulCount, &items, &request.template);
    struct exchange exchange = wire_copy_object(&request, &response);
    if (rv == CKR_OK)
        rv = module_call(&exchange);
    if (rv == CKR_OK)
        *phNewObject = response.copy;
    exchange_release(&exchange);
    wire_release(&items);
    return rv;
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE hSession, CK_OBJECT_HANDLE hObject)
{
    struct wire_destroy_object_request request = {.session = hSession, .object = hObject};
    CK_RV rv = module_check_session(hSession);
    return rv == CKR_OK ? module_call_plain(wire_destroy_object(&request)) : rv;
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE hSession, CK_MECHANISM_PTR pMechanism,
                        CK_ATTRIBUTE_PTR pPublicKeyTemplate, CK_ULONG ulPublicKeyAttributeCount,
                        CK_ATTRIBUTE_PTR pPrivateKeyTemplate, CK_ULONG ulPrivateKeyAttributeCount,
                        CK_OBJECT_HANDLE_PTR phPublicKey, CK_OBJECT_HANDLE_PTR phPrivateKey)
{
    struct wire_writer public_items = {.data = NULL};
    struct wire_writer private_items = {.data = NULL};
    struct wire_generate_key_pair_request request = {.session = hSession};
    struct wire_generate_key_pair_response response;
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (phPublicKey == NULL || phPrivateKey == NULL)
        return CKR_ARGUMENTS_BAD;
    rv = marshal_mechanism(pMechanism, &request.mechanism);
    if (rv == CKR_OK)
        rv = marshal_template(pPublicKeyTemplate, ulPublicKeyAttributeCount, &public_items,
                              &request.public_template);
    if (rv == CKR_OK)
        rv = marshal_template(pPrivateKeyTemplate, ulPrivateKeyAttributeCount, &private_items,
                              &request.private_template);
    struct exchange exchange = wire_generate_key_pair(&request, &response);
    if (rv == CKR_OK)
        rv = module_call(&exchange);
    if (rv == CKR_OK) {
        *phPublicKey = response.public_key;
        *phPrivateKey = response.private_key;
    }
    exchange_release(&exchange);
    wire_release(&public_items);
    wire_release(&private_items);
    return rv;
}
