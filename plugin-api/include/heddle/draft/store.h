/* SPDX-License-Identifier: Apache-2.0
 *
 * DRAFT. Kind "store": ordered keys with versions, atomic batches, group commit. May change until it moves out of draft/.
 *
 * Keys are bytes in lexicographic order. A write is acknowledged when it is durable.
 */
#ifndef HEDDLE_DRAFT_STORE_H
#define HEDDLE_DRAFT_STORE_H

#include "../call.h"
#include "../object.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEDDLE_KIND_STORE "heddle.store/1"
typedef struct heddle_store {
    uint32_t      struct_size;
    heddle_object base;
    /* [lane] Result: {"value", "version"}; NOT_FOUND. */
    void (*get)(void *self, heddle_str key, heddle_op *op) HEDDLE_FN;
    /* [lane] if_version "": whatever is there; "0": only if absent; else only that version, or CONFLICT. Result: the new version. */
    void (*put)(void *self, heddle_str key, const heddle_value *v, heddle_str if_version, heddle_op *op) HEDDLE_FN;
    /* [lane] if_version as in put. */
    void (*erase)(void *self, heddle_str key, heddle_str if_version, heddle_op *op) HEDDLE_FN;
    /* [lane] range: {"from", "until", "limit"}. Emits [key, value, version] in order on port 0. */
    void (*scan)(void *self, const heddle_value *range, heddle_call *stream) HEDDLE_FN;
    /* [lane] writes: a list of puts and erases; all of them or none. */
    void (*commit)(void *self, const heddle_value *writes, heddle_op *op) HEDDLE_FN;
} heddle_store;

#ifdef __cplusplus
}
#endif
#endif
