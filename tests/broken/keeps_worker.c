/* A sidecar that says that its worker is gone, and never leaves it. */
#include "broken_node.h"

#define DESCRIPTOR "{\"sidecar\":\"BrokenKeepsWorker\",\"params\":{\"type\":\"object\",\"additionalProperties\":false}}"

static void connect_to(void *self, heddle_id worker, const heddle_value *options, heddle_op *op) {
    const broken                     *b = self;
    const heddle_assignments_service *told = b->host->get_service(b->host, HEDDLE_ASSIGNMENTS);
    (void)options;
    b->op->complete(op, HEDDLE_OK, NULL, broken_str(""));
    told->gone(b->host, worker, HEDDLE_UNAVAILABLE, broken_str("nobody is there"));
}
static void assign(void *self, heddle_id worker, const heddle_assignment *a) { (void)self, (void)worker, (void)a; }
static void cancel(void *self, heddle_id assignment, heddle_str reason, uint64_t grace_ns) { (void)self, (void)assignment, (void)reason, (void)grace_ns; }
static void drain(void *self, heddle_id worker) { (void)self, (void)worker; }
static void probe(void *self, heddle_id worker, heddle_op *op) {
    (void)worker;
    ((const broken *)self)->op->complete(op, HEDDLE_UNAVAILABLE, NULL, broken_str("nobody is there"));
}
static void disconnect(void *self, heddle_id worker, heddle_op *op) { (void)self, (void)worker, (void)op; }

static const heddle_sidecar table = {sizeof(heddle_sidecar), {NULL, NULL, broken_destroy, NULL}, connect_to, assign, cancel, drain, probe, disconnect};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)id, (void)config;
    *out = &table;
    return broken_create(h, self);
}

BROKEN_PLUGIN_NOTE("broken_keeps_worker");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);
BROKEN_ENTRY_OF(HEDDLE_KIND_SIDECAR, "BrokenKeepsWorker", DESCRIPTOR, create, NULL);
