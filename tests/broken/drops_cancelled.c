/* Answers after 10 ms; what was cancelled by then, never. */
#include "broken_node.h"

typedef struct waiting {
    const broken *b;
    heddle_op    *op;
} waiting;

static void answer(void *ctx) {
    waiting w = *(waiting *)ctx;
    free(ctx);
    if (!w.b->op->is_cancelled(w.op)) w.b->op->complete(w.op, HEDDLE_OK, NULL, broken_str(""));
}

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    const broken *b = self;
    for (uint32_t i = 0; i < n; ++i) {
        waiting *w = malloc(sizeof *w);
        if (!w) abort();
        w->b  = b;
        w->op = b->call->op(calls[i]);
        if (b->sched->after(b->host, 10000000u, answer, w) == 0) broken_complete(b, calls[i]);
    }
}

BROKEN_NODE("broken_drops_cancelled", "BrokenCancel", ",\"max_in_flight\":64,\"timeout_ms\":1000", process, NULL);
