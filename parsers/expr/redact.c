#include "expr/redact.h"

#include "expr/redact_find.h"
#include "json/json_writer.h"

#include <stdint.h>

/* In the order of the bits. */
static const struct {
    const char *name;
    const char *replacement;
    find_function *find;
} kinds_table[REDACT_KIND_COUNT] = {
    {"email", "<EMAIL>", find_email},
    {"phone", "<PHONE>", find_phone},
    {"ipv4", "<IPV4>", find_ipv4},
    {"ipv6", "<IPV6>", find_ipv6},
    {"credit_card", "<CREDIT_CARD>", find_credit_card},
    {"ssn", "<SSN>", find_ssn},
    {"iban", "<IBAN>", find_iban},
    {"url_credentials", "<URL_CREDENTIALS>", find_url_credentials},
    {"api_key", "<API_KEY>", find_api_key},
};

unsigned redact_kind_of_name(struct slice name)
{
    for (unsigned i = 0; i < REDACT_KIND_COUNT; i++)
        if (slice_is(name, kinds_table[i].name))
            return 1u << i;
    return 0;
}

const char *redact_kind_name(size_t i)
{
    return kinds_table[i].name;
}

/* ---- the next span of any kind ---- */

/* Each kind's next span, found anew only once the text before it is done with. */
struct search {
    struct slice text;
    struct span next[REDACT_KIND_COUNT]; /* start SIZE_MAX: no more of this kind */
};

static void search_init(struct search *s, struct slice text, unsigned kinds)
{
    *s = (struct search){.text = text};
    for (unsigned i = 0; i < REDACT_KIND_COUNT; i++) {
        if (!(kinds >> i & 1) || !kinds_table[i].find(text, 0, &s->next[i]))
            s->next[i].start = SIZE_MAX;
    }
}

/* The one that begins first; of those that begin together the longest, but credentials in a URL before what, with the
 * host behind them, looks like an e-mail address. */
static bool goes_before(int kind, struct span span, int other_kind, struct span other)
{
    if (span.start != other.start)
        return span.start < other.start;
    if (1 << other_kind == REDACT_URL_CREDENTIALS)
        return false;
    return 1 << kind == REDACT_URL_CREDENTIALS || span.end > other.end;
}

/* The next span from `from` on: its kind's index, or -1. */
static int search_next(struct search *s, size_t from, struct span *ret_span)
{
    int best = -1;
    for (int i = 0; i < REDACT_KIND_COUNT; i++) {
        struct span *span = &s->next[i];
        if (span->start < from && !kinds_table[i].find(s->text, from, span))
            span->start = SIZE_MAX;
        if (span->start != SIZE_MAX && (best < 0 || goes_before(i, *span, best, *ret_span))) {
            best = i;
            *ret_span = *span;
        }
    }
    return best;
}

bool redact_text(struct arena *arena, struct slice plain, unsigned kinds, struct slice *ret_text)
{
    struct search s;
    struct span span = {0};
    struct buffer out;
    size_t done = 0;
    int kind;
    search_init(&s, plain, kinds);
    buffer_init_in(&out, arena);
    while ((kind = search_next(&s, done, &span)) >= 0) {
        buffer_add(&out, slice_of(plain.text + done, span.start - done));
        buffer_add_text(&out, kinds_table[kind].replacement);
        done = span.end;
    }
    if (done > 0)
        buffer_add(&out, slice_from_offset(plain, done));
    if (out.failed)
        return false;
    *ret_text = done > 0 ? buffer_slice(&out) : plain;
    return true;
}

/* ---- values ---- */

static bool redact_container(struct arena *arena, const struct value *v, unsigned kinds, struct value *ret_value)
{
    struct value of = *v;
    if (!value_tokenise(arena, &of))
        return false;
    const struct json_doc *doc = of.doc;
    struct buffer out;
    uint32_t end = doc->tokens[of.token].next, done = doc->tokens[of.token].start;
    buffer_init_in(&out, arena);
    for (uint32_t i = of.token + 1; i < end; i++) {
        const struct json_token *t = &doc->tokens[i];
        bool name = t->next != i + 1; /* a string with something below it */
        if (t->type != JSON_STRING || name)
            continue;
        struct slice plain = json_unescape(arena, json_token_text(doc, i)), redacted;
        if (!plain.text || !redact_text(arena, plain, kinds, &redacted))
            return false;
        if (redacted.text == plain.text)
            continue;
        buffer_add(&out, slice_of(doc->text.text + done, t->start - done));
        json_write_escaped(&out, redacted);
        done = t->end;
    }
    if (out.len > 0)
        buffer_add(&out, slice_of(doc->text.text + done, doc->tokens[of.token].end - done));
    if (out.failed)
        return false;
    *ret_value = out.len > 0 ? value_of_json(buffer_slice(&out)) : of;
    return true;
}

bool redact_value(struct arena *arena, const struct value *v, unsigned kinds, struct value *ret_value)
{
    if (value_is_container(v))
        return redact_container(arena, v, kinds, ret_value);
    if (v->type != VALUE_STRING) {
        *ret_value = *v;
        return true;
    }
    struct slice plain = value_plain(arena, v), redacted;
    if (!plain.text && arena->failed)
        return false;
    if (!redact_text(arena, plain, kinds, &redacted))
        return false;
    *ret_value = redacted.text == plain.text ? *v : value_of_plain(redacted);
    return true;
}

/* ---- what the finders share ---- */

bool number_may_start(struct slice text, size_t at)
{
    char before = byte_at(text, at - 1);
    if (is_word(before))
        return false;
    bool joint = before == '-' || before == '.' || before == '+';
    return !joint || !is_word(byte_at(text, at - 2));
}

bool number_may_end(struct slice text, size_t at)
{
    char after = byte_at(text, at);
    if (is_word(after) || after == '@')
        return false;
    bool joint = after == '-' || after == '.';
    return !joint || !is_digit(byte_at(text, at + 1));
}

/* Words that may stand between: "phone number is". */
static const char *const fillers[] = {"number", "num", "no", "nr", "is", "at", "me", "on", NULL};

static bool is_one_of(struct slice word, const char *const words[])
{
    for (; *words; words++) {
        size_t i = 0;
        while (i < word.len && (*words)[i] && to_lower_ascii(word.text[i]) == (*words)[i])
            i++;
        if (i == word.len && !(*words)[i])
            return true;
    }
    return false;
}

enum word_role { WORD_OTHER, WORD_FILLER, WORD_FOUND };

/* Of a name like phone_number, phoneNumber, MOBILE-NO or simply tel: found if one of its parts is one of the words. */
static enum word_role role_of(struct slice name, const char *const words[])
{
    size_t start = 0, parts = 0, filling = 0;
    for (size_t i = 0; i <= name.len; i++) {
        char c = byte_at(name, i);
        bool hump = is_upper(c) && i > start && !is_upper(byte_at(name, i - 1));
        if (i < name.len && is_letter(c) && !hump)
            continue;
        struct slice part = slice_of(name.text + start, i - start);
        if (part.len > 0 && is_one_of(part, words))
            return WORD_FOUND;
        parts += part.len > 0;
        filling += is_one_of(part, fillers);
        start = hump ? i : i + 1;
    }
    return parts > 0 && filling == parts ? WORD_FILLER : WORD_OTHER;
}

static bool is_between_words(char c)
{
    return c != '\0' && strchr(" \t:=\"'`.([#", c) != NULL;
}

bool follows_word(struct slice text, size_t at, const char *const words[])
{
    enum { WORDS_MOST = 4, BETWEEN_MOST = 5, LETTERS_MOST = 40 };
    for (int i = 0; i < WORDS_MOST; i++) {
        size_t end = at;
        while (end > 0 && at - end < BETWEEN_MOST && is_between_words(text.text[end - 1]))
            end--;
        size_t start = end;
        while (start > 0 && end - start < LETTERS_MOST &&
               (is_word(text.text[start - 1]) || text.text[start - 1] == '-'))
            start--;
        if (start == end || (i > 0 && end == at))
            return false;
        enum word_role role = role_of(slice_of(text.text + start, end - start), words);
        if (role != WORD_FILLER)
            return role == WORD_FOUND;
        at = start;
    }
    return false;
}
