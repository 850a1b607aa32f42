/* Its code offers a type that no note speaks of. */
#include "broken_node.h"

BROKEN_PLUGIN_NOTE("broken_type_without_note");

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)h, (void)id, (void)config, (void)self, (void)out;
    return HEDDLE_UNSUPPORTED;
}
BROKEN_ENTRY("BrokenUnnoted", BROKEN_DESCRIPTOR("BrokenUnnoted", ""), create, NULL);
