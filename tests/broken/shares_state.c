/* Declares "parallel", and cannot bear two threads in process. */
#include <stdatomic.h>

#include "broken_node.h"

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    static atomic_int inside;
    if (atomic_fetch_add(&inside, 1) > 0) abort();
    for (volatile unsigned turns = 0; turns < 200000; ++turns) continue;
    broken_pass(self, calls, n);
    atomic_fetch_sub(&inside, 1);
}

BROKEN_NODE("broken_shares_state", "BrokenShared", ",\"concurrency\":\"parallel\"", process, NULL);
