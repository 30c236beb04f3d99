/* The filter `object` goes over the text once; here it is done part by part, as its result is defined. */
#include "expr/expr.h"
#include "limits.h"
#include "support/cmocka_setup.h"
#include "json/json_number.h"
#include "json/json_writer.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- The plain way ---- */

static bool write_typed(struct arena *arena, struct buffer *out, struct value *v);
static bool write_pairs(struct arena *arena, struct buffer *out, struct value *list);

static bool write_as_is(struct arena *arena, struct buffer *out, struct value *v)
{
    (void)arena;
    value_write(out, v);
    return true;
}

/* 64-bit integers are text in OTLP's JSON. */
static bool write_int(struct arena *arena, struct buffer *out, struct value *v)
{
    struct slice text = value_as_text(arena, v);
    if (v->type == VALUE_STRING && json_number_is(text))
        buffer_add(out, text);
    else
        value_write(out, v);
    return true;
}

static bool write_array(struct arena *arena, struct buffer *out, struct value *v)
{
    struct value values = value_member(arena, v, SLICE("values"));
    bool first = true;
    buffer_add_char(out, '[');
    for (struct value_walk walk = {.of = values}; value_walk_next(arena, &walk); first = false) {
        if (!first)
            buffer_add_char(out, ',');
        write_typed(arena, out, &walk.value);
    }
    buffer_add_char(out, ']');
    return true;
}

static bool write_kvlist(struct arena *arena, struct buffer *out, struct value *v)
{
    struct value values = value_member(arena, v, SLICE("values"));
    if (!value_is_there(&values))
        buffer_add_text(out, "{}");
    else if (values.type != VALUE_ARRAY || !write_pairs(arena, out, &values))
        value_write(out, v);
    return true;
}

static const struct typed {
    const char *name;
    bool (*write)(struct arena *arena, struct buffer *out, struct value *v);
} types[] = {
    {"stringValue", write_as_is},  {"intValue", write_int},     {"doubleValue", write_as_is},
    {"boolValue", write_as_is},    {"bytesValue", write_as_is}, {"arrayValue", write_array},
    {"kvlistValue", write_kvlist},
};

/* The type that an OTLP value has; NULL where it is no such value (then *ret_empty says whether it is `{}`, OTLP's
 * empty value). Of several members the one that is not null counts. */
static const struct typed *type_of(struct arena *arena, struct value *object, struct value *ret_value, bool *ret_empty)
{
    const struct typed *found = NULL;
    *ret_empty = true;
    for (struct value_walk walk = {.of = *object}; value_walk_next(arena, &walk);) {
        struct slice name = value_plain(arena, &walk.name);
        const struct typed *type = NULL;
        for (size_t i = 0; i < sizeof types / sizeof types[0] && !type; i++)
            if (slice_is(name, types[i].name))
                type = &types[i];
        if (!type) {
            *ret_empty = false;
            return NULL;
        }
        if (!found || walk.value.type != VALUE_NULL) {
            found = type;
            *ret_value = walk.value;
        }
    }
    return found;
}

/* Appends the plain form of an OTLP value, or the value itself where it is none (false then). */
static bool write_typed(struct arena *arena, struct buffer *out, struct value *v)
{
    struct value inner;
    bool empty;
    const struct typed *type = v->type == VALUE_OBJECT ? type_of(arena, v, &inner, &empty) : NULL;
    if (type && inner.type != VALUE_NULL)
        return type->write(arena, out, &inner);
    if (type || (v->type == VALUE_OBJECT && empty)) {
        buffer_add_text(out, "null");
        return true;
    }
    value_write(out, v);
    return false;
}

struct pair {
    struct slice key; /* plain */
    size_t at;        /* in the list */
    bool replaced;
    struct value name, value;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *left = *(const struct pair *const *)a, *right = *(const struct pair *const *)b;
    int order = slice_compare(left->key, right->key);
    return order ? order : (left->at > right->at) - (left->at < right->at);
}

/* Of equal keys all but the last are marked. False on lack of memory. */
static bool mark_replaced(struct arena *arena, struct pair *pairs, size_t count)
{
    struct pair **sorted = arena_calloc(arena, count, sizeof *sorted);
    if (!sorted)
        return false;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &pairs[i];
    qsort(sorted, count, sizeof *sorted, compare_pairs);
    for (size_t i = 0; i + 1 < count; i++)
        sorted[i]->replaced = slice_equal(sorted[i]->key, sorted[i + 1]->key);
    return true;
}

/* {key, value}; a value that is left out is OTLP's empty one. */
static bool pair_of(struct arena *arena, struct value *v, struct pair *ret)
{
    struct value key = value_member(arena, v, SLICE("key"));
    if (v->type != VALUE_OBJECT || value_is_null_or_nothing(&key) || value_is_container(&key))
        return false;
    ret->name = key.type == VALUE_STRING ? key : value_of_plain(key.text);
    ret->key = value_plain(arena, &ret->name);
    ret->value = value_member(arena, v, SLICE("value"));
    if (!value_is_there(&ret->value))
        ret->value = value_of_null();
    return true;
}

/* Appends a list of pairs as an object; false where an element is no pair. */
static bool write_pairs(struct arena *arena, struct buffer *out, struct value *list)
{
    if (!value_tokenise(arena, list))
        return false;
    size_t count = 0;
    struct pair *pairs = arena_calloc(arena, list->doc->tokens[list->token].size, sizeof *pairs);
    if (!pairs)
        return false;
    for (struct value_walk walk = {.of = *list}; value_walk_next(arena, &walk); count++) {
        pairs[count].at = count;
        if (!pair_of(arena, &walk.value, &pairs[count]))
            return false;
    }
    if (!mark_replaced(arena, pairs, count))
        return false;
    bool first = true;
    buffer_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].replaced)
            continue;
        if (!first)
            buffer_add_char(out, ',');
        first = false;
        value_write(out, &pairs[i].name);
        buffer_add_char(out, ':');
        write_typed(arena, out, &pairs[i].value);
    }
    buffer_add_char(out, '}');
    return true;
}

/* ---- Lists by chance ---- */

static uint32_t dice(uint64_t *state, uint32_t sides)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % sides;
}

static void add_list(struct buffer *out, uint64_t *state, unsigned depth);

/* An OTLP value mostly: now and then with several members, unknown ones, null, or none at all. */
static void add_typed(struct buffer *out, uint64_t *state, unsigned depth)
{
    static const char *const members[] = {
        "\"stringValue\":\"some text\"",
        "\"intValue\":\"12\"",
        "\"intValue\":\"1\\u0032\"",
        "\"intValue\":\"x\"",
        "\"intValue\":7",
        "\"doubleValue\":1.5",
        "\"boolValue\":true",
        "\"stringValue\":null",
        "\"bytesValue\":\"AA==\"",
        "\"string\\u0056alue\":\"v\"",
        "\"arrayValue\":[1]",
        "\"kvlistValue\":0",
        "\"arrayValue\":{}",
        "\"kvlistValue\":{}",
        "\"other\":{\"a\":[]}",
    };
    if (dice(state, 12) == 0) {
        buffer_add_text(out, dice(state, 2) ? "\"bare\"" : "[{\"key\":\"k\"}]");
        return;
    }
    buffer_add_char(out, '{');
    for (uint32_t i = 0, n = dice(state, 6) ? 1 : dice(state, 4); i < n; i++) {
        if (i)
            buffer_add_char(out, ',');
        uint32_t kind = dice(state, depth ? 20 : 15);
        if (kind < 15) {
            buffer_add_text(out, members[kind]);
            continue;
        }
        bool list = kind < 17;
        buffer_add_text(out, list ? "\"arrayValue\":{\"values\":[" : "\"kvlistValue\":{\"values\":");
        if (list) {
            for (uint32_t k = 0, many = dice(state, 4); k < many; k++) {
                if (k)
                    buffer_add_char(out, ',');
                add_typed(out, state, depth - 1);
            }
            buffer_add_char(out, ']');
        } else {
            add_list(out, state, depth - 1);
        }
        if (dice(state, 8) == 0)
            buffer_add_text(out, dice(state, 2) ? ",\"values\":[]" : ",\"more\":1");
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, '}');
}

static void add_list(struct buffer *out, uint64_t *state, unsigned depth)
{
    static const char *const keys[] = {"\"a\"", "\"gen_ai.request.model\"", "\"\\u0061\"", "\"\"", "5",
                                       "\"5\"", "\"longer than eight\"",    "true"};
    buffer_add_char(out, '[');
    for (uint32_t i = 0, n = dice(state, 5) ? dice(state, 6) : dice(state, 80); i < n; i++) {
        if (i)
            buffer_add_text(out, dice(state, 4) ? "," : " , ");
        uint32_t form = dice(state, 60);
        if (form < 2) {
            buffer_add_text(out, form ? "{\"key\":null,\"value\":{}}" : "1");
            continue;
        }
        bool late = dice(state, 6) == 0;
        buffer_add_char(out, '{');
        for (int part = 0; part < 2; part++) {
            if (part)
                buffer_add_char(out, ',');
            if ((part == 0) != late) {
                buffer_add_text(out, "\"key\": ");
                if (dice(state, 3))
                    buffer_printf(out, "\"key %u\"", dice(state, 200));
                else
                    buffer_add_text(out, keys[dice(state, 8)]);
            } else if (dice(state, 10)) {
                buffer_add_text(out, "\"value\":");
                add_typed(out, state, depth);
            } else {
                buffer_add_text(out, "\"none\":{}");
            }
        }
        while (dice(state, 8) == 0)
            buffer_add_text(out, dice(state, 2) ? ",\"key\":\"another\"" : ",\"value\":{\"intValue\":\"3\"}");
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

/* ---- Both ways ---- */

/* Members are found in what was made as they are in its text read anew. */
static void assert_found(struct arena *arena, struct value *made)
{
    const struct json_doc *doc;
    if (made->type != VALUE_OBJECT)
        return;
    assert_int_equal(json_doc_parse(arena, made->text, JSON_ANY_VALUE, &doc), JSON_OK);
    for (uint32_t key = json_first_child(doc, 0); key; key = json_next_child(doc, 0, key)) {
        struct slice name = json_unescape(arena, json_token_text(doc, key));
        struct value found = value_member(arena, made, name), wanted = value_of_token(doc, json_member(doc, 0, name));
        assert_int_equal(found.type, wanted.type);
        assert_true(slice_equal(found.text, wanted.text));
    }
}

static bool is_taken(struct arena *arena, struct slice text, struct buffer *out)
{
    const struct json_doc *doc;
    assert_int_equal(json_doc_parse(arena, text, JSON_ANY_VALUE, &doc), JSON_OK);
    struct value v = value_of_token(doc, 0);
    return v.type == VALUE_ARRAY ? write_pairs(arena, out, &v) : write_typed(arena, out, &v);
}

static void compare(struct arena *arena, const struct expr *object, struct slice text, unsigned *taken)
{
    struct scope scope = {.arena = arena};
    struct json_doc *doc;
    struct buffer plain, once;
    buffer_init_in(&plain, arena);
    bool is = is_taken(arena, text, &plain);
    assert_int_equal(json_doc_read(arena, text, JSON_ANY_VALUE, &doc), JSON_OK);
    scope.record = value_of_doc(doc);
    struct value made = expr_eval(object, &scope);
    buffer_init_in(&once, arena);
    value_write(&once, &made);
    if (is != value_is_there(&made) || (is && !slice_equal(buffer_slice(&plain), buffer_slice(&once))))
        fail_msg("%.*s: %.*s", SLICE_FMT(text), SLICE_FMT(buffer_slice(&once)));
    *taken += is;
    if (is)
        assert_found(arena, &made);
}

static void both_ways_agree(void **state)
{
    (void)state;
    struct arena programs, arena;
    struct regex_list regexes = {0};
    struct expr_names names = {.regexes = &regexes};
    struct expr_error error;
    struct buffer text;
    unsigned taken = 0;
    arena_init(&programs, MIB(16));
    arena_init(&arena, MIB(64));
    buffer_init(&text, MIB(4));
    const struct expr *object = expr_compile(&programs, SLICE("$ | object"), &names, &error);
    assert_non_null(object);
    for (uint64_t seed = 1; seed <= 6000; seed++) {
        uint64_t chance = seed;
        arena_reset(&arena);
        buffer_clear(&text);
        if (dice(&chance, 4))
            add_list(&text, &chance, 3);
        else
            add_typed(&text, &chance, 3);
        if (*text.data == '[' || *text.data == '{')
            compare(&arena, object, buffer_slice(&text), &taken);
    }
    assert_true(taken > 1000);
    buffer_release(&text);
    arena_release(&arena);
    arena_release(&programs);
}

/* A pair's key may stand behind its value, and again and again: the value is moved once for all of them. */
static void keys_behind_a_large_value(void **state)
{
    (void)state;
    enum { LARGE = 4 << 20, KEYS = 200000, SECONDS_MOST = 20 };
    struct arena arena;
    struct regex_list regexes = {0};
    struct expr_names names = {.regexes = &regexes};
    struct expr_error error;
    struct json_doc *doc;
    struct buffer text;
    arena_init(&arena, MIB(64));
    buffer_init(&text, MIB(8));
    buffer_add_text(&text, "[{\"value\":\"");
    for (size_t i = 0; i < LARGE; i++)
        buffer_add_char(&text, 'x');
    buffer_add_text(&text, "\"");
    for (size_t i = 0; i < KEYS; i++)
        buffer_add_text(&text, i % 2 ? ",\"key\":\"a\"" : ",\"key\":\"bc\"");
    buffer_add_text(&text, "}]");
    const struct expr *object = expr_compile(&arena, SLICE("$ | object | at(\"a\") | length"), &names, &error);
    assert_non_null(object);
    assert_int_equal(json_doc_read(&arena, buffer_slice(&text), JSON_ANY_VALUE, &doc), JSON_OK);
    struct scope scope = {.arena = &arena, .record = value_of_doc(doc)};
    alarm(SECONDS_MOST); /* a move for each key takes minutes */
    struct value made = expr_eval(object, &scope);
    alarm(0);
    assert_true(slice_is(made.text, "4194304"));
    buffer_release(&text);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_behind_a_large_value),
        cmocka_unit_test(both_ways_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
