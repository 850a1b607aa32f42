/* SPDX-License-Identifier: Apache-2.0
 *
 * DRAFT. Kind "broker": URLs for those who have no credential. May change until it moves out of draft/.
 *
 * The broker has the credential of a store of objects. Who holds a URL that it made can read one object with it, or write one, for a limited time, and nothing else; so the URL is itself a
 * secret. The host decides who gets which.
 *
 * The descriptor (note.h) of a broker type: "broker" (its name, as in "broker": "s3") and "params" are required; "summary" and "aliases" as in node.h. What the schema marks as "writeOnly" is
 * a secret: it stands in no log and in no error, of the host or of the plugin.
 */
#ifndef HEDDLE_DRAFT_BROKER_H
#define HEDDLE_DRAFT_BROKER_H

#include "../host.h"
#include "../object.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HEDDLE_GRANT_GET = 1, /* read the object */
    HEDDLE_GRANT_PUT = 2  /* write it, in whole */
};

/* What is to be allowed. All of it is borrowed until the call that carries the struct returns. Set struct_size. */
typedef struct heddle_grant {
    uint32_t   struct_size;
    uint32_t   method;      /* HEDDLE_GRANT_… */
    heddle_str object;      /* its name, as the type understands it */
    uint64_t   lifetime_ns; /* so long from now the URL is to be good: not longer, unless a store's API decides that; 0: as configured */
} heddle_grant;

#define HEDDLE_KIND_BROKER "heddle.broker/1"
/* base.destroy answers what is still open, as CANCELLED. */
typedef struct heddle_broker {
    uint32_t      struct_size;
    heddle_object base;

    /* [any] It must not block for longer than it takes to read a small file. OK: a MAP of "url" (STRING; a secret) and "expires_unix" (INT: the second from which on it is of no use). It says nothing about whether the object is there. Failures have a
     * "code":
     *   INVALID      "not-its-object": the broker answers for other objects, or this is no name of one; "invalid": the method or the lifetime is none that it can give
     *   DENIED       "no-credential": it has none, or one that the store does not take
     *   any          "refused": the store's API does not want to, in its words
     *   UNAVAILABLE  "unavailable": the API cannot be reached, or answers with something else
     *   EXHAUSTED    "too-many": more is being asked than the broker asks at a time */
    void (*grant)(void *self, const heddle_grant *g, heddle_op *op) HEDDLE_FN;
} heddle_broker;

#ifdef __cplusplus
}
#endif
#endif
