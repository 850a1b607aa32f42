/* Flaky: unavailable until the attempt that the item asks for in "good_at"; the host may retry it. */
#include <heddle/heddle.h>
#include <stdlib.h>

#define DESCRIPTOR "{\"node\":\"Flaky\",\"params\":{\"type\":\"object\",\"additionalProperties\":false},\"idempotent\":true}"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN, "{\"plugin\":\"node_flaky\",\"version\":\"1.0.0\"," HEDDLE_NOTE_ABI "}");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static const heddle_value_service *values;
static const heddle_call_service  *calls_of;
static const heddle_op_service    *ops;

static void try_one(heddle_call *c) {
    heddle_str          key = {"good_at", 7}, nothing = {"", 0}, why = {"not yet", 7};
    const heddle_value *good_at = values->find(calls_of->input(c), key);
    heddle_item         item = {.struct_size = sizeof item};
    int64_t             wanted = 1;
    if (good_at) values->get_int(good_at, &wanted);
    if (!calls_of->item(c, &item) || item.attempt < wanted) {
        ops->complete(calls_of->op(c), HEDDLE_UNAVAILABLE, NULL, why);
        return;
    }
    heddle_value *v = calls_of->take(c);
    if (calls_of->emit(c, 0, v) != HEDDLE_OK) values->release(v);
    ops->complete(calls_of->op(c), HEDDLE_OK, NULL, nothing);
}

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    (void)self;
    for (uint32_t i = 0; i < n; ++i) try_one(calls[i]);
}

static void destroy(void *self) { free(self); }

static const heddle_node table_of_flaky = {.struct_size = sizeof(heddle_node), .base = {.destroy = destroy}, .process = process};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **table) {
    (void)h, (void)id, (void)config;
    *self = malloc(1);
    *table = &table_of_flaky;
    return *self ? HEDDLE_OK : HEDDLE_EXHAUSTED;
}

static const heddle_type    type_flaky = {sizeof(heddle_type), "Flaky", DESCRIPTOR};
static uint32_t             count(void) { return 1; }
static const heddle_type   *type_at(uint32_t i) { return i == 0 ? &type_flaky : NULL; }
static const heddle_factory factory = {sizeof(heddle_factory), count, type_at, create};

static heddle_status init(const heddle_host *h) {
    values = h->get_service(h, HEDDLE_VALUE);
    calls_of = h->get_service(h, HEDDLE_CALL);
    ops = h->get_service(h, HEDDLE_OP);
    return values && calls_of && ops ? HEDDLE_OK : HEDDLE_UNSUPPORTED;
}

static const void *get_factory(const char *kind) {
    const char *want = HEDDLE_KIND_NODE;
    while (*kind && *kind == *want) ++kind, ++want;
    return *kind == *want ? &factory : NULL;
}

const heddle_entry heddle_entry_v1 = {.struct_size = sizeof(heddle_entry), .init = init, .get_factory = get_factory};
