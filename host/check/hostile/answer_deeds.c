/* How calls are answered: too often, never, on ports that are not there, with what no header knows. */
#include <limits.h>
#include <stdlib.h>

#include "hostile.h"

#define A_MILLION 1000000

static void completes_twice(hostile *h, heddle_call *c) {
    heddle_op *op = h->call->op(c);
    emit_or_release(h, c, 0, h->call->take(c));
    h->op->complete(op, HEDDLE_OK, NULL, text_of(""));
    h->op->complete(op, HEDDLE_OK, NULL, text_of(""));
    h->op->complete(op, HEDDLE_INTERNAL, h->value->make_int(h->host, 1), text_of("and now it has failed"));
}

/* Uses a call of an earlier batch for all that can be done with one. */
static void uses_an_old_call(hostile *h, heddle_call *c) {
    if (h->old && h->calls % 97 == 0) {
        heddle_item item = {.struct_size = sizeof item};
        expect(h, !h->call->input(h->old) && !h->call->take(h->old), "an old call still has an input");
        expect(h, !h->call->item(h->old, &item), "an old call still has an envelope");
        heddle_value *v = h->value->make_int(h->host, 1);
        expect(h, h->call->emit(h->old, 0, v) == HEDDLE_INVALID, "emit from an old call is not INVALID");
        h->value->release(v);
        h->op->complete(h->call->op(h->old), HEDDLE_OK, NULL, text_of(""));
    }
    if (h->calls == 1) h->old = c;
    pass_if_right(h, c);
}

static void emits_on_no_port(hostile *h, heddle_call *c) {
    heddle_value *v = h->call->take(c);
    expect(h, h->call->emit(c, 7, v) == HEDDLE_INVALID && h->call->emit(c, UINT32_MAX, v) == HEDDLE_INVALID, "emit on a port that is not there is not INVALID");
    h->value->release(v);
    if (h->wrong) complete(h, c, HEDDLE_INTERNAL, h->wrong);
    else complete(h, c, HEDDLE_OK, "");
}

static void emits_after_complete(hostile *h, heddle_call *c) {
    heddle_value *v = h->value->make_int(h->host, 1);
    pass_if_right(h, c);
    expect(h, h->call->emit(c, 0, v) == HEDDLE_INVALID, "emit after complete is not INVALID");
    h->value->release(v);
}

static void emits_no_value(hostile *h, heddle_call *c) {
    expect(h, h->call->emit(c, 0, NULL) == HEDDLE_INVALID, "emit without a value is not INVALID");
    pass_if_right(h, c);
}

static void emits_a_million(hostile *h, heddle_call *c) {
    for (int i = 0; number_of(h, c) == 1 && i < A_MILLION; ++i) emit_or_release(h, c, 0, h->value->make_int(h->host, i));
    pass(h, c);
}

static void takes_twice(hostile *h, heddle_call *c) {
    heddle_item   small = {.struct_size = 4};
    heddle_value *v     = h->call->take(c);
    expect(h, !h->call->take(c) && !h->call->input(c), "an input can be had twice");
    expect(h, !h->call->item(c, &small) && small.id == 0, "an envelope is written into a struct that is too small");
    if (h->wrong) {
        h->value->release(v);
        complete(h, c, HEDDLE_INTERNAL, h->wrong);
        return;
    }
    emit_or_release(h, c, 0, v);
    complete(h, c, HEDDLE_OK, "");
}

static void never_completes(hostile *h, heddle_call *c) { (void)h, (void)c; }

/* Items with an odd number are answered by a status that is no failure, the others by one that is. */
static void odd_statuses(hostile *h, heddle_call *c) {
    static const heddle_status fine[] = {HEDDLE_AGAIN, 2, 4711, INT32_MAX}, failed[] = {-12, -4711, INT32_MIN, INT32_MIN + 1};
    const int64_t              n = number_of(h, c);
    if (n % 2 == 0) {
        complete(h, c, failed[n / 2 % 4], "by a status that no header knows");
        return;
    }
    emit_or_release(h, c, 0, h->call->take(c));
    complete(h, c, fine[n / 2 % 4], "");
}

static void odd_reasons(hostile *h, heddle_call *c) {
    enum { kHuge = 10 << 20 };
    static const char bytes[] = "\xff\xfe\xc0\x80\xed\xa0\x80\xf5 \x1b[31m\x1b]0;mine\a\r\n\tend\xe2\x82";
    heddle_op        *op      = h->call->op(c);
    char             *huge    = many("ab\xe2\x1b"[h->calls % 4], kHuge);
    switch (number_of(h, c) % 5) {
    case 0: h->op->complete(op, HEDDLE_INVALID, NULL, (heddle_str){huge, kHuge}); break;
    case 1: h->op->complete(op, HEDDLE_INVALID, NULL, (heddle_str){bytes, sizeof bytes}); break;
    case 2: h->op->complete(op, HEDDLE_INVALID, NULL, (heddle_str){NULL, 0}); break;
    case 3: h->op->complete(op, HEDDLE_INVALID, NULL, (heddle_str){NULL, 4711}); break;
    default: h->op->complete(op, HEDDLE_INVALID, NULL, (heddle_str){bytes, 0}); break;
    }
    free(huge);
}

static heddle_value *one_in_a_map(hostile *h, const char *key, heddle_value *v) {
    const heddle_str k = text_of(key);
    return v ? h->value->make_map(h->host, &k, &v, 1) : NULL;
}

/* Details that are no map, or whose code is no name. */
static void odd_details(hostile *h, heddle_call *c) {
    enum { kHuge = 1 << 20 };
    heddle_value *details = NULL;
    char         *huge    = many('[', kHuge);
    switch (number_of(h, c) % 5) {
    case 0: details = h->value->make_int(h->host, 4711); break;
    case 1: details = one_in_a_map(h, "code", h->value->make_list(h->host, NULL, 0)); break;
    case 2: details = one_in_a_map(h, "code", h->value->make_string(h->host, (heddle_str){huge, kHuge})); break;
    case 3: details = one_in_a_map(h, "code", h->value->make_string(h->host, text_of("\x1b[2J\n\n\x7f"))); break;
    default: details = h->value->make_json(h->host, text_of("[[[{\"code\":\"in\"}]],null]")); break;
    }
    h->op->complete(h->call->op(c), HEDDLE_INVALID, details, text_of("see the details"));
    free(huge);
}

static void odd_progress(hostile *h, heddle_call *c) {
    static const char *const said[] = {"null", "[]", "{\"percent\":-1e300,\"message\":7}", "{\"percent\":\"all\",\"message\":{}}", "{\"message\":\"\\u001b[2J\\n\",\"percent\":1e999}"};
    h->call->progress(c, NULL);
    for (size_t i = 0; i < sizeof said / sizeof *said; ++i) {
        heddle_value *v = h->value->make_json(h->host, text_of(said[i]));
        if (!v) continue;
        h->call->progress(c, v);
        h->value->release(v);
    }
    heddle_call *const old = c;
    pass(h, c);
    h->call->progress(old, NULL);
}

const deed answer_deeds[] = {
    {.name = "completes-twice", .call = completes_twice},
    {.name = "uses-an-old-call", .call = uses_an_old_call},
    {.name = "emits-on-no-port", .call = emits_on_no_port},
    {.name = "emits-after-complete", .call = emits_after_complete},
    {.name = "emits-no-value", .call = emits_no_value},
    {.name = "emits-a-million", .call = emits_a_million},
    {.name = "takes-twice", .call = takes_twice},
    {.name = "never-completes", .call = never_completes},
    {.name = "odd-statuses", .call = odd_statuses},
    {.name = "odd-reasons", .call = odd_reasons},
    {.name = "odd-details", .call = odd_details},
    {.name = "odd-progress", .call = odd_progress},
    {.name = NULL},
};
