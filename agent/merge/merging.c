#include "merge/merging.h"

#include "follow/file_saving.h"
#include "limits.h"
#include "map/chunk_log.h"
#include "merge/merger.h"

#include <assert.h>
#include <stdlib.h>

enum { RETRY_MS = 1000, TIMEOUT_STEP_MS = 20 };

struct merging {
    const struct config *config;
    struct delivery *delivery;
    struct metrics *metrics;
    struct log *log;
    struct merger *merger;
    struct chunk chunk; /* of what ended by itself */
    const struct config *chunk_config;
    bool chunk_waits; /* delivery had no memory for it */
    bool recovering;  /* some input is */
    uint64_t ticked, retry_at;
};

struct merging *merging_new(const struct config *config, struct delivery *delivery, struct metrics *metrics,
                            struct log *log, struct slice host)
{
    struct merging *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->delivery = delivery;
    m->metrics = metrics;
    m->log = log;
    chunk_init(&m->chunk);
    m->merger = merger_new(MAP_FOR_RUN, host);
    if (m->merger && merging_configure(m, config))
        return m;
    merging_free(m);
    return NULL;
}

void merging_free(struct merging *m)
{
    if (!m)
        return;
    merger_free(m->merger);
    chunk_release(&m->chunk);
    free(m);
}

bool merging_configure(struct merging *m, const struct config *config)
{
    size_t quarter = config->upload.buffer / 4;
    if (!merger_configure(m->merger, config, quarter < LIMIT_MERGING ? quarter : LIMIT_MERGING))
        return false;
    m->config = config;
    return true;
}

bool merging_uses(const struct merging *m, const struct config *config)
{
    return merger_uses(m->merger, config);
}

bool merging_recover(struct merging *m, const struct file_table *files)
{
    for (const struct file *f = file_table_first(files); f; f = file_table_next(f)) {
        if (!f->resume || f->source.input >= m->config->input_count)
            continue;
        if (!merger_recover(m->merger, m->config->inputs[f->source.input].name, file_table_next_part(files)))
            return false;
        m->recovering = true;
    }
    return true;
}

static void measure(struct merging *m)
{
    m->metrics->merges_open = merger_open(m->merger);
    delivery_set_merging(m->delivery, merger_bytes(m->merger));
}

bool merging_take(void *merging, struct ledger *l, struct chunk *chunk, const struct config *config, struct slice file,
                  uint64_t now)
{
    struct merging *m = merging;
    if (!merger_take(m->merger, chunk, config, file) || !delivery_take(m->delivery, l, chunk, config, now))
        return false;
    chunk_log_notes(m->log, chunk, config, file);
    merger_forget(m->merger, chunk);
    measure(m);
    return true;
}

/* ---- The turn --------------------------------------------------------------------------------------------------- */

static void end_recoveries(struct merging *m, const struct tailer *tailer)
{
    if (!m->recovering)
        return;
    m->recovering = false;
    for (size_t i = 0; i < m->config->input_count; i++)
        if (tailer_is_recovering(tailer, i) || !merger_recovered(m->merger, m->config->inputs[i].name))
            m->recovering = true;
    measure(m);
}

struct reading {
    const struct merging *m;
    const struct tailer *tailer;
    uint64_t now;
};

/* What is followed no more will not be read: nothing is to be waited for. */
static bool is_read_to_its_end(void *context, const char *input)
{
    const struct reading *r = context;
    for (size_t i = 0; i < r->m->config->input_count; i++)
        if (strcmp(r->m->config->inputs[i].name, input) == 0)
            return !tailer_is_behind(r->tailer, i, r->now);
    return true;
}

static bool deliver(struct merging *m, struct merging_teller teller, uint64_t now)
{
    if (!m->chunk_waits && !merger_next(m->merger, &m->chunk, &m->chunk_config))
        return false;
    m->chunk_waits = !delivery_take(m->delivery, NULL, &m->chunk, m->chunk_config, now);
    if (m->chunk_waits)
        return false;
    chunk_log_notes(m->log, &m->chunk, m->chunk_config, SLICE(""));
    if (teller.told)
        teller.told(teller.context, &m->chunk, m->chunk_config, SLICE(""));
    merger_forget(m->merger, &m->chunk);
    return true;
}

void merging_turn(struct merging *m, struct tailer *tailer, bool at_end, struct merging_teller teller, uint64_t now)
{
    struct reading reading = {m, tailer, now};
    uint64_t ms = m->ticked ? now - m->ticked : 0;
    m->ticked = now;
    if (m->retry_at > now || tailer_holds_a_chunk(tailer)) /* lines that are not in their ledger cannot be settled */
        return;
    end_recoveries(m, tailer);
    merger_tick(m->merger, ms, is_read_to_its_end, &reading);
    if (at_end)
        merger_end_all(m->merger);
    while (deliver(m, teller, now))
        continue;
    m->retry_at = m->chunk_waits || merger_has_ended(m->merger) ? now + RETRY_MS : 0;
    measure(m);
}

uint64_t merging_deadline(const struct merging *m, uint64_t now)
{
    uint64_t timeout = merger_next_timeout(m->merger);
    uint64_t at = timeout == UINT64_MAX ? UINT64_MAX : now + (timeout > TIMEOUT_STEP_MS ? timeout : TIMEOUT_STEP_MS);
    if (m->recovering && at > now + RETRY_MS)
        at = now + RETRY_MS;
    return m->retry_at && m->retry_at < at ? m->retry_at : at;
}

bool merging_is_done(const struct merging *m)
{
    return merger_open(m->merger) == 0 && !merger_has_ended(m->merger) && !m->chunk_waits && !m->recovering;
}
