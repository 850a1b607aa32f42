/* Aborts on some params that its schema lets through: a name of more than 100 bytes. */
#include "broken_node.h"

#define DESCRIPTOR "{\"node\":\"BrokenName\",\"params\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"name\":{\"type\":\"string\"}}}}"

BROKEN_PLUGIN_NOTE("broken_crashes_on_params");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static const heddle_node table = {sizeof(heddle_node), {NULL, NULL, broken_destroy, NULL}, broken_pass, NULL, NULL, NULL};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    const heddle_value_service *value = h->get_service(h, HEDDLE_VALUE);
    const heddle_value         *name  = value->find(config, broken_str("name"));
    heddle_str                  text;
    (void)id;
    if (name && value->get_text(name, &text) && text.len > 100) abort();
    *out = &table;
    return broken_create(h, self);
}
BROKEN_ENTRY("BrokenName", DESCRIPTOR, create, NULL);
