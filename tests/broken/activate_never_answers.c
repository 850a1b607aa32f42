/* Its activate returns, and is never completed. */
#include "broken_node.h"

static void activate(void *self, heddle_op *op) { (void)self, (void)op; }

BROKEN_NODE("broken_activate_never_answers", "BrokenActivateNever", "", broken_pass, activate);
