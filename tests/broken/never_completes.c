/* Says that it is synchronous, and completes nothing. */
#include "broken_node.h"

static void process(void *self, heddle_call *const *calls, uint32_t n) { (void)self, (void)calls, (void)n; }

BROKEN_NODE("broken_never_completes", "BrokenNever", "", process, NULL);
