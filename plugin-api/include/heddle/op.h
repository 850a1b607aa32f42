/* SPDX-License-Identifier: Apache-2.0
 *
 * heddle.op/1: one pending answer. Every answer in this ABI, of every kind, comes through here.
 *
 * An op is completed exactly once, from any thread, also before the call that started it has returned. It is dead after that. A second,
 * a late and a missing completion are faults which the host detects and reports under the plugin's name; they are not undefined
 * behaviour as long as the plugin's object lives.
 */
#ifndef HEDDLE_OP_H
#define HEDDLE_OP_H

#include "abi.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct heddle_op heddle_op;

#define HEDDLE_OP "heddle.op/1"
typedef struct heddle_op_service {
    uint32_t struct_size;

    /* [any] CLOCK_MONOTONIC nanoseconds; 0: none. */
    uint64_t (*deadline_ns)(const heddle_op *op) HEDDLE_FN;

    /* [any] True once nobody wants the answer any more. complete() is still owed. */
    bool (*is_cancelled)(const heddle_op *op) HEDDLE_FN;

    /* [any] W3C traceparent, or empty. Lives with op. */
    heddle_str (*trace)(const heddle_op *op) HEDDLE_FN;

    /* [any] The answer. status OK: result_or_null is the value, where the call has one. status < 0: `why` says the reason in the user's
     * words (copied), result_or_null carries details; a STRING "code" among them names the failure. result_or_null is consumed. */
    void (*complete)(heddle_op *op, heddle_status status, heddle_value *result_or_null, heddle_str why) HEDDLE_FN;
} heddle_op_service;

#ifdef __cplusplus
}
#endif
#endif
