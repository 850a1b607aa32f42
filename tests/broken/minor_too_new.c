/* Its note needs a minor that no host of today has. */
#include "broken_node.h"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN, "{\"plugin\":\"broken_minor_too_new\",\"version\":\"1.0.0\",\"abi\":[1,4000]}");

static const void *get_factory(const char *kind) {
    (void)kind;
    return NULL;
}
HEDDLE_EXPORT const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), 4000, NULL, NULL, get_factory};
