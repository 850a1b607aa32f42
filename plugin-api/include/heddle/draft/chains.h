/* SPDX-License-Identifier: Apache-2.0
 *
 * DRAFT. heddle.chains/1: a chain for nodes of any pipeline, over any installed chain type. May change until it moves out of draft/.
 *
 * The host has one object for all who ask for the same type and params, so that they share the account, its numbers and its journal. What is asked and answered stands in chain.h.
 */
#ifndef HEDDLE_DRAFT_CHAINS_H
#define HEDDLE_DRAFT_CHAINS_H

#include "../chain.h"

#ifdef __cplusplus
extern "C" {
#endif

/* [any] The answer, once, perhaps before the call that asked has returned; it must not block. `result` is consumed: of a failure it has the details ("code" …), and may be null. `why` is borrowed
 * until return. */
typedef void (*heddle_chain_answered)(void *ctx, heddle_status status, heddle_value *result, heddle_str why) HEDDLE_FN;

#define HEDDLE_CHAINS "heddle.chains/1"
typedef struct heddle_chains_service {
    uint32_t struct_size;

    /* [start] 0: failed, and *why is a MAP of "code" and "message", a new reference. `options`, a MAP, borrowed: "chain": the type; "params": what it takes. Opens the chain if nobody has, and blocks for that. Transactions need a journal: where
     * the host has no store, submit fails with "no-journal". */
    heddle_id (*open)(const heddle_host *h, const heddle_value *options, heddle_value **why) HEDDLE_FN;

    /* [any] As the functions of the same name in chain.h. The id of what was asked; 0: there is no such chain, and nothing is heard. A key of a transaction is the host's whole: another run that says the same key means
     * the same transaction. */
    heddle_id (*read)(const heddle_host *h, heddle_id chain, const heddle_value *question, heddle_chain_answered answered, void *ctx) HEDDLE_FN;
    heddle_id (*submit)(const heddle_host *h, heddle_id chain, heddle_str key, const heddle_value *intent, heddle_chain_answered answered, void *ctx) HEDDLE_FN;
    heddle_id (*events)(const heddle_host *h, heddle_id chain, const heddle_value *filter, heddle_chain_answered answered, void *ctx) HEDDLE_FN;

    /* [any] The answer is not wanted: it comes at once, as CANCELLED, if it has not come. A transaction that was stored goes its way. */
    void (*cancel)(const heddle_host *h, heddle_id asked) HEDDLE_FN;

    /* [start] Cancels what is open, and returns when nothing is heard any more. */
    void (*close)(const heddle_host *h, heddle_id chain) HEDDLE_FN;

    /* [any] The JSON Pointer that the manifest calls the node's idempotency_key: where the key of an item's transaction is. Empty: none. Lives as long as the object. May be absent. */
    heddle_str (*idempotency_key)(const heddle_host *h) HEDDLE_FN;
} heddle_chains_service;

#ifdef __cplusplus
}
#endif
#endif
