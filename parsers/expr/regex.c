/* Regular expressions on PCRE2.
 *
 * A pattern is compiled in up to four variants: for searching or for matching a whole text (as an option of the match
 * that would turn JIT off), and each of these without and with its steps counted (by a callout before each item of the
 * pattern; slower, so for long texts only). The simplest is made by regex_compile(), the others when they are first
 * needed, by whichever thread comes first.
 *
 * What a match needs to run (JIT stack, room for the groups) belongs to the thread: made at its first match, given back
 * when it ends. The key to it is the only global of this module. */
#include "expr/regex.h"

#include "limits.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { SEARCH = 0, WHOLE = 1, COUNTED = 2, VARIANTS = 4 }; /* a variant: one of the first two, | COUNTED */

struct group_name {
    struct slice name; /* in the code's own table */
    size_t group;
};

struct regex {
    struct regex *next;
    _Atomic(pcre2_code *) *codes; /* of each variant; NULL while it was not needed */
    struct slice pattern;
    uint32_t groups;
    uint32_t name_count;
    struct group_name *names; /* by number */
};

static pcre2_code *compile_variant(struct slice pattern, unsigned variant, int *ret_error, size_t *ret_at)
{
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
    if (variant & WHOLE)
        options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    if (variant & COUNTED)
        options |= PCRE2_AUTO_CALLOUT;
    PCRE2_SIZE at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern.text, pattern.len, options, ret_error, &at, NULL);
    if (!code) {
        *ret_at = at;
        return NULL;
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it the match is slower, not different */
    return code;
}

static const pcre2_code *code_of(const struct regex *re, unsigned variant)
{
    pcre2_code *code = atomic_load_explicit(&re->codes[variant], memory_order_acquire);
    if (code)
        return code;
    int error;
    size_t at;
    pcre2_code *made = compile_variant(re->pattern, variant, &error, &at);
    if (!made || atomic_compare_exchange_strong(&re->codes[variant], &code, made))
        return made;
    pcre2_code_free(made); /* another thread was faster */
    return code;
}

/* ---- Compiling -------------------------------------------------------------------------------------------------- */

static int compare_groups(const void *a, const void *b)
{
    const struct group_name *left = a, *right = b;
    return (left->group > right->group) - (left->group < right->group);
}

/* PCRE2's table: entries of one size, each two bytes of number and the name, by name. */
static bool read_names(struct regex *re, const pcre2_code *code)
{
    uint32_t size = 0;
    PCRE2_SPTR table = NULL;
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &re->groups);
    pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &re->name_count);
    pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &table);
    if (re->name_count == 0)
        return true;
    re->names = calloc(re->name_count, sizeof *re->names);
    if (!re->names)
        return false;
    for (uint32_t i = 0; i < re->name_count; i++, table += size)
        re->names[i] = (struct group_name){slice_from((const char *)table + 2), (size_t)table[0] << 8 | table[1]};
    qsort(re->names, re->name_count, sizeof *re->names, compare_groups);
    return true;
}

static void regex_free(struct regex *re)
{
    for (int i = 0; re->codes && i < VARIANTS; i++)
        pcre2_code_free(atomic_load(&re->codes[i]));
    free(re->codes);
    free(re->names);
    free(re);
}

static struct regex *regex_new(struct slice pattern)
{
    struct regex *re = calloc(1, sizeof *re + pattern.len);
    if (!re)
        return NULL;
    re->codes = calloc(VARIANTS, sizeof *re->codes);
    if (!re->codes) {
        free(re);
        return NULL;
    }
    char *copy = (char *)(re + 1);
    if (pattern.len)
        memcpy(copy, pattern.text, pattern.len);
    re->pattern = slice_of(copy, pattern.len);
    return re;
}

struct regex *regex_compile(struct regex_list *owner, struct slice pattern, size_t *ret_at, char *ret_error,
                            size_t error_size)
{
    if (pattern.len > LIMIT_EXPRESSION) {
        *ret_at = LIMIT_EXPRESSION;
        snprintf(ret_error, error_size, "longer than %zu bytes", LIMIT_EXPRESSION);
        return NULL;
    }
    struct regex *re = regex_new(pattern);
    if (!re)
        goto no_memory;
    int error;
    pcre2_code *code = compile_variant(re->pattern, SEARCH, &error, ret_at);
    if (!code) {
        pcre2_get_error_message(error, (PCRE2_UCHAR *)ret_error, error_size);
        regex_free(re);
        return NULL;
    }
    atomic_init(&re->codes[SEARCH], code);
    if (!read_names(re, code))
        goto no_memory;
    re->next = owner->first;
    owner->first = re;
    return re;

no_memory:
    if (re)
        regex_free(re);
    *ret_at = 0;
    snprintf(ret_error, error_size, "no memory");
    return NULL;
}

void regex_free_all(struct regex_list *list)
{
    while (list->first) {
        struct regex *re = list->first;
        list->first = re->next;
        regex_free(re);
    }
}

/* ---- What a thread needs to match ------------------------------------------------------------------------------- */

struct matcher {
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    pcre2_match_data *groups;
    const struct regex *last; /* whose match is in `groups` */
    size_t steps;             /* in the present text */
    size_t place;             /* where the last step led to */
};

static tss_t matcher_key;
static bool matcher_key_made;
static once_flag matcher_key_once = ONCE_FLAG_INIT;

static void matcher_free(void *p)
{
    struct matcher *m = p;
    pcre2_match_data_free(m->groups);
    pcre2_jit_stack_free(m->stack);
    pcre2_match_context_free(m->context);
    free(m);
}

static void make_matcher_key(void)
{
    matcher_key_made = tss_create(&matcher_key, matcher_free) == thrd_success;
}

/* Before each item of a pattern. The way from the last one, in bytes, is what a repeated item ran over. */
static int on_item(pcre2_callout_block *item, void *p)
{
    struct matcher *m = p;
    size_t place = item->current_position;
    m->steps += 1 + (place > m->place ? place - m->place : m->place - place);
    m->place = place;
    return m->steps > LIMIT_REGEX_STEPS ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static struct matcher *matcher_new(void)
{
    struct matcher *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->context = pcre2_match_context_create(NULL);
    m->stack = pcre2_jit_stack_create(KIB(32), LIMIT_REGEX_DEPTH, NULL);
    m->groups = pcre2_match_data_create(16, NULL);
    if (!m->context || !m->stack || !m->groups || tss_set(matcher_key, m) != thrd_success) {
        matcher_free(m);
        return NULL;
    }
    pcre2_set_heap_limit(m->context, LIMIT_REGEX_DEPTH / 1024);
    pcre2_jit_stack_assign(m->context, NULL, m->stack);
    pcre2_set_callout(m->context, on_item, m);
    return m;
}

/* This thread's, with room for so many groups; NULL on lack of memory. */
static struct matcher *matcher_get(uint32_t groups)
{
    call_once(&matcher_key_once, make_matcher_key);
    if (!matcher_key_made)
        return NULL;
    struct matcher *m = tss_get(matcher_key);
    if (!m)
        m = matcher_new();
    if (m && pcre2_get_ovector_count(m->groups) < groups + 1) {
        pcre2_match_data *larger = pcre2_match_data_create(groups + 1, NULL);
        if (!larger)
            return NULL;
        pcre2_match_data_free(m->groups);
        m->groups = larger;
    }
    return m;
}

/* ---- Matching --------------------------------------------------------------------------------------------------- */

static enum regex_result run(const struct regex *re, unsigned variant, struct slice text, size_t from)
{
    bool counted = text.len > LIMIT_REGEX_UNCOUNTED;
    struct matcher *m = matcher_get(re->groups);
    const pcre2_code *code = code_of(re, variant | (counted ? COUNTED : 0));
    if (!m || !code)
        return REGEX_LIMIT;
    /* PCRE2's own limit fits a short text: `.*x` comes back from the end of a long one in more steps than that. */
    pcre2_set_match_limit(m->context, counted ? LIMIT_REGEX_STEPS : LIMIT_REGEX_MATCH);
    m->last = NULL;
    m->place = from;
    if (from == 0)
        m->steps = 0;
    int matched = pcre2_match(code, (PCRE2_SPTR)(text.text ? text.text : ""), text.len, from, PCRE2_NO_UTF_CHECK,
                              m->groups, m->context);
    if (matched < 0)
        return matched == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_LIMIT;
    m->last = re;
    return REGEX_YES;
}

enum regex_result regex_search(const struct regex *re, struct slice text, size_t from, struct regex_match *ret_match)
{
    if (from > text.len)
        return REGEX_NO;
    enum regex_result result = run(re, SEARCH, text, from);
    if (result == REGEX_YES && ret_match) {
        size_t starts[2] = {SIZE_MAX, SIZE_MAX}, ends[2] = {SIZE_MAX, SIZE_MAX};
        regex_groups(re, starts, ends, 2);
        *ret_match = (struct regex_match){starts[0], ends[0], starts[1], ends[1]};
    }
    return result;
}

enum regex_result regex_match_whole(const struct regex *re, struct slice text)
{
    return run(re, WHOLE, text, 0);
}

size_t regex_groups(const struct regex *re, size_t *starts, size_t *ends, size_t max)
{
    const struct matcher *m = matcher_get(re->groups);
    if (!m || m->last != re)
        return 0;
    const PCRE2_SIZE *pairs = pcre2_get_ovector_pointer(m->groups);
    size_t count = re->groups + 1 < max ? re->groups + 1 : max;
    for (size_t i = 0; i < count; i++) {
        starts[i] = pairs[2 * i]; /* PCRE2_UNSET is SIZE_MAX */
        ends[i] = pairs[2 * i + 1];
    }
    return count;
}

size_t regex_names(const struct regex *re)
{
    return re->name_count;
}

struct slice regex_name(const struct regex *re, size_t i, size_t *ret_group)
{
    *ret_group = re->names[i].group;
    return re->names[i].name;
}

size_t regex_group_count(const struct regex *re)
{
    return re->groups;
}
