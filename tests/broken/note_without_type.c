/* A note speaks of a type, but its code has no factory for nodes. */
#include "broken_node.h"

BROKEN_PLUGIN_NOTE("broken_note_without_type");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, BROKEN_DESCRIPTOR("BrokenAbsent", ""));

static const void *get_factory(const char *kind) {
    (void)kind;
    return NULL;
}
HEDDLE_EXPORT const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, NULL, NULL, get_factory};
