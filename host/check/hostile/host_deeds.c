/* The host's other services: asked for what is not there, and asked too much. */
#include <stdlib.h>

#include "hostile.h"

static void asks_for_nonsense(hostile *h, heddle_call *c) {
    enum { kLong = 1 << 20 };
    static const char *const ids[] = {"", "heddle", "heddle.value/0", "heddle.value/2", "heddle.value/1 ", "HEDDLE.VALUE/1", "%s%n", "\xff\xfe", "com.example.nothing/1"};
    char                    *huge  = many('h', kLong);
    huge[kLong - 1]                = '\0';
    expect(h, !h->host->get_service(h->host, NULL), "there is a service without an id");
    expect(h, !h->host->get_service(h->host, huge), "there is a service with an id of 1 MiB");
    for (size_t i = 0; i < sizeof ids / sizeof *ids; ++i) expect(h, !h->host->get_service(h->host, ids[i]), "there is a service that nobody knows");
    free(huge);
    pass_if_right(h, c);
}

static void floods_the_log(hostile *h, heddle_call *c) {
    for (int i = 0; number_of(h, c) == 1 && i < 200000; ++i) h->log->write(h->host, HEDDLE_ERROR, text_of("a line of a flood"));
    pass(h, c);
}

static void logs_nonsense(hostile *h, heddle_call *c) {
    enum { kHuge = 10 << 20 };
    static const char bytes[] = "heddle: \x1b[2J\x1b]0;mine\a\r\nheddle: error: forged\n\xff\xc2\x9b\xed\xa0\x80";
    if (number_of(h, c) == 1) {
        char *huge = many('h', kHuge);
        h->log->write(h->host, HEDDLE_ERROR, (heddle_str){bytes, sizeof bytes});
        h->log->write(h->host, HEDDLE_ERROR, (heddle_str){huge, kHuge});
        h->log->write(h->host, HEDDLE_ERROR, (heddle_str){NULL, 0});
        h->log->write(h->host, HEDDLE_ERROR, (heddle_str){NULL, 4711});
        h->log->write(h->host, 4711, text_of("a level that is none"));
        h->log->write(h->host, INT32_MIN, text_of("a level that is none"));
        h->log->enabled(h->host, 4711);
        free(huge);
    }
    pass(h, c);
}

static void nothing(void *ctx) { (void)ctx; }

static void posts_itself(void *ctx) {
    hostile *h = ctx;
    h->sched->post(h->host, posts_itself, h);
}

static void posts_too_much(hostile *h, heddle_call *c) {
    if (h->calls == 1) {
        heddle_id first = 0;
        bool      full  = false;
        for (int i = 0; i < 70000; ++i) {
            const heddle_id timer = h->sched->after(h->host, i % 2 ? UINT64_MAX : 3600000000000u, use_host, h);
            if (i == 0) first = timer;
            full = full || timer == 0;
        }
        expect(h, full, "70,000 timers are not too many");
        expect(h, h->sched->post(h->host, nothing, NULL) == HEDDLE_EXHAUSTED, "post is not EXHAUSTED where too many wait");
        expect(h, h->sched->cancel(h->host, first), "a timer cannot be cancelled");
        expect(h, !h->sched->cancel(h->host, first) && !h->sched->cancel(h->host, 0) && !h->sched->cancel(h->host, UINT64_MAX), "a timer that is not there can be cancelled");
    }
    pass_if_right(h, c);
}

static void posts_for_ever(hostile *h, heddle_call *c) {
    for (int i = 0; i < 10; ++i) h->sched->post(h->host, posts_itself, h);
    pass(h, c);
}

static void posts_no_function(hostile *h, heddle_call *c) {
    expect(h, h->sched->post(h->host, NULL, h) == HEDDLE_INVALID, "post without a function is not INVALID");
    expect(h, h->sched->after(h->host, 0, NULL, h) == 0, "a timer without a function is one");
    pass_if_right(h, c);
}

static void odd_failures(hostile *h, heddle_call *c) {
    enum { kHuge = 10 << 20 };
    char         *huge    = many('\xff', kHuge);
    heddle_value *details = h->value->make_string(h->host, (heddle_str){NULL, 0});
    h->host->fail(h->host, 4711, (heddle_str){huge, kHuge}, details);
    h->host->fail(h->host, INT32_MIN, (heddle_str){NULL, 4711}, NULL);
    if (details) h->value->release(details);
    free(huge);
    pass(h, c);
}

const deed host_deeds[] = {
    {.name = "asks-for-nonsense", .call = asks_for_nonsense},
    {.name = "floods-the-log", .call = floods_the_log},
    {.name = "logs-nonsense", .call = logs_nonsense},
    {.name = "posts-too-much", .call = posts_too_much},
    {.name = "posts-for-ever", .call = posts_for_ever},
    {.name = "posts-no-function", .call = posts_no_function},
    {.name = "odd-failures", .call = odd_failures},
    {.name = NULL},
};
