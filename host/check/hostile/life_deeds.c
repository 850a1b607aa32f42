/* What objects do as they come and go, and what they do to the process. */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "hostile.h"

/* Everything that an object can leave behind, and then it is none. */
static heddle_status create_fails(hostile *h, void **self, const void **table) {
    enum { kHuge = 10 << 20 };
    (void)self, (void)table;
    char *huge = many('\x1b', kHuge);
    for (int i = 0; i < 1000; ++i) h->sched->after(h->host, 1000000000u, use_host, h);
    h->log->write(h->host, HEDDLE_ERROR, text_of("about to fail"));
    h->host->fail(h->host, HEDDLE_INVALID, (heddle_str){huge, kHuge}, NULL);
    h->host->fail(h->host, HEDDLE_INVALID, text_of("on purpose\x1b[2J\xff"), NULL);
    free(huge);
    return HEDDLE_INVALID;
}
static heddle_status create_answers_4711(hostile *h, void **self, const void **table) {
    (void)h, (void)self, (void)table;
    return 4711;
}
static heddle_status create_answers_minimum(hostile *h, void **self, const void **table) {
    (void)h, (void)self, (void)table;
    return INT32_MIN;
}
static heddle_status create_gives_no_table(hostile *h, void **self, const void **table) {
    (void)h, (void)self;
    *table = NULL;
    return HEDDLE_OK;
}
static heddle_status create_gives_short_table(hostile *h, void **self, const void **table) {
    static const heddle_node all_null = {.struct_size = sizeof(heddle_node)}, empty = {.struct_size = 0};
    (void)self;
    *table = h->host->owner.len % 2 ? &all_null : &empty;
    return HEDDLE_OK;
}

static void activates_twice(hostile *h, heddle_op *op) {
    h->op->complete(op, HEDDLE_OK, h->value->make_int(h->host, 1), text_of(""));
    h->op->complete(op, HEDDLE_INTERNAL, h->value->make_int(h->host, 1), text_of("and now it has failed"));
}
static void activate_fails(hostile *h, heddle_op *op) { h->op->complete(op, INT32_MIN, NULL, text_of("on purpose\x1b[2J\xff")); }
static void activates_never(hostile *h, heddle_op *op) { h->start = op; }
static void deactivates_never(hostile *h, heddle_op *op) { (void)h, (void)op; }

/* An op that starts is no call. */
static void takes_start_for_call(hostile *h, heddle_op *op) {
    heddle_call  *c    = (heddle_call *)op;
    heddle_item   item = {.struct_size = sizeof item};
    heddle_value *v    = h->value->make_int(h->host, 1);
    expect(h, !h->call->input(c) && !h->call->take(c), "the op of activate has an input");
    expect(h, !h->call->item(c, &item) && h->call->port(c) == 0, "the op of activate has an envelope");
    expect(h, h->call->emit(c, 0, v) == HEDDLE_INVALID, "emit to the op of activate is not INVALID");
    h->call->progress(c, v);
    h->value->release(v);
    h->op->is_cancelled(op), h->op->trace(op), h->op->deadline_ns(op);
    h->op->complete(op, HEDDLE_OK, NULL, text_of(""));
}

static void keep_call(hostile *h, heddle_call *c) {
    h->old = c;
    pass(h, c);
}

/* After the last call, in deactivate and in destroy. */
static void use_host_too_late(hostile *h) {
    heddle_value *v = h->value->make_int(h->host, 1);
    if (h->old) {
        if (h->call->emit(h->old, 0, v) != HEDDLE_INVALID || h->call->take(h->old)) abort();
        h->op->complete(h->call->op(h->old), HEDDLE_OK, NULL, text_of(""));
        h->call->progress(h->old, v);
    }
    h->value->release(v);
    for (int i = 0; i < 1000; ++i) {
        h->sched->post(h->host, use_host, h);
        h->sched->after(h->host, 1000000u, use_host, h);
    }
    h->log->write(h->host, HEDDLE_INFO, text_of("on its way out"));
}
static void deactivates_with_calls(hostile *h, heddle_op *op) {
    use_host_too_late(h);
    h->op->complete(op, HEDDLE_OK, NULL, text_of(""));
    h->op->complete(op, HEDDLE_OK, NULL, text_of(""));
}

static void changes_umask(hostile *h, heddle_call *c) {
    umask(0);
    pass(h, c);
}
static void changes_locale(hostile *h, heddle_call *c) {
    setlocale(LC_ALL, setlocale(LC_ALL, NULL)[0] == 'C' ? "C.UTF-8" : "C");
    pass(h, c);
}
static void changes_signals(hostile *h, heddle_call *c) {
    signal(SIGUSR2, SIG_IGN);
    pass(h, c);
}
static void changes_folder(hostile *h, heddle_call *c) {
    if (chdir("/") != 0) abort();
    pass(h, c);
}
static void changes_float_mode(hostile *h, heddle_call *c) {
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__)
    uint64_t bits;
    __asm__ volatile("mrs %0, fpcr" : "=r"(bits));
    __asm__ volatile("msr fpcr, %0" : : "r"(bits | UINT64_C(1) << 24));
#endif
    pass(h, c);
}

const deed life_deeds[] = {
    {.name = "create-fails", .create = create_fails},
    {.name = "create-answers-4711", .create = create_answers_4711},
    {.name = "create-answers-minimum", .create = create_answers_minimum},
    {.name = "create-gives-no-table", .create = create_gives_no_table},
    {.name = "create-gives-short-table", .create = create_gives_short_table},
    {.name = "activates-twice", .activate = activates_twice},
    {.name = "activate-fails", .activate = activate_fails},
    {.name = "activates-never", .activate = activates_never},
    {.name = "deactivates-never", .deactivate = deactivates_never},
    {.name = "takes-start-for-call", .activate = takes_start_for_call, .call = pass_if_right},
    {.name = "uses-the-host-too-late", .call = keep_call, .deactivate = deactivates_with_calls, .destroy = use_host_too_late},
    {.name = "changes-umask", .call = changes_umask},
    {.name = "changes-locale", .call = changes_locale},
    {.name = "changes-signals", .call = changes_signals},
    {.name = "changes-folder", .call = changes_folder},
    {.name = "changes-float-mode", .call = changes_float_mode},
    {.name = NULL},
};
