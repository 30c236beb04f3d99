/* What is found by walking through a text is what its tokens tell of. */
#include "limits.h"
#include "support/cmocka_setup.h"
#include "json/value.h"

#include <stdlib.h>

/* ---- Documents by chance ---- */

static uint32_t dice(uint64_t *state, uint32_t sides)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % sides;
}

/* Few names, so that they come twice; some are the same in another way of writing. */
static const char *const names[] = {"a",   "b",         "\\u0061", "",
                                    "key", "k\\u0065y", "value",   "a name that is longer than sixteen"};
enum { NAMES = sizeof names / sizeof names[0] };

static void add_string(struct buffer *out, uint64_t *state)
{
    static const char *const pieces[] = {"\\\\", "\\\"", "{", "}",       "[",        "]",
                                         ",",    ":",    "x", "\\u007b", "\xc3\xa9", "plain text of some length"};
    buffer_add_char(out, '"');
    for (uint32_t n = dice(state, 2) ? dice(state, 4) : dice(state, 40); n; n--)
        buffer_add_text(out, pieces[dice(state, sizeof pieces / sizeof pieces[0])]);
    buffer_add_char(out, '"');
}

static void add_blanks(struct buffer *out, uint64_t *state)
{
    static const char *const blanks[] = {"", "", "", "", "", " ", "\n\t", "  \r"};
    buffer_add_text(out, blanks[dice(state, 8)]);
}

static void add_value(struct buffer *out, uint64_t *state, unsigned depth)
{
    static const char *const scalars[] = {"0", "-1.5e3", "true", "false", "null", "12"};
    uint32_t kind = dice(state, depth ? 5 : 2);
    if (kind == 0 || kind == 1) {
        if (kind)
            add_string(out, state);
        else
            buffer_add_text(out, scalars[dice(state, 6)]);
        return;
    }
    bool object = kind > 2;
    buffer_add_char(out, object ? '{' : '[');
    add_blanks(out, state);
    for (uint32_t i = 0, n = dice(state, 4) ? dice(state, 5) : dice(state, 90); i < n; i++) {
        if (i)
            buffer_add_char(out, ',');
        add_blanks(out, state);
        if (object) {
            buffer_add_char(out, '"');
            buffer_add_text(out, names[dice(state, NAMES)]);
            buffer_add_char(out, '"');
            add_blanks(out, state);
            buffer_add_char(out, ':');
            add_blanks(out, state);
        }
        add_value(out, state, dice(state, 3) ? depth - 1 : 0);
        add_blanks(out, state);
    }
    buffer_add_char(out, object ? '}' : ']');
}

/* ---- Both ways ---- */

struct pair {
    struct value tokens, text;
};

static struct pair read(struct arena *arena, struct slice text, bool indexed)
{
    struct pair p = {VALUE_NONE, VALUE_NONE};
    const struct json_doc *tokens;
    struct json_doc *doc;
    assert_int_equal(json_doc_parse(arena, text, JSON_ANY_VALUE, &tokens), JSON_OK);
    assert_int_equal(json_doc_read(arena, text, JSON_ANY_VALUE, &doc), JSON_OK);
    if (indexed)
        json_doc_index(arena, doc);
    p.tokens = value_of_token(tokens, 0);
    p.text = value_of_doc(doc);
    return p;
}

static void same(const struct value *a, const struct value *b)
{
    assert_int_equal(a->type, b->type);
    assert_true(a->text.text == b->text.text || (a->type == VALUE_NOTHING && a->text.len == 0));
    assert_int_equal(a->text.len, b->text.len);
}

static struct value of_token(const struct value *of, uint32_t token)
{
    return token ? value_of_token(of->doc, token) : VALUE_NONE;
}

static void compare(struct arena *arena, struct pair p, unsigned depth);

static void compare_members(struct arena *arena, struct pair p, unsigned depth)
{
    static const char *const wanted[] = {"a", "b", "", "key", "value", "a name that is longer than sixteen", "none"};
    enum { WANTED = sizeof wanted / sizeof wanted[0] };
    struct slice all[WANTED];
    struct value several[WANTED];
    for (size_t i = 0; i < WANTED; i++)
        all[i] = slice_from(wanted[i]);
    value_members(arena, &p.text, all, WANTED, several);
    for (size_t i = 0; i < WANTED; i++) {
        uint32_t token = p.tokens.type == VALUE_OBJECT ? json_member(p.tokens.doc, p.tokens.token, all[i]) : 0;
        struct value x = of_token(&p.tokens, token), y = value_member(arena, &p.text, all[i]);
        same(&x, &y);
        same(&x, &several[i]);
        if (depth)
            compare(arena, (struct pair){x, y}, depth - 1);
    }
}

static void compare_elements(struct arena *arena, struct pair p)
{
    for (int64_t i = -4; i < 8; i++) {
        uint32_t token = p.tokens.type == VALUE_ARRAY ? json_element(p.tokens.doc, p.tokens.token, i) : 0;
        struct value x = of_token(&p.tokens, token), y = value_element(arena, &p.text, i);
        same(&x, &y);
    }
}

static void compare(struct arena *arena, struct pair p, unsigned depth)
{
    struct value_walk x = {.of = p.tokens}, y = {.of = p.text, .by_text = true};
    for (;;) {
        bool more = value_walk_next(arena, &x);
        assert_int_equal(value_walk_next(arena, &y), more);
        if (!more)
            break;
        same(&x.name, &y.name);
        same(&x.value, &y.value);
        assert_int_equal(value_walk_is_shadowed(&x), value_walk_is_shadowed(&y));
        if (value_is_container(&x.value))
            compare(arena, (struct pair){x.value, y.value}, depth);
    }
    compare_elements(arena, p);
    compare_members(arena, p, depth);
    if (value_is_container(&p.text)) { /* as a document of its own, and as a place in the outer one's tokens */
        struct value own = p.text, place = p.text;
        assert_true(value_share(arena, &own) && value_tokenise(arena, &place));
        same(&own, &p.tokens);
        assert_int_equal(place.doc->tokens[place.token].size, p.tokens.doc->tokens[p.tokens.token].size);
    }
}

static void a_walk_finds_what_tokens_tell_of(void **state)
{
    (void)state;
    struct arena arena;
    struct buffer text;
    arena_init(&arena, MIB(256));
    buffer_init(&text, MIB(16));
    for (uint64_t seed = 1; seed <= 24; seed++) {
        uint64_t chance = seed;
        arena_reset(&arena);
        buffer_clear(&text);
        add_blanks(&text, &chance);
        add_value(&text, &chance, 4);
        add_blanks(&text, &chance);
        compare(&arena, read(&arena, buffer_slice(&text), seed % 2), 1);
    }
    buffer_release(&text);
    arena_release(&arena);
}

/* A container that ends at each place of a block, with a string and its escapes at each place before. */
static void containers_end_anywhere(void **state)
{
    (void)state;
    for (size_t len = 0; len < 200; len++) {
        for (size_t backslashes = 0; backslashes < 5; backslashes++) {
            char text[300];
            size_t n = 0;
            text[n++] = '[';
            text[n++] = '"';
            memset(text + n, ']', len);
            n += len;
            memset(text + n, '\\', 2 * backslashes);
            n += 2 * backslashes;
            memcpy(text + n, "\\\"\"]", 4);
            n += 4;
            const char *end = text + n;
            memset(text + n, ']', sizeof text - n);
            assert_ptr_equal(json_container_end(text, text + sizeof text, NULL), end);
            assert_ptr_equal(json_container_end(text, end, NULL), end);
        }
    }
}

static void depth_is_no_matter(void **state)
{
    (void)state;
    char text[2 * LIMIT_JSON_DEPTH + 64];
    for (size_t depth = 1; depth <= LIMIT_JSON_DEPTH; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', sizeof text - depth);
        assert_ptr_equal(json_container_end(text, text + sizeof text, NULL), text + 2 * depth);
        assert_ptr_equal(json_container_end(text, text + 2 * depth, NULL), text + 2 * depth);
    }
}

/* Who looks into the same text again and again gets its tokens in the end, and the same answers. */
static void walking_again_and_again_ends(void **state)
{
    (void)state;
    struct arena arena;
    struct buffer text;
    arena_init(&arena, MIB(64));
    buffer_init(&text, MIB(16));
    buffer_add_text(&text, "{\"list\":[");
    for (int i = 0; i < 1000; i++)
        buffer_printf(&text, "%s{\"n\":%d}", i ? "," : "", i);
    buffer_add_text(&text, "]}");
    struct json_doc *doc;
    assert_int_equal(json_doc_read(&arena, buffer_slice(&text), JSON_ANY_VALUE, &doc), JSON_OK);
    struct value root = value_of_doc(doc), list = value_member(&arena, &root, SLICE("list"));
    for (int i = 0; i < 1000; i++) {
        struct value element = value_element(&arena, &list, i), n = value_member(&arena, &element, SLICE("n"));
        assert_int_equal(strtol(n.text.text, NULL, 10), i);
        assert_true(doc->tokens || i < 100);
    }
    assert_true(doc->walked < 64 * text.len);
    buffer_release(&text);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_finds_what_tokens_tell_of),
        cmocka_unit_test(containers_end_anywhere),
        cmocka_unit_test(depth_is_no_matter),
        cmocka_unit_test(walking_again_and_again_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
