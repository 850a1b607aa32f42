/* Ends the process of its host in the middle of a run. */
#include "broken_node.h"

static void give_up(void *self, heddle_call *const *calls, uint32_t n) {
    (void)self, (void)calls, (void)n;
    abort();
}

BROKEN_NODE("broken_aborts_in_process", "BrokenAbortRun", "", give_up, NULL);
