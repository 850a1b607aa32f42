/* A transport that does to the inbox everything that is against the rules: while it begins to listen, and when it is called. */
#include <heddle/inbox.h>
#include <heddle/heddle.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIPTOR "{\"transport\":\"broken\",\"params\":{\"type\":\"object\",\"additionalProperties\":false}}"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            "{\"plugin\":\"broken_breaks_inbox\",\"version\":\"1.0.0\"," HEDDLE_NOTE_ABI ",\"summary\":\"breaks many rules, for tests\"}");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

typedef struct broken {
    const heddle_host          *host;
    const heddle_op_service    *op;
    const heddle_value_service *value;
    const heddle_inbox_service *inbox;
} broken;

static heddle_str str(const char *text) {
    heddle_str s;
    s.ptr = text;
    s.len = strlen(text);
    return s;
}

static void ask(const broken *b, heddle_id listener, heddle_id exchange, const char *operation) {
    heddle_request r;
    memset(&r, 0, sizeof r);
    r.struct_size = sizeof r;
    r.exchange    = exchange;
    r.operation   = str(operation);
    b->inbox->request(b->host, listener, &r);
}

static void listen(void *self, heddle_id listener, const heddle_value *offer, heddle_op *op) {
    const broken *b = self;
    (void)offer;
    ask(b, listener + 1, 2, "known");      /* a listener that there is not */
    ask(b, listener, 4, "unheard-of");     /* an operation that was not offered */
    ask(b, listener, 4, "known");          /* an exchange that is open already */
    b->inbox->over(b->host, 4, HEDDLE_OK, str(""));
    b->inbox->over(b->host, 4, HEDDLE_OK, str(""));  /* over twice */
    b->inbox->grant(b->host, 4, 1);        /* room in what is over */
    ask(b, listener, 6, "known");          /* never over */
    ask(b, listener, 8, "known");          /* more than the limit of one */
    b->inbox->over(b->host, 8, HEDDLE_OK, str(""));
    b->inbox->lost(b->host, listener, HEDDLE_UNAVAILABLE, str("the cable is cut"));
    b->op->complete(op, HEDDLE_OK, NULL, str("")); /* without the endpoint, and twice */
    b->op->complete(op, HEDDLE_OK, NULL, str(""));
}

static void answer(void *self, heddle_id exchange, const heddle_answer *a) {
    const broken *b = self;
    (void)exchange;
    if (a->body) b->value->release(a->body);
}

static void close_all(void *self, heddle_id listener, uint64_t until_ns, heddle_op *op) {
    (void)listener, (void)until_ns;
    ((const broken *)self)->op->complete(op, HEDDLE_OK, NULL, str(""));
}

static void part(void *self, heddle_id exchange, heddle_value *v) {
    (void)exchange;
    ((const broken *)self)->value->release(v);
}

static void end(void *self, heddle_id exchange, heddle_status status, heddle_str why) { (void)self, (void)exchange, (void)status, (void)why; }

static void done(void *self, heddle_id id, heddle_op *op) {
    (void)id;
    ((const broken *)self)->op->complete(op, HEDDLE_OK, NULL, str(""));
}

static void connect_to(void *self, heddle_id channel, const heddle_value *options, heddle_op *op) {
    (void)options;
    done(self, channel, op);
}

/* Every operation is named after what is done wrong. */
static void call(void *self, heddle_id channel, const heddle_request *r) {
    const broken *b = self;
    heddle_answer a;
    (void)channel;
    memset(&a, 0, sizeof a);
    a.struct_size = sizeof a;
    if (r->body) b->value->release(r->body);
    if (strncmp(r->operation.ptr, "never-over", r->operation.len) == 0) return;
    if (strncmp(r->operation.ptr, "answered-twice", r->operation.len) == 0) {
        b->inbox->answer(b->host, r->exchange, &a);
        b->inbox->answer(b->host, r->exchange, &a);
        b->inbox->part(b->host, r->exchange, b->value->make_null(b->host));
        b->inbox->end(b->host, r->exchange, HEDDLE_OK, str(""));
    } else if (strncmp(r->operation.ptr, "streamed", r->operation.len) == 0) {
        a.more = true;
        b->inbox->answer(b->host, r->exchange, &a);
        b->inbox->part(b->host, r->exchange, b->value->make_null(b->host));
        b->inbox->part(b->host, r->exchange, b->value->make_null(b->host)); /* without credit */
        b->inbox->part(b->host, r->exchange, b->value->make_null(b->host)); /* after it was given up for that */
    }
    b->inbox->over(b->host, r->exchange, HEDDLE_OK, str(""));
    b->inbox->over(b->host, r->exchange, HEDDLE_OK, str(""));
    b->inbox->answer(b->host, r->exchange, &a);
}

static void forget(void *self, heddle_id exchange) { (void)self, (void)exchange; }

static void destroy(void *self) { free(self); }

static const heddle_transport table = {sizeof(heddle_transport), {NULL, NULL, destroy, NULL}, listen, answer, close_all, part, end, NULL, forget,
                                       connect_to, call, done, done};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    broken *b = calloc(1, sizeof *b);
    (void)id, (void)config;
    if (!b) return HEDDLE_EXHAUSTED;
    b->host  = h;
    b->op    = h->get_service(h, HEDDLE_OP);
    b->value = h->get_service(h, HEDDLE_VALUE);
    b->inbox = h->get_service(h, HEDDLE_INBOX);
    *self    = b;
    *out     = &table;
    return HEDDLE_OK;
}

static const heddle_type only_type = {sizeof(heddle_type), "broken", DESCRIPTOR};
static uint32_t count_types(void) { return 1; }
static const heddle_type *type_at(uint32_t i) { return i == 0 ? &only_type : NULL; }
static const heddle_factory transports = {sizeof(heddle_factory), count_types, type_at, create};
static const void *get_factory(const char *kind) { return strcmp(kind, HEDDLE_KIND_TRANSPORT) == 0 ? &transports : NULL; }
HEDDLE_EXPORT const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, NULL, NULL, get_factory};
