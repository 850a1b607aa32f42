/* The params of its type are a text, where a JSON Schema must stand. */
#include "broken_node.h"

#define DESCRIPTOR "{\"node\":\"BrokenParams\",\"params\":\"none\"}"

BROKEN_PLUGIN_NOTE("broken_params_no_object");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)h, (void)id, (void)config, (void)self, (void)out;
    return HEDDLE_UNSUPPORTED;
}
BROKEN_ENTRY("BrokenParams", DESCRIPTOR, create, NULL);
