/* Emits on a port that it does not have. */
#include "broken_node.h"

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    const broken *b = self;
    for (uint32_t i = 0; i < n; ++i) {
        heddle_value *v = b->call->take(calls[i]);
        if (v && b->call->emit(calls[i], 7, v) != HEDDLE_OK) b->value->release(v);
        broken_complete(b, calls[i]);
    }
}

BROKEN_NODE("broken_emits_on_no_port", "BrokenPort", "", process, NULL);
