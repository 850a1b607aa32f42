/* The ledger: one file that only grows, for everybody who may write it. A line is an entry, a JSON object, and the block of that number; it is there for good once it is on
 * the disk. What it says is held in memory, which is for little data: put your chain in its place. One thread at a time calls it. */
#ifndef LEDGER_H
#define LEDGER_H

#include "my_plugin_values.h"

typedef struct entry {
    heddle_value *said;     /* a MAP: "do", "activity" …, and of those of an account "by", "key" and "at_unix" */
    char          hash[17]; /* of it and all before it */
    const char   *refused;  /* why it changes nothing; null: it counts */
    uint64_t      number;   /* of its account's entries, from 0 */
} entry;

/* Its texts are parts of entries. */
typedef struct activity {
    uint64_t    block; /* of its offer */
    const char *state; /* "offered", "assigned", "completed", "failed" */
    heddle_str  id, workflow, kind, queue, worker, input; /* input: base64 */
    int64_t     partition, priority, created_unix, expires_unix, lease_until_unix, percent;
} activity;

/* Numbers by name, in order. */
typedef struct named {
    heddle_str name;
    uint64_t   number;
} named;
typedef struct names {
    named *all;
    size_t count, room;
} names;

typedef struct ledger {
    char     *path, *account; /* account: may be empty: it is only read */
    int       file, lock, news; /* lock: of <path>.<account>.lock, held while open; news: readable when somebody has written, or -1 */
    uint64_t  read, sum;      /* read: bytes of whole lines */
    bool      has_tail;       /* behind them: somebody writes, or was stopped while he did */
    entry    *entries;        /* by block */
    size_t    entry_count, entry_room;
    activity *activities;     /* as they were offered */
    size_t    activity_count, activity_room;
    names     ids, keys, accounts; /* places of activities, blocks of the account's keys, how many entries an account has */
} ledger;

bool ledger_init(ledger *l, heddle_str path, heddle_str account); /* false: out of memory */
void ledger_destroy(ledger *l);

/* False: *why says the reason. */
bool ledger_open(ledger *l, failure *why);
void ledger_close(ledger *l);
bool ledger_catch_up(ledger *l, failure *why); /* takes in what others have written */

/* The block of the entry of this key, which is written now unless it was before: checked, written and on the disk while nobody else can write. After not_after_unix (0: never)
 * it is refused. The deed is consumed. */
bool ledger_submit(ledger *l, heddle_str key, parts *deed, int64_t not_after_unix, uint64_t *block, failure *why);

const activity *ledger_activity(const ledger *l, heddle_str id); /* null: nobody has offered it */
bool            activity_is_open(const activity *a, int64_t now_unix); /* to be claimed, also from somebody whose lease has ended */
heddle_value   *activity_input(const activity *a);
const named    *names_find(const names *in, heddle_str name);
void            ledger_take_news(ledger *l);
int64_t         unix_now(void);

#endif
