/* SPDX-License-Identifier: Apache-2.0
 *
 * DRAFT. heddle.peers/1: calls to services that may be had from several endpoints, over any installed transport. May change until it moves out of
 * draft/.
 *
 * The host keeps the channels, and does what there is to do about failure: time limits, other endpoints, a second try, circuit breakers, probes. What is
 * known of an endpoint is shared by all who open the same group. Nothing but ids crosses this table, so that both sides may be two processes.
 */
#ifndef HEDDLE_DRAFT_PEERS_H
#define HEDDLE_DRAFT_PEERS_H

#include "../host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is asked. Texts and parameters are borrowed until call() returns. Set struct_size. */
typedef struct heddle_peer_call {
    uint32_t            struct_size;
    uint32_t            credit;          /* so many parts of the answer may come before the first grant */
    heddle_str          operation;       /* of those that open() named */
    const heddle_value *parameters;      /* MAP of STRING; null: none */
    heddle_value       *body;            /* null: none. Consumed */
    heddle_str          content_type;    /* of the body; empty: application/json. How it is written stands in transport.h */
    heddle_str          token;           /* bearer; empty: none. A secret */
    heddle_str          trace;           /* W3C traceparent; empty: none. Each attempt goes out as a part of it, with the run's tracestate */
    heddle_str          key;             /* where the group balances by hash: the same key, the same endpoint */
    heddle_str          idempotency_key; /* goes with the call; empty: none, or what the manifest says of the node */
    uint64_t            deadline_ns;     /* CLOCK_MONOTONIC; 0: the group's timeout_ms alone. The sooner of the two counts */
    bool                idempotent;      /* it may be done twice; where the manifest says so of the node, it may in any case */
    const heddle_value *items;           /* LIST: in each the manifest's idempotency_key of the node is found, and all together are that of the call; null: in the body */
} heddle_peer_call;

/* What a call came to. Borrowed until answered() returns, but for the body. */
typedef struct heddle_peer_answer {
    uint32_t            struct_size;
    heddle_status       status;         /* OK; or why not */
    bool                more;           /* parts of the answer follow, and one end */
    uint32_t            retry_after_ms; /* of a failure: not to be tried again before; 0: not said */
    heddle_str          ending;         /* "answered", "refused" (by a peer, for a reason that is not the endpoint's), "timed-out", "breakers-open", "failed" (every attempt), "cancelled" */
    heddle_str          why;            /* of a failure: a sentence, with the reason of each endpoint */
    heddle_value       *body;           /* as the transport gave it; null: none. Yours */
    const heddle_value *report;         /* MAP: "code" and "class" of a failure, "endpoint" that answered, "took_ms", "attempts": [{"number", "endpoint", "error", "took_ms"}] */
} heddle_peer_answer;

/* Who hears of calls; the table lives as long as the group is open. What one call hears comes one after the other, perhaps before call() has returned; ctx is
 * the call's. */
typedef struct heddle_peer_hearing {
    uint32_t struct_size;
    /* [any] Once for every call. An answer with parts comes together with the first of them: one that breaks off before is one more failed attempt. */
    void (*answered)(void *ctx, heddle_id call, const heddle_peer_answer *a) HEDDLE_FN;
    /* [any] v is yours. */
    void (*part)(void *ctx, heddle_id call, heddle_value *v) HEDDLE_FN;
    /* [any] Once, where the answer had `more`. status < 0: it broke off. */
    void (*ended)(void *ctx, heddle_id call, heddle_status status, heddle_str why) HEDDLE_FN;
} heddle_peer_hearing;

#define HEDDLE_PEERS "heddle.peers/1"
typedef struct heddle_peers_service {
    uint32_t struct_size;

    /* [start] A group of peers; 0: failed, and *why is a STRING that says why, a new reference. Nobody need be reached for it. `options`, a MAP, borrowed until return:
     *   "transport"        its name: "http"
     *   "pools"            [[{"address", "weight"}]]: the endpoints, in lists: the second one is for when the first one fails, and so on
     *   "operations"       [{"name", "answer": "value" or "stream", "method", "path"}]: what may be called, as in transport.h
     * and, where they differ from what stands here:
     *   "load_balance"     "round_robin"; "least_connections", "random", "p2c", "hash"
     *   "timeout_ms"       30000, of a call; "attempt_timeout_ms": 0, of one attempt, until its answer begins; 0: as the call
     *   "retry"            {"max_attempts": 3, "initial_backoff_ms": 1000, "max_backoff_ms": 30000, "multiplier": 2, "jitter": "full", "budget_percent": 20}. What is not
     *                      idempotent is tried again only if nothing of it was sent
     *   "circuit_breaker"  {"failure_threshold": 5 in a row, "failure_percent": 50 of "fewest_calls": 20 in "window_ms": 30000, "reset_timeout_ms": 30000,
     *                      "half_open_calls": 3, "success_threshold": 2}; false: none
     *   "hedge"            none; {"after": "p95" (what takes longer than 95 % of the calls did) or "250ms", "max_extra": 1}: of what is idempotent
     *   "probe_ms"         5000, between two probes of an endpoint; 0: none
     *   "tls"              none; as in transport.h
     *   "connect_ms"       2000, to reach a peer, for a probe, too; "most_body_bytes": 16777216, of an answer or a part of one */
    heddle_id (*open)(const heddle_host *h, const heddle_value *options, const heddle_peer_hearing *hearing, heddle_value **why) HEDDLE_FN;

    /* [any] The id of the call; 0: there is no such group, and nothing is heard. */
    heddle_id (*call)(const heddle_host *h, heddle_id group, const heddle_peer_call *c, void *ctx) HEDDLE_FN;

    /* [any] So many more parts may come. */
    void (*grant)(const heddle_host *h, heddle_id call, uint32_t parts) HEDDLE_FN;

    /* [any] Nobody wants the answer any more: the peer is told, as far as the protocol can. What is owed still comes, soon. */
    void (*cancel)(const heddle_host *h, heddle_id call) HEDDLE_FN;

    /* [start] Cancels what is open, and returns when nothing is heard any more. */
    void (*close)(const heddle_host *h, heddle_id group) HEDDLE_FN;
} heddle_peers_service;

#ifdef __cplusplus
}
#endif
#endif
