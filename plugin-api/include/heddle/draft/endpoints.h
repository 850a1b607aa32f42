/* SPDX-License-Identifier: Apache-2.0
 *
 * DRAFT. heddle.endpoints/1: which of several addresses to ask next. May change until it moves out of draft/.
 *
 * The host learns from what becomes of calls: it keeps away from an endpoint that fails (circuit breaker) or that its owner calls unwell, and picks among the others by weight
 * and load. The calls themselves are the plugin's. Nothing here blocks.
 */
#ifndef HEDDLE_DRAFT_ENDPOINTS_H
#define HEDDLE_DRAFT_ENDPOINTS_H

#include "../host.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t heddle_outcome;
enum {
    HEDDLE_OUTCOME_OK        = 0,
    HEDDLE_OUTCOME_FAILED    = 1, /* the endpoint's fault: counts against it */
    HEDDLE_OUTCOME_ABANDONED = 2  /* says nothing of it */
};

#define HEDDLE_ENDPOINTS "heddle.endpoints/1"
typedef struct heddle_endpoints_service {
    uint32_t struct_size;

    /* [start] A pool; 0: failed, and *why says why, a new reference. `options`, a MAP, borrowed: "endpoints": LIST of {"address", "weight"}; "load_balance" and "circuit_breaker" as in peers.h. Lives as long as
     * the object whose host table h is. */
    heddle_id (*open)(const heddle_host *h, const heddle_value *options, heddle_value **why) HEDDLE_FN;

    /* [any] The endpoint for one call, by its index in `endpoints`; *call names the call. `avoid`: not this one if there is another; UINT32_MAX: none. False: none may be asked, not before *again_ns (CLOCK_MONOTONIC). */
    bool (*pick)(const heddle_host *h, heddle_id pool, uint32_t avoid, uint32_t *endpoint, heddle_id *call, uint64_t *again_ns) HEDDLE_FN;

    /* [any] What became of it, once for each pick. */
    void (*over)(const heddle_host *h, heddle_id pool, heddle_id call, heddle_outcome outcome) HEDDLE_FN;

    /* [any] As its owner sees it. Unwell: it is left out, unless all are. */
    void (*set_well)(const heddle_host *h, heddle_id pool, uint32_t endpoint, bool well) HEDDLE_FN;
} heddle_endpoints_service;

#ifdef __cplusplus
}
#endif
#endif
