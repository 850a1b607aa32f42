/* Loading it kills the process; listing it must not. */
#include "broken_node.h"

__attribute__((constructor)) static void die(void) { abort(); }

BROKEN_NODE("broken_aborts_in_constructor", "BrokenAbort", "", broken_pass, NULL);
