#define _GNU_SOURCE
#include <heddle/chain.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "my_plugin_answers.h"

/* The members of the descriptor are listed in heddle/chain.h. */
#define DESCRIPTOR                                                                                                                                                   \
    "{\"chain\":\"MyType\",\"summary\":\"A ledger in a file: who may write it offers work, and does it\","                                                           \
    "\"params\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"path\"],\"properties\":{"                                                         \
    "\"path\":{\"type\":\"string\",\"minLength\":1,\"description\":\"The file\"},"                                                                                    \
    "\"account\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_-]{1,64}$\",\"description\":\"As whom it is written. Absent: it is only read\"},"                     \
    "\"lease_s\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":31536000,\"default\":60,"                                                                            \
    "\"description\":\"So long what was claimed is kept for its worker after each sign of life; 0: for ever\"}}}}"

HEDDLE_NOTE(plugin_note, HEDDLE_NOTE_PLUGIN,
            "{\"plugin\":\"my_plugin\",\"version\":\"0.1.0\"," HEDDLE_NOTE_ABI
            ",\"license\":\"Apache-2.0\",\"summary\":\"A ledger in a file\",\"package\":\"heddle-plugin-my-plugin\"}");
HEDDLE_NOTE(type_note, HEDDLE_NOTE_TYPE, DESCRIPTOR);

const heddle_host              *plugin;
const heddle_value_service     *value;
static const heddle_op_service *op;

enum { kMostKey = 200, kMostOpen = 65536, kLookMs = 500 /* between two looks at what waits, where there is no news */ };
static const int64_t kMostWaitMs = 86400000;

typedef enum { READ, SUBMIT, EVENTS, TRANSACTIONS } verb;

/* What was asked. */
typedef struct request {
    struct request *next;
    heddle_op      *op;
    verb            verb;
    bool            is_new;
    heddle_value   *what;
    int64_t         until_ms; /* of events: so long they may wait */
    uint64_t        from;     /* of events: see answer_events */
    size_t          key_size;
    char            key[];
} request;

/* One thread asks the ledger: what is asked for the first time at once, and what waits for events again whenever there is news. */
typedef struct chain {
    ledger          ledger;
    int64_t         lease_s;
    uint64_t        submitted; /* the thread's own */
    int64_t         look_ms;   /* the thread's own: when it looks next at what waits */
    int             wake;      /* an eventfd */
    pthread_t       thread;
    pthread_mutex_t mutex;
    /* Guarded by mutex: */
    request *first, **end;
    size_t   open; /* asked and not answered */
    bool     active;
} chain;

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void refuse(heddle_op *to, const failure *why) {
    parts               details = {0};
    if (why->code[0]) add_text(&details, "code", str(why->code));
    op->complete(to, why->status, why->code[0] ? whole(&details, true) : NULL, str(why->why));
}

static void drop(request *r) {
    value->release(r->what);
    free(r);
}

/* -- The work, on the chain's thread --------------------------------------------------------------------------------------------------- */

/* Null, and OK: not yet. */
static heddle_value *answer_of(chain *c, request *r, failure *why) {
    size_t              found = 0;
    heddle_value *const made = r->verb == READ     ? answer_read(&c->ledger, r->what, c->submitted, why)
                               : r->verb == SUBMIT ? answer_submit(&c->ledger, (heddle_str){r->key, r->key_size}, r->what, c->lease_s, why)
                               : r->verb == EVENTS ? answer_events(&c->ledger, r->what, &r->from, &found, why)
                                                   : answer_transactions(&c->ledger, r->what, why);
    if (made && r->verb == SUBMIT) ++c->submitted;
    if (!made || r->verb != EVENTS || found > 0 || now_ms() >= r->until_ms) return made;
    value->release(made);
    return NULL;
}

/* True: it is answered. */
static bool ask(chain *c, request *r) {
    failure why = {HEDDLE_OK, "", ""};
    r->is_new = false;
    if (op->is_cancelled(r->op)) fail(&why, HEDDLE_CANCELLED, "", "it is no longer wanted");
    heddle_value *const made = why.status == HEDDLE_OK ? answer_of(c, r, &why) : NULL;
    if (!made && why.status == HEDDLE_OK) return false;
    if (made) op->complete(r->op, HEDDLE_OK, made, str(""));
    else refuse(r->op, &why);
    drop(r);
    return true;
}

/* Asks for what is new, or for what waits. */
static void look(chain *c, request **open, bool again) {
    size_t answered = 0;
    for (request **at = open; *at;) {
        request *const r = *at, *const next = r->next;
        if (r->is_new == again || !ask(c, r)) {
            at = &r->next;
            continue;
        }
        *at = next;
        ++answered;
    }
    if (again) c->look_ms = now_ms() + kLookMs;
    pthread_mutex_lock(&c->mutex);
    c->open -= answered;
    pthread_mutex_unlock(&c->mutex);
}

/* Puts what was asked behind what is open. False: it is over, and nothing more will come. */
static bool take_asked(chain *c, request **open) {
    uint64_t ignored;
    request **end = open;
    if (read(c->wake, &ignored, sizeof ignored) < 0) ignored = 0; /* it was not readable */
    while (*end) end = &(*end)->next;
    pthread_mutex_lock(&c->mutex);
    *end = c->first;
    c->first = NULL;
    c->end = &c->first;
    const bool is_active = c->active;
    pthread_mutex_unlock(&c->mutex);
    return is_active;
}

static bool has_news(chain *c) {
    struct pollfd news = {c->ledger.news, POLLIN, 0};
    if (news.fd < 0 || poll(&news, 1, 0) <= 0) return false;
    ledger_take_news(&c->ledger);
    return true;
}

static void wait_for_some(chain *c, const request *open) {
    struct pollfd any[2] = {{c->wake, POLLIN, 0}, {open ? c->ledger.news : -1, POLLIN, 0}};
    for (const request *r = open; r; r = r->next)
        if (r->verb == EVENTS && r->until_ms < c->look_ms) c->look_ms = r->until_ms;
    const int64_t left = c->look_ms - now_ms();
    poll(any, 2, !open ? -1 : left > 0 ? (int)left : 0);
}

static void *work(void *self) {
    chain *const c = self;
    request     *open = NULL;
    while (take_asked(c, &open)) {
        bool is_submitted = false;
        for (const request *r = open; r; r = r->next) is_submitted = is_submitted || (r->is_new && r->verb == SUBMIT);
        look(c, &open, false);
        if (has_news(c) || is_submitted || now_ms() >= c->look_ms) look(c, &open, true);
        wait_for_some(c, open);
    }
    const failure over = {HEDDLE_CANCELLED, "", "the chain is closed"};
    for (request *r = open, *next; r; r = next) {
        next = r->next;
        refuse(r->op, &over);
        drop(r);
    }
    return NULL;
}

/* -- What the host calls ------------------------------------------------------------------------------------------------------------------ */

static void wake(const chain *c) {
    const uint64_t one = 1;
    if (write(c->wake, &one, sizeof one) < 0) return; /* it is readable already */
}

static void push(void *self, verb asked, const heddle_value *what, heddle_str key, heddle_op *to) {
    chain *const   c = self;
    failure        why = {HEDDLE_OK, "", ""};
    request *const r = malloc(sizeof *r + key.len);
    if (!r) no_memory(&why);
    else *r = (request){.op = to, .verb = asked, .is_new = true, .what = (heddle_value *)what, .from = UINT64_MAX, .key_size = key.len};
    if (r && key.len) memcpy(r->key, key.ptr, key.len);
    if (r && asked == EVENTS) {
        const int64_t wait_ms = number_in(what, "wait_ms", 0);
        r->until_ms = now_ms() + (wait_ms < 0 ? 0 : wait_ms < kMostWaitMs ? wait_ms : kMostWaitMs);
    }
    if (r) value->retain(what);
    pthread_mutex_lock(&c->mutex);
    if (!c->active) fail(&why, HEDDLE_UNAVAILABLE, "unavailable", "the chain is not active");
    else if (c->open == kMostOpen) fail(&why, HEDDLE_EXHAUSTED, "full", "too much is asked of the chain at once; ask again when some of it is answered");
    const bool is_taken = r && why.status == HEDDLE_OK;
    if (is_taken) {
        ++c->open;
        *c->end = r;
        c->end = &r->next;
    }
    pthread_mutex_unlock(&c->mutex);
    if (is_taken) return wake(c);
    if (r) drop(r);
    refuse(to, &why);
}

static void ask_read(void *self, const heddle_value *question, heddle_op *to) { push(self, READ, question, str(""), to); }
static void ask_events(void *self, const heddle_value *filter, heddle_op *to) { push(self, EVENTS, filter, str(""), to); }
static void ask_transactions(void *self, const heddle_value *filter, heddle_op *to) { push(self, TRANSACTIONS, filter, str(""), to); }
static void ask_submit(void *self, heddle_str key, const heddle_value *intent, heddle_op *to) {
    failure why;
    if (key.len > 0 && key.len <= kMostKey) return push(self, SUBMIT, intent, key, to);
    fail(&why, HEDDLE_INVALID, "invalid", "a key has 1 to %d bytes, this one has %zu", kMostKey, key.len);
    refuse(to, &why);
}

static void set_active(chain *c, bool active) {
    pthread_mutex_lock(&c->mutex);
    c->active = active;
    pthread_mutex_unlock(&c->mutex);
    wake(c);
}

/* Signals are the host's, not this thread's. */
static int start_thread(chain *c) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&c->thread, NULL, work, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static void activate(void *self, heddle_op *to) {
    chain *const c = self;
    failure      why;
    bool         is_well = ledger_open(&c->ledger, &why);
    if (is_well) {
        set_active(c, true);
        is_well = start_thread(c) == 0 || fail(&why, HEDDLE_EXHAUSTED, "full", "no thread is to be had");
        if (!is_well) {
            set_active(c, false);
            ledger_close(&c->ledger);
        }
    }
    if (is_well) op->complete(to, HEDDLE_OK, NULL, str(""));
    else refuse(to, &why);
}

/* What is open is answered as cancelled. */
static void deactivate(void *self, heddle_op *to) {
    chain *const c = self;
    set_active(c, false);
    pthread_join(c->thread, NULL);
    ledger_close(&c->ledger);
    op->complete(to, HEDDLE_OK, NULL, str(""));
}

static void destroy(void *self) {
    chain *const c = self;
    ledger_destroy(&c->ledger);
    close(c->wake);
    pthread_mutex_destroy(&c->mutex);
    free(c);
}

static const heddle_chain table = {.struct_size = sizeof(heddle_chain),
                                   .base = {.activate = activate, .deactivate = deactivate, .destroy = destroy},
                                   .read = ask_read,
                                   .submit = ask_submit,
                                   .events = ask_events,
                                   .transactions = ask_transactions};

/* The params were checked against the schema, but its defaults are not filled in. */
static heddle_status create(const heddle_host *h, const char *type_id, const heddle_value *config, void **self, const void **made_table) {
    (void)type_id; /* there is one type */
    chain *const c = calloc(1, sizeof *c);
    if (c) c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!c || c->wake < 0 || !ledger_init(&c->ledger, text_in(config, "path"), text_in(config, "account"))) {
        if (c && c->wake >= 0) {
            ledger_destroy(&c->ledger);
            close(c->wake);
        }
        free(c);
        h->fail(h, HEDDLE_EXHAUSTED, str("out of memory, or of descriptors"), NULL);
        return HEDDLE_EXHAUSTED;
    }
    c->lease_s = number_in(config, "lease_s", 60);
    c->end = &c->first;
    pthread_mutex_init(&c->mutex, NULL);
    *self = c;
    *made_table = &table;
    return HEDDLE_OK;
}

static const heddle_type  type = {sizeof(heddle_type), "MyType", DESCRIPTOR};
static uint32_t           type_count(void) { return 1; }
static const heddle_type *type_at(uint32_t i) { return i == 0 ? &type : NULL; }

static const heddle_factory factory = {sizeof(heddle_factory), type_count, type_at, create};

static const void *get_factory(const char *kind) { return strcmp(kind, HEDDLE_KIND_CHAIN) == 0 ? &factory : NULL; }

static heddle_status init(const heddle_host *h) {
    plugin = h;
    value = h->get_service(h, HEDDLE_VALUE);
    op = h->get_service(h, HEDDLE_OP);
    return value && op ? HEDDLE_OK : HEDDLE_UNSUPPORTED;
}

const heddle_entry heddle_entry_v1 = {.struct_size = sizeof(heddle_entry), .abi_minor = 0, .init = init, .get_factory = get_factory};
