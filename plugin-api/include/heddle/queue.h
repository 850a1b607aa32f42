/* SPDX-License-Identifier: Apache-2.0
 *
 * heddle.queue/1: an extension of a store (store.h): queues of jobs that several hosts share.
 *
 * A job lies in a queue until it is acknowledged. Who wants to run it takes a lease: until that ends, nobody else is given the job. A lease that
 * ends without ack or nack gives the job back by itself: it is due again at that moment, with the next attempt. So a job runs at least
 * once; its id and attempt together are a fence: they name one lease, and no later one.
 *
 * Of the jobs that are due, those that became so first are leased first; at the same time, those that were enqueued first. Every change is a
 * commit of the store: answered OK when durable, in order, with the store's failures (store.h). A queue is there from its first job to its
 * last. Its jobs are not among the store's keys.
 *
 * Time is the store's CLOCK_REALTIME in milliseconds: never the clock of a host that is far away. One that goes backwards lengthens leases.
 *
 * Names (queue, dedupe, owner) are UTF-8 of at most HEDDLE_QUEUE_NAME_MAX bytes, without NUL; a queue's has at least one. A payload has at most
 * HEDDLE_STORED_MAX bytes. What is beyond is refused with INVALID.
 *
 * Could the two sides be two processes? Yes: a lease is known by numbers, and expires by itself when the process that holds it dies.
 */
#ifndef HEDDLE_QUEUE_H
#define HEDDLE_QUEUE_H

#include "abi.h"
#include "op.h"
#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEDDLE_QUEUE_NAME_MAX 256u

/* Set struct_size before handing one in. */
typedef struct heddle_queue_job {
    uint32_t     struct_size;
    heddle_bytes payload;
    heddle_str   dedupe;    /* empty: none. While a job with this key is in the queue, a second one is not added */
    uint64_t     run_at_ms; /* not due before this time; 0: due at once */
} heddle_queue_job;

/* Names one lease: what `lease` gave. Set struct_size before handing one in. */
typedef struct heddle_queue_lease {
    uint32_t   struct_size;
    uint32_t   attempt;
    heddle_id  id;
    heddle_str queue;
} heddle_queue_lease;

#define HEDDLE_QUEUE "heddle.queue/1"
typedef struct heddle_queue {
    uint32_t struct_size;

    /* [any] Arguments are borrowed until return, here and below. OK: LIST [INT id, BOOL added]; false: the job with this dedupe key, which was
     * there before. */
    void (*enqueue)(void *store, heddle_str queue, const heddle_queue_job *job, heddle_op *op) HEDDLE_FN;

    /* [any] Up to `limit` due jobs, for lease_ms from now. `owner` says for whom, in words. OK: MAP {"jobs": LIST of [INT id, INT attempt, BYTES
     * payload], "next_ms": INT}; next_ms, where there is one: when the next job of the queue becomes due. Answered at once, also with no job. */
    void (*lease)(void *store, heddle_str queue, heddle_str owner, uint32_t limit, uint64_t lease_ms, heddle_op *op) HEDDLE_FN;

    /* [any] The lease ends lease_ms from now. CONFLICT: it ended, and the job was leased again (`why` says to whom); NOT_FOUND: no such job. So
     * it is for ack and nack. A lease that ended, but whose job nobody has taken since, is still good. */
    void (*extend)(void *store, const heddle_queue_lease *lease, uint64_t lease_ms, heddle_op *op) HEDDLE_FN;

    /* [any] Done: the job leaves the queue. */
    void (*ack)(void *store, const heddle_queue_lease *lease, heddle_op *op) HEDDLE_FN;

    /* [any] Not done: the job is due again delay_ms from now. */
    void (*nack)(void *store, const heddle_queue_lease *lease, uint64_t delay_ms, heddle_op *op) HEDDLE_FN;
} heddle_queue;

#ifdef __cplusplus
}
#endif
#endif
