#define _GNU_SOURCE
#include "my_plugin_medium.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char kMark[] = "my_plugin 1\n";
enum { kMarkSize = sizeof kMark - 1, kHeadSize = kMarkSize + 2 * sizeof(uint64_t) }; /* the mark, a checksum, the number of the last commit */

/* -- The keys in memory ----------------------------------------------------------------------------------------------------------- */

static void let_go(entry *e) {
    if (--e->holders == 0) free(e);
}

static void clear(entries *of) {
    for (size_t i = 0; i < of->count; ++i) let_go(of->all[i]);
    free(of->all);
    memset(of, 0, sizeof *of);
}

static bool make_room(entries *of, size_t count) {
    if (count <= of->room) return true;
    size_t  room = of->room ? of->room : 64;
    while (room < count) room *= 2;
    entry **all = realloc(of->all, room * sizeof *all);
    if (!all) return false;
    of->all = all;
    of->room = room;
    return true;
}

static entry *make_entry(heddle_bytes key, heddle_bytes value, uint64_t version) {
    entry *e = malloc(sizeof *e + key.len + value.len);
    if (!e) return NULL;
    char *bytes = (char *)(e + 1);
    if (key.len) memcpy(bytes, key.ptr, key.len);
    if (value.len) memcpy(bytes + key.len, value.ptr, value.len);
    *e = (entry){1, {bytes, key.len}, {bytes + key.len, value.len}, version};
    return e;
}

int medium_compare(heddle_bytes a, heddle_bytes b) {
    const size_t shorter = a.len < b.len ? a.len : b.len;
    const int    order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

size_t medium_place(const medium *m, heddle_bytes key) {
    size_t low = 0, high = m->now.count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (medium_compare(m->now.all[middle]->key, key) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

const entry *medium_find(const medium *m, heddle_bytes key) {
    const size_t place = medium_place(m, key);
    return place < m->now.count && medium_compare(m->now.all[place]->key, key) == 0 ? m->now.all[place] : NULL;
}

bool medium_begin(medium *m) {
    if (!make_room(&m->before, m->now.count)) return false;
    for (size_t i = 0; i < m->now.count; ++i) {
        m->before.all[i] = m->now.all[i];
        ++m->now.all[i]->holders;
    }
    m->before.count = m->now.count;
    m->last_before = m->last;
    return true;
}

bool medium_put(medium *m, heddle_bytes key, heddle_bytes value, uint64_t version) {
    const size_t place = medium_place(m, key);
    entry *const made = make_entry(key, value, version);
    if (!made || !make_room(&m->now, m->now.count + 1)) {
        free(made);
        return false;
    }
    entry **const at = m->now.all + place;
    if (place < m->now.count && medium_compare((*at)->key, key) == 0) {
        let_go(*at);
    } else {
        memmove(at + 1, at, (m->now.count++ - place) * sizeof *at);
    }
    *at = made;
    return true;
}

void medium_erase(medium *m, heddle_bytes key) {
    const size_t place = medium_place(m, key);
    if (place == m->now.count || medium_compare(m->now.all[place]->key, key) != 0) return;
    let_go(m->now.all[place]);
    memmove(m->now.all + place, m->now.all + place + 1, (--m->now.count - place) * sizeof *m->now.all);
}

void medium_roll_back(medium *m) {
    const entries undone = m->now;
    m->now = m->before;
    m->before = undone;
    m->last = m->last_before;
    clear(&m->before);
}

/* -- The file --------------------------------------------------------------------------------------------------------------------- */

static bool fail_as_errno(failure *why, const char *doing, const char *path) {
    const int  number = errno;
    const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG || number == ENOMEM;
    return fail(why, full ? HEDDLE_EXHAUSTED : HEDDLE_UNAVAILABLE, "cannot %s %.300s: %s", doing, path, strerror(number));
}

static uint64_t checksum(const char *text, size_t size) { /* FNV-1a */
    uint64_t sum = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; ++i) sum = (sum ^ (unsigned char)text[i]) * 0x100000001b3;
    return sum;
}

static char *add(char *at, const void *bytes, size_t size) {
    if (size) memcpy(at, bytes, size);
    return at + size;
}

/* The mark, the checksum of what follows, the number of the last commit, and for each key: its size, that of its value, its version, key and value. */
static char *text_of(const medium *m, size_t *size) {
    *size = kHeadSize;
    for (size_t i = 0; i < m->now.count; ++i) *size += 3 * sizeof(uint64_t) + m->now.all[i]->key.len + m->now.all[i]->value.len;
    char *const text = malloc(*size);
    if (!text) return NULL;
    char *at = add(text + kMarkSize + sizeof(uint64_t), &m->last, sizeof m->last);
    for (size_t i = 0; i < m->now.count; ++i) {
        const entry *const e = m->now.all[i];
        const uint64_t     head[3] = {e->key.len, e->value.len, e->version};
        at = add(add(add(at, head, sizeof head), e->key.ptr, e->key.len), e->value.ptr, e->value.len);
    }
    memcpy(text, kMark, kMarkSize);
    const uint64_t sum = checksum(text + kMarkSize + sizeof sum, *size - kMarkSize - sizeof sum);
    memcpy(text + kMarkSize, &sum, sizeof sum);
    return text;
}

/* False: it is not as text_of makes it, or there is no memory. */
static bool read_text(medium *m, const char *text, size_t size) {
    uint64_t sum;
    if (size < kHeadSize || memcmp(text, kMark, kMarkSize) != 0) return false;
    memcpy(&sum, text + kMarkSize, sizeof sum);
    if (sum != checksum(text + kMarkSize + sizeof sum, size - kMarkSize - sizeof sum)) return false;
    memcpy(&m->last, text + kMarkSize + sizeof sum, sizeof m->last);
    for (size_t at = kHeadSize; at < size;) {
        uint64_t head[3];
        if (size - at < sizeof head) return false;
        memcpy(head, text + at, sizeof head);
        at += sizeof head;
        if (head[0] > size - at || head[1] > size - at - head[0]) return false;
        if (!medium_put(m, (heddle_bytes){text + at, head[0]}, (heddle_bytes){text + at + head[0], head[1]}, head[2])) return false;
        at += head[0] + head[1];
    }
    return true;
}

static bool read_file(medium *m, int file, failure *why) {
    struct stat about;
    if (fstat(file, &about) != 0) return fail_as_errno(why, "read", m->path);
    const size_t size = (size_t)about.st_size;
    char *const  text = malloc(size ? size : 1);
    size_t       got = 0;
    while (text && got < size) {
        const ssize_t n = read(file, text + got, size - got);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        got += (size_t)n;
    }
    const bool is_well = text && got == size && read_text(m, text, size);
    free(text);
    return is_well || fail(why, HEDDLE_UNAVAILABLE, "%.300s is damaged, or was not written by my_plugin", m->path);
}

/* <path><ending>, or null. */
static char *beside(const char *path, const char *ending) {
    char *name = NULL;
    return asprintf(&name, "%s%s", path, ending) < 0 ? NULL : name;
}

static bool open_file(medium *m, failure *why) {
    char *const name = beside(m->path, ".lock");
    m->lock = name ? open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    free(name);
    if (m->lock < 0) return fail_as_errno(why, "open the .lock of", m->path);
    if (flock(m->lock, LOCK_EX | LOCK_NB) != 0) return fail(why, HEDDLE_UNAVAILABLE, "%.300s belongs to another store at the moment", m->path);
    const int file = open(m->path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return errno == ENOENT || fail_as_errno(why, "open", m->path);
    const bool is_read = read_file(m, file, why);
    close(file);
    return is_read;
}

bool medium_open(medium *m, failure *why) {
    if (open_file(m, why)) return true;
    medium_close(m);
    return false;
}

void medium_close(medium *m) {
    if (m->lock >= 0) close(m->lock);
    m->lock = -1;
    m->last = 0;
    clear(&m->now);
    clear(&m->before);
}

bool medium_init(medium *m, heddle_str path) {
    memset(m, 0, sizeof *m);
    m->lock = -1;
    m->path = strndup(path.ptr, path.len);
    return m->path != NULL;
}

void medium_destroy(medium *m) {
    medium_close(m);
    free(m->path);
}

static bool write_all(int file, const char *text, size_t size) {
    while (size > 0) {
        const ssize_t n = write(file, text, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        text += n;
        size -= (size_t)n;
    }
    return fsync(file) == 0;
}

static bool write_file(const char *path, const char *text, size_t size, failure *why) {
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return fail_as_errno(why, "create", path);
    const bool is_written = write_all(file, text, size) || fail_as_errno(why, "write", path);
    close(file);
    return is_written;
}

/* So that the new name is on the disk, too. */
static bool sync_folder(const char *path, failure *why) {
    const char *const slash = strrchr(path, '/');
    char *const       name = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    const int         folder = name ? open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(name);
    if (folder < 0) return true; /* one that cannot be read cannot be synced */
    const bool is_synced = fsync(folder) == 0;
    const int  number = errno;
    close(folder);
    return is_synced || fail(why, HEDDLE_UNAVAILABLE, "cannot write the folder of %.300s: %s", path, strerror(number));
}

bool medium_flush(medium *m, failure *why) {
    size_t      size;
    char *const next = beside(m->path, ".new"), *const text = text_of(m, &size);
    bool        is_there = next && text;
    if (!is_there) fail(why, HEDDLE_EXHAUSTED, "out of memory");
    is_there = is_there && write_file(next, text, size, why);
    if (is_there && rename(next, m->path) != 0) is_there = fail_as_errno(why, "replace", m->path);
    is_there = is_there && sync_folder(m->path, why);
    free(text);
    free(next);
    if (is_there) clear(&m->before);
    return is_there;
}
