/* SPDX-License-Identifier: Apache-2.0
 *
 * Kind "sidecar": work done by another process, over its own protocol.
 *
 * The plugin speaks the protocol. The host decides what is assigned to whom and for how long, and starts and reaps the processes where it was told to.
 *
 * A worker is one endpoint at which a process takes assignments; an assignment is one run of one activity. Both have an id that the host gives and never gives again; nothing else
 * names them, and no call here answers anything at once: so both sides may be two processes. What is said of an assignment that is done is ignored, for the two sides may have
 * crossed. What one side says of one assignment, or of one worker, it says one after the other.
 *
 * Credit: the host assigns to a worker only as many as the plugin has granted, and each assignment uses one up. What ends gives none back by itself: the plugin grants again when the
 * worker can take more.
 *
 * The descriptor (note.h) of a sidecar type: "sidecar" (its name, as in "sidecar": "execution") and "params" are required; "summary" and "aliases" as in node.h.
 */
#ifndef HEDDLE_DRAFT_SIDECAR_H
#define HEDDLE_DRAFT_SIDECAR_H

#include "host.h"
#include "object.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One run of an activity. All of it is borrowed until the call that carries the struct returns. Set struct_size. */
typedef struct heddle_assignment {
    uint32_t            struct_size;
    uint32_t            heartbeat_ms; /* so often the worker should give a sign of life; 0: it need not */
    heddle_id           assignment;
    heddle_str          activity;     /* what is to be done, once: the same in every run of it */
    heddle_str          run;          /* this run of it */
    heddle_str          workflow;     /* of which it is a part; empty: none */
    heddle_str          kind;         /* which handler, as in an activity spec; empty: the only one */
    heddle_str          version;      /* of the kind; empty: any */
    const heddle_value *inputs;       /* LIST of MAP: "name", "media_type" (may be absent), and one of "value", "bytes" (BYTES), "ref" (STRING: a URL for a GET without other credentials) */
    heddle_str          upload_prefix; /* URLs that begin so take a PUT of what is too large for a message; empty: none. A secret, as refs are */
    heddle_str          checkpoint;   /* from which an earlier run may be gone on with; empty: from the beginning */
    uint64_t            deadline_ns;  /* CLOCK_MONOTONIC: nobody waits for it any longer; 0: none */
    const heddle_value *params;       /* MAP: what this type takes for each assignment, as its descriptor says; null: nothing */
} heddle_assignment;

#define HEDDLE_KIND_SIDECAR "heddle.sidecar/1"
typedef struct heddle_sidecar {
    uint32_t      struct_size;
    heddle_object base;

    /* [start] Gets to a worker, and stays with it: a connection that ends is made again, ever less often, until disconnect. `worker` names it from here on. `options`, a MAP,
     * borrowed until return:
     *   "endpoint"      "host:port", or a URL
     *   "tls"           as in transport.h; absent: none
     *   "version"       {"min", "max"}: which versions of the protocol the host speaks
     *   "slots"         how many assignments at a time, where the worker does not say
     *   "connect_ms"    the most that it takes to reach the worker, up to the end of the handshakes
     *   "reattach_ms"   so long assignments wait for a worker that was lost and can go on with them; then they are done, as UNAVAILABLE
     *   "most_bytes"    of one message
     * all but "tls" are present. op is complete as soon as the options are understood: whether the worker is there, the inbox hears. */
    void (*connect)(void *self, heddle_id worker, const heddle_value *options, heddle_op *op) HEDDLE_FN;

    /* [any] Against credit. Exactly one `done` follows. */
    void (*assign)(void *self, heddle_id worker, const heddle_assignment *a) HEDDLE_FN;

    /* [any] The worker is asked to give it up. What has not ended after `grace_ns` is cut off; then no credit comes back for it before "slots" of the worker are certain to be free. `done`
     * follows in either case. */
    void (*cancel)(void *self, heddle_id assignment, heddle_str reason, uint64_t grace_ns) HEDDLE_FN;

    /* [any] The worker is told that nothing more comes; what it has ends. No credit is granted after that. */
    void (*drain)(void *self, heddle_id worker) HEDDLE_FN;

    /* [any] Asks whether the worker is well, in the manner of the protocol: at most for connect_ms. OK, with a MAP of what it says of itself, or the reason. */
    void (*probe)(void *self, heddle_id worker, heddle_op *op) HEDDLE_FN;

    /* [any] Everything that is open is done, as CANCELLED. Completes op when nothing of the worker is left: the inbox hears nothing of it after that. */
    void (*disconnect)(void *self, heddle_id worker, heddle_op *op) HEDDLE_FN;
} heddle_sidecar;

/* heddle.assignments/1: where a sidecar delivers what workers say. */
#define HEDDLE_ASSIGNMENTS "heddle.assignments/1"
typedef struct heddle_assignments_service {
    uint32_t struct_size;

    /* [any] The worker is there, again perhaps. `facts`, a MAP, borrowed: "version" ({"min", "max"} of the protocol; absent: it has none), "tags" (LIST of STRING: what it can do; absent: not said), "slots"
     * (as it says, or as it was configured), "full" (BOOL: several assignments share a connection, and it goes on with them after a lost one). */
    void (*here)(const heddle_host *h, heddle_id worker, const heddle_value *facts) HEDDLE_FN;

    /* [any] So many more may be assigned. 0 is allowed, and says nothing. */
    void (*grant)(const heddle_host *h, heddle_id worker, uint32_t assignments) HEDDLE_FN;

    /* [any] The worker cannot be reached, or was lost: what was granted and not used is void. `why` is copied; it is said once, until the worker is here again. Versions that do not meet are a
     * reason, too: then nothing is tried again before the next probe. */
    void (*gone)(const heddle_host *h, heddle_id worker, heddle_status status, heddle_str why) HEDDLE_FN;

    /* [any] What a worker says of an assignment meanwhile, a MAP, borrowed: "percent" (INT, 0 to 100), "message", "checkpoint" (STRING), each may be absent; without any, it was taken up. At most
     * 20 a second come of one assignment: the last one counts. */
    void (*progress)(const heddle_host *h, heddle_id assignment, const heddle_value *said) HEDDLE_FN;

    /* [any] The end of an assignment. OK: `result`, a MAP: "status" ("success" or "skipped"), and "value" (BYTES as they came) or "ref" (STRING), each may be absent; of both, "ref" is the result, and "value" what the worker says of it. status < 0: it failed, and
     * result is a MAP of "code", "class" and "message", all STRING. Codes: "failed" (the worker says so), "lost" (what became of it, or of its output, nobody knows), "unsent" (it never reached the worker, or the protocol cannot say it),
     * "cancelled", "deadline", "not-understood". result is consumed. */
    void (*done)(const heddle_host *h, heddle_id assignment, heddle_status status, heddle_value *result) HEDDLE_FN;
} heddle_assignments_service;

#ifdef __cplusplus
}
#endif
#endif
