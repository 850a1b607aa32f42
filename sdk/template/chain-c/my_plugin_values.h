/* Values of the host: what is in them, and how one is made of parts. */
#ifndef VALUES_H
#define VALUES_H

#include <heddle/heddle.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The host's services, fetched once by init(). */
extern const heddle_host          *plugin;
extern const heddle_value_service *value;

/* Why something failed, with a code of heddle/chain.h. */
typedef struct failure {
    heddle_status status;
    const char   *code;
    char          why[512];
} failure;

/* Writes down why, as printf does. Gives false, for `return fail(…)`. */
__attribute__((format(printf, 4, 5))) static inline bool fail(failure *why, heddle_status status, const char *code, const char *format, ...) {
    __builtin_va_list arguments;
    why->status = status;
    why->code = code;
    __builtin_va_start(arguments, format);
    vsnprintf(why->why, sizeof why->why, format, arguments);
    __builtin_va_end(arguments);
    return false;
}
static inline bool no_memory(failure *why) { return fail(why, HEDDLE_EXHAUSTED, "full", "out of memory"); }

static inline heddle_str str(const char *text) { return (heddle_str){text, strlen(text)}; }
static inline bool       same(heddle_str a, heddle_str b) { return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0); }
static inline bool       is(heddle_str a, const char *b) { return same(a, str(b)); }

/* Empty, or `otherwise`, where there is none of that kind. What text_in gives lives with the map. */
static inline heddle_str text_in(const heddle_value *map, const char *key) {
    const heddle_value *const found = value->find(map, str(key));
    heddle_str                text = {"", 0};
    if (found && value->kind(found) == HEDDLE_STRING) value->get_text(found, &text);
    return text;
}
static inline int64_t number_in(const heddle_value *map, const char *key, int64_t otherwise) {
    const heddle_value *const found = value->find(map, str(key));
    if (found) value->get_int(found, &otherwise);
    return otherwise;
}

/* Makers; null: out of memory, or the text is none. */
static inline heddle_value *integer(uint64_t n) { return value->make_int(plugin, (int64_t)n); }
static inline heddle_value *bytes_of(const void *bytes, size_t size) {
    void                *room = NULL;
    heddle_buffer *const buffer = value->alloc(plugin, size, 1, &room);
    if (!buffer) return NULL;
    if (size) memcpy(room, bytes, size);
    heddle_value *const made = value->make_bytes(plugin, buffer, 0, size);
    if (!made) value->drop_buffer(buffer);
    return made;
}

/* Parts on their way to a MAP or a LIST. One that could not be made is found out at the end. */
typedef struct parts {
    heddle_str    *keys; /* null: of a list */
    heddle_value **all;
    size_t         count, room;
    bool           is_broken;
} parts;

/* The part is consumed. */
static inline void add(parts *to, const char *key, heddle_value *part) {
    if (to->count == to->room) {
        const size_t   room = to->room ? 2 * to->room : 16;
        heddle_value **all = realloc(to->all, room * sizeof *all);
        heddle_str    *keys = all && key ? realloc(to->keys, room * sizeof *keys) : NULL;
        if (all) to->all = all;
        if (keys) to->keys = keys;
        if (all && (keys || !key)) to->room = room;
    }
    if (!part || to->count == to->room) {
        if (part) value->release(part);
        to->is_broken = true;
        return;
    }
    if (key) to->keys[to->count] = str(key);
    to->all[to->count++] = part;
}
static inline void add_text(parts *to, const char *key, heddle_str text) { add(to, key, value->make_string(plugin, text)); }
static inline void add_number(parts *to, const char *key, int64_t number) { add(to, key, value->make_int(plugin, number)); }
/* Where there is something to say. */
static inline void add_some_text(parts *to, const char *key, heddle_str text) {
    if (text.len) add_text(to, key, text);
}
static inline void add_some_number(parts *to, const char *key, int64_t number) {
    if (number) add_number(to, key, number);
}

/* The parts are gone whatever comes of it. Null: out of memory, or a part could not be made. */
static inline heddle_value *whole(parts *of, bool is_map) {
    heddle_value *made = NULL;
    if (!of->is_broken) made = is_map ? value->make_map(plugin, of->keys, of->all, of->count) : value->make_list(plugin, of->all, of->count);
    for (size_t i = 0; i < of->count && !made; ++i) value->release(of->all[i]);
    free(of->all);
    free(of->keys);
    memset(of, 0, sizeof *of);
    return made;
}

#endif
