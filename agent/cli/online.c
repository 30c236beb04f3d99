/* The happy path: the questions are listed (a destination and one of its projects each), all are posted at once through
 * the transport that the agent uses, and when the last answer is there they are printed in the configuration's order.
 * What can go wrong is an answer like any other: no key in the file, nobody there, a certificate, a status. */
#include "cli/online.h"

#include "deliver/curl_transport.h"
#include "limits.h"
#include "wire/verdict.h"

#include <stdlib.h>

struct question {
    struct post post;
    const struct destination *destination;
    struct slice project; /* empty: none */
    struct asking *asking;
    bool taken;
    char answer[320]; /* where it is not taken */
};

struct asking {
    struct arena arena; /* the questions */
    struct question *questions;
    size_t count, open;
    bool by_expression; /* a project that is known only with the record */
    struct curl_transport *transport;
};

/* ---- What is asked ---------------------------------------------------------------------------------------------- */

static void add_question(struct asking *a, const struct destination *d, struct slice project)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->questions[i].destination == d && slice_equal(a->questions[i].project, project))
            return;
    struct question *grown = arena_grow_array(&a->arena, a->questions, a->count, sizeof *grown);
    if (!grown)
        return;
    a->questions = grown;
    a->questions[a->count++] = (struct question){.destination = d, .project = project};
}

/* A literal's text; else nothing, and that is remembered. */
static struct slice literal_project(struct asking *a, const struct expr *project)
{
    struct value v;
    if (project && expr_is_constant(project, &v))
        return value_as_text(&a->arena, &v);
    a->by_expression |= project != NULL;
    return SLICE("");
}

static void add_project_for(struct asking *a, const struct config *c, const struct expr *to, struct slice project)
{
    struct value v;
    bool literal = to && expr_is_constant(to, &v);
    struct slice name = literal ? value_as_text(&a->arena, &v) : SLICE("");
    for (size_t i = 0; i < c->destination_count; i++)
        if (literal ? slice_is(name, c->destinations[i].name) : to || i == 0) /* an expression may name any */
            add_question(a, &c->destinations[i], project);
}

static void add_rule(struct asking *a, const struct config *c, const struct rule *rule)
{
    struct slice project = literal_project(a, rule->project);
    for (size_t i = 0; project.len && i < c->input_count; i++)
        if (rule_applies_to(rule, i))
            add_project_for(a, c, rule->to ? rule->to : c->inputs[i].to, project);
}

static void list_questions(struct asking *a, const struct config *c)
{
    for (size_t i = 0; i < c->destination_count; i++)
        add_question(a, &c->destinations[i], literal_project(a, c->destinations[i].project));
    for (size_t i = 0; i < c->rules.count; i++)
        add_rule(a, c, &c->rules.items[i]);
}

/* ---- What the answers mean -------------------------------------------------------------------------------------- */

static void on_answer(struct post *post, const struct post_result *result)
{
    struct question *q = (struct question *)(void *)((char *)post - offsetof(struct question, post));
    const char *meaning = verdict_meaning(result->status, q->project.len > 0);
    q->taken = result->what == POST_ANSWERED && result->status >= 200 && result->status < 300;
    if (result->what == POST_ANSWERED)
        snprintf(q->answer, sizeof q->answer, "%s (status %d)", meaning ? meaning : "it is refused", result->status);
    else
        snprintf(q->answer, sizeof q->answer, "the server cannot be asked: %s",
                 result->why ? result->why : "cancelled");
    q->asking->open--;
}

/* ---- Asking ----------------------------------------------------------------------------------------------------- */

static void ask(struct asking *a, struct question *q)
{
    struct error error;
    struct target *target = target_new(q->destination);
    q->asking = a;
    q->post = (struct post){
        .target = target, .endpoint = ENDPOINT_EVENT, .project = q->project, .body = SLICE("[]"), .on_done = on_answer};
    if (!target) {
        snprintf(q->answer, sizeof q->answer, "out of memory");
    } else if (!target_key(target, &error)) {
        snprintf(q->answer, sizeof q->answer, "%s", error.text);
    } else {
        struct transport *seam = curl_transport_seam(a->transport);
        a->open++;
        seam->post(seam, &q->post);
    }
}

static void on_stopped(void *context)
{
    (void)context;
}

static bool ask_all(struct asking *a)
{
    struct error error;
    uv_loop_t loop;
    uv_loop_init(&loop);
    a->transport = curl_transport_start(&loop, &error);
    if (!a->transport) {
        fprintf(stderr, "raingauge check: %s\n", error.text);
        uv_loop_close(&loop);
        return false;
    }
    for (size_t i = 0; i < a->count; i++)
        ask(a, &a->questions[i]);
    while (a->open > 0)
        uv_run(&loop, UV_RUN_ONCE);
    curl_transport_stop(a->transport, on_stopped, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return true;
}

static bool print_answers(const struct asking *a, FILE *out, bool colours)
{
    bool all = true;
    for (size_t i = 0; i < a->count; i++) {
        const struct question *q = &a->questions[i];
        fprintf(out, "%s%s%.*s: ", q->destination->name, q->project.len ? ", project " : "", SLICE_FMT(q->project));
        fprintf(out, "%s%s%s%s%s\n",
                !colours   ? ""
                : q->taken ? "\x1b[32m"
                           : "\x1b[31m",
                q->taken ? "taken" : "not taken", colours ? "\x1b[0m" : "", q->taken ? "" : ": ",
                q->taken ? "" : q->answer);
        all &= q->taken;
    }
    return all;
}

bool online_check(const struct config *config, FILE *out, bool colours)
{
    struct asking a = {.count = 0};
    arena_init(&a.arena, LIMIT_CONFIG_ARENA);
    list_questions(&a, config);
    bool all = !a.arena.failed && ask_all(&a) && print_answers(&a, out, colours);
    if (a.arena.failed)
        fputs("raingauge check: out of memory\n", stderr);
    if (a.by_expression)
        fputs("projects that an expression names are not asked about\n", out);
    for (size_t i = 0; i < a.count; i++)
        target_free(a.questions[i].post.target);
    arena_release(&a.arena);
    return all;
}
