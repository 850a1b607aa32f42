/* Its deactivate returns, and is never completed. */
#include "broken_node.h"

static void deactivate(void *self, heddle_op *op) { (void)self, (void)op; }

BROKEN_NODE_OF("broken_deactivate_never_answers", "BrokenDeactivateNever", "", broken_pass, NULL, deactivate);
