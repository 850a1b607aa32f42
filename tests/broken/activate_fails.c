/* Its activate fails, and says why. */
#include "broken_node.h"

static void activate(void *self, heddle_op *op) {
    const broken *b = self;
    b->op->complete(op, HEDDLE_UNAVAILABLE, NULL, broken_str("the model cannot be loaded"));
}

BROKEN_NODE("broken_activate_fails", "BrokenActivate", "", broken_pass, activate);
