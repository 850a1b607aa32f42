/* Answers that come later, from elsewhere, from several threads, or not at all. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "hostile.h"

#define A_MILLION 1000000

/* An answer that is owed. Kept for ever: it may come when the node is gone. */
typedef struct owed {
    struct owed *next;
    hostile     *of;
    heddle_call *call;
    pthread_t    thread;
    bool         has_thread;
} owed;
static owed *_Atomic all_owed;

static owed *owe(hostile *h, heddle_call *c) {
    owed *o = calloc(1, sizeof *o);
    if (!o) abort();
    o->of   = h;
    o->call = c;
    o->next = atomic_load(&all_owed);
    while (!atomic_compare_exchange_weak(&all_owed, &o->next, o)) {
    }
    return o;
}

static void pass_owed(void *ctx) {
    owed *o = ctx;
    pass(o->of, o->call);
}

static void completes_late(hostile *h, heddle_call *c) {
    if (h->sched->after(h->host, 300000000u, pass_owed, owe(h, c)) == 0) complete(h, c, HEDDLE_INTERNAL, "there is no timer");
}

/* The first call is answered during the fifth: there are four at a time, so that the first one was given up by then. */
static void completes_late_and_twice(hostile *h, heddle_call *c) {
    owe(h, c);
    if (h->calls == 1) h->old = c;
    if (h->calls != 5) return;
    pass(h, h->old);
    pass(h, h->old);
}

static void keeps_all(hostile *h, heddle_call *c) { owe(h, c); }

static void heeds_no_again(hostile *h, heddle_call *c) {
    bool again = false;
    for (int i = 0; number_of(h, c) == 1 && i < A_MILLION; ++i) {
        heddle_value *v = h->value->make_int(h->host, i);
        if (h->call->emit(c, 0, v) == HEDDLE_OK) continue;
        again = true;
        h->value->release(v);
    }
    expect(h, again || number_of(h, c) != 1, "a million values were never answered AGAIN");
    if (h->wrong) complete(h, c, HEDDLE_INTERNAL, h->wrong);
    else complete(h, c, HEDDLE_OK, "");
}

/* Says in resume what it wanted to say, and what it was not asked for. */
static void emit_all_again(hostile *h, heddle_call *c) {
    pass(h, c);
    complete(h, c, HEDDLE_OK, "");
}

static void forgets_itself(hostile *h, heddle_call *c) {
    for (int i = 0; i < 10000; ++i) {
        heddle_value *v = h->value->make_int(h->host, i);
        if (h->call->emit(c, 0, v) == HEDDLE_OK) continue;
        h->value->release(v);
        return; /* resume() follows */
    }
    pass(h, c);
}

/* What one node lends, another one completes. */
static heddle_call *_Atomic lent;

static void lends_its_call(hostile *h, heddle_call *c) {
    atomic_store(&lent, c);
    emit_or_release(h, c, 0, h->call->take(c));
    complete(h, c, HEDDLE_OK, "");
}

static void answers_for_another(hostile *h, heddle_call *c) {
    heddle_call *const theirs = atomic_load(&lent);
    if (theirs) {
        emit_or_release(h, theirs, 0, h->value->make_int(h->host, 1));
        h->op->complete(h->call->op(theirs), HEDDLE_INTERNAL, NULL, text_of("another one's call"));
    }
    pass(h, c);
}

enum { kThreads = 3 };
typedef struct race {
    hostile    *of;
    heddle_call *call;
    bool        emits;
    atomic_int  ready;
} race;

/* All go at the same moment. */
static void go(race *r) {
    atomic_fetch_add(&r->ready, 1);
    while (atomic_load(&r->ready) <= kThreads) sched_yield();
}

static void *race_on(void *ctx) {
    race *r = ctx;
    go(r);
    if (r->emits) emit_or_release(r->of, r->call, 0, r->of->value->make_int(r->of->host, 1));
    complete(r->of, r->call, HEDDLE_OK, "");
    return NULL;
}

static void run_race(hostile *h, heddle_call *c, bool emits) {
    race      r = {.of = h, .call = c, .emits = emits};
    pthread_t threads[kThreads];
    emit_or_release(h, c, 0, h->call->take(c));
    for (int i = 0; i < kThreads; ++i)
        if (pthread_create(&threads[i], NULL, race_on, &r) != 0) abort();
    race_on(&r);
    for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
}

static void races_to_complete(hostile *h, heddle_call *c) { run_race(h, c, false); }
static void races_to_emit(hostile *h, heddle_call *c) { run_race(h, c, true); }

static void *answer_elsewhere(void *ctx) {
    owed *o = ctx;
    pass(o->of, o->call);
    pass(o->of, o->call);
    return NULL;
}

/* By a thread of its own, perhaps after process() has returned, and twice. */
static void answers_from_own_thread(hostile *h, heddle_call *c) {
    owed *o       = owe(h, c);
    o->has_thread = pthread_create(&o->thread, NULL, answer_elsewhere, o) == 0;
    if (!o->has_thread) complete(h, c, HEDDLE_INTERNAL, "there is no thread");
}

static void joins_threads(hostile *h) {
    for (owed *o = atomic_load(&all_owed); o; o = o->next)
        if (o->of == h && o->has_thread) pthread_join(o->thread, NULL);
}

static void hangs(hostile *h, heddle_call *c) {
    if (number_of(h, c) != 2) {
        pass(h, c);
        return;
    }
    pthread_mutex_t never = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&never);
    pthread_cond_t nobody = PTHREAD_COND_INITIALIZER;
    for (;;) pthread_cond_wait(&nobody, &never);
}

const deed late_deeds[] = {
    {.name = "completes-late", .call = completes_late},
    {.name = "completes-late-and-twice", .call = completes_late_and_twice},
    {.name = "keeps-all", .call = keeps_all},
    {.name = "heeds-no-again", .call = heeds_no_again, .resume = emit_all_again},
    {.name = "forgets-itself", .call = forgets_itself, .resume = emit_all_again},
    {.name = "lends-its-call", .call = lends_its_call},
    {.name = "answers-for-another", .call = answers_for_another},
    {.name = "races-to-complete", .call = races_to_complete},
    {.name = "races-to-emit", .call = races_to_emit},
    {.name = "answers-from-own-thread", .call = answers_from_own_thread, .destroy = joins_threads},
    {.name = "hangs", .call = hangs},
    {.name = NULL},
};
