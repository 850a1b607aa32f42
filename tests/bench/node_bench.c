/* One of the 500 plugins of bench 6: the bench copies it and gives each copy a name of its own in its notes. */
#include <heddle/heddle.h>

#define DESCRIPTOR "{\"node\":\"Bench000\",\"summary\":\"A plugin to be listed\",\"params\":{\"type\":\"object\",\"additionalProperties\":false}}"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN, "{\"plugin\":\"node_bench_000\",\"version\":\"1.0.0\"," HEDDLE_NOTE_ABI "}");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static const heddle_type type_bench = {sizeof(heddle_type), "Bench000", DESCRIPTOR};

static uint32_t           count(void) { return 1; }
static const heddle_type *type_at(uint32_t i) { return i == 0 ? &type_bench : NULL; }
static heddle_status      create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **table) {
    (void)h, (void)id, (void)config, (void)self, (void)table;
    return HEDDLE_UNSUPPORTED;
}
static const heddle_factory factory = {sizeof(heddle_factory), count, type_at, create};
static const void *get_factory(const char *kind) {
    const char *want = HEDDLE_KIND_NODE;
    while (*kind && *kind == *want) ++kind, ++want;
    return *kind == *want ? &factory : NULL;
}

const heddle_entry heddle_entry_v1 = {.struct_size = sizeof(heddle_entry), .get_factory = get_factory};
