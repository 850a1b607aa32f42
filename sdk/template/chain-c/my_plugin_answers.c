#include "my_plugin_answers.h"

/* `made`, or why there is none. */
static heddle_value *given(heddle_value *made, failure *why) {
    if (!made) no_memory(why);
    return made;
}
static heddle_value *refused(failure *why, const char *code, const char *text) {
    fail(why, HEDDLE_INVALID, code, "%s", text);
    return NULL;
}

/* The first of "args". */
static const heddle_value *argument_of(const heddle_value *of) {
    const heddle_value *const args = value->find(of, str("args"));
    return args && value->kind(args) == HEDDLE_LIST ? value->at(args, 0, NULL) : NULL;
}

/* -- Reads ------------------------------------------------------------------------------------------------------------------------- */

static heddle_value *shown_activity(const activity *a) {
    parts members = {0};
    if (!a) return value->make_null(plugin);
    add_text(&members, "activity", a->id);
    add_text(&members, "workflow", a->workflow);
    add_text(&members, "kind", a->kind);
    add_text(&members, "queue", a->queue);
    add_text(&members, "state", str(a->state));
    add_some_text(&members, "worker", a->worker);
    add(&members, "input", activity_input(a));
    add_number(&members, "created_unix", a->created_unix);
    add_number(&members, "expires_unix", a->expires_unix);
    add_number(&members, "lease_until_unix", a->lease_until_unix);
    add_number(&members, "progress", a->percent);
    return whole(&members, true);
}

/* The highest priority first, and of the same the one that was offered first. */
static heddle_value *next_offer(const ledger *l, heddle_str queue, int64_t partition) {
    const activity *next = NULL;
    const int64_t   now = unix_now();
    for (size_t i = 0; i < l->activity_count; ++i) {
        const activity *const a = &l->activities[i];
        if (!same(a->queue, queue) || a->partition != partition || !activity_is_open(a, now)) continue;
        if (!next || a->priority > next->priority) next = a;
    }
    return shown_activity(next);
}

static heddle_value *mine(const ledger *l) {
    parts ids = {0};
    for (size_t i = 0; i < l->activity_count; ++i) {
        const activity *const a = &l->activities[i];
        if (strcmp(a->state, "assigned") == 0 && is(a->worker, l->account)) add(&ids, NULL, value->make_string(plugin, a->id));
    }
    return whole(&ids, false);
}

static heddle_value *alarms(const ledger *l) {
    parts  all = {0};
    size_t count = 0, last = 0;
    char   text[600];
    for (size_t i = 0; i < l->entry_count; ++i) {
        if (!l->entries[i].refused) continue;
        ++count;
        last = i;
    }
    if (count) {
        snprintf(text, sizeof text, "%zu entries of %.300s change nothing; the last, in line %zu: %s", count, l->path, last + 1, l->entries[last].refused);
        add(&all, NULL, value->make_string(plugin, str(text)));
    }
    return whole(&all, false);
}

static heddle_value *endpoints(const ledger *l) {
    parts one = {0}, all = {0};
    add_text(&one, "address", str(l->path));
    add_number(&one, "block", (int64_t)l->entry_count - 1);
    add(&one, "well", value->make_bool(plugin, true));
    add(&all, NULL, whole(&one, true));
    return whole(&all, false);
}

static heddle_value *standing(const ledger *l, uint64_t submitted) {
    static const char *const kNone[] = {"balance", "pending", "gaps", "bumps"};
    parts                    members = {0};
    add_text(&members, "chain", str("my_plugin"));
    add_text(&members, "account", str(l->account));
    add_number(&members, "block", (int64_t)l->entry_count - 1);
    add_number(&members, "block_unix", unix_now()); /* nothing is written where nobody wants anything: its time goes on all the same */
    for (size_t i = 0; i < sizeof kNone / sizeof *kNone; ++i) add_number(&members, kNone[i], 0);
    add_number(&members, "sent", (int64_t)submitted);
    add_number(&members, "final", (int64_t)submitted);
    add(&members, "alarms", alarms(l));
    add(&members, "endpoints", endpoints(l));
    return whole(&members, true);
}

static heddle_value *worker(const ledger *l) {
    parts members = {0};
    add(&members, "active", value->make_bool(plugin, l->account[0] != '\0'));
    add_text(&members, "version", str("1.0.0"));
    return whole(&members, true);
}

/* As `transactions` shows it. */
static heddle_value *shown_transaction(const ledger *l, uint64_t block) {
    const entry *const e = &l->entries[block];
    const int64_t      at = number_in(e->said, "at_unix", 0);
    parts              attempt = {0}, attempts = {0}, members = {0};
    add_text(&attempt, "transaction", str(e->hash));
    add_number(&attempt, "fee", 0);
    add_number(&attempt, "at_unix", at);
    add(&attempts, NULL, whole(&attempt, true));
    add_text(&members, "key", text_in(e->said, "key"));
    add_text(&members, "stage", str("final"));
    add_number(&members, "number", (int64_t)e->number);
    add_text(&members, "transaction", str(e->hash));
    add_text(&members, "do", text_in(e->said, "do"));
    add(&members, "attempts", whole(&attempts, false));
    add_number(&members, "block", (int64_t)block);
    add_number(&members, "stored_unix", at);
    return whole(&members, true);
}

static heddle_value *transaction(const ledger *l, heddle_str key) {
    const named *const found = names_find(&l->keys, key);
    return found ? shown_transaction(l, found->number) : value->make_null(plugin);
}

/* The one function that reads: entry(line). */
static heddle_value *call(const ledger *l, const heddle_value *question, failure *why) {
    const heddle_value *const argument = argument_of(question);
    int64_t                   block = -1;
    if (!is(text_in(question, "function"), "entry")) return refused(why, "invalid", "the ledger has the function \"entry\", of a block's number");
    if (!argument || !value->get_int(argument, &block) || block < 0 || (uint64_t)block >= l->entry_count) return refused(why, "reverted", "there is no such entry");
    value->retain(l->entries[block].said);
    return l->entries[block].said;
}

heddle_value *answer_read(ledger *l, const heddle_value *question, uint64_t submitted, failure *why) {
    const heddle_str ask = text_in(question, "ask");
    if (!ledger_catch_up(l, why)) return NULL;
    if (is(ask, "standing")) return given(standing(l, submitted), why);
    if (is(ask, "worker")) return given(worker(l), why);
    if (is(ask, "offer")) return given(next_offer(l, text_in(question, "queue"), number_in(question, "partition", 0)), why);
    if (is(ask, "activity")) return given(shown_activity(ledger_activity(l, text_in(question, "activity"))), why);
    if (is(ask, "mine")) return given(mine(l), why);
    if (is(ask, "transaction")) return given(transaction(l, text_in(question, "key")), why);
    if (is(ask, "call")) return call(l, question, why);
    return refused(why, "invalid", "\"ask\" is one of standing, worker, offer, activity, mine, transaction and call");
}

/* -- Transactions -------------------------------------------------------------------------------------------------------------------- */

/* BYTES; or a text, or JSON, which is all that a manifest has. */
static void add_bytes(parts *to, const char *key, const heddle_value *from) {
    heddle_str text = {"", 0};
    if (from && value->kind(from) == HEDDLE_BYTES) {
        value->retain(from);
        return add(to, key, (heddle_value *)from);
    }
    if (from && value->kind(from) == HEDDLE_STRING) value->get_text(from, &text);
    else if (from && !value->json(from, &text)) return add(to, key, NULL);
    add(to, key, bytes_of(text.ptr, text.len));
}

/* The one function that writes: offer({"activity", "queue", "kind", "input", …}). */
static bool called(parts *said, const heddle_value *intent, failure *why) {
    static const char *const  kTexts[] = {"activity", "workflow", "queue", "kind"}, *const kNumbers[] = {"partition", "priority", "expires_unix"};
    const heddle_value *const what = argument_of(intent);
    if (!what || !is(text_in(intent, "function"), "offer")) return fail(why, HEDDLE_INVALID, "invalid", "the ledger has the function \"offer\", of an activity, and no money to be moved");
    add_text(said, "do", str("offer"));
    for (size_t i = 0; i < sizeof kTexts / sizeof *kTexts; ++i) add_some_text(said, kTexts[i], text_in(what, kTexts[i]));
    for (size_t i = 0; i < sizeof kNumbers / sizeof *kNumbers; ++i) add_some_number(said, kNumbers[i], number_in(what, kNumbers[i], 0));
    add_bytes(said, "input", value->find(what, str("input")));
    return true;
}

/* What is said in the ledger for an intent: texts, numbers and bytes only, so that it is one line. */
static bool deed_of(parts *said, const heddle_value *intent, int64_t lease_s, failure *why) {
    const heddle_str deed = text_in(intent, "do");
    if (is(deed, "call")) return called(said, intent, why);
    add_text(said, "do", deed);
    add_some_text(said, "activity", text_in(intent, "activity"));
    if (is(deed, "claim") || is(deed, "heartbeat")) add_some_number(said, "lease_until_unix", lease_s ? unix_now() + lease_s : 0);
    if (is(deed, "heartbeat")) add_some_number(said, "percent", number_in(intent, "percent", 0));
    else if (is(deed, "complete")) add_bytes(said, "result", value->find(intent, str("result")));
    else if (is(deed, "fail")) add_some_text(said, "reason", text_in(intent, "reason"));
    else if (is(deed, "resume")) add_some_text(said, "workflow", text_in(intent, "workflow"));
    else if (!is(deed, "claim")) return fail(why, HEDDLE_INVALID, "invalid", "\"do\" is one of claim, heartbeat, complete, fail, resume and call");
    return true;
}

/* Whatever "until" says: an entry that is there is final. */
heddle_value *answer_submit(ledger *l, heddle_str key, const heddle_value *intent, int64_t lease_s, failure *why) {
    parts    said = {0}, members = {0};
    uint64_t block;
    if (!deed_of(&said, intent, lease_s, why)) {
        heddle_value *const unwanted = whole(&said, true);
        if (unwanted) value->release(unwanted);
        return NULL;
    }
    if (!ledger_submit(l, key, &said, number_in(intent, "not_after_unix", 0), &block, why)) return NULL;
    const entry *const e = &l->entries[block];
    add_text(&members, "key", key);
    add_text(&members, "stage", str("final"));
    add_text(&members, "transaction", str(e->hash));
    add_number(&members, "number", (int64_t)e->number);
    add_number(&members, "attempts", 1);
    add_number(&members, "block", (int64_t)block);
    add_text(&members, "block_hash", str(e->hash));
    add_number(&members, "fee", 0);
    return given(whole(&members, true), why);
}

/* None of them is open. */
heddle_value *answer_transactions(ledger *l, const heddle_value *filter, failure *why) {
    const heddle_value *const open = value->find(filter, str("open"));
    const int64_t             before = number_in(filter, "before", INT64_MAX), most = number_in(filter, "most", 100);
    bool                      is_of_open = false;
    parts                     all = {0};
    if (!ledger_catch_up(l, why)) return NULL;
    if (open) value->get_bool(open, &is_of_open);
    for (size_t i = is_of_open ? 0 : l->entry_count; i-- > 1 && (int64_t)all.count < most;) {
        const entry *const e = &l->entries[i];
        const named *const ours = names_find(&l->keys, text_in(e->said, "key"));
        if (ours && ours->number == i && (int64_t)e->number < before) add(&all, NULL, shown_transaction(l, i));
    }
    return given(whole(&all, false), why);
}

/* -- Events -------------------------------------------------------------------------------------------------------------------------- */

/* A cursor is the first block that has not been told of. UINT64_MAX: it is none. */
static uint64_t begin_of(const ledger *l, const heddle_value *filter) {
    const heddle_value *const cursor = value->find(filter, str("after")), *const block = value->find(filter, str("from_block"));
    int64_t                   from = -1;
    if (cursor || block) {
        if (!value->get_int(cursor ? cursor : block, &from) || from < 0) return UINT64_MAX;
        return (uint64_t)from < l->entry_count ? (uint64_t)from : l->entry_count;
    }
    from = number_in(filter, "from_unix", INT64_MAX);
    size_t first = 0;
    while (first < l->entry_count && number_in(l->entries[first].said, "at_unix", 0) < from) ++first;
    return first;
}

static bool is_wanted(const heddle_value *names, heddle_str name) {
    const size_t count = names ? value->length(names) : 0;
    heddle_str   text;
    for (size_t i = 0; i < count; ++i)
        if (value->get_text(value->at(names, i, NULL), &text) && same(text, name)) return true;
    return !names;
}

/* The event of an entry has the name of what was done, and its members as args. */
static heddle_value *event(const ledger *l, uint64_t block) {
    static const char *const kWork[][2] = {{"offer", "offered"}, {"claim", "claimed"}, {"heartbeat", "heartbeat"}, {"complete", "completed"}, {"fail", "failed"}};
    const entry *const       e = &l->entries[block];
    const heddle_str         deed = text_in(e->said, "do"), queue = text_in(e->said, "queue");
    parts                    members = {0};
    add_text(&members, "event", deed);
    add_number(&members, "block", (int64_t)block);
    add_text(&members, "block_hash", str(e->hash));
    add_some_number(&members, "block_unix", number_in(e->said, "at_unix", 0));
    add_text(&members, "transaction", str(e->hash));
    add_number(&members, "index", 0);
    add_text(&members, "contract", str("ledger"));
    value->retain(e->said);
    add(&members, "args", e->said);
    for (size_t i = 0; i < sizeof kWork / sizeof *kWork; ++i)
        if (is(deed, kWork[i][0])) add_text(&members, "work", str(kWork[i][1]));
    add_some_text(&members, "activity", text_in(e->said, "activity"));
    if (!is(deed, "offer")) add_some_text(&members, "worker", text_in(e->said, "by"));
    if (queue.len) {
        add_text(&members, "queue", queue);
        add_number(&members, "partition", number_in(e->said, "partition", 0));
        add_number(&members, "priority", number_in(e->said, "priority", 0));
    }
    return whole(&members, true);
}

heddle_value *answer_events(ledger *l, const heddle_value *filter, uint64_t *from, size_t *found, failure *why) {
    const heddle_value *const names = value->find(filter, str("events"));
    const int64_t             most = number_in(filter, "most", 1000);
    parts                     events = {0}, members = {0};
    if (!ledger_catch_up(l, why)) return NULL;
    if (*from == UINT64_MAX) *from = begin_of(l, filter);
    if (*from == UINT64_MAX) return refused(why, "invalid", "\"after\" is a cursor of this ledger, and \"from_block\" a number");
    for (; *from < l->entry_count && (int64_t)events.count < (most > 1 ? most : 1); ++*from) {
        const entry *const e = &l->entries[*from];
        if (!e->refused && *from > 0 && is_wanted(names, text_in(e->said, "do"))) add(&events, NULL, event(l, *from));
    }
    *found = events.count;
    add(&members, "events", whole(&events, false));
    add_number(&members, "cursor", (int64_t)*from);
    add_number(&members, "head", (int64_t)l->entry_count - 1);
    return given(whole(&members, true), why);
}
