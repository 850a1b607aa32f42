/* Its init fails, and says why. */
#include "broken_node.h"

BROKEN_PLUGIN_NOTE("broken_init_fails");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, BROKEN_DESCRIPTOR("BrokenInit", ""));

static heddle_status init(const heddle_host *h) {
    h->fail(h, HEDDLE_UNAVAILABLE, broken_str("the licence server does not answer"), NULL);
    return HEDDLE_UNAVAILABLE;
}
static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)h, (void)id, (void)config, (void)self, (void)out;
    return HEDDLE_UNSUPPORTED;
}
BROKEN_ENTRY("BrokenInit", BROKEN_DESCRIPTOR("BrokenInit", ""), create, init);
