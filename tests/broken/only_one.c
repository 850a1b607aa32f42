/* Keeps in a global what belongs to an object: there can be one at a time. */
#include "broken_node.h"

#define DESCRIPTOR BROKEN_DESCRIPTOR("BrokenOnly", "")

BROKEN_PLUGIN_NOTE("broken_only_one");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static int is_there;

static void destroy(void *self) {
    is_there = 0;
    broken_destroy(self);
}

static const heddle_node table = {sizeof(heddle_node), {NULL, NULL, destroy, NULL}, broken_pass, NULL, NULL, NULL};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)id, (void)config;
    if (is_there) return HEDDLE_CONFLICT;
    is_there = 1;
    *out = &table;
    return broken_create(h, self);
}
BROKEN_ENTRY("BrokenOnly", DESCRIPTOR, create, NULL);
