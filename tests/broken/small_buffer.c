/* Has room for texts of 1 MiB, and does not look. */
#include "broken_node.h"

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    const broken *b = self;
    for (uint32_t i = 0; i < n; ++i) {
        heddle_str text;
        if (b->value->get_text(b->call->input(calls[i]), &text) && text.len > 1048576) abort();
    }
    broken_pass(self, calls, n);
}

BROKEN_NODE("broken_small_buffer", "BrokenBuffer", "", process, NULL);
