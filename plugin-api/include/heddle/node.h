/* SPDX-License-Identifier: Apache-2.0
 *
 * Kind "node": one box of a pipeline.
 *
 * The descriptor of a node type is a JSON object (note.h); "node" and "params" are required, the rest has the defaults shown:
 *   "node": "Resize"            the type name that manifests use
 *   "summary": "", "aliases": []
 *   "params": {…}               JSON Schema, draft 7, of the configuration object; say "additionalProperties": false. A text that is a property with
 *                               "writeOnly": true is a secret: the host shows it to nobody
 *   "inputs":  [{"name": "in"}] ports in the order of their indices; [] makes a source: it gets one call without an input
 *   "outputs": [{"name": "out"}]  [] makes a sink. What leaves by a port with "failures": true is a failure, never a result: a map with "error"
 *                               (why, a text) and, where known, "line", "column", "text" (what it was; with "text_bytes", its whole length, if
 *                               it is cut). Where nothing is connected to such a port, each counts as a failed item of the node: it goes to
 *                               the port "error", else to the dead letters
 *   "output_ports_from": []     JSON Pointers into the params, with "-" for every element ("/cases/-/port"), whose string values name
 *                               further output ports, in the order of their first appearance, after those of "outputs"
 *   "manifest_params": ""       a member of the params, an object, to which the host adds the params of the manifest itself (no secrets); what a
 *                               node says there comes first
 *   "concurrency": "serial"     at most one process() at a time per object; "keyed": the same per key; "parallel": any number
 *   "lane": "cpu"               what process() needs: "cpu", "io", "blocking", "device"
 *   "max_in_flight": 0          0: synchronous, every call is complete when process() returns; n: so many calls may be pending at once
 *   "max_batch": 64             the most calls that one process() takes
 *   "timeout_ms": 0             default for a call of this type; 0: none. With a timeout, calls come one by one
 *   "idempotent": false         the same input twice has the effect of once: the host may retry
 *   "stateless": false          nothing is kept of an item once it is answered: whether items share an object or have one each, nobody can tell
 *   "policy": "host"            who does what a policy of the manifest says: the host, by calling again; or, "own", the node: its params have the members
 *                               of a policy, and get those that the node does not say itself
 *   "create_is_pure": false     create() looks at its params and touches nothing outside of its object: the host may call it to check them
 *   "sources": false            it has other manifests run, and the extension of draft/sources.h tells which; its create must be pure
 *   "capabilities": {}          what it needs of a machine: {"gpu": …, "memory_gb": …} as in a manifest
 * Every node has an implicit port "error", which the host serves: it is not listed and cannot be emitted to.
 */
#ifndef HEDDLE_NODE_H
#define HEDDLE_NODE_H

#include "abi.h"
#include "call.h"
#include "object.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEDDLE_KIND_NODE "heddle.node/1"
typedef struct heddle_node {
    uint32_t      struct_size;
    heddle_object base;

    /* [lane] A batch is n independent calls in order of arrival; each is answered alone. The array dies on return, the calls do not. */
    void (*process)(void *self, heddle_call *const *calls, uint32_t n) HEDDLE_FN;

    /* [lane] An emit of c on `port` had answered AGAIN; now there is room. Null: the type never awaits AGAIN. */
    void (*resume)(void *self, heddle_call *c, uint32_t port) HEDDLE_FN;

    /* [any] Nobody waits for c any more: a hint; complete() is still owed. May be null. */
    void (*cancel)(void *self, heddle_call *c) HEDDLE_FN;

    /* [lane] All inputs have ended and all calls are complete: emit what you still hold through c, then complete c. May be null. */
    void (*finish)(void *self, heddle_call *c) HEDDLE_FN;
} heddle_node;

#ifdef __cplusplus
}
#endif
#endif
