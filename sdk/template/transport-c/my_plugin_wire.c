#include "my_plugin_wire.h"

#include <stdlib.h>
#include <string.h>

enum { BEFORE_HEAD = 9, MOST_HEAD = 65536, MOST_MEMBERS = 12 };
static const uint64_t NS_PER_MS = 1000000u, MOST_TIMEOUT_MS = 366ull * 24 * 3600000;

const heddle_value_service *my_plugin_values;

heddle_str str(const char *text) { return (heddle_str){text, strlen(text)}; }
bool       same(heddle_str a, const char *b) { return a.len == strlen(b) && memcmp(a.ptr ? a.ptr : "", b, a.len) == 0; }

bool add_bytes(bytes *b, const void *more, size_t n) {
    if (n > b->room - b->len) {
        size_t room = b->room ? b->room : 256;
        while (room - b->len < n) room *= 2;
        char *grown = realloc(b->ptr, room);
        if (!grown) return false;
        b->ptr = grown;
        b->room = room;
    }
    if (n) memcpy(b->ptr + b->len, more, n);
    b->len += n;
    return true;
}

size_t count_bytes(const bytes *b) { return b->len - b->at; }

/* What is left moves to the front only where that is less than what has gone. */
void drop_front(bytes *b, size_t n) {
    b->at += n;
    if (b->at == b->len) {
        free_bytes(b);
        return;
    }
    if (b->at <= b->len / 2) return;
    memmove(b->ptr, b->ptr + b->at, count_bytes(b));
    b->len -= b->at;
    b->at = 0;
}

void free_bytes(bytes *b) {
    free(b->ptr);
    *b = (bytes){0};
}

heddle_str text_in(const heddle_value *map, const char *name) {
    heddle_str          text = {"", 0};
    const heddle_value *found = my_plugin_values->find(map, str(name));
    if (found && my_plugin_values->kind(found) == HEDDLE_STRING) my_plugin_values->get_text(found, &text);
    return text;
}

int64_t number_in(const heddle_value *map, const char *name) {
    int64_t             number = 0;
    const heddle_value *found = my_plugin_values->find(map, str(name));
    if (found) my_plugin_values->get_int(found, &number);
    return number;
}

static bool truth_in(const heddle_value *map, const char *name) {
    bool                truth = false;
    const heddle_value *found = my_plugin_values->find(map, str(name));
    return found && my_plugin_values->get_bool(found, &truth) && truth;
}

/* Heads ------------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct head {
    heddle_str    keys[MOST_MEMBERS];
    heddle_value *values[MOST_MEMBERS];
    size_t        n;
    bool          failed;
} head;

static void put(head *all, const char *name, heddle_value *v) {
    if (!v) {
        all->failed = true;
        return;
    }
    all->keys[all->n] = str(name);
    all->values[all->n++] = v;
}
static void put_text(const heddle_host *h, head *all, const char *name, heddle_str text) {
    if (text.len) put(all, name, my_plugin_values->make_string(h, text)); /* what is not said is not written */
}
static void put_shared(head *all, const char *name, const heddle_value *v) {
    if (!v) return;
    my_plugin_values->retain(v);
    put(all, name, (heddle_value *)v);
}

/* The MAP of it; null: out of memory. Nothing of it is left. */
static heddle_value *map_of(const heddle_host *h, head *all) {
    heddle_value *map = all->failed ? NULL : my_plugin_values->make_map(h, all->keys, all->values, all->n);
    for (size_t i = 0; !map && i < all->n; ++i) my_plugin_values->release(all->values[i]);
    return map;
}

static bool add_size(bytes *out, size_t size) {
    const unsigned char four[4] = {(unsigned char)size, (unsigned char)(size >> 8), (unsigned char)(size >> 16), (unsigned char)(size >> 24)};
    return add_bytes(out, four, sizeof four);
}

static bool add_frame(const heddle_host *h, int kind, head *all, heddle_str body, bytes *out) {
    const size_t  before = out->len;
    const char    first = (char)kind;
    heddle_str    text = {"", 0};
    heddle_value *map = map_of(h, all);
    const bool    done = map && my_plugin_values->json(map, &text) && text.len <= MOST_HEAD && body.len <= UINT32_MAX && add_bytes(out, &first, 1) && add_size(out, text.len) && add_size(out, body.len) &&
                      add_bytes(out, text.ptr, text.len) && add_bytes(out, body.ptr, body.len);
    if (map) my_plugin_values->release(map);
    if (!done) out->len = before;
    return done;
}

static size_t size_at(const char *at) {
    const unsigned char *four = (const unsigned char *)at;
    return (size_t)four[0] | (size_t)four[1] << 8 | (size_t)four[2] << 16 | (size_t)four[3] << 24;
}

int find_frame(const heddle_host *h, const bytes *b, size_t most_body, frame *out) {
    const char  *first = b->ptr + b->at;
    const size_t there = count_bytes(b);
    if (there == 0) return 0;
    if (!memchr("QWAPE", first[0], 5)) return HEDDLE_UNSUPPORTED;
    if (there < BEFORE_HEAD) return 0;
    const size_t head_size = size_at(first + 1), body_size = size_at(first + 5);
    if (head_size > MOST_HEAD) return HEDDLE_UNSUPPORTED;
    if (body_size > most_body) return HEDDLE_INVALID;
    if (there - BEFORE_HEAD < head_size + body_size) return 0;
    const heddle_str text = {first + BEFORE_HEAD, head_size};
    heddle_value    *map = my_plugin_values->make_json(h, text);
    if (map && my_plugin_values->kind(map) != HEDDLE_MAP) {
        my_plugin_values->release(map);
        map = NULL;
    }
    if (!map) return HEDDLE_UNSUPPORTED;
    *out = (frame){first[0], map, {first + BEFORE_HEAD + head_size, body_size}, BEFORE_HEAD + head_size + body_size};
    return 1;
}

void drop_frame(bytes *b, frame *f) {
    my_plugin_values->release(f->head);
    drop_front(b, f->size);
}

bool has_head(const bytes *b) { return count_bytes(b) >= BEFORE_HEAD && count_bytes(b) - BEFORE_HEAD >= size_at(b->ptr + b->at + 1); }

int next_kind(const bytes *b) {
    if (!has_head(b) || count_bytes(b) - BEFORE_HEAD < size_at(b->ptr + b->at + 1) + size_at(b->ptr + b->at + 5)) return 0;
    return b->ptr[b->at];
}

/* Writing ---------------------------------------------------------------------------------------------------------------------------------------- */

/* How a value is written under a content type: see heddle/transport.h. Events are JSON here. */
static bool text_of(heddle_str content_type, const heddle_value *v, heddle_str *out) {
    heddle_view view = {.struct_size = sizeof view};
    *out = (heddle_str){"", 0};
    if (!v) return true;
    if (my_plugin_values->get_view(v, &view)) {
        *out = (heddle_str){view.data, (size_t)view.size};
        return view.data || view.size == 0;
    }
    const bool is_json = content_type.len == 0 || same(content_type, "application/json") || same(content_type, "application/x-ndjson") || same(content_type, "text/event-stream");
    if (!is_json && my_plugin_values->kind(v) == HEDDLE_STRING) return my_plugin_values->get_text(v, out);
    return my_plugin_values->json(v, out);
}

bool write_request(const heddle_host *h, const heddle_request *r, uint64_t now_ns, bytes *out) {
    heddle_str body;
    head       all = {.n = 0};
    if (!text_of(r->content_type, r->body, &body)) return false;
    put_text(h, &all, "operation", r->operation);
    put_text(h, &all, "content_type", r->content_type);
    if (HEDDLE_HAS(r, accept.len)) put_text(h, &all, "accept", r->accept);
    put_text(h, &all, "token", r->token);
    put_text(h, &all, "trace", r->trace);
    if (HEDDLE_HAS(r, trace_state.len)) put_text(h, &all, "trace_state", r->trace_state);
    /* What is left of less than a millisecond is one. */
    if (r->deadline_ns) put(&all, "timeout_ms", my_plugin_values->make_int(h, r->deadline_ns > now_ns ? (int64_t)((r->deadline_ns - now_ns) / NS_PER_MS + 1) : 1));
    put_shared(&all, "parameters", r->parameters);
    if (HEDDLE_HAS(r, metadata)) put_shared(&all, "metadata", r->metadata);
    return add_frame(h, FRAME_REQUEST, &all, body, out);
}

bool write_answer(const heddle_host *h, const heddle_answer *a, bytes *out) {
    heddle_str body = {"", 0};
    head       all = {.n = 0};
    if (a->status >= 0 && !text_of(a->content_type, a->body, &body)) return false;
    put(&all, "status", my_plugin_values->make_int(h, a->status));
    if (a->retry_after_ms) put(&all, "retry_after_ms", my_plugin_values->make_int(h, a->retry_after_ms));
    if (a->status < 0) {
        put_shared(&all, "failure", a->body);
        return add_frame(h, FRAME_ANSWER, &all, body, out);
    }
    if (a->more) put(&all, "more", my_plugin_values->make_bool(h, true));
    if (a->accepted) put(&all, "accepted", my_plugin_values->make_bool(h, true));
    put_text(h, &all, "content_type", a->content_type);
    return add_frame(h, FRAME_ANSWER, &all, body, out);
}

heddle_value *failure_of(const heddle_host *h, heddle_str code, heddle_str error_class, heddle_str message) {
    head all = {.n = 0};
    put(&all, "code", my_plugin_values->make_string(h, code));
    put(&all, "class", my_plugin_values->make_string(h, error_class));
    put(&all, "message", my_plugin_values->make_string(h, message));
    return map_of(h, &all);
}

bool write_failure(const heddle_host *h, heddle_status status, const char *code, const char *error_class, const char *message, bytes *out) {
    heddle_answer a = {.struct_size = sizeof a, .status = status, .body = failure_of(h, str(code), str(error_class), str(message))};
    const bool    done = a.body && write_answer(h, &a, out);
    if (a.body) my_plugin_values->release(a.body);
    return done;
}

bool write_probe(const heddle_host *h, bytes *out) { return add_frame(h, FRAME_PROBE, &(head){.n = 0}, str(""), out); }

/* The bytes of an event stream are text between its events, as a comment that keeps a connection awake: this wire has none. */
bool write_part(const heddle_host *h, heddle_str content_type, const heddle_value *v, bytes *out) {
    heddle_str body;
    if (same(content_type, "text/event-stream") && my_plugin_values->kind(v) != HEDDLE_MAP) return true;
    return text_of(content_type, v, &body) && add_frame(h, FRAME_PART, &(head){.n = 0}, body, out);
}

bool write_only_part(const heddle_host *h, heddle_str body, bytes *out) {
    return (body.len == 0 || add_frame(h, FRAME_PART, &(head){.n = 0}, body, out)) && write_end(h, HEDDLE_OK, str(""), out);
}

bool write_end(const heddle_host *h, heddle_status status, heddle_str why, bytes *out) {
    head all = {.n = 0};
    put(&all, "status", my_plugin_values->make_int(h, status));
    put_text(h, &all, "why", why);
    return add_frame(h, FRAME_END, &all, str(""), out);
}

/* Reading ---------------------------------------------------------------------------------------------------------------------------------------- */

heddle_value *bytes_value(const heddle_host *h, heddle_str text) {
    void          *room = NULL;
    heddle_buffer *buffer = my_plugin_values->alloc(h, text.len, 1, &room);
    if (!buffer) return NULL;
    if (text.len) memcpy(room, text.ptr, text.len);
    heddle_value *v = my_plugin_values->make_bytes(h, buffer, 0, text.len);
    if (!v) my_plugin_values->drop_buffer(buffer);
    return v;
}

static bool is_metadata(heddle_str name, heddle_str text) {
    if (name.len == 0 || name.len > 64 || same(name, "timeout-ms")) return false;
    for (size_t i = 0; i < name.len; ++i)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", name.ptr[i]) || name.ptr[i] == '\0') return false;
    for (size_t i = 0; i < text.len; ++i)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~') return false;
    return text.len == 0 || (text.ptr[0] != ' ' && text.ptr[text.len - 1] != ' ');
}

/* A MAP of STRING, or nothing. Whoever hands metadata on checks it by the rules of heddle/transport.h. */
static bool read_texts(const heddle_value *from, const char *name, bool is_meta, const heddle_value **out) {
    size_t all = 0, n;
    *out = my_plugin_values->find(from, str(name));
    if (!*out) return true;
    if (my_plugin_values->kind(*out) != HEDDLE_MAP) return false;
    n = my_plugin_values->length(*out);
    for (size_t i = 0; i < n; ++i) {
        heddle_str          key, text;
        const heddle_value *v = my_plugin_values->at(*out, i, &key);
        if (my_plugin_values->kind(v) != HEDDLE_STRING || !my_plugin_values->get_text(v, &text)) return false;
        if (is_meta && !is_metadata(key, text)) return false;
        all += key.len + text.len;
    }
    return !is_meta || (n <= HEDDLE_METADATA_MOST && all <= HEDDLE_METADATA_BYTES);
}

bool read_request(const heddle_host *h, const frame *f, uint64_t now_ns, heddle_request *out) {
    *out = (heddle_request){.struct_size = sizeof *out};
    out->operation = text_in(f->head, "operation");
    out->content_type = text_in(f->head, "content_type");
    out->accept = text_in(f->head, "accept");
    out->token = text_in(f->head, "token");
    out->trace = text_in(f->head, "trace");
    out->trace_state = text_in(f->head, "trace_state");
    const int64_t left = number_in(f->head, "timeout_ms");
    if (left > 0) out->deadline_ns = now_ns + ((uint64_t)left < MOST_TIMEOUT_MS ? (uint64_t)left : MOST_TIMEOUT_MS) * NS_PER_MS;
    if (out->operation.len == 0 || !read_texts(f->head, "parameters", false, &out->parameters) || !read_texts(f->head, "metadata", true, &out->metadata)) return false;
    return f->body.len == 0 || (out->body = bytes_value(h, f->body)) != NULL;
}

bool read_answer(const heddle_host *h, const frame *f, heddle_answer *out) {
    *out = (heddle_answer){.struct_size = sizeof *out};
    if (f->kind != FRAME_ANSWER || !my_plugin_values->find(f->head, str("status"))) return false;
    const int64_t status = number_in(f->head, "status"), retry = number_in(f->head, "retry_after_ms");
    out->status = status >= 0 ? HEDDLE_OK : status < INT32_MIN ? HEDDLE_INTERNAL : (heddle_status)status;
    out->retry_after_ms = retry > 0 && retry <= UINT32_MAX ? (uint32_t)retry : 0;
    if (out->status < 0) {
        const heddle_value *said = my_plugin_values->find(f->head, str("failure"));
        const heddle_str    none = {"", 0}, code = said ? text_in(said, "code") : none, error_class = said ? text_in(said, "class") : none, message = said ? text_in(said, "message") : none;
        out->body = failure_of(h, code.len ? code : str("internal"), error_class.len ? error_class : str("permanent"), message.len ? message : str("the peer gave no reason"));
        return out->body != NULL;
    }
    out->more = truth_in(f->head, "more");
    out->accepted = truth_in(f->head, "accepted");
    out->content_type = text_in(f->head, "content_type");
    return f->body.len == 0 || (out->body = bytes_value(h, f->body)) != NULL;
}

/* An event's members are texts. */
heddle_value *read_part(const heddle_host *h, const frame *f, heddle_str content_type) {
    static const char *const names[] = {"event", "id", "data"};
    if (!same(content_type, "text/event-stream")) return bytes_value(h, f->body);
    heddle_value *event = my_plugin_values->make_json(h, f->body);
    if (!event) return NULL;
    head all = {.n = 0};
    for (size_t i = 0; i < 3; ++i) {
        heddle_str          json;
        const heddle_value *v = my_plugin_values->find(event, str(names[i]));
        if (v && my_plugin_values->kind(v) == HEDDLE_STRING) put_shared(&all, names[i], v);
        else if (v) put(&all, names[i], my_plugin_values->json(v, &json) ? my_plugin_values->make_string(h, json) : NULL);
    }
    my_plugin_values->release(event);
    return map_of(h, &all);
}
