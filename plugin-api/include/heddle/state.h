/* SPDX-License-Identifier: Apache-2.0
 *
 * heddle.state/1: an extension of an object that wants to remember something from one run to the next ("state": "keep").
 */
#ifndef HEDDLE_STATE_H
#define HEDDLE_STATE_H

#include "abi.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEDDLE_STATE "heddle.state/1"
typedef struct heddle_state {
    uint32_t struct_size;
    /* [start] After the last call, before deactivate: a new reference, or null: nothing to keep. */
    heddle_value *(*save)(void *self) HEDDLE_FN;
    /* [start] Before activate: what save gave at the end of the last run; borrowed. A failure refuses the start. */
    heddle_status (*restore)(void *self, const heddle_value *saved) HEDDLE_FN;
} heddle_state;

#ifdef __cplusplus
}
#endif
#endif
