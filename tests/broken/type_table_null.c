/* Its factory counts one type and gives no table for it. */
#include "broken_node.h"

BROKEN_PLUGIN_NOTE("broken_type_table_null");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, BROKEN_DESCRIPTOR("BrokenNull", ""));

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)h, (void)id, (void)config, (void)self, (void)out;
    return HEDDLE_UNSUPPORTED;
}
static uint32_t count_types(void) { return 1; }
static const heddle_type *type_at(uint32_t i) {
    (void)i;
    return NULL;
}
static const heddle_factory nodes = {sizeof(heddle_factory), count_types, type_at, create};
static const void *get_factory(const char *kind) { return strcmp(kind, HEDDLE_KIND_NODE) == 0 ? &nodes : NULL; }
HEDDLE_EXPORT const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, NULL, NULL, get_factory};
