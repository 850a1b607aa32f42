/* Where the store's keys are: all in memory, and in one file, which is read when the store is opened and replaced at every commit. That is for little
 * data: put what you have in its place. One thread at a time calls it. */
#ifndef MEDIUM_H
#define MEDIUM_H

#include <heddle/store.h>
#include <stdio.h>

/* Why something failed. UNAVAILABLE: what the medium holds is not known until it is opened again; after anything else it goes on. */
typedef struct failure {
    heddle_status status;
    char          why[512];
} failure;

/* A key; it does not change, and lives until the next call that does. */
typedef struct entry {
    size_t       holders;
    heddle_bytes key, value;
    uint64_t     version;
} entry;

typedef struct entries {
    entry **all; /* by key */
    size_t  count, room;
} entries;

typedef struct medium {
    char    *path;
    int      lock; /* of <path>.lock, held while open; else -1 */
    uint64_t last; /* the newest commit's number; flush keeps it */
    entries  now, before;
    uint64_t last_before;
} medium;

bool medium_init(medium *m, heddle_str path); /* false: out of memory */
void medium_destroy(medium *m);
bool medium_open(medium *m, failure *why); /* refuses a file that is damaged, no file of this store's, or another's at the moment */
void medium_close(medium *m);

/* The first key that is not before this one, by its place in `now`. */
size_t       medium_place(const medium *m, heddle_bytes key);
const entry *medium_find(const medium *m, heddle_bytes key); /* null: absent */
int          medium_compare(heddle_bytes a, heddle_bytes b);

/* False: out of memory. */
bool medium_begin(medium *m);
bool medium_put(medium *m, heddle_bytes key, heddle_bytes value, uint64_t version); /* copied */
void medium_erase(medium *m, heddle_bytes key);
bool medium_flush(medium *m, failure *why); /* the file is replaced and on the disk, or it is as it was */
void medium_roll_back(medium *m);           /* instead of flush, or after one that failed */

/* Writes down why, as printf does. Gives false, for `return fail(…)`. */
__attribute__((format(printf, 3, 4))) static inline bool fail(failure *why, heddle_status status, const char *format, ...) {
    __builtin_va_list arguments;
    why->status = status;
    __builtin_va_start(arguments, format);
    vsnprintf(why->why, sizeof why->why, format, arguments);
    __builtin_va_end(arguments);
    return false;
}

#endif
