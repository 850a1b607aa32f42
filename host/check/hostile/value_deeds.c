/* Values: asked for what they are not, and made of what is none. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"

#define DEPTH 1000000
#define WIDTH 1000000

static heddle_value *json(hostile *h, const char *text) { return h->value->make_json(h->host, text_of(text)); }

/* Expects that no value is made of it. */
static void expect_none(hostile *h, heddle_value *v, const char *what) {
    expect(h, !v, what);
    if (v) h->value->release(v);
}

/* All getters but those of its own kind leave what they were given as it was. */
static void ask_for_all(hostile *h, const heddle_value *v, heddle_kind kind) {
    const heddle_value_service *s     = h->value;
    bool                        b     = true;
    int64_t                     i     = 4711;
    double                      d     = 4.5;
    heddle_str                  text  = {"x", 1}, key = {"k", 1};
    heddle_view                 view  = {.struct_size = sizeof view, .size = 4711};
    const bool                  number = kind == HEDDLE_INT || kind == HEDDLE_FLOAT || kind == HEDDLE_DECIMAL;
    struct DLManagedTensorVersioned *tensor = NULL;
    expect(h, s->kind(v) == kind, "a value is of another kind than it was made as");
    expect(h, s->get_bool(v, &b) == (kind == HEDDLE_BOOL), "get_bool answers for another kind");
    expect(h, s->get_int(v, &i) == (kind == HEDDLE_INT) && (kind == HEDDLE_INT || i == 4711), "get_int answers for another kind");
    expect(h, s->get_float(v, &d) == number && (number || d == 4.5), "get_float answers for another kind");
    expect(h, s->get_text(v, &text) == (kind == HEDDLE_STRING || kind == HEDDLE_DECIMAL), "get_text answers for another kind");
    expect(h, s->get_view(v, &view) == (kind == HEDDLE_BYTES) && (kind == HEDDLE_BYTES || view.size == 4711), "get_view answers for another kind");
    expect(h, !s->export_tensor(v, &tensor) && !tensor, "export_tensor answers for another kind");
    const bool holds = kind == HEDDLE_LIST || kind == HEDDLE_MAP;
    expect(h, holds || kind == HEDDLE_STRING || kind == HEDDLE_BYTES || s->length(v) == 0, "length answers for another kind");
    expect(h, !s->at(v, s->length(v), &key) && !s->at(v, SIZE_MAX, NULL), "at past the end is not null");
    expect(h, holds || !s->at(v, 0, &key), "at answers for another kind");
    expect(h, !s->find(v, text_of("no such key")) && !s->find(v, (heddle_str){NULL, 0}), "find of an absent key is not null");
    expect(h, key.len == 1, "a key was written where there is no member");
    heddle_str written;
    expect(h, s->json(v, &written) && written.len > 0, "a value has no JSON");
}

static void asks_for_the_wrong_kind(hostile *h, heddle_call *c) {
    static const struct {
        const char *text;
        heddle_kind kind;
    } all[] = {{"null", HEDDLE_NULL},       {"true", HEDDLE_BOOL},     {"-7", HEDDLE_INT},         {"2.5", HEDDLE_FLOAT},        {"123456789012345678901234567890", HEDDLE_DECIMAL},
               {"\"a\\u0000b\"", HEDDLE_STRING}, {"[1,[2],{}]", HEDDLE_LIST}, {"{\"a\":[],\"a\":1}", HEDDLE_MAP}, {"[]", HEDDLE_LIST}, {"{}", HEDDLE_MAP}};
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
        heddle_value *v = json(h, all[i].text);
        expect(h, v != NULL, "no value is made of JSON");
        if (!v) continue;
        ask_for_all(h, v, all[i].kind);
        h->value->release(v);
    }
    heddle_value *made = h->value->make_list(h->host, NULL, 0);
    ask_for_all(h, made, HEDDLE_LIST);
    h->value->release(made);
    made = h->value->make_map(h->host, NULL, NULL, 0);
    ask_for_all(h, made, HEDDLE_MAP);
    h->value->release(made);
    pass_if_right(h, c);
}

static void makes_bad_text(hostile *h, heddle_call *c) {
    static const char *const bad_json[] = {"", " ", "{", "[1,]", "{\"a\"}", "nul", "\"\xff\"", "\"\\ud800\"", "1 2", "01", "+1", "NaN", "'a'", "[\"\n\"]", "{\"a\":1,}", "\"\\x\""};
    static const char *const bad_text[] = {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "abc\xe2\x82"};
    static const char *const bad_number[] = {"", "abc", "1e", "0x10", "1.", ".5", "--1", "Infinity", "1 "};
    for (size_t i = 0; i < sizeof bad_json / sizeof *bad_json; ++i) expect_none(h, json(h, bad_json[i]), "a value was made of what is no JSON");
    for (size_t i = 0; i < sizeof bad_text / sizeof *bad_text; ++i)
        expect_none(h, h->value->make_string(h->host, text_of(bad_text[i])), "a text was made of what is not UTF-8");
    for (size_t i = 0; i < sizeof bad_number / sizeof *bad_number; ++i)
        expect_none(h, h->value->make_decimal(h->host, text_of(bad_number[i])), "a number was made of what is none");
    const heddle_str nothing = {NULL, 0}, nowhere = {NULL, 4711};
    expect_none(h, h->value->make_json(h->host, nothing), "a value was made of no JSON");
    expect_none(h, h->value->make_json(h->host, nowhere), "a value was made of JSON that is nowhere");
    expect_none(h, h->value->make_string(h->host, nowhere), "a text was made of what is nowhere");
    expect_none(h, h->value->make_decimal(h->host, nowhere), "a number was made of what is nowhere");
    expect_none(h, h->value->make_float(h->host, NAN), "a number was made of NaN");
    expect_none(h, h->value->make_float(h->host, -INFINITY), "a number was made of infinity");
    heddle_value *empty = h->value->make_string(h->host, nothing);
    expect(h, empty && h->value->length(empty) == 0, "no empty text is made of a null pointer without length");
    if (empty) h->value->release(empty);
    pass_if_right(h, c);
}

static void makes_bad_containers(hostile *h, heddle_call *c) {
    heddle_value    *one = h->value->make_int(h->host, 1), *items[3] = {one, NULL, one};
    const heddle_str twice[2] = {text_of("a"), text_of("a")}, bad[2] = {text_of("a"), text_of("\xff")}, nowhere[2] = {text_of("a"), {NULL, 4711}};
    heddle_value    *both[2]  = {one, one};
    expect_none(h, h->value->make_list(h->host, items, 3), "a list was made with an element missing");
    expect_none(h, h->value->make_map(h->host, twice, items, 2), "an object was made with a member missing");
    expect_none(h, h->value->make_map(h->host, twice, both, 2), "an object was made with a key that comes twice");
    expect_none(h, h->value->make_map(h->host, bad, both, 2), "an object was made with a key that is not UTF-8");
    expect_none(h, h->value->make_map(h->host, nowhere, both, 2), "an object was made with a key that is nowhere");
    h->value->release(one); /* never consumed: the only reference is ours */
    pass_if_right(h, c);
}

static void makes_deep_values(hostile *h, heddle_call *c) {
    const heddle_str key = text_of("in");
    char            *text = many('[', 2 * 1025 + 1);
    memset(text + 1025, ']', 1025);
    expect_none(h, h->value->make_json(h->host, (heddle_str){text, 2 * 1025}), "JSON that is nested 1,025 deep was taken");
    heddle_value *deepest = h->value->make_json(h->host, (heddle_str){text + 1, 2 * 1024});
    expect(h, deepest != NULL, "JSON that is nested 1,024 deep was not taken");
    if (deepest) h->value->release(deepest);
    free(text);
    if (number_of(h, c) <= 2) {
        heddle_value *v = h->value->make_int(h->host, 1);
        for (int i = 0; v && i < DEPTH; ++i) {
            heddle_value *outer = i % 2 ? h->value->make_list(h->host, &v, 1) : h->value->make_map(h->host, &key, &v, 1);
            if (!outer) h->value->release(v);
            v = outer;
        }
        emit_or_release(h, c, 0, v);
    }
    pass_if_right(h, c);
}

static void makes_wide_values(hostile *h, heddle_call *c) {
    if (number_of(h, c) <= 2) {
        heddle_value **all  = calloc(WIDTH, sizeof *all);
        heddle_str    *keys = calloc(WIDTH, sizeof *keys);
        char(*names)[8]     = calloc(WIDTH, sizeof *names);
        if (!all || !keys || !names) abort();
        for (uint32_t i = 0; i < WIDTH; ++i) {
            for (int digit = 0; digit < 8; ++digit) names[i][digit] = (char)('a' + (i >> (4 * digit)) % 16);
            keys[i] = (heddle_str){names[i], sizeof names[i]};
            all[i]  = h->value->make_int(h->host, i);
        }
        heddle_value *wide = number_of(h, c) == 1 ? h->value->make_list(h->host, all, WIDTH) : h->value->make_map(h->host, keys, all, WIDTH);
        expect(h, wide && h->value->length(wide) == WIDTH, "no value is made with a million members");
        emit_or_release(h, c, 0, wide);
        free(all), free(keys), free(names);
    }
    pass_if_right(h, c);
}

const deed value_deeds[] = {
    {.name = "asks-for-the-wrong-kind", .call = asks_for_the_wrong_kind},
    {.name = "makes-bad-text", .call = makes_bad_text},
    {.name = "makes-bad-containers", .call = makes_bad_containers},
    {.name = "makes-deep-values", .call = makes_deep_values},
    {.name = "makes-wide-values", .call = makes_wide_values},
    {.name = NULL},
};
