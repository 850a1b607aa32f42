/* SPDX-License-Identifier: Apache-2.0
 *
 * DRAFT. heddle.sources/1: an extension of a node that has other manifests run, here or elsewhere. May change until it moves out of draft/.
 *
 * The host follows them before anything runs, and refuses a pipeline that would end up running itself. A type that has this says "sources": true in its
 * descriptor.
 */
#ifndef HEDDLE_DRAFT_SOURCES_H
#define HEDDLE_DRAFT_SOURCES_H

#include "../value.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEDDLE_SOURCES "heddle.sources/1"
typedef struct heddle_sources {
    uint32_t struct_size;
    /* [start] After create, active or not: a LIST of MAP, a new reference, each "manifest" (a MAP), or "name" (STRING) with "endpoints" (LIST of STRING): one that is served
     * there under that name. May look around for them, and so block. Null: it failed. */
    heddle_value *(*list)(void *self) HEDDLE_FN;
} heddle_sources;

#ifdef __cplusplus
}
#endif
#endif
