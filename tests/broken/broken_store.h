/* What stores that break one rule share: the rest of a store, which does nothing, and is never asked to. */
#ifndef BROKEN_STORE_H
#define BROKEN_STORE_H

#include "broken_node.h"

static inline void broken_commit(void *self, const heddle_write *writes, uint32_t n, heddle_op *op) { (void)self, (void)writes, (void)n, (void)op; }
static inline void broken_get(void *self, const heddle_bytes *key, heddle_op *op) { (void)self, (void)key, (void)op; }
static inline void broken_scan(void *self, const heddle_range *range, heddle_op *op) { (void)self, (void)range, (void)op; }

#define BROKEN_STORE_DESCRIPTOR(type) "{\"store\":\"" type "\",\"params\":{\"type\":\"object\",\"additionalProperties\":false}}"

/* A whole plugin. */
#define BROKEN_STORE(plugin, type, activate_fn, commit_fn, get_fn)                                                                            \
    BROKEN_PLUGIN_NOTE(plugin);                                                                                                               \
    HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, BROKEN_STORE_DESCRIPTOR(type));                                                                  \
    static const heddle_store table = {sizeof(heddle_store), {activate_fn, NULL, broken_destroy, NULL}, commit_fn, get_fn, broken_scan};      \
    static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {           \
        (void)id, (void)config;                                                                                                               \
        *out = &table;                                                                                                                        \
        return broken_create(h, self);                                                                                                        \
    }                                                                                                                                         \
    BROKEN_ENTRY_OF(HEDDLE_KIND_STORE, type, BROKEN_STORE_DESCRIPTOR(type), create, NULL)

#endif
