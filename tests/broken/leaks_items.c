/* Keeps something of every item, and never looks at it again. */
#include "broken_node.h"

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    for (uint32_t i = 0; i < n; ++i) {
        void **kept = malloc(64);
        if (!kept) abort();
        *kept                  = ((broken *)self)->own;
        ((broken *)self)->own = kept;
    }
    broken_pass(self, calls, n);
}

BROKEN_NODE("broken_leaks_items", "BrokenKeeper", "", process, NULL);
