/* SPDX-License-Identifier: Apache-2.0
 *
 * heddle.sched/1: work and timers on the host's scheduler, so that a plugin needs no thread of its own.
 */
#ifndef HEDDLE_SCHED_H
#define HEDDLE_SCHED_H

#include "abi.h"
#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*heddle_job_fn)(void *ctx) HEDDLE_FN;

#define HEDDLE_SCHED "heddle.sched/1"
typedef struct heddle_sched_service {
    uint32_t struct_size;
    /* [any] CLOCK_MONOTONIC nanoseconds, the clock of every deadline. */
    uint64_t (*now_ns)(const heddle_host *h) HEDDLE_FN;
    /* [any] Runs fn(ctx) once, soon, as [lane], on the lane of h's node. Never inline. One function of an object at a time, but perhaps beside
     * its process(): share state under a lock. EXHAUSTED when too many wait. */
    heddle_status (*post)(const heddle_host *h, heddle_job_fn fn, void *ctx) HEDDLE_FN;
    /* [any] The same, not before delay_ns have passed. 0: failed, see `fail`. */
    heddle_id (*after)(const heddle_host *h, uint64_t delay_ns, heddle_job_fn fn, void *ctx) HEDDLE_FN;
    /* [any] True: fn will not run. False: it ran, runs, or was never known. */
    bool (*cancel)(const heddle_host *h, heddle_id timer) HEDDLE_FN;
} heddle_sched_service;

#ifdef __cplusplus
}
#endif
#endif
