/* The note says "parallel", the code's descriptor "serial". */
#include "broken_node.h"

BROKEN_PLUGIN_NOTE("broken_note_lies");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, BROKEN_DESCRIPTOR("BrokenLiar", ",\"concurrency\":\"parallel\""));

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)h, (void)id, (void)config, (void)self, (void)out;
    return HEDDLE_UNSUPPORTED;
}
BROKEN_ENTRY("BrokenLiar", BROKEN_DESCRIPTOR("BrokenLiar", ",\"concurrency\":\"serial\""), create, NULL);
