/* SPDX-License-Identifier: Apache-2.0
 *
 * DRAFT. heddle.sidecars/1: work that is done by worker processes, over any installed sidecar protocol. May change until it moves out of draft/.
 *
 * The host keeps the workers, and what is known of them is shared by all who open the same group. It assigns an activity to a worker that has granted credit, and to no other; what finds
 * none waits its turn: by the priority of the caller's lane, then as it came. It does what there is to do about failure: time limits, another run, circuit breakers. Nothing but ids crosses
 * this table, so that both sides may be two processes.
 *
 * An activity is done in runs, one after the other, each with an id of its own; what an earlier run said last as its checkpoint goes with the next one. What had not reached its worker is
 * run again in any case; what had, only where it may be done twice: the manifest says so of the node ("idempotent").
 */
#ifndef HEDDLE_DRAFT_SIDECARS_H
#define HEDDLE_DRAFT_SIDECARS_H

#include "../sidecar.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an activity came to. Borrowed until answered() returns, but for the result. */
typedef struct heddle_activity_answer {
    uint32_t            struct_size;
    heddle_status       status; /* OK; or why not */
    heddle_str          ending; /* "done", "refused" (it does not fit its spec, nor was assigned), "failed" (the worker says so), "lost" (what became of the last run nobody knows), "timed-out", "no-worker" (none
                                 * could be had), "cancelled" */
    heddle_str          why;    /* of a failure: a sentence, with the reason of each run */
    heddle_value       *result; /* OK: a MAP as of `done` in sidecar.h, but that "value" is what the worker's JSON says, or BYTES where it is none. Yours */
    const heddle_value *report; /* MAP: "code" and "class" of a failure, "activity" (its id), "took_ms", "runs": [{"run", "endpoint", "error", "took_ms"}] */
} heddle_activity_answer;

/* Who hears of activities; the table lives as long as the group is open. What one activity hears comes one after the other, perhaps before assign() has returned; ctx is the activity's. */
typedef struct heddle_activity_hearing {
    uint32_t struct_size;
    /* [any] Once for every activity. */
    void (*answered)(void *ctx, heddle_id activity, const heddle_activity_answer *a) HEDDLE_FN;
    /* [any] As `progress` in sidecar.h, with "run" and "endpoint". May be null. */
    void (*progress)(void *ctx, heddle_id activity, const heddle_value *said) HEDDLE_FN;
} heddle_activity_hearing;

#define HEDDLE_SIDECARS "heddle.sidecars/1"
typedef struct heddle_sidecars_service {
    uint32_t struct_size;

    /* [start] A group of workers; 0: failed, and *why is a STRING that says why, a new reference. None of them need be there for it. `options`, a MAP, borrowed until return:
     *   "sidecar"          the protocol, by its name: "execution"
     *   "endpoints"        [{"address", "weight"}]: the workers, all alike; or
     *   "process"          {"command": [STRING], "count": 1, "env": {}, "folder": "", "memory_mb": 0, "stop_ms": 5000}: the host starts them, each at a port of its own on loopback, which takes the
     *                      place of {port} in the command and is HEDDLE_WORKER_PORT in its environment, and starts them again when they end. Not for a manifest that a peer has sent
     * and, where they differ from what stands here:
     *   "params"           {}, of the sidecar type
     *   "spec"             none; path of an activity spec: inputs are checked before an assignment, results after it. "kind": of the spec's activities the one that will be asked for
     *   "broker"           none; {"type", "params", "uploads": ""}: what inputs refer to, if it is no http(s) URL, is an object of this broker (draft/broker.h), and the worker gets a URL for it, good for
     *                      as long as its run may take. With "uploads", which begins the names of results, a run's upload_prefix is the URL to PUT the object UPLOADS ACTIVITY / RUN, and a result
     *                      with that "ref" has the object's name instead
     *   "version"          {"min": "1.0.0", "max": "1.0.0"} of the protocol
     *   "slots"            1, of a worker that does not say how many it has
     *   "load_balance"     "least_connections"; "round_robin", "random", "p2c"
     *   "timeout_ms"       300000, of an activity, with all its runs and waits; "attempt_timeout_ms": 0, of one run; 0: as the activity
     *   "absent_ms"        30000: if no worker has been there for so long, nothing waits for one any more
     *   "grace_ms"         5000: so long a worker may take to give something up before it is cut off
     *   "heartbeat_ms"     0: so often a worker should give a sign of life; 0: it need not
     *   "retry", "circuit_breaker"  as in peers.h; the first wait is 1000 ms. What was lost together with its worker is no failure to a breaker
     *   "reattach_ms"      30000, as in sidecar.h; "probe_ms": 5000, between two probes of a worker; 0: none, and one whose versions do not meet is not tried again
     *   "tls"              none; as in transport.h. Without it a worker on another machine is refused, unless "insecure" is true
     *   "connect_ms"       2000, to reach a worker, for a probe, too; "most_bytes": 67108864, of a message */
    heddle_id (*open)(const heddle_host *h, const heddle_value *options, const heddle_activity_hearing *hearing, heddle_value **why) HEDDLE_FN;

    /* [any] Of `a`, `assignment`, `activity`, `run`, `heartbeat_ms` are the host's to say and ignored. The id of the activity; 0: there is no such group, and nothing is heard. */
    heddle_id (*assign)(const heddle_host *h, heddle_id group, const heddle_assignment *a, void *ctx) HEDDLE_FN;

    /* [any] Nobody wants the result any more: the worker is told `reason`. What is owed comes at once; the worker may take grace_ms longer. */
    void (*cancel)(const heddle_host *h, heddle_id activity, heddle_str reason) HEDDLE_FN;

    /* [start] Cancels what is open, and returns when nothing is heard any more. */
    void (*close)(const heddle_host *h, heddle_id group) HEDDLE_FN;
} heddle_sidecars_service;

#ifdef __cplusplus
}
#endif
#endif
