/* destroy frees nothing. */
#include "broken_node.h"

#define DESCRIPTOR BROKEN_DESCRIPTOR("BrokenLeak", "")

BROKEN_PLUGIN_NOTE("broken_leaks_objects");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static void destroy(void *self) { (void)self; }

static const heddle_node table = {sizeof(heddle_node), {NULL, NULL, destroy, NULL}, broken_pass, NULL, NULL, NULL};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    heddle_status made = broken_create(h, self);
    (void)id, (void)config;
    if (made == HEDDLE_OK && (((broken *)*self)->own = malloc(4096))) memset(((broken *)*self)->own, 1, 4096);
    *out = &table;
    return made;
}
BROKEN_ENTRY("BrokenLeak", DESCRIPTOR, create, NULL);
