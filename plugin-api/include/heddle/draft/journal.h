/* SPDX-License-Identifier: Apache-2.0
 *
 * DRAFT. heddle.journal/1: a store for what an object must not forget. May change until it moves out of draft/.
 *
 * The host has the store, and gives each object its own part of it: no key is seen by others, nor are theirs. What the keys and values may be, the order of commits and what their
 * checks see: as in store.h.
 */
#ifndef HEDDLE_DRAFT_JOURNAL_H
#define HEDDLE_DRAFT_JOURNAL_H

#include "../host.h"
#include "../store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* [any] The answer, once, perhaps before the call that asked has returned; it must not block. `result` is consumed, null where there is none; `why` is borrowed until return. What
 * they hold is said at the function of the same name in store.h. */
typedef void (*heddle_journal_answered)(void *ctx, heddle_status status, heddle_value *result, heddle_str why) HEDDLE_FN;

#define HEDDLE_JOURNAL "heddle.journal/1"
/* Absent where the host has no store. Everything that is asked is answered, soon: an object is done with deactivate when it has its answers. */
typedef struct heddle_journal_service {
    uint32_t struct_size;
    /* [any] What was answered OK survives the end of the process and of the machine. */
    bool (*is_durable)(const heddle_host *h) HEDDLE_FN;
    void (*commit)(const heddle_host *h, const heddle_write *writes, uint32_t n, heddle_journal_answered answered, void *ctx) HEDDLE_FN;
    void (*get)(const heddle_host *h, const heddle_bytes *key, heddle_journal_answered answered, void *ctx) HEDDLE_FN;
    void (*scan)(const heddle_host *h, const heddle_range *range, heddle_journal_answered answered, void *ctx) HEDDLE_FN;
} heddle_journal_service;

#ifdef __cplusplus
}
#endif
#endif
