/* Linked so that libraries are looked for in a folder of the machine that built it. */
#include "broken_node.h"

BROKEN_NODE("broken_looks_elsewhere", "BrokenPath", "", broken_pass, NULL);
