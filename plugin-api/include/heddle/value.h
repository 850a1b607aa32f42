/* SPDX-License-Identifier: Apache-2.0
 *
 * heddle.value/1: the payload that travels between nodes.
 *
 * A value is immutable, reference-counted, made and freed by the host, and may be shared by any number of nodes and threads. Putting a
 * value into a list or a map shares it and never copies it. A value read from JSON text stays text until somebody looks inside, and is
 * written out from its original bytes; `kind` and the number getters do not build a tree.
 *
 * Could the two sides be two processes? Yes: a value can be serialised, and bytes can be passed as a file descriptor (heddle_view).
 */
#ifndef HEDDLE_VALUE_H
#define HEDDLE_VALUE_H

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct heddle_host   heddle_host;   /* host.h */
typedef struct heddle_value  heddle_value;
typedef struct heddle_buffer heddle_buffer; /* bytes on their way to becoming a value; writable by their maker only */
struct DLManagedTensorVersioned;            /* DLPack 1.x, unmodified: dmlc/dlpack include/dlpack/dlpack.h */

/* Unknown kinds may come with later minors: treat them as opaque and pass them on. */
typedef int32_t heddle_kind;
enum {
    HEDDLE_NULL    = 0,
    HEDDLE_BOOL    = 1,
    HEDDLE_INT     = 2, /* fits int64_t */
    HEDDLE_FLOAT   = 3, /* IEEE 754 double */
    HEDDLE_DECIMAL = 4, /* exact, as text in JSON number grammar: what fits neither of the two above without loss */
    HEDDLE_STRING  = 5, /* UTF-8 */
    HEDDLE_BYTES   = 6,
    HEDDLE_LIST    = 7,
    HEDDLE_MAP     = 8, /* keys are UTF-8, in the order they were given; unique (of JSON text with repeats, the last one counts) */
    HEDDLE_TENSOR  = 9
};

typedef int32_t heddle_memory;
enum {
    HEDDLE_MEM_CPU    = 0,
    HEDDLE_MEM_PINNED = 1,
    HEDDLE_MEM_DEVICE = 2,
    HEDDLE_MEM_FD     = 3 /* memfd or dma-buf: `fd` and `fd_offset` count, `data` may be null */
};

/* Frees what its maker wrapped. [any] */
typedef void (*heddle_free_fn)(void *ctx) HEDDLE_FN;

/* Where bytes lie. Set struct_size before handing one in to be filled. */
typedef struct heddle_view {
    uint32_t      struct_size;
    heddle_memory memory;
    int32_t       device;    /* ordinal; 0 where memory is CPU */
    int32_t       fd;        /* -1: none */
    const void   *data;
    uint64_t      size;      /* bytes */
    uint64_t      fd_offset; /* bytes */
} heddle_view;

#define HEDDLE_VALUE "heddle.value/1"
typedef struct heddle_value_service {
    uint32_t struct_size;

    /* [any] */
    void (*retain)(const heddle_value *v) HEDDLE_FN;
    void (*release)(const heddle_value *v) HEDDLE_FN;
    heddle_kind (*kind)(const heddle_value *v) HEDDLE_FN;

    /* [any] Getters: false, and *out untouched, where v is of another kind. */
    bool (*get_bool)(const heddle_value *v, bool *out) HEDDLE_FN;
    bool (*get_int)(const heddle_value *v, int64_t *out) HEDDLE_FN;     /* INT only */
    bool (*get_float)(const heddle_value *v, double *out) HEDDLE_FN;    /* FLOAT, INT, DECIMAL: the nearest double */
    bool (*get_text)(const heddle_value *v, heddle_str *out) HEDDLE_FN; /* STRING (escapes resolved) or the text of a DECIMAL; lives with v */
    bool (*get_view)(const heddle_value *v, heddle_view *out) HEDDLE_FN;/* BYTES; lives with v */

    /* [any] Looking inside. What is returned is borrowed until v is released. */
    size_t (*length)(const heddle_value *v) HEDDLE_FN;                  /* elements of LIST and MAP, bytes of BYTES and STRING; else 0 */
    const heddle_value *(*at)(const heddle_value *v, size_t i, heddle_str *key_or_null) HEDDLE_FN; /* LIST, MAP; null past the end */
    const heddle_value *(*find)(const heddle_value *v, heddle_str key) HEDDLE_FN;                  /* MAP; null if absent */

    /* [any] The JSON text of v: the original bytes where v was read from text, else made once and kept with v. BYTES are written as base64
     * in a string, TENSOR as {"dtype","shape","data"}. Lives with v. False: out of memory. */
    bool (*json)(const heddle_value *v, heddle_str *out) HEDDLE_FN;

    /* [any] TENSOR. The tensor shares v's memory; the caller calls its deleter. */
    bool (*export_tensor)(const heddle_value *v, struct DLManagedTensorVersioned **out) HEDDLE_FN;

    /* [any] Makers: a new reference, or null with the reason given to `fail` of h. References in `items` are consumed on success,
     * never on failure. */
    heddle_value *(*make_null)(const heddle_host *h) HEDDLE_FN;
    heddle_value *(*make_bool)(const heddle_host *h, bool b) HEDDLE_FN;
    heddle_value *(*make_int)(const heddle_host *h, int64_t i) HEDDLE_FN;
    heddle_value *(*make_float)(const heddle_host *h, double d) HEDDLE_FN;           /* NaN and infinities: INVALID */
    heddle_value *(*make_decimal)(const heddle_host *h, heddle_str text) HEDDLE_FN;  /* JSON number grammar; becomes INT where it fits */
    heddle_value *(*make_string)(const heddle_host *h, heddle_str utf8) HEDDLE_FN;   /* copied; INVALID if not UTF-8 */
    heddle_value *(*make_list)(const heddle_host *h, heddle_value *const *items, size_t n) HEDDLE_FN;
    heddle_value *(*make_map)(const heddle_host *h, const heddle_str *keys, heddle_value *const *items, size_t n) HEDDLE_FN; /* keys copied; INVALID if repeated */
    heddle_value *(*make_json)(const heddle_host *h, heddle_str json) HEDDLE_FN;     /* validated and copied, not parsed; depth at most 1,024 */
    heddle_value *(*make_tensor)(const heddle_host *h, struct DLManagedTensorVersioned *t) HEDDLE_FN; /* t consumed on success, never on failure */

    /* [any] Bytes without a copy: allocate or wrap, fill, seal. */
    heddle_buffer *(*alloc)(const heddle_host *h, uint64_t size, uint32_t align, void **writable) HEDDLE_FN;
    heddle_buffer *(*wrap)(const heddle_host *h, const heddle_view *view, heddle_free_fn free_fn, void *ctx) HEDDLE_FN; /* free_fn is called once, on any thread */
    heddle_value *(*make_bytes)(const heddle_host *h, heddle_buffer *b, uint64_t offset, uint64_t size) HEDDLE_FN; /* b consumed on success, never on failure */
    void (*drop_buffer)(heddle_buffer *b) HEDDLE_FN; /* for a buffer that never became a value; consumed */
} heddle_value_service;

#ifdef __cplusplus
}
#endif
#endif
