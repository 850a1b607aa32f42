/* SPDX-License-Identifier: Apache-2.0
 *
 * The door of a plugin: the one symbol it exports, and the factories behind it.
 *
 * Nothing is derived from the file name. A plugin has no undefined heddle_* symbol and the host exports none: tables go both ways. A library
 * is opened once, with RTLD_NOW | RTLD_LOCAL, and stays until the process ends.
 */
#ifndef HEDDLE_PLUGIN_H
#define HEDDLE_PLUGIN_H

#include "abi.h"
#include "host.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct heddle_type {
    uint32_t    struct_size;
    const char *id;         /* "Resize" */
    const char *descriptor; /* byte for byte the text of this type's note (note.h): write both from one macro */
} heddle_type;

/* One per kind. */
typedef struct heddle_factory {
    uint32_t struct_size;
    uint32_t (*count)(void) HEDDLE_FN;                      /* [any] */
    const heddle_type *(*type)(uint32_t i) HEDDLE_FN;       /* [any] null past the end */
    /* [setup] `config` was checked against the type's schema, defaults are not filled in; borrowed until return. On OK *self and *table are set,
     * and *table (heddle_node for nodes, heddle_store for stores) lives as long as *self. On failure, nothing is left to destroy. */
    heddle_status (*create)(const heddle_host *h, const char *type_id, const heddle_value *config, void **self,
                            const void **table) HEDDLE_FN;
} heddle_factory;

typedef struct heddle_entry {
    uint32_t struct_size;
    uint32_t abi_minor; /* the lowest minor this plugin needs */
    heddle_status (*init)(const heddle_host *h) HEDDLE_FN;            /* [setup] once; < 10 ms; starts no thread. May be null */
    void (*deinit)(void) HEDDLE_FN;                                   /* [setup] once, before the process ends. May be null */
    const void *(*get_factory)(const char *kind) HEDDLE_FN;           /* [any] a heddle_factory ("heddle.node/1"), or null */
} heddle_entry;

/* The only symbol a plugin exports; the major number is in its name. */
HEDDLE_EXPORT extern const heddle_entry heddle_entry_v1;

#ifdef __cplusplus
}
#endif
#endif
