/* General purpose functions (PKCS#11 v2.40, section 5.4). None of them asks the agent about objects or
 * sessions. */
#include "functions.h"
#include "marshal.h"
#include "module.h"

#define LIBRARY_VERSION_MAJOR 0
#define LIBRARY_VERSION_MINOR 1

static struct wire_bytes text_of(const char *text, size_t length)
{
    return (struct wire_bytes){.data = (const uint8_t *)text, .length = length};
}

#define TEXT(literal) text_of(literal, sizeof literal - 1)

static CK_RV check_arguments(const CK_C_INITIALIZE_ARGS *arguments)
{
    if (arguments == NULL)
        return CKR_OK;
    if (arguments->pReserved != NULL)
        return CKR_ARGUMENTS_BAD;
    bool create = arguments->CreateMutex != NULL;
    bool destroy = arguments->DestroyMutex != NULL;
    bool lock = arguments->LockMutex != NULL;
    bool unlock = arguments->UnlockMutex != NULL;
    if (create != destroy || create != lock || create != unlock)
        return CKR_ARGUMENTS_BAD;
    /* The module locks with the system's means, always; a caller that forbids them cannot be served. */
    if (create && (arguments->flags & CKF_OS_LOCKING_OK) == 0)
        return CKR_CANT_LOCK;
    return CKR_OK;
}

CK_RV C_Initialize(CK_VOID_PTR pInitArgs)
{
    CK_RV rv = check_arguments(pInitArgs);
    return rv == CKR_OK ? module_initialize() : rv;
}

CK_RV C_Finalize(CK_VOID_PTR pReserved)
{
    return pReserved == NULL ? module_finalize() : CKR_ARGUMENTS_BAD;
}

CK_RV C_GetInfo(CK_INFO_PTR pInfo)
{
    CK_RV rv = module_check();
    if (rv != CKR_OK)
        return rv;
    if (pInfo == NULL)
        return CKR_ARGUMENTS_BAD;
    pInfo->cryptokiVersion = function_list.version;
    marshal_padded(pInfo->manufacturerID, sizeof pInfo->manufacturerID, TEXT("mhsm-pkcs11"));
    pInfo->flags = 0;
    marshal_padded(pInfo->libraryDescription, sizeof pInfo->libraryDescription,
                   TEXT("Azure Managed HSM TLS offload"));
    pInfo->libraryVersion = (CK_VERSION){LIBRARY_VERSION_MAJOR, LIBRARY_VERSION_MINOR};
    return CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR ppFunctionList)
{
    if (ppFunctionList == NULL)
        return CKR_ARGUMENTS_BAD;
    *ppFunctionList = (CK_FUNCTION_LIST_PTR)&function_list;
    return CKR_OK;
}
