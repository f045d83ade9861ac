/* Digests and random numbers (PKCS#11 v2.40, sections 5.10 and 5.15). */
#include "marshal.h"
#include "module.h"

#include <string.h>

CK_RV C_DigestInit(CK_SESSION_HANDLE hSession, CK_MECHANISM_PTR pMechanism)
{
    struct wire_digest_init_request request = {.session = hSession};
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    rv = marshal_mechanism(pMechanism, &request.mechanism);
    return rv == CKR_OK ? module_call_plain(wire_digest_init(&request)) : rv;
}

static CK_RV send_digest_update(CK_SESSION_HANDLE hSession, struct wire_bytes part)
{
    struct wire_digest_update_request request = {.session = hSession, .part = part};
    return module_call_plain(wire_digest_update(&request));
}

CK_RV C_Digest(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pData, CK_ULONG ulDataLen, CK_BYTE_PTR pDigest,
               CK_ULONG_PTR pulDigestLen)
{
    static const struct marshal_whole functions = {C_Digest, send_digest_update, C_DigestFinal};
    struct wire_digest_response response;
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (!marshal_is_readable(pData, ulDataLen) || pulDigestLen == NULL)
        return module_refuse(hSession, CKF_DIGEST, CKR_ARGUMENTS_BAD);
    if (ulDataLen > MARSHAL_MAX_DATA)
        return marshal_whole(hSession, pData, ulDataLen, pDigest, pulDigestLen, &functions);
    struct wire_digest_request request = {.session = hSession,
                                          .data = marshal_bytes(pData, ulDataLen),
                                          .digest = marshal_capacity(pDigest, *pulDigestLen)};
    struct exchange exchange = wire_digest(&request, &response);
    rv = module_call(&exchange);
    rv = marshal_output(&exchange, rv, &response.digest, pDigest, pulDigestLen);
    exchange_release(&exchange);
    return rv;
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pPart, CK_ULONG ulPartLen)
{
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (!marshal_is_readable(pPart, ulPartLen))
        return module_refuse(hSession, CKF_DIGEST, CKR_ARGUMENTS_BAD);
    return marshal_parts(hSession, pPart, ulPartLen, send_digest_update);
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pDigest, CK_ULONG_PTR pulDigestLen)
{
    struct wire_digest_final_response response;
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (pulDigestLen == NULL)
        return module_refuse(hSession, CKF_DIGEST, CKR_ARGUMENTS_BAD);
    struct wire_digest_final_request request = {.session = hSession,
                                                .digest = marshal_capacity(pDigest, *pulDigestLen)};
    struct exchange exchange = wire_digest_final(&request, &response);
    rv = module_call(&exchange);
    rv = marshal_output(&exchange, rv, &response.digest, pDigest, pulDigestLen);
    exchange_release(&exchange);
    return rv;
}

CK_RV C_SeedRandom(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pSeed, CK_ULONG ulSeedLen)
{
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (!marshal_is_readable(pSeed, ulSeedLen))
        return CKR_ARGUMENTS_BAD;
    if (ulSeedLen > MARSHAL_MAX_DATA)
        return CKR_RANDOM_SEED_NOT_SUPPORTED;
    struct wire_seed_random_request request = {.session = hSession, .seed = marshal_bytes(pSeed, ulSeedLen)};
    return module_call_plain(wire_seed_random(&request));
}

static CK_RV generate_part(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pRandomData, CK_ULONG length)
{
    struct wire_generate_random_request request = {.session = hSession, .length = length};
    struct wire_generate_random_response response;
    struct exchange exchange = wire_generate_random(&request, &response);
    CK_RV rv = module_call(&exchange);
    if (rv == CKR_OK && response.bytes.length != length)
        rv = CKR_DEVICE_ERROR;
    if (rv == CKR_OK && length > 0)
        memcpy(pRandomData, response.bytes.data, length);
    exchange_release(&exchange);
    return rv;
}

CK_RV C_GenerateRandom(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pRandomData, CK_ULONG ulRandomLen)
{
    CK_RV rv = module_check_session(hSession);
    if (rv != CKR_OK)
        return rv;
    if (!marshal_is_readable(pRandomData, ulRandomLen))
        return CKR_ARGUMENTS_BAD;
    do {
        CK_ULONG length = ulRandomLen < MARSHAL_MAX_DATA ? ulRandomLen : MARSHAL_MAX_DATA;
        rv = generate_part(hSession, pRandomData, length);
        ulRandomLen -= length;
        pRandomData = length == 0 ? pRandomData : pRandomData + length;
    } while (rv == CKR_OK && ulRandomLen > 0);
    return rv;
}
