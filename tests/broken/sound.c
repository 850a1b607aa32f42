/* The yardstick: breaks nothing, and says when it is initialised and when it is not needed any more. */
#include "broken_node.h"

static const heddle_host *host;

static void say(const char *what) {
    const heddle_log_service *log = host->get_service(host, HEDDLE_LOG);
    log->write(host, HEDDLE_ERROR, broken_str(what));
}

static heddle_status init(const heddle_host *h) {
    host = h;
    say("init");
    return HEDDLE_OK;
}

static void deinit(void) { say("deinit"); }

#define DESCRIPTOR BROKEN_DESCRIPTOR("Sound", "")

BROKEN_PLUGIN_NOTE("broken_sound");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

static const heddle_node table = {sizeof(heddle_node), {NULL, NULL, broken_destroy, NULL}, broken_pass, NULL, NULL, NULL};

static heddle_status create(const heddle_host *h, const char *id, const heddle_value *config, void **self, const void **out) {
    (void)id, (void)config;
    *out = &table;
    return broken_create(h, self);
}

static const heddle_type only_type = {sizeof(heddle_type), "Sound", DESCRIPTOR};
static uint32_t          count_types(void) { return 1; }
static const heddle_type *type_at(uint32_t i) { return i == 0 ? &only_type : NULL; }
static const heddle_factory nodes = {sizeof(heddle_factory), count_types, type_at, create};
static const void *get_factory(const char *kind) { return strcmp(kind, HEDDLE_KIND_NODE) == 0 ? &nodes : NULL; }
HEDDLE_EXPORT const heddle_entry heddle_entry_v1 = {sizeof(heddle_entry), HEDDLE_ABI_MINOR, init, deinit, get_factory};
