#include "frames/record_reader.h"

#include "limits.h"

#include <assert.h>

/* ---- Places ----------------------------------------------------------------------------------------------------- */

static struct line_place later(struct line_place place, uint64_t offset)
{
    return place.offset < offset ? (struct line_place){offset, place.nuls} : place;
}

/* Where each lane is to be read on: at the start of what it has open, else at `here`, to which all is taken. But for
 * the lane `giving`, which is giving a record that begins at `start`. */
static struct record_place place_of(const struct record_reader *r, struct line_place here, unsigned giving,
                                    struct line_place start)
{
    struct record_place place = {.at.offset = UINT64_MAX};
    struct line_place from[FRAME_LANES];
    for (unsigned i = 0; i < r->lane_count; i++) {
        const struct record_lane *lane = &r->lanes[i];
        from[i] = later(i == giving ? start : lane->open ? lane->start : here, r->taken_to[i]);
        if (from[i].offset < place.at.offset)
            place.at = from[i];
        place.lanes.skip[i] = i == giving ? 0 : lane->skip;
    }
    for (unsigned i = 0; i < r->lane_count; i++)
        place.lanes.ahead[i] = (uint32_t)(from[i].offset - place.at.offset);
    return place;
}

static struct line_place end_of_taken(const struct record_reader *r)
{
    return r->holds ? r->here : (struct line_place){r->splitter.offset, r->splitter.nul_bytes};
}

struct record_place record_reader_place(const struct record_reader *r)
{
    if (!r->joins)
        return (struct record_place){.at = end_of_taken(r), .skipping = r->splitter.skipping};
    if (r->first < r->count)
        return r->given[r->first].place;
    struct record_place place = place_of(r, end_of_taken(r), FRAME_LANES, r->here);
    place.skipping = r->splitter.skipping;
    return place;
}

bool record_reader_has_rest(const struct record_reader *r)
{
    return r->first < r->count || r->holds || r->splitter.rest.len > 0;
}

/* ---- Giving records --------------------------------------------------------------------------------------------- */

static void give(struct record_reader *r, unsigned lane, const struct record records[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(r->count < RECORDS_A_LINE);
        struct record *given = &r->given[r->count++];
        *given = records[i];
        given->place = place_of(r, r->here, lane, given->at);
    }
}

static void flush(struct record_reader *r, unsigned lane)
{
    struct record records[LANE_RECORDS_MOST];
    give(r, lane, records, record_lane_flush(&r->lanes[lane], &r->rules, records));
}

/* A record that nothing more can come of without its lines standing too far apart. */
static void give_up_far(struct record_reader *r)
{
    struct record records[LANE_RECORDS_MOST];
    for (unsigned i = 0; i < r->lane_count; i++) {
        struct record_lane *lane = &r->lanes[i];
        if (lane->open && r->here.offset - lane->start.offset > LIMIT_RECORD_REACH(r->rules.max_line))
            give(r, i, records, record_lane_give_up(lane, &r->rules, records));
    }
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

static bool is_taken(const struct record_reader *r, unsigned lane)
{
    return r->here.offset < r->taken_to[lane];
}

static void take_frame(struct record_reader *r, const struct frame *frame)
{
    struct record records[LANE_RECORDS_MOST];
    struct record_lane *lane = &r->lanes[frame->lane];
    if (is_taken(r, frame->lane))
        return;
    if (frame->bare && r->options.envelope != ENVELOPE_NONE) { /* it is no part of what is in an envelope */
        lane->skip &= ~(unsigned)SKIP_LINE;
        if (lane->in_line) {
            flush(r, frame->lane);
            r->held = *frame;
            r->holds = true;
            return;
        }
    }
    give(r, frame->lane, records, record_lane_add(lane, &r->rules, frame, r->here, records));
}

/* What belongs to no stream ends what the lane has open or skips. */
static void end_lane(struct record_reader *r, unsigned lane)
{
    flush(r, lane);
    r->lanes[lane].skip = 0;
}

/* A line that is of no stream, or of one that is not known; lane 0 has it. */
static void take_alone(struct record_reader *r, const struct record *record)
{
    if (is_taken(r, 0))
        return;
    end_lane(r, 0);
    give(r, 0, record, 1);
}

static struct slice decode(struct record_reader *r, struct slice text)
{
    if (r->options.encoding == ENCODING_UTF8)
        return text;
    buffer_clear(&r->decoded);
    encoding_decode(r->options.encoding, text, &r->decoded);
    return buffer_slice(&r->decoded);
}

static enum unwrap_result unwrap(struct record_reader *r, struct slice decoded, struct frame *ret_frame)
{
    arena_reset(&r->arena);
    enum unwrap_result result = envelope_take_off(r->options.envelope, &r->arena, decoded, ret_frame);
    r->failed |= r->decoded.failed || (result == UNWRAP_NO_MEMORY && r->arena.starved);
    return result;
}

static void take_text(struct record_reader *r, struct slice text)
{
    struct frame frame;
    text = decode(r, text);
    switch (unwrap(r, text, &frame)) {
    case UNWRAP_OK:
        take_frame(r, &frame);
        break;
    case UNWRAP_NOT_ONE:
        take_alone(r, &(struct record){.text = text, .at = r->here, .fault = RECORD_NO_ENVELOPE});
        break;
    case UNWRAP_NO_MEMORY: /* of the arena: each time it is read */
        take_alone(r, &(struct record){.text = text, .at = r->here, .fault = "too complex"});
        break;
    }
}

static void take_line(struct record_reader *r, const struct line *line)
{
    r->here = (struct line_place){line->offset, line->nuls};
    give_up_far(r);
    if (!line->oversized) {
        take_text(r, line->text);
        return;
    }
    for (unsigned i = 1; i < r->lane_count; i++)
        if (!is_taken(r, i))
            end_lane(r, i);
    take_alone(r, &(struct record){.at = r->here, .oversized = true});
}

/* ---- The end of the bytes --------------------------------------------------------------------------------------- */

static bool is_whole(const struct record_reader *r, struct slice text)
{
    return r->rules.start || !r->options.is_whole || r->options.is_whole(r->options.context, text);
}

static bool lane_is_whole(struct record_reader *r, unsigned lane)
{
    return is_whole(r, record_lane_line_with(&r->lanes[lane], SLICE("")));
}

/* Whether a line without its newline, which is the last one, is whole. While another stream has something open, reading
 * begins before this line again, and could not tell then whether it has grown since. */
static bool last_line_is_whole(struct record_reader *r, const struct line *line)
{
    struct frame frame;
    if (r->end != RECORDS_END_IF_WHOLE)
        return r->end == RECORDS_END;
    if (unwrap(r, decode(r, line->text), &frame) != UNWRAP_OK)
        return false;
    for (unsigned i = 0; i < r->lane_count; i++)
        if (i != frame.lane && r->lanes[i].open && !lane_is_whole(r, i))
            return false;
    return is_whole(r, record_lane_line_with(&r->lanes[frame.lane], frame.text));
}

static void take_last_line(struct record_reader *r)
{
    struct line line;
    if (!line_splitter_peek_rest(&r->splitter, &line) || !last_line_is_whole(r, &line))
        return;
    line_splitter_take_rest(&r->splitter);
    take_line(r, &line);
}

static bool lane_ends(struct record_reader *r, unsigned i)
{
    const struct record_lane *lane = &r->lanes[i];
    switch (r->end) {
    case RECORDS_GO_ON:
        break;
    case RECORDS_AT_REST:
        return !lane->in_line;
    case RECORDS_END_IF_WHOLE:
        return lane_is_whole(r, i);
    case RECORDS_END:
        return true;
    }
    return false;
}

static void end_lanes(struct record_reader *r)
{
    r->here = end_of_taken(r);
    for (unsigned i = 0; i < r->lane_count; i++)
        if (r->lanes[i].open && lane_ends(r, i))
            flush(r, i);
}

static bool take_end(struct record_reader *r)
{
    switch (r->ending++) {
    case END_NOT_REACHED:
        r->here = end_of_taken(r);
        give_up_far(r);
        return true;
    case END_LAST_LINE:
        take_last_line(r);
        return true;
    case END_LANES:
        end_lanes(r);
        return true;
    case END_DONE:
        break;
    }
    r->ending = END_DONE;
    return false;
}

/* ---- The loop --------------------------------------------------------------------------------------------------- */

/* One step, which may give records. False: there are no more. */
static bool step(struct record_reader *r)
{
    struct line line;
    r->first = r->count = 0;
    for (unsigned i = 0; i < r->lane_count; i++)
        record_lane_clear_given(&r->lanes[i]);
    if (r->holds) {
        r->holds = false;
        take_frame(r, &r->held);
        return true;
    }
    if (!line_splitter_next(&r->splitter, &line))
        return take_end(r);
    take_line(r, &line);
    return true;
}

static bool next_joined(struct record_reader *r, struct record *ret_record)
{
    while (r->first == r->count) {
        if (!step(r))
            return false;
        for (unsigned i = 0; i < r->lane_count; i++)
            r->failed |= record_lane_failed(&r->lanes[i]);
        if (r->failed)
            return false;
    }
    *ret_record = r->given[r->first++];
    return true;
}

/* Each line is a record: nothing is joined, and nothing copied. */
static bool next_plain(struct record_reader *r, struct record *ret_record)
{
    struct line line;
    if (!line_splitter_next(&r->splitter, &line)) {
        if (r->end < RECORDS_END_IF_WHOLE || !line_splitter_peek_rest(&r->splitter, &line))
            return false;
        if (r->end != RECORDS_END && !is_whole(r, decode(r, line.text)))
            return false;
        line_splitter_take_rest(&r->splitter);
    }
    struct line_place at = {line.offset, line.nuls};
    *ret_record =
        (struct record){.text = decode(r, line.text), .at = at, .oversized = line.oversized, .place = {.at = at}};
    r->failed = r->decoded.failed;
    return !r->failed;
}

bool record_reader_next(struct record_reader *r, struct record *ret_record)
{
    return r->joins ? next_joined(r, ret_record) : next_plain(r, ret_record);
}

struct slice record_reader_rest(const struct record_reader *r)
{
    bool plain = !r->joins && !r->splitter.skipping && r->options.encoding == ENCODING_UTF8;
    return plain ? r->splitter.rest : slice_of(NULL, 0);
}

void record_reader_skip(struct record_reader *r, size_t len)
{
    line_splitter_skip(&r->splitter, len);
}

/* ---- Life ------------------------------------------------------------------------------------------------------- */

static bool joins(const struct record_options *options)
{
    return options->envelope != ENVELOPE_NONE || options->multiline_start;
}

/* What stands in an envelope may be longer there, by its escapes. */
static size_t longest_line(const struct record_options *options)
{
    return options->envelope == ENVELOPE_NONE ? options->max_line : LIMIT_RECORD_REACH(options->max_line);
}

size_t record_reader_piece(const struct record_options *options)
{
    size_t before = joins(options) ? LIMIT_RECORD_REACH(options->max_line) : 0;
    return before + longest_line(options) + LIMIT_NUL_STEP + 2 * encoding_unit(options->encoding);
}

void record_reader_init(struct record_reader *r)
{
    *r = (struct record_reader){.failed = false};
    for (unsigned i = 0; i < FRAME_LANES; i++)
        record_lane_init(&r->lanes[i]);
    arena_init(&r->arena, LIMIT_RECORD_ARENA);
    buffer_init(&r->decoded, 3 * LIMIT_RECORD_REACH(LIMIT_LINE_MOST));
}

void record_reader_release(struct record_reader *r)
{
    for (unsigned i = 0; i < FRAME_LANES; i++)
        record_lane_release(&r->lanes[i]);
    arena_release(&r->arena);
    buffer_release(&r->decoded);
}

void record_reader_begin(struct record_reader *r, const struct record_options *options, struct slice bytes,
                         const struct record_place *from, enum record_end end)
{
    r->failed = false;
    r->options = *options;
    r->rules = (struct record_rules){options->multiline_start, options->max_line};
    r->joins = joins(options);
    r->lane_count = options->envelope == ENVELOPE_NONE ? 1 : FRAME_LANES;
    r->end = end;
    r->ending = END_NOT_REACHED;
    r->holds = false;
    r->first = r->count = 0;
    line_splitter_init(&r->splitter, bytes, from->at.offset, from->skipping, longest_line(options));
    r->splitter.encoding = options->encoding;
    r->splitter.keep_blank =
        options->multiline_start && (options->envelope == ENVELOPE_NONE || options->envelope == ENVELOPE_AUTO);
    buffer_clear(&r->decoded);
    if (!r->joins)
        return;
    r->here = (struct line_place){from->at.offset, 0};
    for (unsigned i = 0; i < r->lane_count; i++) {
        record_lane_reset(&r->lanes[i], &r->rules, from->lanes.skip[i]);
        r->taken_to[i] = from->at.offset + from->lanes.ahead[i];
    }
}
