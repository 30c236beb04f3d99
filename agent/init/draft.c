#include "init/draft.h"

#include "init/survey.h"
#include "limits.h"
#include "json/json_writer.h"

/* ---- Who is what ------------------------------------------------------------------------------------------------ */

enum role {
    ROLE_USER,
    ROLE_INPUT,
    ROLE_OUTPUT,
    ROLE_MODEL,
    ROLE_CONVERSATION,
    ROLE_ID,
    ROLE_TIME,
    ROLE_RATING,
    ROLE_COMMENT,
    ROLE_LATENCY,
    ROLE_INPUT_TOKENS,
    ROLE_OUTPUT_TOKENS,
    ROLE_COST,
    ROLE_EMAIL,
    ROLE_PLAN,
    ROLE_NAME,
    ROLE_COUNT
};

enum shape { SHAPE_ID, SHAPE_TEXT, SHAPE_MODEL, SHAPE_TIME, SHAPE_NUMBER, SHAPE_EMAIL, SHAPE_WORD, SHAPE_ANY };

/* Names as they are left when case, blanks and punctuation are taken off; the surest first. */
static const struct role_names {
    const char *what; /* for the comment */
    enum shape shape;
    const char *names[24];
} roles[ROLE_COUNT] = {
    [ROLE_USER] = {"user",
                   SHAPE_ID,
                   {"userid", "enduserid", "enduser", "uid", "customerid", "accountid", "memberid", "externaluserid",
                    "userexternalid", "useruuid", "username", "user", "customer", "author", "actor", "sub"}},
    [ROLE_INPUT] = {"what the user said",
                    SHAPE_TEXT,
                    {"prompt", "userprompt", "usermessage", "userinput", "userquery", "question", "messages", "query",
                     "input", "inputtext", "ask", "utterance", "requesttext", "inputmessage", "request", "text"}},
    [ROLE_OUTPUT] = {"the answer",
                     SHAPE_TEXT,
                     {"completion", "answer", "assistantmessage", "assistantresponse", "llmresponse", "llmoutput",
                      "modeloutput", "botresponse", "botmessage", "botanswer", "generatedtext", "generation",
                      "response", "responsetext", "reply", "output", "outputtext", "result", "content"}},
    [ROLE_MODEL] = {"model",
                    SHAPE_MODEL,
                    {"model", "modelname", "modelid", "llmmodel", "llm", "engine", "deployment", "deploymentname"}},
    [ROLE_CONVERSATION] = {"conversation",
                           SHAPE_ID,
                           {"conversationid", "convoid", "threadid", "chatid", "sessionid", "dialogid", "dialogueid",
                            "conversation", "thread", "session", "channelid", "roomid"}},
    [ROLE_ID] = {"id of the answer",
                 SHAPE_ID,
                 {"eventid", "messageid", "completionid", "responseid", "generationid", "answerid", "requestid",
                  "interactionid", "turnid", "spanid", "msgid", "reqid", "id", "uuid"}},
    [ROLE_TIME] = {"time",
                   SHAPE_TIME,
                   {"timestamp", "time", "ts", "datetime", "eventtime", "createdat", "created", "date", "t", "at",
                    "loggedat", "starttime"}},
    [ROLE_RATING] = {"rating",
                     SHAPE_WORD,
                     {"rating", "thumbs", "thumb", "vote", "reaction", "feedback", "feedbacktype", "feedbackrating",
                      "userrating", "sentiment"}},
    [ROLE_COMMENT] = {"comment", SHAPE_ANY, {"comment", "feedbacktext", "feedbackcomment", "reason", "note"}},
    [ROLE_LATENCY] = {"latency",
                      SHAPE_NUMBER,
                      {"latencyms", "durationms", "elapsedms", "responsetimems", "tookms", "responsetime", "latency",
                       "duration", "elapsed"}},
    [ROLE_INPUT_TOKENS] = {"tokens", SHAPE_NUMBER, {"inputtokens", "prompttokens", "tokensin", "tokensinput"}},
    [ROLE_OUTPUT_TOKENS] = {"tokens", SHAPE_NUMBER, {"outputtokens", "completiontokens", "tokensout", "tokensoutput"}},
    [ROLE_COST] = {"cost", SHAPE_NUMBER, {"costusd", "cost", "totalcost", "price"}},
    [ROLE_EMAIL] = {"trait of the user", SHAPE_EMAIL, {"email", "useremail", "emailaddress", "mail"}},
    [ROLE_PLAN] = {"trait of the user", SHAPE_WORD, {"plan", "userplan", "tier", "usertier", "subscription"}},
    [ROLE_NAME] = {"trait of the user", SHAPE_ANY, {"userfullname", "fullname", "displayname", "userdisplayname"}},
};

/* Whether what stands there can be it at all: 0 no, 1 it may be, 2 it looks like it. */
static unsigned fits(const struct field *f, enum shape shape)
{
    size_t most = f->seen / 2;
    switch (shape) {
    case SHAPE_ID:
        return f->seen == 0 || f->objects || f->lists || f->bools || f->sentences > most ? 0 : 1;
    case SHAPE_TEXT:
        return f->messages > most || f->sentences > most ? 2 : f->texts > most || f->objects || f->lists ? 1 : 0;
    case SHAPE_MODEL:
        return f->models > most ? 2 : f->texts > most && f->sentences == 0 ? 1 : 0;
    case SHAPE_TIME:
        return f->times > most ? 2 : 0;
    case SHAPE_NUMBER:
        return f->numbers > most ? 2 : f->texts > most && f->sentences == 0 ? 1 : 0;
    case SHAPE_EMAIL:
        return f->emails > most ? 2 : 0;
    case SHAPE_WORD:
        return f->objects || f->lists || f->sentences ? 0 : f->seen ? 1 : 0;
    case SHAPE_ANY:
        return f->seen && !f->objects && !f->lists;
    }
    return 0;
}

/* The place of a name in the role's list, from the end, so that more is surer; 0 it is not in it. */
static unsigned named(const struct field *f, const struct role_names *role)
{
    enum { MOST = sizeof role->names / sizeof role->names[0] };
    for (unsigned i = 0; i < MOST && role->names[i]; i++)
        if (slice_is(f->name, role->names[i]) || slice_is(f->long_name, role->names[i]))
            return MOST - i;
    return 0;
}

struct found {
    const struct field *field; /* NULL: none */
    const char *how_sure;
};

struct draft {
    const struct samples *samples;
    struct survey survey;
    struct found roles[ROLE_COUNT];
    struct buffer *out;
};

/* `with`: a field that it must stand beside, or NULL. */
static struct found find(const struct survey *s, enum role which, const struct field *with)
{
    struct found best = {NULL, ""};
    size_t best_score = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];
        unsigned name = named(f, &roles[which]), shape = fits(f, roles[which].shape);
        size_t beside = with ? field_together(f, with) : f->seen;
        if (!shape || beside == 0 || (!name && !(which == ROLE_MODEL && shape == 2)))
            continue;
        size_t score = (size_t)name * 100 + shape * 250 + beside;
        if (score > best_score) {
            best_score = score;
            best.field = f;
            best.how_sure = name && shape == 2 ? "sure" : name > 12 ? "sure by its name" : "likely";
        }
    }
    return best;
}

/* Where no name tells: the places with the longest texts. */
static struct found longest_text(const struct survey *s, const struct field *other)
{
    struct found best = {NULL, "a guess: the longest texts stand there"};
    size_t best_mean = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct field *f = &s->fields[i];
        if (f == other || f->texts == 0 || f->sentences <= f->seen / 2 || (other && !field_together(f, other)))
            continue;
        if (f->bytes / f->texts > best_mean) {
            best_mean = f->bytes / f->texts;
            best.field = f;
        }
    }
    return best;
}

static void find_roles(struct draft *d)
{
    const struct survey *s = &d->survey;
    struct found *r = d->roles;
    r[ROLE_OUTPUT] = find(s, ROLE_OUTPUT, NULL);
    r[ROLE_INPUT] = find(s, ROLE_INPUT, r[ROLE_OUTPUT].field);
    if (!r[ROLE_INPUT].field && r[ROLE_OUTPUT].field)
        r[ROLE_INPUT] = find(s, ROLE_INPUT, NULL);
    if (!r[ROLE_OUTPUT].field && !r[ROLE_INPUT].field)
        r[ROLE_OUTPUT] = longest_text(s, NULL);
    const struct field *line = r[ROLE_OUTPUT].field ? r[ROLE_OUTPUT].field : r[ROLE_INPUT].field;
    for (int i = 0; i < ROLE_COUNT; i++)
        if (i != ROLE_INPUT && i != ROLE_OUTPUT && i != ROLE_RATING && i != ROLE_COMMENT)
            r[i] = find(s, (enum role)i, line);
    r[ROLE_RATING] = find(s, ROLE_RATING, NULL);
    r[ROLE_COMMENT] = r[ROLE_RATING].field ? find(s, ROLE_COMMENT, r[ROLE_RATING].field) : (struct found){NULL, ""};
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

/* An expression as YAML: quoted where YAML would take it apart. */
static void write_expression(struct buffer *out, struct slice text)
{
    bool quote = false;
    for (size_t i = 0; i < text.len; i++)
        quote |= strchr("[]{},#'\"&*!%@`", text.text[i]) || (unsigned char)text.text[i] < 0x20 ||
                 (text.text[i] == ':' && i + 1 < text.len && text.text[i + 1] == ' ');
    if (quote)
        json_write_string(out, text);
    else
        buffer_add(out, text);
}

/* indent KEY: PATH | FILTERS   # what it is, how sure */
static void write_role(struct draft *d, enum role which, const char *key, const char *filters)
{
    const struct found *found = &d->roles[which];
    if (!found->field)
        return;
    struct buffer expression;
    buffer_init(&expression, LIMIT_CONFIG_FILE);
    buffer_add(&expression, found->field->path);
    buffer_add_text(&expression, filters);
    buffer_add_text(d->out, key);
    write_expression(d->out, buffer_slice(&expression));
    buffer_printf(d->out, "  # %s: %s, on %zu of %zu lines\n", roles[which].what, found->how_sure, found->field->seen,
                  d->samples->count);
    d->out->failed |= expression.failed;
    buffer_release(&expression);
}

static const char *text_filter(const struct field *f, const char *of_messages)
{
    return f && f->messages ? of_messages : f && (f->objects || f->lists) ? " | text" : "";
}

static void write_lets(struct draft *d)
{
    if (d->survey.let_count == 0)
        return;
    buffer_add_text(d->out, "    let: # text that is JSON itself\n");
    for (size_t i = 0; i < d->survey.let_count; i++) {
        struct buffer expression;
        buffer_init(&expression, LIMIT_CONFIG_FILE);
        buffer_add(&expression, d->survey.lets[i].path);
        buffer_add_text(&expression, " | parse_json");
        buffer_printf(d->out, "      %.*s: ", SLICE_FMT(d->survey.lets[i].name));
        write_expression(d->out, buffer_slice(&expression));
        buffer_add_char(d->out, '\n');
        buffer_release(&expression);
    }
}

static void write_when(struct draft *d, const struct field *f, const char *condition)
{
    buffer_add_text(d->out, "    when:\n      ");
    write_expression(d->out, f->path);
    buffer_printf(d->out, ": %s\n", condition);
}

static void write_properties(struct draft *d)
{
    static const struct {
        enum role role;
        const char *key;
    } rows[] = {{ROLE_LATENCY, "        latency_ms: "},
                {ROLE_INPUT_TOKENS, "        input_tokens: "},
                {ROLE_OUTPUT_TOKENS, "        output_tokens: "},
                {ROLE_COST, "        cost_usd: "}};
    bool any = false;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (d->roles[rows[i].role].field && !any)
            buffer_add_text(d->out, "      properties:\n");
        any |= d->roles[rows[i].role].field != NULL;
        write_role(d, rows[i].role, rows[i].key, " | number");
    }
}

static void write_traits(struct draft *d)
{
    const struct found *user = &d->roles[ROLE_USER];
    if (!user->field || (!d->roles[ROLE_EMAIL].field && !d->roles[ROLE_PLAN].field && !d->roles[ROLE_NAME].field))
        return;
    buffer_add_text(d->out, "    identify:\n      when:\n        ");
    write_expression(d->out, user->field->path);
    buffer_add_text(d->out, ": {exists: true, ne: null}\n");
    write_role(d, ROLE_USER, "      user_id: ", "");
    buffer_add_text(d->out, "      traits:\n");
    write_role(d, ROLE_EMAIL, "        email: ", "");
    write_role(d, ROLE_PLAN, "        plan: ", "");
    write_role(d, ROLE_NAME, "        name: ", "");
}

static void write_completion(struct draft *d, const struct field *line)
{
    const struct found *r = d->roles;
    buffer_add_text(d->out, "  - name: completion\n");
    write_lets(d);
    write_when(d, line, "{exists: true, ne: null}");
    buffer_add_text(d->out, "    event:\n      event: chat_completion\n");
    write_role(d, ROLE_ID, "      event_id: ", "");
    write_role(d, ROLE_USER, "      user_id: ", " ?? \"anonymous\"");
    if (!r[ROLE_USER].field)
        buffer_add_text(d->out, "      user_id: anonymous  # nothing looks like the id of a user\n");
    write_role(d, ROLE_TIME, "      timestamp: ", "");
    buffer_add_text(d->out, "      ai_data:\n");
    write_role(d, ROLE_MODEL, "        model: ", "");
    write_role(d, ROLE_INPUT, "        input: ", text_filter(r[ROLE_INPUT].field, " | last_text(\"user\")"));
    write_role(d, ROLE_OUTPUT, "        output: ", text_filter(r[ROLE_OUTPUT].field, " | last_text(\"assistant\")"));
    write_role(d, ROLE_CONVERSATION, "        convo_id: ", "");
    write_properties(d);
    write_traits(d);
}

/* The id that a rating is about stands on its line; where the answers have one of that name, it is that. */
static struct found rated_id(const struct draft *d)
{
    const struct field *rating = d->roles[ROLE_RATING].field, *id = d->roles[ROLE_ID].field;
    if (id && rating && field_together(id, rating))
        return d->roles[ROLE_ID];
    return rating ? find(&d->survey, ROLE_ID, rating) : (struct found){NULL, ""};
}

static void write_feedback(struct draft *d, const struct field *line)
{
    struct found id = rated_id(d);
    if (!id.field)
        return;
    buffer_add_text(d->out, "  - name: feedback\n");
    write_lets(d);
    write_when(d, d->roles[ROLE_RATING].field, "{exists: true, ne: null}");
    if (line && field_together(line, d->roles[ROLE_RATING].field))
        buffer_add_text(d->out, "    continue: true # the line has an answer, too\n");
    buffer_add_text(d->out, "    signal:\n");
    struct found answer_id = d->roles[ROLE_ID], time = d->roles[ROLE_TIME];
    d->roles[ROLE_ID] = id;
    d->roles[ROLE_TIME] = find(&d->survey, ROLE_TIME, d->roles[ROLE_RATING].field);
    write_role(d, ROLE_ID, "      event_id: ", "");
    buffer_add_text(d->out, "      signal_type: feedback\n");
    write_role(d, ROLE_RATING, "      signal_name: ",
               " | string | lower | lookup(ratings) | lookup(rating_names, \"feedback\") | default(\"feedback\")");
    write_role(d, ROLE_RATING, "      sentiment: ", " | string | lower | lookup(ratings)");
    write_role(d, ROLE_TIME, "      timestamp: ", "");
    buffer_add_text(d->out, "      properties:\n");
    write_role(d, ROLE_RATING, "        rating: ", "");
    write_role(d, ROLE_COMMENT, "        comment: ", "");
    d->roles[ROLE_ID] = answer_id;
    d->roles[ROLE_TIME] = time;
}

static const char tables[] =
    "tables:\n"
    "  ratings:\n"
    "    {up: POSITIVE, thumbs_up: POSITIVE, like: POSITIVE, good: POSITIVE, positive: POSITIVE, \"true\": POSITIVE,\n"
    "     \"1\": POSITIVE, \"5\": POSITIVE, \"4\": POSITIVE, down: NEGATIVE, thumbs_down: NEGATIVE, dislike: "
    "NEGATIVE,\n"
    "     bad: NEGATIVE, negative: NEGATIVE, \"false\": NEGATIVE, \"0\": NEGATIVE, \"-1\": NEGATIVE, \"2\": NEGATIVE}\n"
    "  rating_names: {POSITIVE: thumbs_up, NEGATIVE: thumbs_down}\n"
    "\n";

bool draft_rules(const struct samples *s, struct buffer *out)
{
    struct draft d = {.samples = s, .out = out};
    struct arena arena;
    arena_init(&arena, (size_t)LIMIT_LINE_MOST * 4);
    bool good = survey_run(s, &arena, &d.survey);
    if (good)
        find_roles(&d);
    const struct field *line = d.roles[ROLE_OUTPUT].field ? d.roles[ROLE_OUTPUT].field : d.roles[ROLE_INPUT].field;
    bool rated = good && rated_id(&d).field;
    if (rated)
        buffer_add_text(out, tables);
    if (good && (line || rated))
        buffer_add_text(out, "rules:\n");
    /* A rating beside an answer belongs to it; else it comes first, as its line may have the answer's text too. */
    if (rated)
        write_feedback(&d, line);
    if (good && line)
        write_completion(&d, line);
    arena_release(&arena);
    return good;
}

void draft_fallback(const struct samples *s, struct buffer *out)
{
    buffer_add_text(
        out, "# Nothing looks like a prompt, an answer or a rating: each line becomes an event with all that it has.\n"
             "rules:\n"
             "  - name: line\n"
             "    event:\n"
             "      event: log_line\n"
             "      user_id: anonymous\n");
    if (s->parser == PARSER_RAW)
        buffer_add_text(out,
                        "      ai_data:\n"
                        "        output: $.message  # take out what matters: $.message | capture(\"answer=(.*)\")\n");
    else
        buffer_add_text(out, "      properties: $\n");
}
