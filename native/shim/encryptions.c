/* Encryption and decryption in one part (PKCS#11 v2.40, sections 5.8 and 5.9). */
#include "marshal.h"
#include "module.h"

CK_RV C_EncryptInit(CK_SESSION_HANDLE hSession, CK_MECHANISM_PTR pMechanism, CK_OBJECT_HANDLE hKey)
{
    struct wire_encrypt_init_request request = {.session = hSession, .key = hKey};
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    rv = marshal_mechanism(pMechanism, &request.mechanism);
    return rv == CKR_OK ? module_call_plain(wire_encrypt_init(&request)) : rv;
}

CK_RV C_Encrypt(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pData, CK_ULONG ulDataLen, CK_BYTE_PTR pEncryptedData,
                CK_ULONG_PTR pulEncryptedDataLen)
{
    struct wire_encrypt_response response;
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (!marshal_is_readable(pData, ulDataLen) || pulEncryptedDataLen == NULL)
        return module_refuse(hSession, CKF_ENCRYPT, CKR_ARGUMENTS_BAD);
    if (ulDataLen > MARSHAL_MAX_DATA)
        return module_refuse(hSession, CKF_ENCRYPT, CKR_DATA_LEN_RANGE);
    struct wire_encrypt_request request = {.session = hSession,
                                           .data = marshal_bytes(pData, ulDataLen),
                                           .encrypted =
                                               marshal_capacity(pEncryptedData, *pulEncryptedDataLen)};
    struct exchange exchange = wire_encrypt(&request, &response);
    rv = module_call(&exchange);
    rv = marshal_output(&exchange, rv, &response.encrypted, pEncryptedData, pulEncryptedDataLen);
    exchange_release(&exchange);
    return rv;
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE hSession, CK_MECHANISM_PTR pMechanism, CK_OBJECT_HANDLE hKey)
{
    struct wire_decrypt_init_request request = {.session = hSession, .key = hKey};
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    rv = marshal_mechanism(pMechanism, &request.mechanism);
    return rv == CKR_OK ? module_call_plain(wire_decrypt_init(&request)) : rv;
}

CK_RV C_Decrypt(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pEncryptedData, CK_ULONG ulEncryptedDataLen,
                CK_BYTE_PTR pData, CK_ULONG_PTR pulDataLen)
{
    struct wire_decrypt_response response;
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (!marshal_is_readable(pEncryptedData, ulEncryptedDataLen) || pulDataLen == NULL)
        return module_refuse(hSession, CKF_DECRYPT, CKR_ARGUMENTS_BAD);
    if (ulEncryptedDataLen > MARSHAL_MAX_DATA)
        return module_refuse(hSession, CKF_DECRYPT, CKR_ENCRYPTED_DATA_LEN_RANGE);
    struct wire_decrypt_request request = {.session = hSession,
                                           .encrypted = marshal_bytes(pEncryptedData, ulEncryptedDataLen),
                                           .data = marshal_capacity(pData, *pulDataLen)};
    struct exchange exchange = wire_decrypt(&request, &response);
    rv = module_call(&exchange);
    rv = marshal_output(&exchange, rv, &response.data, pData, pulDataLen);
    exchange_release(&exchange);
    return rv;
}
