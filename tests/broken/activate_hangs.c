/* Its activate never returns. */
#include <unistd.h>

#include "broken_node.h"

static void activate(void *self, heddle_op *op) {
    (void)self, (void)op;
    for (;;) pause();
}

BROKEN_NODE("broken_activate_hangs", "BrokenActivateHang", "", broken_pass, activate);
