/* Asks for 100 ms and never returns from process. */
#include "broken_node.h"

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    (void)self, (void)calls, (void)n;
    for (volatile unsigned long turns = 0;;) ++turns;
}

BROKEN_NODE("broken_hangs", "BrokenHang", ",\"timeout_ms\":100", process, NULL);
