/* SPDX-License-Identifier: Apache-2.0
 *
 * Kind "store": ordered keys with versions, atomic commits, group commit.
 *
 * The descriptor of a store type is a JSON object (note.h); "store" and "params" are required, the rest has the defaults shown:
 *   "store": "Sqlite"           the type name that configurations use
 *   "summary": "", "aliases": []
 *   "params": {…}               JSON Schema, draft 7, of the configuration object; say "additionalProperties": false
 *   "durable": true             a commit that was answered OK survives the end of the process and of the machine
 *
 * Keys and values are bytes. Keys are ordered byte by byte, as memcmp does, a prefix before what it begins; a key has 1 to
 * HEDDLE_KEY_MAX bytes, a value 0 to HEDDLE_STORED_MAX, a commit at most HEDDLE_COMMIT_MAX in all. What is beyond is refused with INVALID.
 *
 * Versions. Every commit has a number, larger than that of every commit before it in the life of the data; numbers may be left out. A key
 * has the version of the commit that put it last, and 0 where it is absent: also a key that was erased and put again never shows an old version.
 *
 * Order. Commits take effect one after the other: in the order of the calls, where one had returned before the next one began. A
 * check sees every commit before its own, durable yet or not. Many commits may be in flight: a store writes those that wait as one group, and
 * begins the next group when the last one is durable; it never waits for more to come. They are answered in order.
 *
 * What is seen. get and scan see every commit that was answered before they were called, and none in part; they see no commit that is not
 * durable. A page of a scan is one moment; the next page is a later one.
 *
 * Failures, besides those said at each function. A commit that fails has changed nothing, except as UNAVAILABLE says:
 *   EXHAUSTED    too much is in flight, or the medium is full. The store goes on: try again when there is room. Of a group that does not
 *                fit, every commit is answered so.
 *   UNAVAILABLE  the medium failed: whether this commit is there shows when the store is activated again. Until then every call gets
 *                this answer. Also that of a store which is not active.
 *   INVALID      as above, or there is no such kind of write.
 *
 * Could the two sides be two processes? Yes: what goes in is borrowed bytes, what comes out is a value.
 */
#ifndef HEDDLE_STORE_H
#define HEDDLE_STORE_H

#include "abi.h"
#include "object.h"
#include "op.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEDDLE_KEY_MAX    1024u     /* bytes of a key */
#define HEDDLE_STORED_MAX 16777216u /* bytes of a value */
#define HEDDLE_COMMIT_MAX 33554432u /* bytes of all keys and values of a commit, and HEDDLE_WRITE_COST for each of its writes */
#define HEDDLE_WRITE_COST 64u

/* Bytes of any content, borrowed. */
typedef struct heddle_bytes {
    const void *ptr; /* may be null where len is 0 */
    size_t      len;
} heddle_bytes;

typedef int32_t heddle_write_kind;
enum {
    HEDDLE_PUT   = 1, /* key := value */
    HEDDLE_ERASE = 2, /* an absent key is no failure */
    HEDDLE_CHECK = 3  /* the key has `version` before any write of this commit, or the commit is a CONFLICT */
};

/* One part of a commit. Lies in arrays, hence frozen for all of major 1. */
typedef struct heddle_write {
    heddle_write_kind kind;
    heddle_bytes      key;
    heddle_bytes      value;   /* PUT only */
    uint64_t          version; /* CHECK only; 0: absent */
} heddle_write;

/* Set struct_size before handing one in. */
typedef struct heddle_range {
    uint32_t     struct_size;
    uint32_t     limit;     /* at most so many keys in the page; 0: the store's own limit */
    heddle_bytes from;      /* the first key that may come; empty: from the beginning */
    heddle_bytes until;     /* the first key that may not; empty: to the end */
    uint64_t     max_bytes; /* of keys and values in the page, which has one key at least; 0: the store's own limit */
} heddle_range;

#define HEDDLE_KIND_STORE "heddle.store/1"
typedef struct heddle_store {
    uint32_t      struct_size;
    heddle_object base; /* activate opens the data and checks them: what is damaged, or not the store's, is refused and left as it is */

    /* [any] All of the n writes, or none; the puts and erases in order. `writes` and what it points to are borrowed until return. OK, once all
     * of it is durable: INT, the number of the commit. CONFLICT: `why` names the key; details {"write": index of the check in `writes`, "version": the
     * one found}. n of 0 writes nothing and is answered in its turn: when every commit before it is durable. */
    void (*commit)(void *self, const heddle_write *writes, uint32_t n, heddle_op *op) HEDDLE_FN;

    /* [any] `key` is borrowed until return. OK: LIST [BYTES value, INT version]. NOT_FOUND: absent. */
    void (*get)(void *self, const heddle_bytes *key, heddle_op *op) HEDDLE_FN;

    /* [any] One page of the keys in a range, in order; `range` is borrowed until return. OK: MAP {"rows": LIST of [BYTES key, BYTES value, INT
     * version], "more": BOOL}. More: the range goes on after the last row; its next page is from that key and one byte 0. */
    void (*scan)(void *self, const heddle_range *range, heddle_op *op) HEDDLE_FN;
} heddle_store;

#ifdef __cplusplus
}
#endif
#endif
