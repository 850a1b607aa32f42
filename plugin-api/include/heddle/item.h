/* SPDX-License-Identifier: Apache-2.0
 *
 * The envelope of a value on its way through a pipeline. What a node emits inherits the envelope of the call it emits from.
 */
#ifndef HEDDLE_ITEM_H
#define HEDDLE_ITEM_H

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Filled by call->item(); set struct_size first. */
typedef struct heddle_item {
    uint32_t  struct_size;
    uint32_t  attempt;     /* 1 for the first */
    heddle_id id;          /* unique in the run; an idempotency key together with the run's id */
    uint64_t  sequence;    /* the position of the input item this one descends from, from 1; not unique after a split */
    uint64_t  deadline_ns; /* CLOCK_MONOTONIC; 0: none */
} heddle_item;

#ifdef __cplusplus
}
#endif
#endif
