/* Its schema lets every param through, and create looks at none. */
#include "broken_node.h"

#define DESCRIPTOR "{\"node\":\"BrokenAny\",\"params\":{\"type\":\"object\"}}"

BROKEN_PLUGIN_NOTE("broken_takes_any_params");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static const heddle_node table = {sizeof(heddle_node), {NULL, NULL, broken_destroy, NULL}, broken_pass, NULL, NULL, NULL};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)id, (void)config;
    *out = &table;
    return broken_create(h, self);
}
BROKEN_ENTRY("BrokenAny", DESCRIPTOR, create, NULL);
