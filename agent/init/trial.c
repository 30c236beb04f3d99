/* Configurations are tried on the samples: a preset is recognised by what it makes of them, and what `init` drafted is
 * looked at before it is handed out. */
#include "init/trial.h"

#include "limits.h"
#include "merge/merger.h"

/* The lines as the input's parser gets them: logfmt as the JSON that it stands for, where a preset wants JSON. */
static void join_lines(const struct samples *s, const struct config *config, struct buffer *out)
{
    bool converted = s->parser == PARSER_LOGFMT && config->inputs[0].parser == PARSER_JSON;
    for (size_t i = 0; i < s->count; i++) {
        buffer_add(out, converted ? s->json[i] : s->lines[i]);
        buffer_add_char(out, '\n');
    }
}

static void count_refused(const struct chunk *chunk, struct trial *trial)
{
    for (size_t i = 0; i < chunk->note_count; i++)
        trial->refused += chunk->notes[i].outcome == OUTCOME_REJECTED;
    for (size_t i = 0; i < chunk->line_count; i++)
        trial->lines += !chunk->lines[i].rejected;
}

static bool merge(const struct config *config, struct chunk *chunk)
{
    struct merger *m = merger_new(MAP_ALL, SLICE("localhost"));
    bool merged = m && merger_configure(m, config, SIZE_MAX) && merger_take(m, chunk, config, SLICE("-"));
    if (merged) {
        merger_end_all(m);
        merged = merger_add_ended(m, chunk, config);
    }
    if (m)
        merger_forget(m, chunk);
    merger_free(m);
    return merged;
}

static bool map_samples(const struct samples *s, const struct config *config, struct trial *trial)
{
    struct mapper *mapper = mapper_new(config, MAP_ALL, SLICE("localhost"));
    struct source source = {.id = file_id_of_name(SLICE("-")), .path = SLICE("-")};
    struct buffer text;
    struct chunk chunk;
    bool merged = false;
    position_init(&source.at);
    buffer_init(&text, (size_t)LIMIT_LINE_MOST * 4);
    chunk_init(&chunk);
    join_lines(s, config, &text);
    if (mapper && !text.failed) {
        mapper_take(mapper, &source, buffer_slice(&text), 0, MAP_TAKE_LAST_LINE_ANYHOW, SIZE_MAX, 0, &chunk);
        merged = chunk.result != CHUNK_NO_MEMORY && merge(config, &chunk);
        count_refused(&chunk, trial);
    }
    bool good = mapper && !text.failed && merged;
    chunk_release(&chunk);
    buffer_release(&text);
    mapper_free(mapper);
    return good;
}

bool trial_run(const struct samples *s, const char *name, struct slice text, struct trial *ret)
{
    struct diagnostics *d = diagnostics_new();
    if (!d)
        return false;
    struct trial trial = {.valid = false};
    struct config *config = config_load_text(&config_source_system, name, text, CONFIG_FOR_MAP, d);
    bool good = !diagnostics_out_of_memory(d);
    if (config) {
        trial.valid = true;
        trial.raw = config->inputs[0].parser == PARSER_RAW;
        config->inputs[0].envelope = ENVELOPE_NONE; /* the samples are what was inside */
        good = map_samples(s, config, &trial);
    }
    config_free(config);
    diagnostics_free(d);
    *ret = trial;
    return good;
}

/* ---- Presets ---------------------------------------------------------------------------------------------------- */

static bool has_marks(struct slice line, const struct preset_about *about)
{
    for (size_t i = 0; i < about->mark_count; i++)
        if (!memmem(line.text, line.len, about->marks[i], strlen(about->marks[i])))
            return false;
    return true;
}

static size_t count_marked(const struct samples *s, const struct preset_about *about)
{
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        count += has_marks(s->lines[i], about);
    return count;
}

static bool try_preset(const struct samples *s, const struct preset *preset, struct trial *ret)
{
    char text[256];
    int n = snprintf(text, sizeof text, "include: [\"preset:%s\"]\ninputs: [{paths: [\"/x\"]}]\n", preset->name);
    return trial_run(s, preset->name, slice_of(text, (size_t)n), ret);
}

/* Marks are what only one writer's lines have: with them a preset counts twice; among equals, the more the surer. */
bool trial_find_preset(const struct samples *s, const struct preset **ret_preset, struct trial *ret_trial)
{
    const struct preset *best = NULL;
    size_t best_score = 0;
    bool good = true;
    struct arena arena;
    arena_init(&arena, LIMIT_CONFIG_ARENA);
    for (size_t i = 0; i < preset_count && good; i++) {
        struct preset_about about;
        struct trial trial;
        arena_reset(&arena);
        good = preset_about(&presets[i], &arena, &about);
        if (!good || (about.mark_count > 0 && count_marked(s, &about) == 0))
            continue;
        good = try_preset(s, &presets[i], &trial);
        size_t score = trial.lines * (about.mark_count ? 200 : 100) + (trial.lines ? about.mark_count : 0);
        if (score > best_score && trial.refused <= trial.lines / 4) {
            best_score = score;
            best = &presets[i];
            *ret_trial = trial;
        }
    }
    arena_release(&arena);
    *ret_preset = best;
    return good;
}
