/* Has resume, and does nothing in it: a call whose emit was answered AGAIN is never completed. */
#include "broken_node.h"

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    const broken *b = self;
    for (uint32_t i = 0; i < n; ++i) {
        heddle_value *v = b->call->take(calls[i]);
        if (v && b->call->emit(calls[i], 0, v) != HEDDLE_OK) b->value->release(v);
        else broken_complete(b, calls[i]);
    }
}

static void resume(void *self, heddle_call *c, uint32_t port) { (void)self, (void)c, (void)port; }

#define DESCRIPTOR BROKEN_DESCRIPTOR("BrokenAgain", "")

BROKEN_PLUGIN_NOTE("broken_forgets_again");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static const heddle_node table = {sizeof(heddle_node), {NULL, NULL, broken_destroy, NULL}, process, resume, NULL, NULL};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)id, (void)config;
    *out = &table;
    return broken_create(h, self);
}
BROKEN_ENTRY("BrokenAgain", DESCRIPTOR, create, NULL);
