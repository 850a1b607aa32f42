/* SPDX-License-Identifier: Apache-2.0
 *
 * The ground that every header of the heddle plugin ABI stands on: version, calling rules, scalars.
 *
 * Promise. A plugin built against major 1 loads and works, unchanged, in every later host of major 1. The major number lives in the
 * name of the one symbol a plugin exports (plugin.h), the minor in the tables. A minor appends members and adds ids; it never moves,
 * retypes or re-documents a member, and never tightens a threading or ownership rule.
 *
 * Threads. Every function pointer carries one of these tags:
 *   [setup]  one call at a time per plugin; may block.
 *   [start]  one call at a time per object, other objects of the plugin may be in theirs; may block.
 *   [lane]   on a thread of the scheduler, as many at a time as the type's "concurrency" declares; must not block unless the type's
 *            "lane" is "blocking" or "io".
 *   [any]    any thread, any time while the objects it names live; never blocks.
 *
 * Ownership, word by word:
 *   "borrowed until X"                       not yours; valid until X.
 *   "new reference"                          yours; give it away or release it.
 *   "consumed"                               was yours, is gone whatever the answer.
 *   "consumed on success, never on failure"  still yours if the call failed.
 * Memory is freed by who made it. Nothing in this ABI throws: in C++ every function pointer is noexcept.
 */
#ifndef HEDDLE_ABI_H
#define HEDDLE_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define HEDDLE_FN noexcept
#define HEDDLE_EXTERN_C extern "C"
#else
#define HEDDLE_FN
#define HEDDLE_EXTERN_C extern
#endif

#define HEDDLE_EXPORT __attribute__((visibility("default")))

#define HEDDLE_ABI_MAJOR 1u
#define HEDDLE_ABI_MINOR 0u

/* True if the table `t` that was handed to us is long enough to have `slot`, and the slot is filled. Every table begins with
 * `uint32_t struct_size`, set by its maker to sizeof. */
#define HEDDLE_HAS(t, slot) \
    ((t) && (t)->struct_size >= offsetof(__typeof__(*(t)), slot) + sizeof((t)->slot) && (t)->slot)

#ifdef __cplusplus
extern "C" {
#endif

/* UTF-8 text: pointer and length in bytes, borrowed, no terminating NUL promised. The only struct passed by value. */
typedef struct heddle_str {
    const char *ptr;
    size_t      len;
} heddle_str;

/* Names a thing across plugins and processes. 0: none. */
typedef uint64_t heddle_id;

/* The outcome of a call. Negative: failed. Treat a negative code that you do not know as HEDDLE_INTERNAL.
 * The code decides the class: UNAVAILABLE, EXHAUSTED and DEADLINE are retryable; CANCELLED is its own class; the rest is permanent.
 * Any failure of a factory's create is of class config. */
typedef int32_t heddle_status;
enum {
    HEDDLE_OK          = 0,
    HEDDLE_AGAIN       = 1,   /* no room now; what you offered is still yours; you will be told when to try again */
    HEDDLE_CANCELLED   = -1,  /* the caller no longer wants the answer */
    HEDDLE_INVALID     = -2,  /* the input or the configuration is wrong, and will be wrong next time */
    HEDDLE_NOT_FOUND   = -3,
    HEDDLE_CONFLICT    = -4,  /* exists already, or changed meanwhile */
    HEDDLE_DENIED      = -5,
    HEDDLE_UNAVAILABLE = -6,  /* the other side cannot be reached, or is starting */
    HEDDLE_EXHAUSTED   = -7,  /* a limit was hit: memory, quota, rate */
    HEDDLE_DEADLINE    = -8,
    HEDDLE_UNSUPPORTED = -9,
    HEDDLE_INTERNAL    = -10, /* a bug */
    HEDDLE_IO          = -11  /* a file or a device failed: it is full, gone, or broken */
};

#ifdef __cplusplus
}
#endif
#endif
