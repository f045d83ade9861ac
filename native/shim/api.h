/* The PKCS#11 header of the system, with its functions visible outside the module. */
#ifndef MHSM_SHIM_API_H
#define MHSM_SHIM_API_H

#pragma GCC visibility push(default)
#include <p11-kit/pkcs11.h>
#pragma GCC visibility pop

#endif
