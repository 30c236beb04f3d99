#include "map/prefilter.h"

#include "text/utf8.h"

enum { NEEDLES_MOST = 12 }; /* with more of them parsing is as quick */

struct needles {
    struct slice items[NEEDLES_MOST];
    size_t count;
};

static bool add(struct needles *n, struct arena *arena, struct slice text)
{
    struct buffer quoted;
    if (memmem(text.text, text.len, UTF8_REPLACEMENT, UTF8_REPLACEMENT_LEN))
        return false; /* it may stand in the line as bytes that are no UTF-8 */
    buffer_init_in(&quoted, arena);
    buffer_add(&quoted, text);
    buffer_add_char(&quoted, '"');
    for (size_t i = 0; i < n->count; i++)
        if (slice_equal(n->items[i], buffer_slice(&quoted)))
            return true;
    if (n->count == NEEDLES_MOST || quoted.failed)
        return false;
    n->items[n->count++] = buffer_slice(&quoted);
    return true;
}

static bool add_needs_of(struct needles *n, struct arena *arena, const struct rule *rule)
{
    const struct slice *texts;
    size_t count;
    if (!rule->when || !condition_needs_text(rule->when, arena, &texts, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!add(n, arena, texts[i]))
            return false;
    return true;
}

struct prefilter prefilter_of(const struct config *config, size_t input, struct arena *arena)
{
    struct needles needles = {.count = 0};
    const struct input *of = &config->inputs[input];
    if (of->validate_all || of->parser != PARSER_JSON)
        return (struct prefilter){0};
    for (size_t i = 0; i < config->rules.count; i++) {
        const struct rule *rule = &config->rules.items[i];
        if (rule->applies_to_input && !rule->applies_to_input[input])
            continue;
        if (!add_needs_of(&needles, arena, rule))
            return (struct prefilter){0};
    }
    struct slice kept = arena_copy(arena, slice_of((const char *)needles.items, sizeof needles.items));
    struct prefilter p = {.needles = (const struct slice *)(const void *)kept.text};
    p.count = p.needles ? needles.count : 0;
    for (size_t i = 0; i < p.count; i++)
        p.begins[(unsigned char)p.needles[i].text[0]] = true;
    return p;
}

static bool begins_with_needle(const struct prefilter *p, struct slice rest)
{
    for (size_t i = 0; i < p->count; i++)
        if (slice_starts_with(rest, p->needles[i]))
            return true;
    return false;
}

bool prefilter_may_match(const struct prefilter *p, struct slice line)
{
    if (p->count == 0 || line.len < 2 || line.text[0] != '{' || line.text[line.len - 1] != '}')
        return true;
    const char *at = line.text, *end = line.text + line.len;
    while ((at = memchr(at, '"', (size_t)(end - at)))) {
        at++; /* not the end: that is a brace */
        if (p->begins[(unsigned char)*at] && begins_with_needle(p, slice_of(at, (size_t)(end - at))))
            return true;
    }
    return memchr(line.text, '\\', line.len) != NULL;
}
