/* Starts a thread in init. */
#include <pthread.h>
#include <unistd.h>

#include "broken_node.h"

static void *wait_for_ever(void *nothing) {
    (void)nothing;
    for (;;) pause();
    return NULL;
}

static heddle_status init(const heddle_host *h) {
    pthread_t thread;
    (void)h;
    return pthread_create(&thread, NULL, wait_for_ever, NULL) == 0 ? HEDDLE_OK : HEDDLE_EXHAUSTED;
}

#define DESCRIPTOR BROKEN_DESCRIPTOR("BrokenThread", "")

BROKEN_PLUGIN_NOTE("broken_starts_thread");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static const heddle_node table = {sizeof(heddle_node), {NULL, NULL, broken_destroy, NULL}, broken_pass, NULL, NULL, NULL};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)id, (void)config;
    *out = &table;
    return broken_create(h, self);
}
BROKEN_ENTRY("BrokenThread", DESCRIPTOR, create, init);
