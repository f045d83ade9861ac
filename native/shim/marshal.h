/* Between the arguments of C_ functions and the fields of the wire. Nothing an agent says can write past a
 * buffer. */
#ifndef MHSM_SHIM_MARSHAL_H
#define MHSM_SHIM_MARSHAL_H

#include "api.h"

#include "../client/wire_calls.h"

#include <stdbool.h>

_Static_assert(sizeof(CK_ULONG) == sizeof(uint64_t), "handles have 52 bits");

/* Data of one call; the rest of a frame is a few numbers. */
#define MARSHAL_MAX_DATA (WIRE_MAX_FRAME_BYTES / 2)

/* NULL is allowed where there is nothing to read. */
static inline bool marshal_is_readable(const void *data, CK_ULONG length)
{
    return data != NULL || length == 0;
}

/* For a field that always has bytes: NULL becomes an empty one. */
struct wire_bytes marshal_bytes(const void *data, CK_ULONG length);
/* For a field that may have none: NULL stays NULL. */
struct wire_bytes marshal_buffer(const void *data, CK_ULONG length);
/* The incoming length says nothing when there is no buffer: callers leave it uninitialised. */
struct wire_capacity marshal_capacity(const void *buffer, CK_ULONG length);
/* CKR_ARGUMENTS_BAD when a pointer is missing. */
CK_RV marshal_mechanism(const CK_MECHANISM *pMechanism, struct wire_mechanism *mechanism);
CK_RV marshal_template(const CK_ATTRIBUTE *pTemplate, CK_ULONG ulCount, struct wire_writer *items,
                       struct wire_list *list);

/* A part may be larger than a frame; parts of a part are as good. An empty one is sent too: the agent may
 * refuse it. */
CK_RV marshal_parts(CK_SESSION_HANDLE hSession, const CK_BYTE *pPart, CK_ULONG ulPartLen,
                    CK_RV (*send)(CK_SESSION_HANDLE hSession, struct wire_bytes part));

/* The data of a one-shot call as parts, for an operation that is known to be active and to have none. */
CK_RV marshal_whole_parts(CK_SESSION_HANDLE hSession, const CK_BYTE *pData, CK_ULONG ulDataLen,
                          CK_RV (*send)(CK_SESSION_HANDLE hSession, struct wire_bytes part));

/* The three functions of a one-shot call that has an output. */
struct marshal_whole {
    CK_RV (*whole)(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pData, CK_ULONG ulDataLen, CK_BYTE_PTR pBuffer,
                   CK_ULONG_PTR pulLength);
    CK_RV (*send)(CK_SESSION_HANDLE hSession, struct wire_bytes part);
    CK_RV (*finish)(CK_SESSION_HANDLE hSession, CK_BYTE_PTR pBuffer, CK_ULONG_PTR pulLength);
};

/*
 * A one-shot call with more data than a frame holds, as parts. The call itself is asked for the length first: it refuses
 * an operation that has parts already, and once parts are sent an operation could not be kept as it was for a caller
 * whose buffer is too small.
 */
CK_RV marshal_whole(CK_SESSION_HANDLE hSession, const CK_BYTE *pData, CK_ULONG ulDataLen, CK_BYTE_PTR pBuffer,
                    CK_ULONG_PTR pulLength, const struct marshal_whole *functions);

/* Section 5.2: the length when it was asked for or the buffer is too small, the bytes when they fit. */
CK_RV marshal_output(const struct exchange *exchange, CK_RV rv, const struct wire_output *output,
                     CK_BYTE_PTR pBuffer, CK_ULONG_PTR pulLength);
/* The same for a list of numbers, whose count the agent always tells. */
CK_RV marshal_numbers(const struct wire_list *list, CK_ULONG_PTR pList, CK_ULONG_PTR pulCount);
/* Fixed length, blank padded, not terminated; cut between two characters. */
void marshal_padded(CK_UTF8CHAR *to, size_t size, struct wire_bytes text);

#endif
