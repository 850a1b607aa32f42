#define _GNU_SOURCE
#include <heddle/heddle.h>
#include <heddle/store.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "my_plugin_medium.h"

/* The members of the descriptor are listed in heddle/store.h. */
#define DESCRIPTOR                                                                                              \
    "{\"store\":\"MyType\",\"summary\":\"Ordered keys in one file, written anew at every commit\","             \
    "\"params\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"path\"],"                    \
    "\"properties\":{\"path\":{\"type\":\"string\",\"minLength\":1,\"description\":\"The file\"}}}}"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            "{\"plugin\":\"my_plugin\",\"version\":\"0.1.0\"," HEDDLE_NOTE_ABI
            ",\"license\":\"Apache-2.0\",\"summary\":\"Keeps keys in one file\",\"package\":\"heddle-plugin-my-plugin\"}");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

/* The host's services, fetched once by init(). */
static const heddle_host          *plugin;
static const heddle_value_service *value;
static const heddle_op_service    *op;
static const heddle_log_service   *logged; /* null: this host keeps no log */

enum {
    kMostRequests = 65536,
    kMostBytes = 2 * (int)HEDDLE_COMMIT_MAX, /* what may wait or be worked on at a time */
    kPageRows = 1000,
    kMostPageRows = 65536
};
static const uint64_t kPageBytes = UINT64_C(4) << 20, kMostPageBytes = UINT64_C(64) << 20;

typedef enum { COMMIT, GET, SCAN } verb;

/* What was asked, copied into one piece of memory, with its answer to be. */
typedef struct request {
    struct request *next;
    heddle_op      *op;
    verb            verb;
    uint32_t        count;            /* of writes; GET and SCAN have one: its key is the key, or the range from key until value */
    uint64_t        limit, max_bytes; /* of SCAN */
    size_t          weight;           /* bytes of memory */
    failure         failed;
    heddle_value   *result;
    heddle_write    writes[];
} request;

/* One thread works on the medium: it answers the reads that wait, writes all commits that wait as one group, answers them, and begins again. */
typedef struct store {
    const heddle_host *host;
    medium             medium;
    failure            broken; /* the thread's own: why nothing can be done until the store is opened again; else OK */
    pthread_t          thread;
    pthread_mutex_t    mutex;
    pthread_cond_t     news;
    /* Guarded by mutex: */
    request *first, **end;
    size_t   requests, bytes;
    bool     active;
} store;

static heddle_str str(const char *text) { return (heddle_str){text, strlen(text)}; }

static void answer_now(heddle_op *to, heddle_status status, const char *why) { op->complete(to, status, NULL, str(why)); }

static void answer(request *r) {
    op->complete(r->op, r->failed.status, r->result, str(r->failed.status == HEDDLE_OK ? "" : r->failed.why));
    free(r);
}

/* -- Values ------------------------------------------------------------------------------------------------------------------------ */

static heddle_value *integer(uint64_t n) { return value->make_int(plugin, (int64_t)n); }

static heddle_value *bytes_of(heddle_bytes bytes) {
    void                *room = NULL;
    heddle_buffer *const buffer = value->alloc(plugin, bytes.len, 1, &room);
    if (!buffer) return NULL;
    if (bytes.len) memcpy(room, bytes.ptr, bytes.len);
    heddle_value *const made = value->make_bytes(plugin, buffer, 0, bytes.len);
    if (!made) value->drop_buffer(buffer);
    return made;
}

/* Of n parts, which are gone whatever comes of it; with keys, a MAP. Null, as also where a part is: out of memory. */
static heddle_value *whole(const heddle_str *keys, heddle_value **parts, size_t n) {
    bool has_all = true;
    for (size_t i = 0; i < n; ++i) has_all = has_all && parts[i];
    heddle_value *made = NULL;
    if (has_all) made = keys ? value->make_map(plugin, keys, parts, n) : value->make_list(plugin, parts, n);
    for (size_t i = 0; i < n && !made; ++i)
        if (parts[i]) value->release(parts[i]);
    return made;
}

static void give(request *r, heddle_value *result) {
    r->result = result;
    if (!result) fail(&r->failed, HEDDLE_EXHAUSTED, "out of memory");
}

/* -- The work, on the store's thread --------------------------------------------------------------------------------------------------- */

static void get(store *s, request *r) {
    const entry *const found = medium_find(&s->medium, r->writes[0].key);
    if (!found) {
        fail(&r->failed, HEDDLE_NOT_FOUND, "there is no key \"%.*s\"", (int)r->writes[0].key.len, (const char *)r->writes[0].key.ptr);
        return;
    }
    heddle_value *parts[2] = {bytes_of(found->value), integer(found->version)};
    give(r, whole(NULL, parts, 2));
}

static uint64_t within(uint64_t asked, uint64_t otherwise, uint64_t most) { return asked == 0 ? otherwise : asked < most ? asked : most; }

static void scan(store *s, request *r) {
    const heddle_bytes from = r->writes[0].key, until = r->writes[0].value;
    const uint64_t     most_rows = within(r->limit, kPageRows, kMostPageRows), most_bytes = within(r->max_bytes, kPageBytes, kMostPageBytes);
    const size_t       first = medium_place(&s->medium, from);
    size_t             end = until.len ? medium_place(&s->medium, until) : s->medium.now.count, n = 0;
    uint64_t           bytes = 0;
    if (end < first) end = first;
    while (first + n < end && n < most_rows) {
        const entry *const e = s->medium.now.all[first + n];
        bytes += e->key.len + e->value.len;
        if (n > 0 && bytes > most_bytes) break;
        ++n;
    }
    heddle_value **const rows = malloc((n + 1) * sizeof *rows);
    for (size_t i = 0; rows && i < n; ++i) {
        const entry *const e = s->medium.now.all[first + i];
        heddle_value      *row[3] = {bytes_of(e->key), bytes_of(e->value), integer(e->version)};
        rows[i] = whole(NULL, row, 3);
    }
    const heddle_str keys[2] = {str("rows"), str("more")};
    heddle_value    *parts[2] = {rows ? whole(NULL, rows, n) : NULL, value->make_bool(plugin, first + n < end)};
    give(r, whole(keys, parts, 2));
    free(rows);
}

static void conflict(request *r, uint32_t write, uint64_t found) {
    const heddle_write *const check = &r->writes[write];
    const heddle_str          keys[2] = {str("write"), str("version")};
    heddle_value             *parts[2] = {integer(write), integer(found)};
    r->result = whole(keys, parts, 2);
    fail(&r->failed, HEDDLE_CONFLICT, "the key \"%.*s\" has version %llu, not %llu (0: absent)", (int)check->key.len, (const char *)check->key.ptr, (unsigned long long)found,
         (unsigned long long)check->version);
}

/* False: out of memory; the whole group is rolled back. */
static bool commit(store *s, request *r) {
    medium *const  m = &s->medium;
    const uint64_t number = ++m->last;
    for (uint32_t i = 0; i < r->count; ++i) {
        if (r->writes[i].kind != HEDDLE_CHECK) continue;
        const entry *const   found = medium_find(m, r->writes[i].key);
        const uint64_t       version = found ? found->version : 0;
        if (version == r->writes[i].version) continue;
        conflict(r, i, version);
        return true;
    }
    for (uint32_t i = 0; i < r->count; ++i) {
        if (r->writes[i].kind == HEDDLE_ERASE) medium_erase(m, r->writes[i].key);
        if (r->writes[i].kind == HEDDLE_PUT && !medium_put(m, r->writes[i].key, r->writes[i].value, number)) return false;
    }
    give(r, integer(number));
    return r->result != NULL;
}

static void fail_all(request *group, const failure *why) {
    for (request *r = group; r; r = r->next) {
        if (r->result) value->release(r->result);
        r->result = NULL;
        r->failed = *why;
    }
}

/* All of the group, or none. */
static void write_group(store *s, request *group) {
    failure why;
    bool    is_well = s->broken.status == HEDDLE_OK;
    if (!is_well) return fail_all(group, &s->broken);
    fail(&why, HEDDLE_EXHAUSTED, "out of memory");
    is_well = medium_begin(&s->medium);
    for (request *r = group; r && is_well; r = r->next) is_well = commit(s, r);
    if (is_well && medium_flush(&s->medium, &why)) return;
    medium_roll_back(&s->medium);
    fail_all(group, &why);
    if (why.status != HEDDLE_UNAVAILABLE) return;
    s->broken = why; /* what the file holds is known when it is opened again */
    if (logged) logged->write(s->host, HEDDLE_ERROR, str(why.why));
}

/* Takes what waits. False: the store is stopped, and nothing does. */
static bool wait_for_some(store *s, request **taken) {
    pthread_mutex_lock(&s->mutex);
    while (!s->first && s->active) pthread_cond_wait(&s->news, &s->mutex);
    *taken = s->first;
    s->first = NULL;
    s->end = &s->first;
    pthread_mutex_unlock(&s->mutex);
    return *taken != NULL;
}

static void answer_reads(store *s, request *reads) {
    for (request *r = reads, *next; r; r = next) {
        next = r->next;
        if (s->broken.status != HEDDLE_OK) r->failed = s->broken;
        else if (r->verb == GET) get(s, r);
        else scan(s, r);
        answer(r);
    }
}

static void *work(void *self) {
    store *const s = self;
    for (request *taken; wait_for_some(s, &taken);) {
        request *reads = NULL, *writes = NULL, **last_read = &reads, **last_write = &writes;
        size_t   requests = 0, bytes = 0;
        for (request *r = taken; r; r = r->next) {
            request ***const last = r->verb == COMMIT ? &last_write : &last_read;
            **last = r;
            *last = &r->next;
            ++requests;
            bytes += r->weight;
        }
        *last_read = *last_write = NULL;
        answer_reads(s, reads);
        if (writes) write_group(s, writes);
        pthread_mutex_lock(&s->mutex);
        s->requests -= requests;
        s->bytes -= bytes;
        pthread_mutex_unlock(&s->mutex);
        for (request *r = writes, *next; r; r = next) {
            next = r->next;
            answer(r);
        }
    }
    return NULL;
}

/* -- What the host calls ------------------------------------------------------------------------------------------------------------------ */

static request *make_request(verb asked, heddle_op *to, uint32_t count, size_t bytes) {
    const size_t   size = sizeof(request) + count * sizeof(heddle_write) + bytes;
    request *const r = malloc(size);
    if (!r) {
        answer_now(to, HEDDLE_EXHAUSTED, "out of memory");
        return NULL;
    }
    memset(r, 0, sizeof *r + count * sizeof(heddle_write));
    r->op = to;
    r->verb = asked;
    r->count = count;
    r->weight = size;
    return r;
}

/* A copy that lives with the request; *room is where the next one goes. */
static heddle_bytes keep(heddle_bytes bytes, char **room) {
    const heddle_bytes kept = {*room, bytes.len};
    if (bytes.len) memcpy(*room, bytes.ptr, bytes.len);
    *room += bytes.len;
    return kept;
}

static void push(store *s, request *r) {
    const char   *why = NULL;
    heddle_status status = HEDDLE_EXHAUSTED;
    pthread_mutex_lock(&s->mutex);
    if (!s->active) {
        status = HEDDLE_UNAVAILABLE;
        why = "the store is not active";
    } else if (s->requests == kMostRequests || (s->requests > 0 && s->bytes + r->weight > (size_t)kMostBytes)) {
        why = "too much is in flight in the store; try again when some of it is answered";
    } else {
        ++s->requests;
        s->bytes += r->weight;
        *s->end = r;
        s->end = &r->next;
        pthread_cond_signal(&s->news);
    }
    pthread_mutex_unlock(&s->mutex);
    if (!why) return;
    answer_now(r->op, status, why);
    free(r);
}

/* Null: it is as it should be. */
static const char *fault_of(const heddle_write *w) {
    if (w->kind < HEDDLE_PUT || w->kind > HEDDLE_CHECK) return "there is no such kind of write";
    if (w->key.len == 0 || w->key.len > HEDDLE_KEY_MAX) return "a key has 1 to 1,024 bytes";
    return w->kind == HEDDLE_PUT && w->value.len > HEDDLE_STORED_MAX ? "a value has at most 16 MiB" : NULL;
}

static void ask_commit(void *self, const heddle_write *writes, uint32_t n, heddle_op *to) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < n; ++i) {
        const char *wrong = fault_of(&writes[i]);
        bytes += wrong ? 0 : writes[i].key.len + (writes[i].kind == HEDDLE_PUT ? writes[i].value.len : 0);
        if (!wrong && bytes + (i + 1) * (size_t)HEDDLE_WRITE_COST > HEDDLE_COMMIT_MAX) wrong = "a commit has at most 32 MiB, counting 64 bytes for each write";
        if (wrong) return answer_now(to, HEDDLE_INVALID, wrong);
    }
    request *const r = make_request(COMMIT, to, n, bytes);
    if (!r) return;
    char *room = (char *)(r->writes + n);
    for (uint32_t i = 0; i < n; ++i) {
        r->writes[i] = writes[i];
        r->writes[i].key = keep(writes[i].key, &room);
        if (writes[i].kind == HEDDLE_PUT) r->writes[i].value = keep(writes[i].value, &room);
    }
    push(self, r);
}

static void ask_get(void *self, const heddle_bytes *key, heddle_op *to) {
    const heddle_write as_write = {HEDDLE_CHECK, *key, {NULL, 0}, 0};
    const char *const  wrong = fault_of(&as_write);
    if (wrong) return answer_now(to, HEDDLE_INVALID, wrong);
    request *const r = make_request(GET, to, 1, key->len);
    if (!r) return;
    char *room = (char *)(r->writes + 1);
    r->writes[0].key = keep(*key, &room);
    push(self, r);
}

static void ask_scan(void *self, const heddle_range *range, heddle_op *to) {
    if (range->from.len > HEDDLE_KEY_MAX + 1 || range->until.len > HEDDLE_KEY_MAX + 1) return answer_now(to, HEDDLE_INVALID, "an end of a range has at most 1,025 bytes");
    request *const r = make_request(SCAN, to, 1, range->from.len + range->until.len);
    if (!r) return;
    char *room = (char *)(r->writes + 1);
    r->writes[0].key = keep(range->from, &room);
    r->writes[0].value = keep(range->until, &room);
    r->limit = range->limit;
    r->max_bytes = range->max_bytes;
    push(self, r);
}

static void set_active(store *s, bool active) {
    pthread_mutex_lock(&s->mutex);
    s->active = active;
    pthread_cond_signal(&s->news);
    pthread_mutex_unlock(&s->mutex);
}

/* Signals are the host's, not this thread's. */
static int start_thread(store *s) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&s->thread, NULL, work, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

/* It writes, too: a file that cannot be written is known at the start. */
static bool start(store *s, failure *why) {
    if (!medium_open(&s->medium, why)) return false;
    s->broken.status = HEDDLE_OK;
    bool is_well = medium_begin(&s->medium) || fail(why, HEDDLE_EXHAUSTED, "out of memory");
    is_well = is_well && medium_flush(&s->medium, why);
    if (is_well) set_active(s, true);
    if (is_well && start_thread(s) != 0) is_well = fail(why, HEDDLE_EXHAUSTED, "no thread is to be had");
    if (is_well) return true;
    set_active(s, false);
    medium_close(&s->medium);
    return false;
}

static void activate(void *self, heddle_op *to) {
    failure why;
    if (start(self, &why)) answer_now(to, HEDDLE_OK, "");
    else answer_now(to, why.status, why.why);
}

/* Answers what waits. */
static void deactivate(void *self, heddle_op *to) {
    store *const s = self;
    set_active(s, false);
    pthread_join(s->thread, NULL);
    medium_close(&s->medium);
    answer_now(to, HEDDLE_OK, "");
}

static void destroy(void *self) {
    store *const s = self;
    medium_destroy(&s->medium);
    pthread_cond_destroy(&s->news);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

static const heddle_store table = {.struct_size = sizeof(heddle_store),
                                   .base = {.activate = activate, .deactivate = deactivate, .destroy = destroy},
                                   .commit = ask_commit,
                                   .get = ask_get,
                                   .scan = ask_scan};

/* The params were checked against the schema. */
static heddle_status create(const heddle_host *h, const char *type_id, const heddle_value *config, void **self, const void **made_table) {
    (void)type_id; /* there is one type */
    heddle_str                path = {"", 0};
    const heddle_value *const found = value->find(config, str("path"));
    store *const              made = found && value->get_text(found, &path) ? calloc(1, sizeof *made) : NULL;
    if (!made || !medium_init(&made->medium, path)) {
        free(made);
        h->fail(h, HEDDLE_INVALID, str(path.len ? "out of memory" : "\"path\" is not a text"), NULL);
        return HEDDLE_INVALID;
    }
    made->host = h;
    made->end = &made->first;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->news, NULL);
    *self = made;
    *made_table = &table;
    return HEDDLE_OK;
}

static const heddle_type  type = {sizeof(heddle_type), "MyType", DESCRIPTOR};
static uint32_t           type_count(void) { return 1; }
static const heddle_type *type_at(uint32_t i) { return i == 0 ? &type : NULL; }

static const heddle_factory factory = {sizeof(heddle_factory), type_count, type_at, create};

static const void *get_factory(const char *kind) { return strcmp(kind, HEDDLE_KIND_STORE) == 0 ? &factory : NULL; }

static heddle_status init(const heddle_host *h) {
    plugin = h;
    value = h->get_service(h, HEDDLE_VALUE);
    op = h->get_service(h, HEDDLE_OP);
    logged = h->get_service(h, HEDDLE_LOG);
    return value && op ? HEDDLE_OK : HEDDLE_UNSUPPORTED;
}

const heddle_entry heddle_entry_v1 = {.struct_size = sizeof(heddle_entry), .abi_minor = 0, .init = init, .get_factory = get_factory};
