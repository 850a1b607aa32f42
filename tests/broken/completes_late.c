/* Asks for 50 ms and answers after 300, on a thread of the scheduler. */
#include "broken_node.h"

typedef struct late {
    struct late             *next;
    const heddle_op_service *ops;
    heddle_op               *op;
} late;

/* Kept for ever: an answer may still come while the node goes. */
static late *kept;

static void answer(void *ctx) {
    const late *l = ctx;
    l->ops->complete(l->op, HEDDLE_OK, NULL, broken_str(""));
}

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    broken *b = self;
    for (uint32_t i = 0; i < n; ++i) {
        late *l = calloc(1, sizeof *l);
        if (!l) abort();
        l->next = kept;
        l->ops  = b->op;
        l->op   = b->call->op(calls[i]);
        kept    = l;
        if (b->sched->after(b->host, 300000000u, answer, l) == 0) broken_complete(b, calls[i]);
    }
}

#define DESCRIPTOR BROKEN_DESCRIPTOR("BrokenLate", ",\"max_in_flight\":1,\"timeout_ms\":50")

BROKEN_PLUGIN_NOTE("broken_completes_late");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static const heddle_node table = {sizeof(heddle_node), {NULL, NULL, broken_destroy, NULL}, process, NULL, NULL, NULL};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)id, (void)config;
    *out = &table;
    return broken_create(h, self);
}
BROKEN_ENTRY("BrokenLate", DESCRIPTOR, create, NULL);
