/* A whole plugin in C11, with nothing but plugin-api: exchanges the values of two members of every item.
 *
 *   cc -std=c11 -shared -fPIC -fvisibility=hidden -I<include> swap.c -o c_swap.so
 *
 * {"a": 1, "b": 2, "c": 3} with {"left": "a", "right": "b"} becomes {"a": 2, "b": 1, "c": 3}. An item without both members fails.
 */
#include <heddle/heddle.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIPTOR                                                                                     \
    "{\"node\":\"Swap\",\"summary\":\"Exchanges the values of two members\",\"params\":{"              \
    "\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"left\",\"right\"],"            \
    "\"properties\":{\"left\":{\"type\":\"string\"},\"right\":{\"type\":\"string\"}}},"                \
    "\"concurrency\":\"parallel\",\"idempotent\":true}"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            "{\"plugin\":\"c_swap\",\"version\":\"1.0.0\"," HEDDLE_NOTE_ABI ",\"license\":\"Apache-2.0\",\"summary\":\"A plugin in C\"}");
HEDDLE_NOTE(swap_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

typedef struct swap {
    const heddle_host          *host;
    const heddle_value_service *value;
    const heddle_op_service    *op;
    const heddle_call_service  *call;
    heddle_value               *config; /* keeps the two names alive */
    heddle_str                  left, right;
} swap;

static heddle_str str(const char *text) {
    heddle_str s;
    s.ptr = text;
    s.len = strlen(text);
    return s;
}

static int same(heddle_str a, heddle_str b) { return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0; }

/* A new map like `in`, with the two values exchanged; null: out of memory, or the host's reason. */
static heddle_value *exchanged(const swap *s, const heddle_value *in, const heddle_value *left, const heddle_value *right) {
    const size_t   n      = s->value->length(in);
    heddle_str    *keys   = calloc(n, sizeof *keys);
    heddle_value **values = calloc(n, sizeof *values);
    heddle_value  *out    = NULL;
    if (keys && values) {
        for (size_t i = 0; i < n; ++i) {
            const heddle_value *v = s->value->at(in, i, &keys[i]);
            if (same(keys[i], s->left)) v = right;
            else if (same(keys[i], s->right)) v = left;
            s->value->retain(v);
            values[i] = (heddle_value *)v; /* the reference is ours now */
        }
        out = s->value->make_map(s->host, keys, values, n);
        for (size_t i = 0; !out && i < n; ++i) s->value->release(values[i]);
    }
    free(keys);
    free(values);
    return out;
}

static void process_one(const swap *s, heddle_call *c) {
    heddle_op          *op    = s->call->op(c);
    const heddle_value *in    = s->call->input(c);
    const heddle_value *left  = s->value->find(in, s->left);
    const heddle_value *right = s->value->find(in, s->right);
    heddle_value       *out;
    if (!left || !right) {
        s->op->complete(op, HEDDLE_INVALID, NULL, str("the item does not have both members"));
        return;
    }
    out = exchanged(s, in, left, right);
    if (!out) {
        s->op->complete(op, HEDDLE_EXHAUSTED, NULL, str("the item cannot be copied"));
        return;
    }
    if (s->call->emit(c, 0, out) != HEDDLE_OK) {
        s->value->release(out);
        s->op->complete(op, HEDDLE_EXHAUSTED, NULL, str("there is no room for the item"));
        return;
    }
    s->op->complete(op, HEDDLE_OK, NULL, str(""));
}

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    for (uint32_t i = 0; i < n; ++i) process_one(self, calls[i]);
}

static void destroy(void *self) {
    swap *s = self;
    s->value->release(s->config);
    free(s);
}

static const heddle_node table = {sizeof(heddle_node), {NULL, NULL, destroy, NULL}, process, NULL, NULL, NULL};

static heddle_status create(const heddle_host *h, const char *type_id, const heddle_value *config, void **self, const void **out) {
    swap *s = calloc(1, sizeof *s);
    (void)type_id; /* there is only one */
    if (!s) return HEDDLE_EXHAUSTED;
    s->host  = h;
    s->value = h->get_service(h, HEDDLE_VALUE);
    s->op    = h->get_service(h, HEDDLE_OP);
    s->call  = h->get_service(h, HEDDLE_CALL);
    if (!s->value->get_text(s->value->find(config, str("left")), &s->left) ||
        !s->value->get_text(s->value->find(config, str("right")), &s->right) || same(s->left, s->right)) {
        h->fail(h, HEDDLE_INVALID, str("\"left\" and \"right\" must be two different names"), NULL);
        free(s);
        return HEDDLE_INVALID;
    }
    s->value->retain(config);
    s->config = (heddle_value *)config;
    *self     = s;
    *out      = &table;
    return HEDDLE_OK;
}

static const heddle_type swap_type = {sizeof(heddle_type), "Swap", DESCRIPTOR};

static uint32_t           count(void) { return 1; }
static const heddle_type *type(uint32_t i) { return i == 0 ? &swap_type : NULL; }

static const heddle_factory nodes = {sizeof(heddle_factory), count, type, create};

static const void *get_factory(const char *kind) { return strcmp(kind, HEDDLE_KIND_NODE) == 0 ? &nodes : NULL; }

HEDDLE_EXPORT const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), 0, NULL, NULL, get_factory};
