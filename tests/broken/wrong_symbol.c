/* A good entry under a name of its own. */
#include "broken_node.h"

BROKEN_PLUGIN_NOTE("broken_wrong_symbol");

static const void *get_factory(const char *kind) {
    (void)kind;
    return NULL;
}
extern const heddle_entry my_plugin_entry;
HEDDLE_EXPORT const heddle_entry my_plugin_entry = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, NULL, NULL, get_factory};
