/* SPDX-License-Identifier: Apache-2.0
 *
 * heddle.call/1: one unit of work for a node: an op with ports.
 *
 * A call brings one input on one port (a source's call, and the call of `finish`, bring none), may emit 0..n values on each output port,
 * and ends with complete() of its op. To filter is to complete without an emit. A failed call's earlier emits stand.
 */
#ifndef HEDDLE_CALL_H
#define HEDDLE_CALL_H

#include "abi.h"
#include "item.h"
#include "op.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct heddle_call heddle_call;

#define HEDDLE_CALL "heddle.call/1"
typedef struct heddle_call_service {
    uint32_t struct_size;

    /* [any] The op to complete; lives until then. It is c itself: (heddle_op *)c is the same handle, where a call per item counts. */
    heddle_op *(*op)(heddle_call *c) HEDDLE_FN;

    /* [any] The index of the input port this call came in by. */
    uint32_t (*port)(const heddle_call *c) HEDDLE_FN;

    /* [any] The input, borrowed until complete() or take(); null where there is none. */
    const heddle_value *(*input)(const heddle_call *c) HEDDLE_FN;

    /* [any] The input, now yours: passing it on costs no count. Take it after the last point at which you can fail: an error item of a
     * call whose input was taken cannot always carry the original. Null where there is none, or it was taken before. */
    heddle_value *(*take)(heddle_call *c) HEDDLE_FN;

    /* [any] Sends v out of output port `port` (its index in the descriptor's list). OK: v is consumed. AGAIN: no room; v is still yours,
     * resume() of the node follows for this call and port. INVALID: no such port, or the call is complete; v is still yours. */
    heddle_status (*emit)(heddle_call *c, uint32_t port, heddle_value *v) HEDDLE_FN;

    /* [any] Envelope of the input: see item.h. False where the call has no input. */
    bool (*item)(const heddle_call *c, heddle_item *out) HEDDLE_FN;

    /* [any] How far it is, for whoever watches the run; nothing is kept of it. A MAP, borrowed: "percent" (INT or FLOAT, 0 to 100) and "message" (STRING), each may be absent, and what else there is
     * to know. Of a call that is complete: ignored. */
    void (*progress)(heddle_call *c, const heddle_value *said) HEDDLE_FN;
} heddle_call_service;

#ifdef __cplusplus
}
#endif
#endif
