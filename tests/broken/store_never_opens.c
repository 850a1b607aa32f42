/* A store whose activate returns, and is never completed. */
#include "broken_node.h"

#define DESCRIPTOR "{\"store\":\"BrokenNeverOpens\",\"params\":{\"type\":\"object\",\"additionalProperties\":false}}"

BROKEN_PLUGIN_NOTE("broken_store_never_opens");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static void activate(void *self, heddle_op *op) { (void)self, (void)op; }
static void commit(void *self, const heddle_write *writes, uint32_t n, heddle_op *op) { (void)self, (void)writes, (void)n, (void)op; }
static void get(void *self, const heddle_bytes *key, heddle_op *op) { (void)self, (void)key, (void)op; }
static void scan(void *self, const heddle_range *range, heddle_op *op) { (void)self, (void)range, (void)op; }

static const heddle_store table = {sizeof(heddle_store), {activate, NULL, broken_destroy, NULL}, commit, get, scan};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)id, (void)config;
    *out = &table;
    return broken_create(h, self);
}

BROKEN_ENTRY_OF(HEDDLE_KIND_STORE, "BrokenNeverOpens", DESCRIPTOR, create, NULL);
