/* What the broken node plugins share, so that each of them shows nothing but its fault: BROKEN_NODE makes a correct plugin with one type out
 * of a process function. */
#ifndef BROKEN_NODE_H
#define BROKEN_NODE_H

#include <heddle/heddle.h>
#include <stdlib.h>
#include <string.h>

/* One object. */
typedef struct broken {
    const heddle_host          *host;
    const heddle_op_service    *op;
    const heddle_call_service  *call;
    const heddle_value_service *value;
    const heddle_sched_service *sched;
    void                       *own; /* the plugin's; freed with free() */
} broken;

static inline heddle_str broken_str(const char *text) {
    heddle_str s;
    s.ptr = text;
    s.len = strlen(text);
    return s;
}

static inline void broken_complete(const broken *b, heddle_call *c) {
    b->op->complete(b->call->op(c), HEDDLE_OK, NULL, broken_str(""));
}

static inline heddle_status broken_create(const heddle_host *h, void **self) {
    broken *b = calloc(1, sizeof *b);
    if (!b) return HEDDLE_EXHAUSTED;
    b->host  = h;
    b->op    = h->get_service(h, HEDDLE_OP);
    b->call  = h->get_service(h, HEDDLE_CALL);
    b->value = h->get_service(h, HEDDLE_VALUE);
    b->sched = h->get_service(h, HEDDLE_SCHED);
    *self    = b;
    return HEDDLE_OK;
}

static inline void broken_destroy(void *self) {
    free(((broken *)self)->own);
    free(self);
}

/* Passes each input on to the first output and completes its call. */
static inline void broken_pass(void *self, heddle_call *const *calls, uint32_t n) {
    const broken *b = self;
    for (uint32_t i = 0; i < n; ++i) {
        heddle_value *v = b->call->take(calls[i]);
        if (v && b->call->emit(calls[i], 0, v) != HEDDLE_OK) b->value->release(v);
        broken_complete(b, calls[i]);
    }
}

#define BROKEN_PLUGIN_NOTE(plugin)              \
    HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN, \
                "{\"plugin\":\"" plugin "\",\"version\":\"1.0.0\"," HEDDLE_NOTE_ABI ",\"summary\":\"breaks one rule, for tests\"}")

/* The descriptor of a type; `more` is "" or further members, each with a comma before it. */
#define BROKEN_DESCRIPTOR(type, more) "{\"node\":\"" type "\",\"params\":{\"type\":\"object\",\"additionalProperties\":false}" more "}"

/* The code side: a factory of one type, and the entry. `create` has the signature of heddle_factory's. */
#define BROKEN_ENTRY_OF(kind_id, type_name, type_descriptor, create_fn, init_fn)                             \
    static const heddle_type only_type = {sizeof(heddle_type), type_name, type_descriptor};                  \
    static uint32_t count_types(void) { return 1; }                                                          \
    static const heddle_type *type_at(uint32_t i) { return i == 0 ? &only_type : NULL; }                     \
    static const heddle_factory factory = {sizeof(heddle_factory), count_types, type_at, create_fn};         \
    static const void *get_factory(const char *kind) { return strcmp(kind, kind_id) == 0 ? &factory : NULL; } \
    HEDDLE_EXPORT const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, init_fn, NULL, get_factory}
#define BROKEN_ENTRY(type_name, type_descriptor, create_fn, init_fn) \
    BROKEN_ENTRY_OF(HEDDLE_KIND_NODE, type_name, type_descriptor, create_fn, init_fn)

/* A whole plugin. */
#define BROKEN_NODE(plugin, type, more, process_fn, activate_fn) BROKEN_NODE_OF(plugin, type, more, process_fn, activate_fn, NULL)
#define BROKEN_NODE_OF(plugin, type, more, process_fn, activate_fn, deactivate_fn)                                      \
    BROKEN_PLUGIN_NOTE(plugin);                                                                                         \
    HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, BROKEN_DESCRIPTOR(type, more));                                            \
    static const heddle_node table = {                                                                                  \
        sizeof(heddle_node), {activate_fn, deactivate_fn, broken_destroy, NULL}, process_fn, NULL, NULL, NULL};         \
    static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self,          \
                                const void **out) {                                                                     \
        (void)id, (void)config;                                                                                         \
        *out = &table;                                                                                                  \
        return broken_create(h, self);                                                                                  \
    }                                                                                                                   \
    BROKEN_ENTRY(type, BROKEN_DESCRIPTOR(type, more), create, NULL)

#endif
