/* Its create refuses every configuration, and says why. */
#include "broken_node.h"

BROKEN_PLUGIN_NOTE("broken_create_fails");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, BROKEN_DESCRIPTOR("BrokenCreate", ""));

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)id, (void)config, (void)self, (void)out;
    h->fail(h, HEDDLE_INVALID, broken_str("nothing pleases this node"), NULL);
    return HEDDLE_INVALID;
}
BROKEN_ENTRY("BrokenCreate", BROKEN_DESCRIPTOR("BrokenCreate", ""), create, NULL);
