#include "mapping_oracle.h"

#include "limits.h"
#include "map/chunk_print.h"
#include "merge/merger.h"
#include "wire/call_check.h"

#include <errno.h>
#include <stdlib.h>

static int read_nothing(void *context, const char *path, char **ret_text, size_t *ret_len)
{
    (void)context, (void)path, (void)ret_text, (void)ret_len;
    return ENOENT;
}

static int find_nothing(void *context, const char *pattern, char ***ret_paths, size_t *ret_count)
{
    (void)context, (void)pattern;
    *ret_paths = NULL;
    *ret_count = 0;
    return 0;
}

static const char *get_nothing(void *context, const char *name)
{
    (void)context, (void)name;
    return NULL;
}

const struct config_source fuzz_empty_world = {
    .read_file = read_nothing, .glob = find_nothing, .get_environment = get_nothing};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_call(const struct chunk *c, const struct mapped_call *call)
{
    static const enum checked_call kinds[] = {CHECKED_EVENT, CHECKED_SIGNAL, CHECKED_IDENTIFY};
    const struct json_doc *doc;
    struct call_problems problems;
    struct arena arena;
    arena_init(&arena, LIMIT_RECORD_ARENA);
    require(call->text_len <= LIMIT_CALL);
    enum json_fault fault =
        json_doc_parse(&arena, chunk_text(c, call->text_at, call->text_len), JSON_OBJECT_ONLY, &doc);
    require(fault == JSON_OK || fault == JSON_TOO_DEEP); /* a record as deep as may be within properties */
    if (fault == JSON_OK) {
        call_check(&arena, doc, 0, kinds[call->endpoint], &problems);
        require(problems.count == 0);
        /* Nothing was left to be mended. */
        require(slice_equal(doc->text, chunk_text(c, call->text_at, call->text_len)));
    }
    arena_release(&arena);
}

/* Calls of merged records are no line's. */
static void check_chunk(const struct chunk *c)
{
    uint64_t settled = c->line_count;
    size_t calls = 0, own = c->part_count;
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        settled += c->outcomes[i];
    require(settled == c->lines_read);
    for (size_t i = 0; i < c->line_count; i++)
        calls += c->lines[i].calls;
    for (size_t i = 0; i < c->call_count; i++) {
        own += c->calls[i].merged == 0;
        require(c->calls[i].merged <= c->merged_count);
        check_call(c, &c->calls[i]);
    }
    require(calls >= own); /* kept texts count as calls, too */
}

/* What is still open ends with the bytes; then nothing is left. */
static void end_merges(struct merger *merger, const struct config *config, struct chunk *chunk, bool all,
                       struct buffer *out)
{
    const struct config *of;
    merger_end_all(merger);
    while (merger_next(merger, chunk, &of)) {
        require(of == config);
        check_chunk(chunk);
        chunk_print(out, chunk, config, SLICE("fuzz"), all);
        merger_forget(merger, chunk);
    }
    require(!merger_has_ended(merger) && merger_open(merger) == 0 && merger_bytes(merger) == 0);
}

static void map_in_pieces(const struct config *config, struct slice bytes, uint32_t seed, enum map_mode mode, bool all,
                          struct buffer *out)
{
    struct mapper *mapper = mapper_new(config, mode, SLICE("host"));
    struct source source = {.id = file_id_of_name(SLICE("fuzz")), .path = SLICE("/logs/fuzz.jsonl")};
    struct merger *merger = merger_new(mode, SLICE("host"));
    struct chunk chunk;
    require(mapper && merger && merger_configure(merger, config, MIB(1)));
    chunk_init(&chunk);
    position_init(&source.at);
    for (size_t end = 0; end < bytes.len;) {
        seed = seed * 1664525 + 1013904223;
        size_t more = seed == 0 ? bytes.len : 1 + (seed >> 20) % (bytes.len / 4 + 1);
        end = more < bytes.len - end ? end + more : bytes.len;
        do {
            size_t at = (size_t)position_offset(&source.at);
            mapper_take(mapper, &source, slice_of(bytes.text + at, end - at), at,
                        end == bytes.len ? MAP_TAKE_LAST_LINE_ANYHOW : 0, seed % 5000, 0, &chunk);
            require(chunk.result != CHUNK_NO_MEMORY);
            require(position_offset(&source.at) == at + chunk.consumed);
            require(merger_take(merger, &chunk, config, SLICE("fuzz")));
            check_chunk(&chunk);
            chunk_print(out, &chunk, config, SLICE("fuzz"), all);
            merger_forget(merger, &chunk);
        } while (chunk.result == CHUNK_FULL);
    }
    end_merges(merger, config, &chunk, all, out);
    chunk_release(&chunk);
    merger_free(merger);
    mapper_free(mapper);
}

static void compare(const struct config *config, struct slice bytes, uint32_t seed, enum map_mode other_mode, bool all)
{
    struct buffer one, other;
    buffer_init(&one, SIZE_MAX);
    buffer_init(&other, SIZE_MAX);
    map_in_pieces(config, bytes, seed, MAP_ALL, all, &one);
    map_in_pieces(config, bytes, ~seed, other_mode, all, &other);
    require(slice_equal(buffer_slice(&one), buffer_slice(&other)));
    buffer_release(&one);
    buffer_release(&other);
}

void mapping_oracle(const struct config *config, struct slice bytes, uint32_t seed)
{
    compare(config, bytes, seed, MAP_ALL, true);
    compare(config, bytes, seed, MAP_FOR_RUN, false); /* the pre-filter changes no call */
}
