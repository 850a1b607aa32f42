#include <heddle/heddle.h>
#include <stdlib.h>
#include <string.h>

/* The members of the descriptor are listed in heddle/node.h. It keeps nothing of an item, so it says "parallel" and "stateless": any number of
 * calls may be in process() at once. */
#define DESCRIPTOR                                                                                       \
    "{\"node\":\"MyType\",\"summary\":\"Multiplies numbers\","                                           \
    "\"params\":{\"type\":\"object\",\"additionalProperties\":false,"                                    \
    "\"properties\":{\"by\":{\"type\":\"number\",\"default\":2,"                                         \
    "\"description\":\"What each number is multiplied by\"}}},"                                          \
    "\"concurrency\":\"parallel\",\"stateless\":true,\"idempotent\":true,\"create_is_pure\":true}"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            "{\"plugin\":\"my_plugin\",\"version\":\"0.1.0\"," HEDDLE_NOTE_ABI
            ",\"license\":\"Apache-2.0\",\"summary\":\"Multiplies numbers\",\"package\":\"heddle-plugin-my-plugin\"}");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

/* The host's services, fetched once by init(). */
static const heddle_value_service *value;
static const heddle_call_service  *call;
static const heddle_op_service    *op;

typedef struct node {
    const heddle_host *host;
    double             by;
} node;

static heddle_str str(const char *text) {
    heddle_str s;
    s.ptr = text;
    s.len = strlen(text);
    return s;
}

/* The number times `by`. To fail costs this item, and no other. */
static void process_one(const node *self, heddle_call *c) {
    double number;
    if (!value->get_float(call->input(c), &number)) {
        op->complete(call->op(c), HEDDLE_INVALID, NULL, str("MyType takes a number"));
        return;
    }
    heddle_value *out = value->make_float(self->host, number * self->by);
    if (!out) { /* only a result that is not finite gets here, or a host without memory */
        op->complete(call->op(c), HEDDLE_INVALID, NULL, str("MyType: the result is no number"));
        return;
    }
    /* AGAIN is awaited by nodes that have a resume(): see heddle/call.h. */
    heddle_status sent = call->emit(c, 0, out);
    if (sent != HEDDLE_OK) value->release(out); /* consumed on success, never on failure */
    op->complete(call->op(c), sent == HEDDLE_OK ? HEDDLE_OK : HEDDLE_EXHAUSTED, NULL, str(sent == HEDDLE_OK ? "" : "no room for the result"));
}

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    for (uint32_t i = 0; i < n; ++i) process_one(self, calls[i]);
}

static void destroy(void *self) { free(self); }

static const heddle_node table = {.struct_size = sizeof(heddle_node), .base = {.destroy = destroy}, .process = process};

/* The params were checked against the schema, but its defaults are not filled in. */
static heddle_status create(const heddle_host *h, const char *type_id, const heddle_value *config, void **self, const void **made_table) {
    (void)type_id; /* there is one type */
    node *made = calloc(1, sizeof *made);
    if (!made) {
        h->fail(h, HEDDLE_EXHAUSTED, str("out of memory"), NULL);
        return HEDDLE_EXHAUSTED;
    }
    made->host = h;
    made->by = 2;
    const heddle_value *by = value->find(config, str("by"));
    if (by && !value->get_float(by, &made->by)) {
        free(made);
        h->fail(h, HEDDLE_INVALID, str("\"by\" is not a number"), NULL);
        return HEDDLE_INVALID;
    }
    *self = made;
    *made_table = &table;
    return HEDDLE_OK;
}

static const heddle_type  type = {sizeof(heddle_type), "MyType", DESCRIPTOR};
static uint32_t           type_count(void) { return 1; }
static const heddle_type *type_at(uint32_t i) { return i == 0 ? &type : NULL; }

static const heddle_factory factory = {sizeof(heddle_factory), type_count, type_at, create};

static const void *get_factory(const char *kind) { return strcmp(kind, HEDDLE_KIND_NODE) == 0 ? &factory : NULL; }

static heddle_status init(const heddle_host *h) {
    value = h->get_service(h, HEDDLE_VALUE);
    call = h->get_service(h, HEDDLE_CALL);
    op = h->get_service(h, HEDDLE_OP);
    return value && call && op ? HEDDLE_OK : HEDDLE_UNSUPPORTED;
}

const heddle_entry heddle_entry_v1 = {.struct_size = sizeof(heddle_entry), .abi_minor = 0, .init = init, .get_factory = get_factory};
