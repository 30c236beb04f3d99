#include "map/privacy.h"

#include "expr/redact.h"
#include "json/json_writer.h"

/* One call being looked through; the first thing against it stays. */
struct privacy_run {
    const struct privacy_settings *settings;
    struct scope *scope;
    struct arena *arena;
    enum privacy_result result;
};

static void refuse_unless_no_memory(struct privacy_run *run)
{
    run->result = run->arena->failed ? PRIVACY_NO_MEMORY : PRIVACY_REFUSED;
}

static bool searches(struct privacy_run *run, const struct regex *regex, struct slice text, size_t from,
                     struct regex_match *ret_match)
{
    enum regex_result result = regex_search(regex, text, from, ret_match);
    if (result == REGEX_LIMIT) {
        run->scope->match_limit_hits++;
        run->result = PRIVACY_REFUSED;
    }
    return result == REGEX_YES;
}

/* ---- refuse ----------------------------------------------------------------------------------------------------- */

static void check_text(struct privacy_run *run, struct slice plain)
{
    for (size_t i = 0; i < run->settings->refuse_count && run->result == PRIVACY_OK; i++)
        if (searches(run, run->settings->refuse[i].regex, plain, 0, NULL))
            run->result = PRIVACY_REFUSED;
}

/* Its text as it is sent, and all texts in it. */
static void check_value(struct privacy_run *run, const struct value *v)
{
    struct value of = *v;
    if (run->result != PRIVACY_OK || value_is_null_or_nothing(v))
        return;
    check_text(run, value_as_text(run->arena, v));
    if (!value_is_container(v))
        return;
    if (!value_tokenise(run->arena, &of)) {
        refuse_unless_no_memory(run);
        return;
    }
    for (uint32_t t = of.token; t < of.doc->tokens[of.token].next && run->result == PRIVACY_OK; t++)
        if (of.doc->tokens[t].type == JSON_STRING || of.doc->tokens[t].type == JSON_NUMBER)
            check_text(run, json_unescape(run->arena, json_token_text(of.doc, t)));
}

static void check_call(struct privacy_run *run, const struct call_fields *f)
{
    const struct value *const fields[] = {
        &f->user_id,  &f->event_id,  &f->timestamp,   &f->event,       &f->model,         &f->input,     &f->output,
        &f->convo_id, &f->sentiment, &f->signal_name, &f->signal_type, &f->attachment_id, &f->properties};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        check_value(run, fields[i]);
    for (size_t i = 0; i < f->attachment_count; i++) {
        const struct call_attachment *a = &f->attachments[i];
        check_value(run, &a->type);
        check_value(run, &a->name);
        check_value(run, &a->value);
        check_value(run, &a->role);
        check_value(run, &a->language);
        check_value(run, &a->attachment_id);
    }
}

/* ---- redact, patterns ------------------------------------------------------------------------------------------- */

/* All matches of one pattern become <NAME>. The text itself where there is none. */
static struct slice replace_pattern(struct privacy_run *run, const struct privacy_pattern *pattern, struct slice text)
{
    struct buffer out;
    struct regex_match match;
    size_t copied = 0, from = 0;
    buffer_init_in(&out, run->arena);
    while (from <= text.len && searches(run, pattern->regex, text, from, &match)) {
        if (match.end == match.start) { /* nothing there to be hidden */
            from = match.end + 1;
            while (from < text.len && ((unsigned char)text.text[from] & 0xc0) == 0x80)
                from++;
            continue;
        }
        buffer_add(&out, slice_of(text.text + copied, match.start - copied));
        buffer_printf(&out, "<%.*s>", SLICE_FMT(pattern->name));
        copied = from = match.end;
    }
    if (copied == 0)
        return text;
    buffer_add(&out, slice_from_offset(text, copied));
    return buffer_slice(&out);
}

static struct slice rewrite_text(struct privacy_run *run, struct slice plain)
{
    if (run->settings->redact && !redact_text(run->arena, plain, run->settings->redact, &plain))
        run->result = PRIVACY_NO_MEMORY;
    for (size_t i = 0; i < run->settings->pattern_count && run->result == PRIVACY_OK; i++)
        plain = replace_pattern(run, &run->settings->patterns[i], plain);
    return plain;
}

/* Every text in an array or object; the value itself, byte for byte, where none of them changes. */
static void rewrite_container(struct privacy_run *run, struct value *v)
{
    struct buffer out;
    size_t copied = 0;
    buffer_init_in(&out, run->arena);
    if (!value_tokenise(run->arena, v)) {
        refuse_unless_no_memory(run);
        return;
    }
    const struct json_doc *doc = v->doc;
    size_t start = doc->tokens[v->token].start;
    for (uint32_t t = v->token; t < doc->tokens[v->token].next && run->result == PRIVACY_OK; t++) {
        if (doc->tokens[t].type != JSON_STRING || json_token_is_name(doc, t))
            continue;
        struct slice plain = json_unescape(run->arena, json_token_text(doc, t)), rewritten = rewrite_text(run, plain);
        if (rewritten.text == plain.text)
            continue;
        size_t at = doc->tokens[t].start - start;
        buffer_add(&out, slice_of(v->text.text + copied, at - copied));
        json_write_escaped(&out, rewritten);
        copied = doc->tokens[t].end - start;
    }
    if (copied == 0)
        return;
    buffer_add(&out, slice_from_offset(v->text, copied));
    *v = value_of_json(buffer_slice(&out));
}

/* A text field: the texts in it, and then what it is as text. */
static void rewrite_field(struct privacy_run *run, struct value *v)
{
    if (run->result != PRIVACY_OK || value_is_null_or_nothing(v))
        return;
    if (value_is_container(v))
        rewrite_container(run, v);
    struct slice plain = value_as_text(run->arena, v), rewritten = rewrite_text(run, plain);
    if (rewritten.text != plain.text)
        *v = value_of_plain(rewritten);
}

static void rewrite_attachments(struct privacy_run *run, struct call_fields *f)
{
    struct call_attachment *copies = arena_calloc(run->arena, f->attachment_count, sizeof *copies);
    if (!copies)
        return;
    for (size_t i = 0; i < f->attachment_count; i++) {
        copies[i] = f->attachments[i];
        rewrite_field(run, &copies[i].value);
        rewrite_field(run, &copies[i].language);
    }
    f->attachments = copies;
}

static void rewrite_call(struct privacy_run *run, struct call_fields *f)
{
    if (run->settings->pattern_count == 0 && !run->settings->redact)
        return;
    rewrite_field(run, &f->model);
    rewrite_field(run, &f->input);
    rewrite_field(run, &f->output);
    if (value_is_container(&f->properties) && run->result == PRIVACY_OK)
        rewrite_container(run, &f->properties);
    rewrite_attachments(run, f);
}

/* ---- properties ------------------------------------------------------------------------------------------------- */

static void keep_named_properties(struct privacy_run *run, struct call_fields *f, uint32_t *left_out)
{
    size_t others = 0;
    if (!run->settings->properties_set || !value_is_there(&f->properties) || run->result != PRIVACY_OK)
        return;
    enum properties_result result = properties_pick(run->arena, &f->properties, run->settings->properties,
                                                    run->settings->property_count, &f->properties, &others);
    if (result != PROPERTIES_OK)
        refuse_unless_no_memory(run);
    *left_out += (uint32_t)others;
}

enum privacy_result privacy_apply(const struct privacy_settings *p, struct scope *scope, struct call_fields *f,
                                  uint32_t *left_out)
{
    struct privacy_run run = {.settings = p, .scope = scope, .arena = scope->arena};
    check_call(&run, f);
    keep_named_properties(&run, f, left_out);
    rewrite_call(&run, f);
    return scope->arena->failed ? PRIVACY_NO_MEMORY : run.result;
}
