/* SPDX-License-Identifier: Apache-2.0
 *
 * DRAFT. Kind "chain": transactions and events of a chain. May change until it moves out of draft/.
 *
 * Keys stay in the host (heddle.signer/1): the plugin prepares, the host signs, the plugin submits.
 */
#ifndef HEDDLE_DRAFT_CHAIN_H
#define HEDDLE_DRAFT_CHAIN_H

#include "../call.h"
#include "../object.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEDDLE_KIND_CHAIN "heddle.chain/1"
typedef struct heddle_chain {
    uint32_t      struct_size;
    heddle_object base;
    /* [lane] No side effect. Result: the unsigned transaction with its fees. */
    void (*prepare)(void *self, const heddle_value *intent, heddle_op *op) HEDDLE_FN;
    /* [lane] The same key twice is one transaction. Result: its id. */
    void (*submit)(void *self, heddle_str idempotency_key, const heddle_value *signed_tx, heddle_op *op) HEDDLE_FN;
    /* [lane] Result: pending, included (block, depth), final, dropped. */
    void (*query)(void *self, heddle_str tx, heddle_op *op) HEDDLE_FN;
    /* [lane] Emits events on port 0 until cancelled; a reorganisation emits the removals. */
    void (*watch)(void *self, const heddle_value *filter, heddle_call *stream) HEDDLE_FN;
    /* [lane] A replacement with other fees, or a cancellation. Result: the unsigned transaction. */
    void (*replace)(void *self, heddle_str tx, const heddle_value *fees, heddle_op *op) HEDDLE_FN;
} heddle_chain;

#ifdef __cplusplus
}
#endif
#endif
