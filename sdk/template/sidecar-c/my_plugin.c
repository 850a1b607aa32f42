#include <heddle/heddle.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "my_plugin_worker.h"

/* The members of the descriptor are listed in heddle/sidecar.h. How many at a time, and how much they may write, comes from the host. */
#define DESCRIPTOR                                                                                                  \
    "{\"sidecar\":\"MyType\",\"summary\":\"Programs of this machine: the item on stdin, the result from stdout\","  \
    "\"params\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"command\"],\"properties\":{"    \
    "\"command\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"},"                               \
    "\"description\":\"The program and its arguments; no shell reads them\"}}}}"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            "{\"plugin\":\"my_plugin\",\"version\":\"0.1.0\"," HEDDLE_NOTE_ABI
            ",\"license\":\"Apache-2.0\",\"summary\":\"Has programs work, one run for each item\",\"package\":\"heddle-plugin-my-plugin\"}");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static const heddle_op_service *ops; /* fetched once by init() */

static void refuse(heddle_op *op, heddle_status status, const char *why) { ops->complete(op, status, NULL, str(why)); }

static void activate(void *self, heddle_op *op) {
    const int failed = start_thread(self);
    if (failed) refuse(op, HEDDLE_EXHAUSTED, strerror(failed));
    else ops->complete(op, HEDDLE_OK, NULL, str(""));
}

static void deactivate(void *self, heddle_op *op) {
    stop_thread(self);
    ops->complete(op, HEDDLE_OK, NULL, str(""));
}

static void free_words(char **words) {
    for (char **word = words; word && *word; ++word) free(*word);
    free(words);
}

static void destroy(void *self) {
    sidecar *s = self;
    close_sidecar(s);
    free_words(s->command);
    free(s);
}

/* At least 1. */
static uint64_t number_in(const heddle_value *map, const char *name) {
    int64_t             number = 1;
    const heddle_value *found = my_plugin_values->find(map, str(name));
    return found && my_plugin_values->get_int(found, &number) && number > 1 ? (uint64_t)number : 1;
}

static void connect_worker(void *self, heddle_id id, const heddle_value *options, heddle_op *op) {
    if (my_plugin_values->find(options, str("tls"))) {
        refuse(op, HEDDLE_UNSUPPORTED, "MyType runs programs on this machine: it has no TLS");
        return;
    }
    command *c = new_command(CONNECT, id);
    worker  *w = calloc(1, sizeof *w);
    if (!c || !w) {
        free(c);
        free(w);
        refuse(op, HEDDLE_EXHAUSTED, "out of memory");
        return;
    }
    w->id = id;
    w->slots = number_in(options, "slots");
    w->most_bytes = (size_t)number_in(options, "most_bytes");
    w->again_ns = 100000000;
    c->worker = w;
    c->op = op;
    post(self, c);
}

static void assign(void *self, heddle_id id, const heddle_assignment *a) {
    sidecar            *s = self;
    command            *c = new_command(ASSIGN, id);
    const heddle_status status = c ? make_order(s->host, a, &c->order) : HEDDLE_EXHAUSTED;
    if (status != HEDDLE_OK) {
        if (c) free_command(c);
        fail_assignment(s, a->assignment, status, "unsent", status == HEDDLE_INVALID ? "permanent" : "retryable",
                        status == HEDDLE_INVALID ? "a text has a NUL, which no environment can have" : "out of memory");
        return;
    }
    c->assignment = a->assignment;
    c->time_ns = a->deadline_ns;
    post(s, c);
}

/* Without memory to say it, it goes on: the host's own time limits hold. */
static void cancel(void *self, heddle_id assignment, heddle_str reason, uint64_t grace_ns) {
    command *c = new_command(CANCEL, assignment);
    if (!c) return;
    snprintf(c->reason, sizeof c->reason, "%.*s", (int)(reason.len < sizeof c->reason ? reason.len : sizeof c->reason - 1), reason.len ? reason.ptr : "");
    make_readable(c->reason); /* it may have been cut */
    c->time_ns = grace_ns;
    post(self, c);
}

static void drain(void *self, heddle_id id) {
    command *c = new_command(DRAIN, id);
    if (c) post(self, c);
}

static void ask(void *self, enum verb verb, heddle_id id, heddle_op *op) {
    command *c = new_command(verb, id);
    if (!c) {
        refuse(op, HEDDLE_EXHAUSTED, "out of memory");
        return;
    }
    c->op = op;
    post(self, c);
}
static void probe(void *self, heddle_id id, heddle_op *op) { ask(self, PROBE, id, op); }
static void disconnect(void *self, heddle_id id, heddle_op *op) { ask(self, DISCONNECT, id, op); }

/* The door -------------------------------------------------------------------------------------------------------------------------------------- */

static const heddle_sidecar table = {
    .struct_size = sizeof(heddle_sidecar), .base = {.activate = activate, .deactivate = deactivate, .destroy = destroy},
    .connect = connect_worker, .assign = assign, .cancel = cancel, .drain = drain, .probe = probe, .disconnect = disconnect};

/* The words of a command; null: out of memory, or it has a text that no command can have. */
static char **words_of(const heddle_value *list) {
    const size_t n = list ? my_plugin_values->length(list) : 0;
    char       **words = calloc(n + 1, sizeof *words);
    for (size_t i = 0; words && i < n; ++i) {
        heddle_str text = {NULL, 0};
        const bool fits = my_plugin_values->get_text(my_plugin_values->at(list, i, NULL), &text) && !memchr(text.ptr, '\0', text.len) && (i > 0 || text.len > 0);
        words[i] = fits ? calloc(text.len + 1, 1) : NULL;
        if (words[i]) {
            memcpy(words[i], text.ptr, text.len);
            continue;
        }
        free_words(words);
        return NULL;
    }
    return words;
}

/* The params were checked against the schema. */
static heddle_status create(const heddle_host *h, const char *type_id, const heddle_value *config, void **self, const void **made_table) {
    (void)type_id; /* there is one type */
    const heddle_assignments_service *told = h->get_service(h, HEDDLE_ASSIGNMENTS);
    if (!HEDDLE_HAS(told, here) || !HEDDLE_HAS(told, grant) || !HEDDLE_HAS(told, gone) || !HEDDLE_HAS(told, progress) || !HEDDLE_HAS(told, done)) {
        h->fail(h, HEDDLE_UNSUPPORTED, str("the host has no " HEDDLE_ASSIGNMENTS " for this object"), NULL);
        return HEDDLE_UNSUPPORTED;
    }
    sidecar *s = calloc(1, sizeof *s);
    char   **command = words_of(my_plugin_values->find(config, str("command")));
    if (!s || !command || !command[0]) {
        free(s);
        free_words(command);
        h->fail(h, HEDDLE_INVALID, str("\"command\" must name a program, and has texts without NUL"), NULL);
        return HEDDLE_INVALID;
    }
    s->host = h;
    s->told = told;
    s->ops = ops;
    s->command = command;
    open_sidecar(s);
    *self = s;
    *made_table = &table;
    return HEDDLE_OK;
}

static const heddle_type  type = {sizeof(heddle_type), "MyType", DESCRIPTOR};
static uint32_t           type_count(void) { return 1; }
static const heddle_type *type_at(uint32_t i) { return i == 0 ? &type : NULL; }

static const heddle_factory factory = {sizeof(heddle_factory), type_count, type_at, create};

static const void *get_factory(const char *kind) { return strcmp(kind, HEDDLE_KIND_SIDECAR) == 0 ? &factory : NULL; }

static heddle_status init(const heddle_host *h) {
    my_plugin_values = h->get_service(h, HEDDLE_VALUE);
    ops = h->get_service(h, HEDDLE_OP);
    return my_plugin_values && ops ? HEDDLE_OK : HEDDLE_UNSUPPORTED;
}

const heddle_entry heddle_entry_v1 = {.struct_size = sizeof(heddle_entry), .abi_minor = 0, .init = init, .get_factory = get_factory};
