#include <errno.h>
#include <heddle/heddle.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "my_plugin_transport.h"

/* The members of the descriptor are listed in heddle/transport.h. Endpoints, operations and limits come from the host. */
#define DESCRIPTOR                                                                                                     \
    "{\"transport\":\"MyType\",\"summary\":\"Requests and answers as frames over TCP, one connection for each\","      \
    "\"params\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"                                  \
    "\"connections\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":65536,\"default\":256,"                           \
    "\"description\":\"To a listener at a time; more wait to be accepted\"},"                                          \
    "\"calls\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":65536,\"default\":256,"                                 \
    "\"description\":\"To a peer at a time; more are refused\"}}}}"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            "{\"plugin\":\"my_plugin\",\"version\":\"0.1.0\"," HEDDLE_NOTE_ABI
            ",\"license\":\"Apache-2.0\",\"summary\":\"Requests and answers as frames over TCP\",\"package\":\"heddle-plugin-my-plugin\"}");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static const heddle_op_service *ops; /* fetched once by init() */

static transport *of(void *self) { return self; }
static void       refuse(heddle_op *op, heddle_status status, const char *why) { ops->complete(op, status, NULL, str(why)); }

static void activate(void *self, heddle_op *op) {
    const int failed = start_thread(self);
    if (failed) refuse(op, HEDDLE_EXHAUSTED, strerror(failed));
    else ops->complete(op, HEDDLE_OK, NULL, str(""));
}

static void deactivate(void *self, heddle_op *op) {
    stop_thread(self);
    ops->complete(op, HEDDLE_OK, NULL, str(""));
}

static void destroy(void *self) {
    close_transport(self);
    free(self);
}

/* The server's side ----------------------------------------------------------------------------------------------------------------------------- */

static place *new_place(heddle_id id, const heddle_value *said) {
    place *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->id = id;
    p->fd = -1;
    my_plugin_values->retain(said);
    p->said = (heddle_value *)said;
    return p;
}

static void drop_place(place *p) {
    if (p->fd >= 0) close(p->fd);
    my_plugin_values->release(p->said);
    free(p);
}

/* {"endpoint": …} */
static heddle_value *endpoint_value(const heddle_host *h, const char *endpoint) {
    const heddle_str key = str("endpoint");
    heddle_value    *text = my_plugin_values->make_string(h, str(endpoint));
    heddle_value    *map = text ? my_plugin_values->make_map(h, &key, &text, 1) : NULL;
    if (text && !map) my_plugin_values->release(text);
    return map;
}

static void add_place(transport *t, place *p, heddle_value *result, heddle_op *op) {
    command *c = new_command(ADD_PLACE, p->id);
    if (!c) {
        if (result) my_plugin_values->release(result);
        drop_place(p);
        refuse(op, HEDDLE_EXHAUSTED, "out of memory");
        return;
    }
    c->place = p;
    c->op = op;
    c->value = result;
    post(t, c);
}

static void listen_for_host(void *self, heddle_id listener, const heddle_value *offer, heddle_op *op) {
    char                endpoint[MOST_ENDPOINT], why[MOST_ENDPOINT];
    const char         *wrong;
    address             all[MOST_ADDRESSES];
    const heddle_value *limits = my_plugin_values->find(offer, str("limits"));
    if (find_addresses(text_in(offer, "endpoint"), all, &wrong) == 0) {
        refuse(op, HEDDLE_INVALID, wrong);
        return;
    }
    place *p = new_place(listener, offer);
    if (!p || !limits) {
        if (p) drop_place(p);
        refuse(op, p ? HEDDLE_INVALID : HEDDLE_EXHAUSTED, p ? "the offer has no limits" : "out of memory");
        return;
    }
    p->most_body = (size_t)number_in(limits, "body_bytes");
    p->header_ns = (uint64_t)number_in(limits, "header_ms") * NS_PER_MILLISECOND;
    p->request_ns = (uint64_t)number_in(limits, "request_ms") * NS_PER_MILLISECOND;
    p->stall_ns = (uint64_t)number_in(limits, "stall_ms") * NS_PER_MILLISECOND;
    p->fd = listen_at(&all[0], endpoint);
    if (p->fd < 0) {
        name_address(&all[0], endpoint);
        snprintf(why, sizeof why, "cannot listen at %.200s: %s", endpoint, strerror(errno));
        drop_place(p);
        refuse(op, HEDDLE_UNAVAILABLE, why);
        return;
    }
    heddle_value *result = endpoint_value(of(self)->host, endpoint);
    if (result) {
        add_place(self, p, result, op);
        return;
    }
    drop_place(p);
    refuse(op, HEDDLE_EXHAUSTED, "out of memory");
}

static void answer(void *self, heddle_id exchange, const heddle_answer *a) {
    command *c = new_command(ANSWER, exchange);
    if (c) c->more = a->more && a->status >= 0;
    if (c && !(write_answer(of(self)->host, a, &c->written) && add_bytes(&c->text, a->content_type.ptr, a->content_type.len))) c->verb = CANCEL; /* better than an answer with a hole */
    if (a->body) my_plugin_values->release(a->body);
    post(self, c);
}

static void leave(void *self, heddle_id place_id, uint64_t until_ns, heddle_op *op) {
    command *c = new_command(LEAVE_PLACE, place_id);
    if (!c) {
        refuse(op, HEDDLE_EXHAUSTED, "out of memory");
        return;
    }
    c->time_ns = until_ns;
    c->op = op;
    post(self, c);
}

/* Both sides. No request has parts here, neither of a peer nor of the host: what the host sends in parts are answers ----------------------------- */

static void part(void *self, heddle_id exchange, heddle_value *v) {
    command *c = new_command(PART, exchange);
    if (c) c->value = v;
    else my_plugin_values->release(v);
    post(self, c);
}

static void end(void *self, heddle_id exchange, heddle_status status, heddle_str why) {
    command *c = new_command(END, exchange);
    if (c) c->status = status;
    if (c && !write_end(of(self)->host, status, why, &c->written)) c->verb = CANCEL;
    post(self, c);
}

static void grant(void *self, heddle_id exchange, uint32_t parts) {
    command *c = new_command(GRANT, exchange);
    if (c) c->count = parts;
    post(self, c);
}

static void cancel(void *self, heddle_id exchange) { post(self, new_command(CANCEL, exchange)); }

/* The client's side ----------------------------------------------------------------------------------------------------------------------------- */

static void connect_for_host(void *self, heddle_id channel, const heddle_value *options, heddle_op *op) {
    const char *why;
    if (my_plugin_values->find(options, str("tls"))) {
        refuse(op, HEDDLE_UNSUPPORTED, "MyType has no TLS");
        return;
    }
    place *p = new_place(channel, options);
    if (!p) {
        refuse(op, HEDDLE_EXHAUSTED, "out of memory");
        return;
    }
    p->address_count = find_addresses(text_in(options, "endpoint"), p->addresses, &why);
    p->connect_ns = (uint64_t)number_in(options, "connect_ms") * NS_PER_MILLISECOND;
    p->most_body = (size_t)number_in(options, "most_body_bytes");
    if (p->address_count > 0) {
        add_place(self, p, NULL, op);
        return;
    }
    drop_place(p);
    refuse(op, HEDDLE_INVALID, why);
}

static void call(void *self, heddle_id channel, const heddle_request *r) {
    transport *t = self;
    command   *c = r->more ? NULL : new_command(CALL, channel);
    const bool written = c && write_request(t->host, r, clock_ns(), &c->written) && add_bytes(&c->text, r->operation.ptr, r->operation.len);
    if (r->body) my_plugin_values->release(r->body);
    if (r->more) {
        refuse_call(t->host, t->inbox, r->exchange, HEDDLE_UNSUPPORTED, "unsupported", "permanent", "MyType sends no request in parts");
        return;
    }
    if (!written) {
        if (c) free_command(c);
        refuse_call(t->host, t->inbox, r->exchange, HEDDLE_INVALID, "invalid", "permanent", "the request cannot be written: its head has at most 64 KiB, its body 4 GiB");
        return;
    }
    c->call = r->exchange;
    c->time_ns = r->deadline_ns;
    c->count = r->credit;
    post(t, c);
}

static void probe(void *self, heddle_id channel, heddle_op *op) {
    command *c = new_command(PROBE, channel);
    if (!c || !write_probe(of(self)->host, &c->written)) {
        if (c) free_command(c);
        refuse(op, HEDDLE_EXHAUSTED, "out of memory");
        return;
    }
    c->op = op;
    post(self, c);
}

static void disconnect(void *self, heddle_id channel, heddle_op *op) { leave(self, channel, 0, op); }

/* The door -------------------------------------------------------------------------------------------------------------------------------------- */

static const heddle_transport table = {
    .struct_size = sizeof(heddle_transport), .base = {.activate = activate, .deactivate = deactivate, .destroy = destroy},
    .listen = listen_for_host, .answer = answer, .close = leave, .part = part, .end = end, .grant = grant, .cancel = cancel,
    .connect = connect_for_host, .call = call, .probe = probe, .disconnect = disconnect};

/* The params were checked against the schema, but its defaults are not filled in. */
static heddle_status create(const heddle_host *h, const char *type_id, const heddle_value *config, void **self, const void **made_table) {
    (void)type_id; /* there is one type */
    const heddle_inbox_service *inbox = h->get_service(h, HEDDLE_INBOX);
    if (!HEDDLE_HAS(inbox, request) || !HEDDLE_HAS(inbox, grant) || !HEDDLE_HAS(inbox, over) || !HEDDLE_HAS(inbox, answer) || !HEDDLE_HAS(inbox, part) || !HEDDLE_HAS(inbox, end)) {
        h->fail(h, HEDDLE_UNSUPPORTED, str("the host has no " HEDDLE_INBOX " for this object"), NULL);
        return HEDDLE_UNSUPPORTED;
    }
    transport *t = calloc(1, sizeof *t);
    if (!t) {
        h->fail(h, HEDDLE_EXHAUSTED, str("out of memory"), NULL);
        return HEDDLE_EXHAUSTED;
    }
    t->host = h;
    t->inbox = inbox;
    t->ops = ops;
    const int64_t connections = number_in(config, "connections"), calls = number_in(config, "calls");
    t->most_connections = connections > 0 ? (uint64_t)connections : 256;
    t->most_calls = calls > 0 ? (uint64_t)calls : 256;
    open_transport(t);
    *self = t;
    *made_table = &table;
    return HEDDLE_OK;
}

static const heddle_type  type = {sizeof(heddle_type), "MyType", DESCRIPTOR};
static uint32_t           type_count(void) { return 1; }
static const heddle_type *type_at(uint32_t i) { return i == 0 ? &type : NULL; }

static const heddle_factory factory = {sizeof(heddle_factory), type_count, type_at, create};

static const void *get_factory(const char *kind) { return strcmp(kind, HEDDLE_KIND_TRANSPORT) == 0 ? &factory : NULL; }

static heddle_status init(const heddle_host *h) {
    my_plugin_values = h->get_service(h, HEDDLE_VALUE);
    ops = h->get_service(h, HEDDLE_OP);
    return my_plugin_values && ops ? HEDDLE_OK : HEDDLE_UNSUPPORTED;
}

const heddle_entry heddle_entry_v1 = {.struct_size = sizeof(heddle_entry), .abi_minor = 0, .init = init, .get_factory = get_factory};
