/* Goes down into lists, and has room for 500 of them. */
#include "broken_node.h"

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    const broken *b = self;
    for (uint32_t i = 0; i < n; ++i) {
        const heddle_value *v = b->call->input(calls[i]);
        for (int depth = 0; v && b->value->kind(v) == HEDDLE_LIST; v = b->value->at(v, 0, NULL))
            if (++depth > 500) abort();
    }
    broken_pass(self, calls, n);
}

BROKEN_NODE("broken_goes_too_deep", "BrokenDeep", "", process, NULL);
