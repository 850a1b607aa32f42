/* SPDX-License-Identifier: Apache-2.0
 *
 * What objects of every kind share: a life. create → activate → work → deactivate → destroy.
 *
 * Only create and activate may fail; a create that fails leaves nothing to destroy, an activate that fails is followed by destroy.
 * After deactivate an object may be activated again.
 */
#ifndef HEDDLE_OBJECT_H
#define HEDDLE_OBJECT_H

#include "abi.h"
#include "op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Embedded by value in the table of each kind, hence frozen for all of major 1. Any slot but destroy may be null: then there is nothing
 * to do. */
typedef struct heddle_object {
    void (*activate)(void *self, heddle_op *op) HEDDLE_FN;              /* [start] load, connect; may block */
    void (*deactivate)(void *self, heddle_op *op) HEDDLE_FN;            /* [start] all calls are complete by now */
    void (*destroy)(void *self) HEDDLE_FN;                              /* [setup] not active; no thread of yours runs after it */
    const void *(*get_extension)(void *self, const char *id) HEDDLE_FN; /* [any] a table by id ("heddle.state/1"), or null */
} heddle_object;

#ifdef __cplusplus
}
#endif
#endif
