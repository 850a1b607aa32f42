/* Its note says major 1, but what it exports is the entry of major 2. */
#include "broken_node.h"

BROKEN_PLUGIN_NOTE("broken_other_major_symbol");

extern const heddle_entry heddle_entry_v2;
HEDDLE_EXPORT const heddle_entry heddle_entry_v2 = {sizeof(heddle_entry), 0, NULL, NULL, NULL};
