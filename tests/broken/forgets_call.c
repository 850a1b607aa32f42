/* A transport that listens and closes as it should, and never answers a call. */
#include "broken_node.h"

#define DESCRIPTOR "{\"transport\":\"BrokenForgetsCall\",\"params\":{\"type\":\"object\",\"additionalProperties\":false}}"

static void done(void *self, heddle_id id, heddle_op *op) {
    (void)id;
    ((const broken *)self)->op->complete(op, HEDDLE_OK, NULL, broken_str(""));
}

static void listen(void *self, heddle_id listener, const heddle_value *offer, heddle_op *op) {
    const broken    *b = self;
    const heddle_str key = broken_str("endpoint");
    heddle_value    *endpoint = b->value->make_string(b->host, broken_str("127.0.0.1:1"));
    (void)listener, (void)offer;
    b->op->complete(op, HEDDLE_OK, b->value->make_map(b->host, &key, &endpoint, 1), broken_str(""));
}
static void close_all(void *self, heddle_id listener, uint64_t until_ns, heddle_op *op) {
    (void)until_ns;
    done(self, listener, op);
}
static void answer(void *self, heddle_id exchange, const heddle_answer *a) {
    (void)exchange;
    if (a->body) ((const broken *)self)->value->release(a->body);
}
static void part(void *self, heddle_id exchange, heddle_value *v) {
    (void)exchange;
    ((const broken *)self)->value->release(v);
}
static void end(void *self, heddle_id exchange, heddle_status status, heddle_str why) { (void)self, (void)exchange, (void)status, (void)why; }
static void cancel(void *self, heddle_id exchange) { (void)self, (void)exchange; }

static void connect_to(void *self, heddle_id channel, const heddle_value *options, heddle_op *op) {
    (void)options;
    done(self, channel, op);
}
static void call(void *self, heddle_id channel, const heddle_request *r) {
    (void)channel;
    if (r->body) ((const broken *)self)->value->release(r->body);
}

static const heddle_transport table = {sizeof(heddle_transport), {NULL, NULL, broken_destroy, NULL}, listen, answer, close_all, part, end, NULL, cancel, connect_to, call, done, done};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)id, (void)config;
    *out = &table;
    return broken_create(h, self);
}

BROKEN_PLUGIN_NOTE("broken_forgets_call");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);
BROKEN_ENTRY_OF(HEDDLE_KIND_TRANSPORT, "BrokenForgetsCall", DESCRIPTOR, create, NULL);
