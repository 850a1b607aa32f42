/* Its init changes the umask of the whole process. */
#include <sys/stat.h>

#include "broken_node.h"

BROKEN_PLUGIN_NOTE("broken_changes_umask");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, BROKEN_DESCRIPTOR("BrokenUmask", ""));

static heddle_status init(const heddle_host *h) {
    (void)h;
    umask(0);
    return HEDDLE_OK;
}
static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)h, (void)id, (void)config, (void)self, (void)out;
    return HEDDLE_UNSUPPORTED;
}
BROKEN_ENTRY("BrokenUmask", BROKEN_DESCRIPTOR("BrokenUmask", ""), create, init);
