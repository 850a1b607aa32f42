/* As hangs.c, but each object's activate is completed from a posted function. */
#include <unistd.h>

#include "broken_node.h"

static void answer(void *self) HEDDLE_FN {
    broken *b = self;
    b->op->complete(*(heddle_op **)b->own, HEDDLE_OK, NULL, broken_str(""));
}

static void activate(void *self, heddle_op *op) {
    broken *b = self;
    b->own = malloc(sizeof op);
    *(heddle_op **)b->own = op;
    b->sched->post(b->host, answer, b);
}

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    (void)self, (void)calls, (void)n;
    for (;;) pause();
}

BROKEN_NODE("broken_hangs_after_late_start", "BrokenLateHang", ",\"timeout_ms\":50", process, activate);
