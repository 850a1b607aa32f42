/* Passes each item on, and completes its call two times. */
#include "broken_node.h"

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    const broken *b = self;
    for (uint32_t i = 0; i < n; ++i) {
        heddle_op    *op = b->call->op(calls[i]);
        heddle_value *v  = b->call->take(calls[i]);
        if (v && b->call->emit(calls[i], 0, v) != HEDDLE_OK) b->value->release(v);
        b->op->complete(op, HEDDLE_OK, NULL, broken_str(""));
        b->op->complete(op, HEDDLE_OK, NULL, broken_str(""));
    }
}

BROKEN_NODE("broken_completes_twice", "BrokenTwice", "", process, NULL);
