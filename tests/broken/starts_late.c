/* Breaks nothing: activate and deactivate return at once and are completed from posted functions, on the node's own lane. A host that hands it a call
 * before it is active, or destroys it while it is, is aborted. */
#include "broken_node.h"

typedef struct late {
    heddle_op *op; /* to be completed */
    bool       active;
} late;

static late *late_of(broken *b) {
    if (!b->own) b->own = calloc(1, sizeof(late));
    return b->own;
}

static void answer(void *self) HEDDLE_FN {
    broken *b = self;
    late   *l = late_of(b);
    l->active = !l->active;
    b->op->complete(l->op, HEDDLE_OK, NULL, broken_str(""));
}

static void begin(void *self, heddle_op *op) {
    broken *b = self;
    late_of(b)->op = op;
    b->sched->post(b->host, answer, b);
}

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    if (!late_of(self)->active) abort();
    broken_pass(self, calls, n);
}

static void destroy(void *self) {
    if (late_of(self)->active) abort();
    broken_destroy(self);
}

#define DESCRIPTOR BROKEN_DESCRIPTOR("StartsLate", "")

BROKEN_PLUGIN_NOTE("broken_starts_late");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static const heddle_node table = {sizeof(heddle_node), {begin, begin, destroy, NULL}, process, NULL, NULL, NULL};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)id, (void)config;
    *out = &table;
    return broken_create(h, self);
}

BROKEN_ENTRY("StartsLate", DESCRIPTOR, create, NULL);
