/* Exports a name beside its entry. */
#include "broken_node.h"

HEDDLE_EXPORT int answer(void);
int answer(void) { return 42; }

BROKEN_NODE("broken_exports_more", "BrokenExports", "", broken_pass, NULL);
