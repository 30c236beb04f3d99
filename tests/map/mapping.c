#include "map/mapping.h"

#include "conf/memory_source.h"
#include "map/chunk_print.h"
#include "support/cmocka_setup.h"

#include <stdio.h>

void mapping_set_mode(struct mapping *m, enum map_mode mode)
{
    mapper_free(m->mapper);
    merger_free(m->merger);
    m->mapper = mapper_new(m->config, mode, SLICE("host-1"));
    assert_non_null(m->mapper);
    m->merger = merger_new(mode, SLICE("host-1"));
    assert_non_null(m->merger);
    assert_true(merger_configure(m->merger, m->config, m->config->upload.buffer / 4));
}

void mapping_begin(struct mapping *m, struct slice config)
{
    static struct memory_source memory = {.variables = {"HOME=/home/user", NULL}};
    *m = (struct mapping){0};
    struct config_source source = memory_source_of(&memory);
    struct diagnostics *d = diagnostics_new();
    m->config = config_load_text(&source, "test.yaml", config, CONFIG_FOR_MAP, d);
    if (!m->config) {
        struct buffer text;
        buffer_init(&text, 1 << 20);
        diagnostics_print(d, &text, true, false);
        fprintf(stderr, "%.*s\n", SLICE_FMT(buffer_slice(&text)));
        buffer_release(&text);
    }
    diagnostics_free(d);
    assert_non_null(m->config);
    mapping_set_mode(m, MAP_ALL);
    chunk_init(&m->chunk);
    buffer_init(&m->shown, 64 << 20);
    position_init(&m->source.at);
    m->source.id = file_id_of_name(SLICE("test"));
    m->source.path = SLICE("/logs/chat.jsonl");
}

static void add_up(struct mapping *m)
{
    const struct chunk *c = &m->chunk;
    chunk_print(&m->shown, c, m->config, SLICE("chat.jsonl"), !m->calls_only);
    merger_forget(m->merger, &m->chunk);
    m->lines_read += c->lines_read;
    m->nul_bytes += c->nul_bytes;
    m->lines_with_calls += c->line_count;
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        m->outcomes[i] += c->outcomes[i];
}

void mapping_take(struct mapping *m, struct slice bytes, const size_t ends[], size_t count, size_t budget)
{
    for (size_t i = 0; i < count; i++) {
        for (bool more = true; more;) {
            size_t at = (size_t)position_offset(&m->source.at);
            mapper_take(m->mapper, &m->source, slice_of(bytes.text + at, ends[i] - at), at,
                        i + 1 == count ? MAP_TAKE_LAST_LINE_ANYHOW : 0, budget, 1767225600123, &m->chunk);
            assert_int_not_equal(m->chunk.result, CHUNK_NO_MEMORY);
            assert_int_equal(position_offset(&m->chunk.end), at + m->chunk.consumed);
            more = m->chunk.result == CHUNK_FULL;
            assert_true(merger_take(m->merger, &m->chunk, m->config, SLICE("chat.jsonl")));
            add_up(m);
        }
    }
    const struct config *config;
    merger_end_all(m->merger);
    while (merger_next(m->merger, &m->chunk, &config))
        add_up(m);
    assert_int_equal(merger_open(m->merger), 0);
    assert_int_equal(merger_bytes(m->merger), 0);
}

void mapping_end(struct mapping *m)
{
    buffer_release(&m->shown);
    chunk_release(&m->chunk);
    mapper_free(m->mapper);
    merger_free(m->merger);
    config_free(m->config);
}
