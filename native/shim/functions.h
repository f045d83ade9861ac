#ifndef MHSM_SHIM_FUNCTIONS_H
#define MHSM_SHIM_FUNCTIONS_H

#include "api.h"

extern const CK_FUNCTION_LIST function_list;

#endif
