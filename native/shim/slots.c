/* Slot and token management (PKCS#11 v2.40, section 5.5). */
#include "marshal.h"
#include "module.h"

CK_RV C_GetSlotList(CK_BBOOL tokenPresent, CK_SLOT_ID_PTR pSlotList, CK_ULONG_PTR pulCount)
{
    struct wire_get_slot_list_request request = {.token_present = tokenPresent != CK_FALSE};
    struct wire_get_slot_list_response response;
    CK_RV rv = module_check();
    if (rv != CKR_OK)
        return rv;
    if (pulCount == NULL)
        return CKR_ARGUMENTS_BAD;
    struct exchange exchange = wire_get_slot_list(&request, &response);
    rv = module_call(&exchange);
    if (rv == CKR_OK)
        rv = marshal_numbers(&response.slots, pSlotList, pulCount);
    exchange_release(&exchange);
    return rv;
}

static CK_VERSION version_of(uint64_t major, uint64_t minor)
{
    return (CK_VERSION){.major = (CK_BYTE)major, .minor = (CK_BYTE)minor};
}

CK_RV C_GetSlotInfo(CK_SLOT_ID slotID, CK_SLOT_INFO_PTR pInfo)
{
    struct wire_get_slot_info_request request = {.slot = slotID};
    struct wire_get_slot_info_response slot;
    CK_RV rv = module_check();
    if (rv != CKR_OK)
        return rv;
    if (pInfo == NULL)
        return CKR_ARGUMENTS_BAD;
    struct exchange exchange = wire_get_slot_info(&request, &slot);
    rv = module_call(&exchange);
    if (rv == CKR_OK) {
        marshal_padded(pInfo->slotDescription, sizeof pInfo->slotDescription, slot.description);
        marshal_padded(pInfo->manufacturerID, sizeof pInfo->manufacturerID, slot.manufacturer);
        pInfo->flags = slot.flags;
        pInfo->hardwareVersion = version_of(slot.hardware_major, slot.hardware_minor);
        pInfo->firmwareVersion = version_of(slot.firmware_major, slot.firmware_minor);
    }
    exchange_release(&exchange);
    return rv;
}

static void fill_token_info(CK_TOKEN_INFO_PTR pInfo, const struct wire_get_token_info_response *token)
{
    marshal_padded(pInfo->label, sizeof pInfo->label, token->label);
    marshal_padded(pInfo->manufacturerID, sizeof pInfo->manufacturerID, token->manufacturer);
    marshal_padded(pInfo->model, sizeof pInfo->model, token->model);
    marshal_padded(pInfo->serialNumber, sizeof pInfo->serialNumber, token->serial_number);
    pInfo->flags = token->flags;
    pInfo->ulMaxSessionCount = token->max_session_count;
    pInfo->ulSessionCount = token->session_count;
    pInfo->ulMaxRwSessionCount = token->max_rw_session_count;
    pInfo->ulRwSessionCount = token->rw_session_count;
    pInfo->ulMaxPinLen = token->max_pin_len;
    pInfo->ulMinPinLen = token->min_pin_len;
    pInfo->ulTotalPublicMemory = token->total_public_memory;
    pInfo->ulFreePublicMemory = token->free_public_memory;
    pInfo->ulTotalPrivateMemory = token->total_private_memory;
    pInfo->ulFreePrivateMemory = token->free_private_memory;
    pInfo->hardwareVersion = version_of(token->hardware_major, token->hardware_minor);
    pInfo->firmwareVersion = version_of(token->firmware_major, token->firmware_minor);
    marshal_padded(pInfo->utcTime, sizeof pInfo->utcTime, token->utc_time);
}

CK_RV C_GetTokenInfo(CK_SLOT_ID slotID, CK_TOKEN_INFO_PTR pInfo)
{
    struct wire_get_token_info_request request = {.slot = slotID};
    struct wire_get_token_info_response token;
    CK_RV rv = module_check();
    if (rv != CKR_OK)
        return rv;
    if (pInfo == NULL)
        return CKR_ARGUMENTS_BAD;
    struct exchange exchange = wire_get_token_info(&request, &token);
    rv = module_call(&exchange);
    if (rv == CKR_OK)
        fill_token_info(pInfo, &token);
    exchange_release(&exchange);
    return rv;
}

CK_RV C_GetMechanismList(CK_SLOT_ID slotID, CK_MECHANISM_TYPE_PTR pMechanismList, CK_ULONG_PTR pulCount)
{
    struct wire_get_mechanism_list_request request = {.slot = slotID};
    struct wire_get_mechanism_list_response response;
    CK_RV rv = module_check();
    if (rv != CKR_OK)
        return rv;
    if (pulCount == NULL)
        return CKR_ARGUMENTS_BAD;
    struct exchange exchange = wire_get_mechanism_list(&request, &response);
    rv = module_call(&exchange);
    if (rv == CKR_OK)
        rv = marshal_numbers(&response.mechanisms, pMechanismList, pulCount);
    exchange_release(&exchange);
    return rv;
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID slotID, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR pInfo)
{
    struct wire_get_mechanism_info_request request = {.slot = slotID, .mechanism = type};
    struct wire_get_mechanism_info_response response;
    CK_RV rv = module_check();
    if (rv != CKR_OK)
        return rv;
    if (pInfo == NULL)
        return CKR_ARGUMENTS_BAD;
    struct exchange exchange = wire_get_mechanism_info(&request, &response);
    rv = module_call(&exchange);
    if (rv == CKR_OK) {
        pInfo->ulMinKeySize = response.min_key_size;
        pInfo->ulMaxKeySize = response.max_key_size;
        pInfo->flags = response.flags;
    }
    exchange_release(&exchange);
    return rv;
}

/* Slots come from the configuration and stay, so there is never an event, and nothing to wait for. */
CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID_PTR pSlot, CK_VOID_PTR pReserved)
{
    CK_RV rv = module_check();
    if (rv != CKR_OK)
        return rv;
    if (pSlot == NULL || pReserved != NULL)
        return CKR_ARGUMENTS_BAD;
    return (flags & CKF_DONT_BLOCK) != 0 ? CKR_NO_EVENT : CKR_FUNCTION_NOT_SUPPORTED;
}
