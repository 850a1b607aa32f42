#define _GNU_SOURCE
#include "my_plugin_ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char kFirstLine[] = "{\"ledger\":\"my_plugin 1\"}\n";

int64_t unix_now(void) { return time(NULL); }

static bool fail_as_errno(failure *why, const char *doing, const char *path) { return fail(why, HEDDLE_UNAVAILABLE, "unavailable", "cannot %s %.300s: %s", doing, path, strerror(errno)); }

/* -- Names ------------------------------------------------------------------------------------------------------------------------- */

static size_t place_of(const names *in, heddle_str name) {
    size_t low = 0, high = in->count;
    while (low < high) {
        const size_t     middle = low + (high - low) / 2;
        const heddle_str there = in->all[middle].name;
        const int        order = memcmp(there.ptr, name.ptr, there.len < name.len ? there.len : name.len);
        if (order < 0 || (order == 0 && there.len < name.len)) low = middle + 1;
        else high = middle;
    }
    return low;
}

const named *names_find(const names *in, heddle_str name) {
    const size_t place = place_of(in, name);
    return place < in->count && same(in->all[place].name, name) ? &in->all[place] : NULL;
}

/* The room doubles, so that what is added often moves seldom. False: out of memory. */
static bool make_room(void **all, size_t count, size_t *room, size_t size) {
    if (count < *room) return true;
    void *const larger = realloc(*all, (*room ? 2 * *room : 64) * size);
    if (!larger) return false;
    *all = larger;
    *room = *room ? 2 * *room : 64;
    return true;
}

static bool names_room(names *in) { return make_room((void **)&in->all, in->count, &in->room, sizeof *in->all); }

/* There is room for it. Of one that is there already, it takes the place of its number. */
static void names_put(names *in, heddle_str name, uint64_t number) {
    const size_t place = place_of(in, name);
    if (place == in->count || !same(in->all[place].name, name)) memmove(in->all + place + 1, in->all + place, (in->count++ - place) * sizeof *in->all);
    else name = in->all[place].name;
    in->all[place] = (named){name, number};
}

/* -- The rules --------------------------------------------------------------------------------------------------------------------- */

bool activity_is_open(const activity *a, int64_t now_unix) {
    const bool is_left = strcmp(a->state, "assigned") == 0 && a->lease_until_unix != 0 && a->lease_until_unix <= now_unix;
    return (strcmp(a->state, "offered") == 0 || is_left) && (a->expires_unix == 0 || now_unix < a->expires_unix);
}

static activity *find(const ledger *l, heddle_str id) {
    const named *const found = names_find(&l->ids, id);
    return found ? &l->activities[found->number] : NULL;
}
const activity *ledger_activity(const ledger *l, heddle_str id) { return find(l, id); }

static int digit_of(char c) {
    static const char  kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *const  found = c ? strchr(kDigits, c) : NULL;
    return found ? (int)(found - kDigits) : -1;
}

static bool is_base64(heddle_str text) {
    for (size_t i = 0; i < text.len && text.ptr[i] != '='; ++i)
        if (digit_of(text.ptr[i]) < 0) return false;
    return true;
}

heddle_value *activity_input(const activity *a) {
    char *const bytes = malloc(a->input.len + 1);
    size_t      size = 0;
    uint32_t    bits = 0;
    int         count = 0;
    if (!bytes) return NULL;
    for (size_t i = 0; i < a->input.len && a->input.ptr[i] != '='; ++i) {
        bits = bits << 6 | (uint32_t)digit_of(a->input.ptr[i]);
        count += 6;
        if (count >= 8) bytes[size++] = (char)(bits >> (count -= 8));
    }
    heddle_value *const made = bytes_of(bytes, size);
    free(bytes);
    return made;
}

static const char *offer(ledger *l, const heddle_value *said, bool and_do) {
    const heddle_str id = text_in(said, "activity");
    const activity   made = {.block = l->entry_count, .state = "offered", .id = id, .workflow = text_in(said, "workflow"), .kind = text_in(said, "kind"), .queue = text_in(said, "queue"),
                             .worker = {"", 0}, .input = text_in(said, "input"), .partition = number_in(said, "partition", 0), .priority = number_in(said, "priority", 0),
                             .created_unix = number_in(said, "at_unix", 0), .expires_unix = number_in(said, "expires_unix", 0)};
    if (find(l, id)) return "there is such an activity already";
    if (made.queue.len == 0 || made.kind.len == 0) return "an offer has a \"queue\" and a \"kind\"";
    if (!is_base64(made.input)) return "the \"input\" of an offer is base64";
    if (!and_do) return NULL;
    names_put(&l->ids, id, l->activity_count);
    l->activities[l->activity_count++] = made;
    return NULL;
}

/* Why this entry would change nothing, or null. An activity is his who claimed it until somebody else does. */
static const char *try_out(ledger *l, const heddle_value *said, bool and_do) {
    const heddle_str deed = text_in(said, "do"), id = text_in(said, "activity"), by = text_in(said, "by");
    if (is(deed, "resume")) return text_in(said, "workflow").len ? NULL : "it names no \"workflow\"";
    if (id.len == 0) return "it names no \"activity\"";
    if (is(deed, "offer")) return offer(l, said, and_do);
    activity *const there = find(l, id);
    if (!there) return "there is no such activity";
    activity next = *there;
    if (is(deed, "claim")) {
        if (!activity_is_open(there, number_in(said, "at_unix", 0))) return "the activity is not to be claimed: somebody has it, or it is over";
        next.state = "assigned";
        next.worker = by;
    } else if (strcmp(there->state, "assigned") != 0 || by.len == 0 || !same(there->worker, by)) {
        return "the activity is somebody else's, or nobody's, or it is over";
    }
    if (is(deed, "claim") || is(deed, "heartbeat")) next.lease_until_unix = number_in(said, "lease_until_unix", 0);
    if (is(deed, "heartbeat")) next.percent = number_in(said, "percent", 0);
    else if (is(deed, "complete")) next.state = "completed";
    else if (is(deed, "fail")) next.state = "failed";
    else if (!is(deed, "claim")) return "nobody knows how to do that";
    if (and_do) *there = next;
    return NULL;
}

/* -- The file ---------------------------------------------------------------------------------------------------------------------- */

/* For one more of everything, so that an entry is taken whole. */
static bool has_room(ledger *l) {
    return make_room((void **)&l->entries, l->entry_count, &l->entry_room, sizeof *l->entries) &&
           make_room((void **)&l->activities, l->activity_count, &l->activity_room, sizeof *l->activities) && names_room(&l->ids) && names_room(&l->keys) && names_room(&l->accounts);
}

/* A line that is no entry is one that nobody heeds. False: out of memory; nothing was taken. */
static bool take(ledger *l, const char *line, size_t size) {
    entry made = {.said = value->make_json(plugin, (heddle_str){line, size})};
    if (made.said && value->kind(made.said) != HEDDLE_MAP) {
        value->release(made.said);
        made.said = NULL;
    }
    if (!made.said) made.said = value->make_json(plugin, str("{}"));
    if (!made.said || !has_room(l)) {
        if (made.said) value->release(made.said);
        return false;
    }
    for (size_t i = 0; i < size; ++i) l->sum = (l->sum ^ (unsigned char)line[i]) * 0x100000001b3;
    snprintf(made.hash, sizeof made.hash, "%016llx", (unsigned long long)l->sum);
    const heddle_str   by = text_in(made.said, "by"), key = text_in(made.said, "key");
    const named *const known = names_find(&l->accounts, by);
    made.number = known ? known->number : 0;
    made.refused = l->entry_count == 0 ? NULL : try_out(l, made.said, true);
    if (by.len > 0) names_put(&l->accounts, by, made.number + 1);
    if (!made.refused && key.len > 0 && l->account[0] && is(by, l->account)) names_put(&l->keys, key, l->entry_count);
    l->entries[l->entry_count++] = made;
    return true;
}

static bool take_lines(ledger *l, const char *text, size_t size, failure *why) {
    for (const char *end; (end = memchr(text, '\n', size)) != NULL;) {
        const size_t line = (size_t)(end - text) + 1;
        if (!take(l, text, line)) return no_memory(why);
        l->read += line;
        text += line;
        size -= line;
    }
    l->has_tail = size > 0;
    const bool may_be_begun = l->entry_count > 0 || (size < sizeof kFirstLine && memcmp(text, kFirstLine, size) == 0);
    return may_be_begun || fail(why, HEDDLE_INVALID, "other-chain", "%.300s is no ledger of my_plugin", l->path);
}

static bool read_new(ledger *l, failure *why) {
    struct stat about;
    if (fstat(l->file, &about) != 0) return fail_as_errno(why, "read", l->path);
    if ((uint64_t)about.st_size < l->read) return fail(why, HEDDLE_UNAVAILABLE, "unavailable", "%.300s has lost entries that it had: it only ever grows", l->path);
    const size_t  size = (size_t)about.st_size - l->read;
    char *const   text = malloc(size + 1);
    const ssize_t got = text ? pread(l->file, text, size, (off_t)l->read) : 0;
    bool          is_well = text ? got >= 0 || fail_as_errno(why, "read", l->path) : no_memory(why);
    is_well = is_well && take_lines(l, text, (size_t)got, why);
    free(text);
    return is_well;
}

/* What somebody did not write to its end was never answered. */
static bool append(ledger *l, const char *line, size_t size, failure *why) {
    if (l->has_tail && ftruncate(l->file, (off_t)l->read) != 0) return fail_as_errno(why, "mend", l->path);
    const ssize_t n = write(l->file, line, size);
    if (n == (ssize_t)size && fsync(l->file) == 0) return read_new(l, why);
    if (n >= 0 && n < (ssize_t)size) fail(why, HEDDLE_UNAVAILABLE, "unavailable", "there is no room for another entry in %.300s", l->path);
    else fail_as_errno(why, "write", l->path);
    if (ftruncate(l->file, (off_t)l->read) != 0) l->has_tail = true;
    return false;
}

/* Nobody else writes until it is let go; alone: nobody reads, either. */
static bool hold(ledger *l, bool alone, failure *why) { return flock(l->file, alone ? LOCK_EX : LOCK_SH) == 0 || fail_as_errno(why, "lock", l->path); }
static void let_go(ledger *l) { flock(l->file, LOCK_UN); }

static bool begin(ledger *l, failure *why) {
    if (!hold(l, true, why)) return false;
    bool is_well = read_new(l, why);
    if (is_well && l->entry_count == 0) is_well = append(l, kFirstLine, sizeof kFirstLine - 1, why);
    if (is_well && !is(text_in(l->entries[0].said, "ledger"), "my_plugin 1")) is_well = fail(why, HEDDLE_INVALID, "other-chain", "%.300s is no ledger of my_plugin", l->path);
    let_go(l);
    return is_well;
}

static bool hold_account(ledger *l, failure *why) {
    char *name = NULL;
    if (l->account[0] == '\0') return true;
    if (asprintf(&name, "%s.%s.lock", l->path, l->account) < 0) return no_memory(why);
    l->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const bool is_open = l->lock >= 0 || fail_as_errno(why, "open", name);
    free(name);
    if (!is_open) return false;
    return flock(l->lock, LOCK_EX | LOCK_NB) == 0 || fail(why, HEDDLE_CONFLICT, "in-use", "somebody else works as %.64s on %.300s at the moment", l->account, l->path);
}

static bool open_all(ledger *l, failure *why) {
    l->file = open(l->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (l->file < 0) return fail_as_errno(why, "open", l->path);
    if (!hold_account(l, why)) return false;
    l->news = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (l->news >= 0) inotify_add_watch(l->news, l->path, IN_MODIFY);
    return begin(l, why);
}

bool ledger_open(ledger *l, failure *why) {
    if (open_all(l, why)) return true;
    ledger_close(l);
    return false;
}

static void shut(int *file) {
    if (*file >= 0) close(*file);
    *file = -1;
}

void ledger_close(ledger *l) {
    ledger closed = {.path = l->path, .account = l->account, .file = -1, .lock = -1, .news = -1};
    shut(&l->file);
    shut(&l->lock);
    shut(&l->news);
    for (size_t i = 0; i < l->entry_count; ++i) value->release(l->entries[i].said);
    free(l->entries);
    free(l->activities);
    free(l->ids.all);
    free(l->keys.all);
    free(l->accounts.all);
    *l = closed;
}

bool ledger_init(ledger *l, heddle_str path, heddle_str account) {
    *l = (ledger){.path = strndup(path.ptr, path.len), .account = strndup(account.ptr, account.len), .file = -1, .lock = -1, .news = -1};
    return l->path && l->account;
}

void ledger_destroy(ledger *l) {
    ledger_close(l);
    free(l->path);
    free(l->account);
}

void ledger_take_news(ledger *l) {
    char events[4096];
    while (read(l->news, events, sizeof events) > 0) {}
}

bool ledger_catch_up(ledger *l, failure *why) {
    if (!hold(l, false, why)) return false;
    const bool is_read = read_new(l, why);
    let_go(l);
    return is_read;
}

/* With the lock held; `deed` is one MAP by now. */
static bool write_entry(ledger *l, heddle_str key, const heddle_value *deed, int64_t not_after_unix, uint64_t *block, failure *why) {
    const named *taken;
    if (!read_new(l, why)) return false;
    if ((taken = names_find(&l->keys, key)) != NULL) {
        *block = taken->number;
        return fsync(l->file) == 0 || fail_as_errno(why, "write", l->path); /* whoever wrote it may have been stopped before he knew */
    }
    if (not_after_unix != 0 && unix_now() > not_after_unix) return fail(why, HEDDLE_DEADLINE, "too-late", "it is later than it was wanted");
    const char *const refused = try_out(l, deed, false);
    heddle_str        json;
    if (refused) return fail(why, HEDDLE_INVALID, "refused", "%s", refused);
    char *const line = value->json(deed, &json) ? malloc(json.len + 1) : NULL;
    if (!line) return no_memory(why);
    memcpy(line, json.ptr, json.len);
    line[json.len] = '\n';
    const bool is_there = append(l, line, json.len + 1, why);
    free(line);
    if (!is_there) return false;
    if ((taken = names_find(&l->keys, key)) == NULL) return fail(why, HEDDLE_UNAVAILABLE, "unavailable", "somebody has written to %.300s without its lock", l->path);
    *block = taken->number;
    return true;
}

bool ledger_submit(ledger *l, heddle_str key, parts *deed, int64_t not_after_unix, uint64_t *block, failure *why) {
    add_text(deed, "by", str(l->account));
    add_text(deed, "key", key);
    add_number(deed, "at_unix", unix_now());
    heddle_value *const said = whole(deed, true);
    if (!said) return fail(why, HEDDLE_INVALID, "invalid", "the intent has texts that are none, or there is no memory");
    bool is_there = l->account[0] != '\0' || fail(why, HEDDLE_UNSUPPORTED, "no-key", "nothing can be written without an account: the param \"account\" names one");
    if (is_there && (is_there = hold(l, true, why))) {
        is_there = write_entry(l, key, said, not_after_unix, block, why);
        let_go(l);
    }
    value->release(said);
    return is_there;
}
