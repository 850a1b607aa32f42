/* A store that completes an operation twice (a commit), late (a get: with the next one), or never (a scan). */
#include "broken_node.h"

#define DESCRIPTOR "{\"store\":\"BrokenStore\",\"params\":{\"type\":\"object\",\"additionalProperties\":false}}"

BROKEN_PLUGIN_NOTE("broken_store_answers_wrongly");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static void answer(void *self, heddle_op *op) { ((const broken *)self)->op->complete(op, HEDDLE_OK, NULL, broken_str("")); }

static void commit(void *self, const heddle_write *writes, uint32_t n, heddle_op *op) {
    (void)writes, (void)n;
    answer(self, op);
    answer(self, op);
}

static void get(void *self, const heddle_bytes *key, heddle_op *op) {
    broken     *b = self;
    heddle_op **last;
    (void)key;
    if (!b->own) b->own = calloc(1, sizeof *last);
    last = b->own;
    answer(self, op);
    if (*last) answer(self, *last);
    *last = op;
}

static void scan(void *self, const heddle_range *range, heddle_op *op) { (void)self, (void)range, (void)op; }

static const heddle_store table = {sizeof(heddle_store), {NULL, NULL, broken_destroy, NULL}, commit, get, scan};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)id, (void)config;
    *out = &table;
    return broken_create(h, self);
}

BROKEN_ENTRY_OF(HEDDLE_KIND_STORE, "BrokenStore", DESCRIPTOR, create, NULL);
