/* Its note needs minor 0, its code a minor that no host of today has. */
#include "broken_node.h"

BROKEN_PLUGIN_NOTE("broken_minor_too_new_in_code");

static const void *get_factory(const char *kind) {
    (void)kind;
    return NULL;
}
HEDDLE_EXPORT const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), 4000, NULL, NULL, get_factory};
