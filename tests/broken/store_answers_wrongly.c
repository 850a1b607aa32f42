/* A store that completes an operation twice (a commit), late (a get: with the next one), or never (a scan). */
#include "broken_store.h"

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

BROKEN_STORE("broken_store_answers_wrongly", "BrokenStore", NULL, commit, get);
