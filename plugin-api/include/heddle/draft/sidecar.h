/* SPDX-License-Identifier: Apache-2.0
 *
 * DRAFT. Kind "sidecar": work done by another process, over its own protocol. May change until it moves out of draft/.
 *
 * The plugin speaks the protocol; the host forks, limits, restarts and reaps, and decides what is assigned to whom.
 */
#ifndef HEDDLE_DRAFT_SIDECAR_H
#define HEDDLE_DRAFT_SIDECAR_H

#include "../call.h"
#include "../object.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEDDLE_KIND_SIDECAR "heddle.sidecar/1"
typedef struct heddle_sidecar {
    uint32_t      struct_size;
    heddle_object base;
    /* [lane] Connects; the result is the worker's {"version", "capabilities", "slots"}. */
    void (*connect)(void *self, heddle_str endpoint, heddle_op *op) HEDDLE_FN;
    /* [lane] Gives one task to the worker. Progress is emitted on port 0, the result completes the call. */
    void (*assign)(void *self, const heddle_value *task, heddle_call *call) HEDDLE_FN;
    /* [any] Asks the worker to give a task up; the assigned call is still completed. */
    void (*cancel)(void *self, heddle_str task, heddle_str reason) HEDDLE_FN;
    /* [lane] No new tasks; completed when the worker has none left. */
    void (*drain)(void *self, heddle_op *op) HEDDLE_FN;
    /* [lane] Result: {"healthy", "slots", …}. */
    void (*probe)(void *self, heddle_op *op) HEDDLE_FN;
} heddle_sidecar;

#ifdef __cplusplus
}
#endif
#endif
