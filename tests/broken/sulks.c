/* Once a call has failed, for bytes, every later one does. */
#include "broken_node.h"

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    broken *b = self;
    for (uint32_t i = 0; i < n; ++i) {
        if (b->value->kind(b->call->input(calls[i])) == HEDDLE_BYTES && !b->own) b->own = malloc(1);
        if (b->own) b->op->complete(b->call->op(calls[i]), HEDDLE_INVALID, NULL, broken_str("it is not what it was"));
        else broken_pass(self, calls + i, 1);
    }
}

BROKEN_NODE("broken_sulks", "BrokenSulk", "", process, NULL);
