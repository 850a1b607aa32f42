/* A stranger's plugin in C11 with nothing but plugin-api: Count{step} replaces every item by {"count":n,"was":item}. */
#include <heddle/heddle.h>
#include <stdlib.h>

#define COUNT_DESCRIPTOR                                                                                  \
    "{\"node\":\"Count\",\"summary\":\"Counts its items\",\"params\":{\"type\":\"object\",\"properties\":" \
    "{\"step\":{\"type\":\"integer\",\"default\":1,\"minimum\":1}},\"additionalProperties\":false}}"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN, "{\"plugin\":\"node_count\",\"version\":\"1.0.0\"," HEDDLE_NOTE_ABI "}");
HEDDLE_NOTE(count_note, HEDDLE_NOTE_TYPE, COUNT_DESCRIPTOR);

static const heddle_value_service *values;
static const heddle_call_service  *calls_of;
static const heddle_op_service    *ops;

typedef struct count {
    const heddle_host *host;
    int64_t            step, n;
} count;

static heddle_str text(const char *s, size_t len) {
    heddle_str t = {s, len};
    return t;
}
#define TEXT(literal) text(literal, sizeof(literal) - 1)

static void count_one(count *self, heddle_call *c) {
    heddle_value *input = calls_of->take(c);
    heddle_value *members[2] = {values->make_int(self->host, self->n += self->step), input};
    heddle_str    keys[2] = {TEXT("count"), TEXT("was")};
    heddle_value *out = members[0] ? values->make_map(self->host, keys, members, 2) : NULL;
    if (!out) {
        if (members[0]) values->release(members[0]);
        values->release(input);
        ops->complete(calls_of->op(c), HEDDLE_EXHAUSTED, NULL, TEXT("out of memory"));
        return;
    }
    heddle_status sent = calls_of->emit(c, 0, out);
    if (sent != HEDDLE_OK) values->release(out);
    ops->complete(calls_of->op(c), sent == HEDDLE_OK ? HEDDLE_OK : HEDDLE_EXHAUSTED, NULL, TEXT("no room"));
}

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    for (uint32_t i = 0; i < n; ++i) count_one(self, calls[i]);
}

static void destroy(void *self) { free(self); }

static const heddle_node count_table = {
    .struct_size = sizeof(heddle_node), .base = {.destroy = destroy}, .process = process};

static heddle_status create(const heddle_host *h, const char *type_id, const heddle_value *config, void **self, const void **table) {
    (void)type_id;
    count *made = calloc(1, sizeof *made);
    if (!made) return HEDDLE_EXHAUSTED;
    made->host = h;
    made->step = 1;
    const heddle_value *step = values->find(config, TEXT("step"));
    if (step) values->get_int(step, &made->step);
    *self = made;
    *table = &count_table;
    return HEDDLE_OK;
}

static const heddle_type count_type = {sizeof(heddle_type), "Count", COUNT_DESCRIPTOR};
static uint32_t           type_count(void) { return 1; }
static const heddle_type *type_at(uint32_t i) { return i == 0 ? &count_type : NULL; }
static const heddle_factory factory = {sizeof(heddle_factory), type_count, type_at, create};

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

const heddle_entry heddle_entry_v1 = {.struct_size = sizeof(heddle_entry), .abi_minor = 0, .init = init, .get_factory = get_factory};
