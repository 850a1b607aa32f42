/* A plugin that breaks the contract on purpose, for `heddle check --host`: see hostile.h. */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            "{\"plugin\":\"heddle_hostile\",\"version\":\"1.0.0\"," HEDDLE_NOTE_ABI ",\"license\":\"Apache-2.0\","
            "\"summary\":\"Breaks the contract on purpose: heddle check --host\"}");

#define PARAMS "\"params\":{\"type\":\"object\",\"properties\":{\"deed\":{\"type\":\"string\"}},\"additionalProperties\":false}"
#define PROMPT "{\"node\":\"Hostile\",\"summary\":\"Does one deed, and answers before process() returns\"," PARAMS "}"
#define LATE "{\"node\":\"HostileLate\",\"summary\":\"Does one deed, and may answer later\",\"max_in_flight\":4," PARAMS "}"
#define SOUND "{\"node\":\"Bystander\",\"summary\":\"Passes every item on, and breaks nothing\"," PARAMS "}"
#define NO_SCHEMA "{\"node\":\"HostileSchema\",\"params\":{\"type\":\"no such type\",\"properties\":{\"deed\":{\"pattern\":\"(\"}}}}"
#define SLOW_SCHEMA                                                                                                          \
    "{\"node\":\"HostileSlowSchema\",\"params\":{\"type\":\"object\",\"properties\":{\"deed\":{\"type\":\"string\",\"pattern\":\"^(a+)+$\"}}," \
    "\"additionalProperties\":false}}"
#define DEAR_SCHEMA                                                                                                       \
    "{\"node\":\"HostileDearSchema\",\"params\":{\"allOf\":[{\"properties\":{\"deed\":{\"$ref\":\"#/definitions/list\"}}}]," \
    "\"definitions\":{\"list\":{\"allOf\":[{\"items\":{\"$ref\":\"#/definitions/list\"}},{\"items\":{\"$ref\":\"#/definitions/list\"}}]}}}}"
#define ENDLESS_SCHEMA "{\"node\":\"HostileEndlessSchema\",\"params\":{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}}"
HEDDLE_NOTE(prompt_note, HEDDLE_NOTE_TYPE, PROMPT);
HEDDLE_NOTE(late_note, HEDDLE_NOTE_TYPE, LATE);
HEDDLE_NOTE(sound_note, HEDDLE_NOTE_TYPE, SOUND);
HEDDLE_NOTE(no_schema_note, HEDDLE_NOTE_TYPE, NO_SCHEMA);
HEDDLE_NOTE(slow_schema_note, HEDDLE_NOTE_TYPE, SLOW_SCHEMA);
HEDDLE_NOTE(dear_schema_note, HEDDLE_NOTE_TYPE, DEAR_SCHEMA);
HEDDLE_NOTE(endless_schema_note, HEDDLE_NOTE_TYPE, ENDLESS_SCHEMA);

heddle_str text_of(const char *text) { return (heddle_str){text, strlen(text)}; }

void expect(hostile *h, bool right, const char *what) {
    if (!right && !h->wrong) h->wrong = what;
}

void complete(hostile *h, heddle_call *c, heddle_status status, const char *why) {
    h->op->complete(h->call->op(c), status, NULL, text_of(why));
}

void emit_or_release(hostile *h, heddle_call *c, uint32_t port, heddle_value *v) {
    if (v && h->call->emit(c, port, v) != HEDDLE_OK) h->value->release(v);
}

void pass(hostile *h, heddle_call *c) {
    emit_or_release(h, c, 0, h->call->take(c));
    complete(h, c, HEDDLE_OK, "");
}

void pass_if_right(hostile *h, heddle_call *c) {
    if (h->wrong) complete(h, c, HEDDLE_INTERNAL, h->wrong);
    else pass(h, c);
}

void use_host(void *self) {
    hostile *h = self;
    h->log->enabled(h->host, HEDDLE_ERROR);
    h->sched->cancel(h->host, h->sched->after(h->host, UINT64_MAX, use_host, h));
}

int64_t number_of(hostile *h, heddle_call *c) {
    int64_t             n      = 0;
    const heddle_value *number = h->value->find(h->call->input(c), text_of("n"));
    if (number) h->value->get_int(number, &n);
    return n;
}

char *many(char byte, size_t size) {
    char *bytes = malloc(size);
    if (!bytes) abort();
    memset(bytes, byte, size);
    return bytes;
}

static const deed *deed_of(hostile *h, const heddle_value *config) {
    static const deed *const all[] = {answer_deeds, host_deeds, late_deeds, life_deeds, value_deeds, tensor_deeds};
    static const deed        none  = {.name = "none"};
    heddle_str               name  = {NULL, 0};
    const heddle_value      *said  = h->value->find(config, text_of("deed"));
    if (!said || !h->value->get_text(said, &name)) return &none;
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        for (const deed *d = all[i]; d->name; ++d)
            if (strlen(d->name) == name.len && memcmp(d->name, name.ptr, name.len) == 0) return d;
    return &none;
}

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    hostile *h = self;
    for (uint32_t i = 0; i < n; ++i) {
        ++h->calls;
        if (h->deed->call) h->deed->call(h, calls[i]);
        else pass(h, calls[i]);
    }
}

static void resume(void *self, heddle_call *c, uint32_t port) {
    (void)port;
    hostile *h = self;
    if (h->deed->resume) h->deed->resume(h, c);
    else complete(h, c, HEDDLE_INTERNAL, "resume() for a call that does not wait");
}

static void activate(void *self, heddle_op *op) {
    hostile *h = self;
    if (h->deed->activate) h->deed->activate(h, op);
    else h->op->complete(op, HEDDLE_OK, NULL, text_of(""));
}

static void deactivate(void *self, heddle_op *op) {
    hostile *h = self;
    if (h->deed->deactivate) h->deed->deactivate(h, op);
    else h->op->complete(op, HEDDLE_OK, NULL, text_of(""));
}

static void destroy(void *self) {
    hostile *h = self;
    if (h->deed->destroy) h->deed->destroy(h);
}

static const heddle_node prompt_table = {sizeof(heddle_node), {activate, deactivate, destroy, NULL}, process, NULL, NULL, NULL};
static const heddle_node late_table   = {sizeof(heddle_node), {activate, deactivate, destroy, NULL}, process, resume, NULL, NULL};

/* All objects, so that none is lost to a tool that looks for leaks. */
static struct kept {
    hostile      object;
    struct kept *next;
} *_Atomic all_objects;

static heddle_status create(const heddle_host *host, const char *type_id, const heddle_value *config, void **self, const void **table) {
    struct kept *made = calloc(1, sizeof *made);
    if (!made) return HEDDLE_EXHAUSTED;
    made->next = atomic_load(&all_objects);
    while (!atomic_compare_exchange_weak(&all_objects, &made->next, made)) {
    }
    hostile *h = &made->object;
    h->host    = host;
    h->op      = host->get_service(host, HEDDLE_OP);
    h->call    = host->get_service(host, HEDDLE_CALL);
    h->value   = host->get_service(host, HEDDLE_VALUE);
    h->sched   = host->get_service(host, HEDDLE_SCHED);
    h->log     = host->get_service(host, HEDDLE_LOG);
    h->deed    = deed_of(h, config);
    *self      = h;
    *table     = strcmp(type_id, "HostileLate") == 0 ? &late_table : &prompt_table;
    return h->deed->create ? h->deed->create(h, self, table) : HEDDLE_OK;
}

static const heddle_type types[] = {
    {sizeof(heddle_type), "Hostile", PROMPT},
    {sizeof(heddle_type), "HostileLate", LATE},
    {sizeof(heddle_type), "Bystander", SOUND},
    {sizeof(heddle_type), "HostileSchema", NO_SCHEMA},
    {sizeof(heddle_type), "HostileSlowSchema", SLOW_SCHEMA},
    {sizeof(heddle_type), "HostileDearSchema", DEAR_SCHEMA},
    {sizeof(heddle_type), "HostileEndlessSchema", ENDLESS_SCHEMA},
};
static uint32_t           count_types(void) { return sizeof types / sizeof *types; }
static const heddle_type *type_at(uint32_t i) { return i < count_types() ? &types[i] : NULL; }

static const heddle_factory factory = {sizeof(heddle_factory), count_types, type_at, create};
static const void *get_factory(const char *kind) { return strcmp(kind, HEDDLE_KIND_NODE) == 0 ? &factory : NULL; }

HEDDLE_EXPORT const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, NULL, NULL, get_factory};
