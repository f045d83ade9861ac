/* Signing and verifying (PKCS#11 v2.40, sections 5.11 and 5.12). */
#include "marshal.h"
#include "module.h"

CK_RV C_SignInit(CK_SESSION_HANDLE hSession, CK_MECHANISM_PTR pMechanism, CK_OBJECT_HANDLE hKey)
{
    struct wire_sign_init_request request = {.session = hSession, .key = hKey};
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    rv = marshal_mechanism(pMechanism, &request.mechanism);
    return rv == CKR_OK ? module_call_plain(wire_sign_init(&request)) : rv;
}

/* A part may be larger than a frame; parts of a part are as good. An empty one is still sent: it may be
 * refused. */
static CK_RV send_sign_update(CK_SESSION_HANDLE hSession, struct wire_bytes part)
{
    struct wire_sign_update_request request = {.session = hSession, .part = part};
    return module_call_plain(wire_sign_update(&request));
}

CK_RV C_Sign(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pData, CK_ULONG ulDataLen, CK_BYTE_PTR pSignature,
             CK_ULONG_PTR pulSignatureLen)
{
    static const struct marshal_whole functions = {C_Sign, send_sign_update, C_SignFinal};
    struct wire_sign_response response;
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (!marshal_is_readable(pData, ulDataLen) || pulSignatureLen == NULL)
        return module_refuse(hSession, CKF_SIGN, CKR_ARGUMENTS_BAD);
    if (ulDataLen > MARSHAL_MAX_DATA)
        return marshal_whole(hSession, pData, ulDataLen, pSignature, pulSignatureLen, &functions);
    struct wire_sign_request request = {.session = hSession,
                                        .data = marshal_bytes(pData, ulDataLen),
                                        .signature = marshal_capacity(pSignature, *pulSignatureLen)};
    struct exchange exchange = wire_sign(&request, &response);
    rv = module_call(&exchange);
    rv = marshal_output(&exchange, rv, &response.signature, pSignature, pulSignatureLen);
    exchange_release(&exchange);
    return rv;
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pPart, CK_ULONG ulPartLen)
{
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (!marshal_is_readable(pPart, ulPartLen))
        return module_refuse(hSession, CKF_SIGN, CKR_ARGUMENTS_BAD);
    return marshal_parts(hSession, pPart, ulPartLen, send_sign_update);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pSignature, CK_ULONG_PTR pulSignatureLen)
{
    struct wire_sign_final_response response;
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (pulSignatureLen == NULL)
        return module_refuse(hSession, CKF_SIGN, CKR_ARGUMENTS_BAD);
    struct wire_sign_final_request request = {.session = hSession,
                                              .signature = marshal_capacity(pSignature, *pulSignatureLen)};
    struct exchange exchange = wire_sign_final(&request, &response);
    rv = module_call(&exchange);
    rv = marshal_output(&exchange, rv, &response.signature, pSignature, pulSignatureLen);
    exchange_release(&exchange);
    return rv;
}

CK_RV C_VerifyInit(CK_SESSION_HANDLE hSession, CK_MECHANISM_PTR pMechanism, CK_OBJECT_HANDLE hKey)
{
    struct wire_verify_init_request request = {.session = hSession, .key = hKey};
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    rv = marshal_mechanism(pMechanism, &request.mechanism);
    return rv == CKR_OK ? module_call_plain(wire_verify_init(&request)) : rv;
}

static CK_RV send_verify_update(CK_SESSION_HANDLE hSession, struct wire_bytes part)
{
    struct wire_verify_update_request request = {.session = hSession, .part = part};
    return module_call_plain(wire_verify_update(&request));
}

/* There is no length to ask for first, so what would be refused before any data is asked of the agent by itself. */
static CK_RV verify_in_parts(CK_SESSION_HANDLE hSession, const CK_BYTE *pData, CK_ULONG ulDataLen,
                             CK_BYTE_PTR pSignature, CK_ULONG ulSignatureLen)
{
    struct wire_verify_whole_request request = {.session = hSession, .signature_length = ulSignatureLen};
    CK_RV rv = module_call_plain(wire_verify_whole(&request));
    if (rv == CKR_OK)
        rv = marshal_whole_parts(hSession, pData, ulDataLen, send_verify_update);
    return rv == CKR_OK ? C_VerifyFinal(hSession, pSignature, ulSignatureLen) : rv;
}

CK_RV C_Verify(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pData, CK_ULONG ulDataLen, CK_BYTE_PTR pSignature,
               CK_ULONG ulSignatureLen)
{
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (!marshal_is_readable(pData, ulDataLen) || !marshal_is_readable(pSignature, ulSignatureLen))
        return module_refuse(hSession, CKF_VERIFY, CKR_ARGUMENTS_BAD);
    if (ulDataLen > MARSHAL_MAX_DATA)
        return verify_in_parts(hSession, pData, ulDataLen, pSignature, ulSignatureLen);
    if (ulSignatureLen > MARSHAL_MAX_DATA / 2)
        return module_refuse(hSession, CKF_VERIFY, CKR_SIGNATURE_LEN_RANGE);
    struct wire_verify_request request = {.session = hSession,
                                          .data = marshal_bytes(pData, ulDataLen),
                                          .signature = marshal_bytes(pSignature, ulSignatureLen)};
    return module_call_plain(wire_verify(&request));
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pPart, CK_ULONG ulPartLen)
{
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (!marshal_is_readable(pPart, ulPartLen))
        return module_refuse(hSession, CKF_VERIFY, CKR_ARGUMENTS_BAD);
    return marshal_parts(hSession, pPart, ulPartLen, send_verify_update);
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pSignature, CK_ULONG ulSignatureLen)
{
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (!marshal_is_readable(pSignature, ulSignatureLen))
        return module_refuse(hSession, CKF_VERIFY, CKR_ARGUMENTS_BAD);
    if (ulSignatureLen > MARSHAL_MAX_DATA)
        return module_refuse(hSession, CKF_VERIFY, CKR_SIGNATURE_LEN_RANGE);
    struct wire_verify_final_request request = {.session = hSession,
                                                .signature = marshal_bytes(pSignature, ulSignatureLen)};
    return module_call_plain(wire_verify_final(&request));
}
