#include "frames/record_lane.h"

#include "frames/multiline.h"
#include "limits.h"

#define TEXT_KEPT MIB(4) /* of a lane's buffer, from one piece of a file to the next */

static bool is_blank(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.text[i] != ' ' && (text.text[i] < '\t' || text.text[i] > '\r'))
            return false;
    return true;
}

/* A text that does not fit is left out. */
static size_t copy_short(char *to, size_t size, struct slice text)
{
    if (text.len == 0 || text.len > size)
        return 0;
    memcpy(to, text.text, text.len);
    return text.len;
}

static void stamp_set(struct record_stamp *stamp, const struct frame *frame)
{
    stamp->time_len = copy_short(stamp->time, sizeof stamp->time, frame->time);
    stamp->stream_len = copy_short(stamp->stream, sizeof stamp->stream, frame->stream);
}

static struct record record_of(struct line_place start, const struct record_stamp *stamp)
{
    return (struct record){.at = start,
                           .time = slice_of(stamp->time, stamp->time_len),
                           .stream = slice_of(stamp->stream, stamp->stream_len)};
}

static struct slice present_line(const struct record_lane *lane)
{
    return slice_from_offset(buffer_slice(&lane->text), lane->line_at);
}

static bool present_line_is_first(const struct record_lane *lane)
{
    return lane->line_at == lane->given;
}

/* ---- Giving out ------------------------------------------------------------------------------------------------- */

static void close_record(struct record_lane *lane)
{
    lane->open = lane->in_line = false;
    lane->given = lane->text.len;
}

static size_t give(struct record_lane *lane, const struct record_rules *rules, struct record *out)
{
    struct slice text = slice_from_offset(buffer_slice(&lane->text), lane->given);
    *out = record_of(lane->start, &lane->stamp);
    out->text = rules->start ? multiline_trim(text) : text;
    close_record(lane);
    return !is_blank(out->text);
}

static size_t give_oversized(struct record_lane *lane, struct record *out)
{
    *out = (struct record){.at = lane->start, .oversized = true};
    close_record(lane);
    return 1;
}

/* The lines before the present one, with which another record begins. */
static size_t give_before_line(struct record_lane *lane, struct record *out)
{
    lane->stamp_before = lane->stamp;
    *out = record_of(lane->start, &lane->stamp_before);
    out->text = multiline_trim(slice_of(lane->text.data, lane->line_at - 1));
    lane->given = lane->line_at;
    lane->start = lane->line_start;
    lane->stamp = lane->line_stamp;
    return 1;
}

static size_t end_line_of_many(struct record_lane *lane, const struct record_rules *rules, struct record *out)
{
    bool starts = multiline_starts(rules->start, present_line(lane), &lane->scratch);
    bool first = present_line_is_first(lane);
    if (first && ((lane->skip & SKIP_RECORD && !starts) || is_blank(present_line(lane)))) {
        close_record(lane);
        return 0;
    }
    if (starts) {
        lane->skip = 0;
        return first ? 0 : give_before_line(lane, out);
    }
    if (lane->text.len <= rules->max_line)
        return 0;
    lane->skip = SKIP_RECORD;
    return give_oversized(lane, out);
}

static size_t end_line(struct record_lane *lane, const struct record_rules *rules, struct record *out)
{
    lane->in_line = false;
    return rules->start ? end_line_of_many(lane, rules, out) : give(lane, rules, out);
}

/* ---- Taking in -------------------------------------------------------------------------------------------------- */

static void begin_line(struct record_lane *lane, const struct frame *frame, struct line_place at)
{
    stamp_set(&lane->line_stamp, frame);
    lane->line_start = at;
    if (lane->open) {
        buffer_add_char(&lane->text, '\n');
    } else {
        lane->stamp = lane->line_stamp;
        lane->start = at;
    }
    lane->open = lane->in_line = true;
    lane->line_at = lane->text.len;
}

/* The present line alone is too long, and so is the record that it belongs to: one that it begins, if it does. */
static size_t give_up_line(struct record_lane *lane, const struct record_rules *rules, const struct frame *frame,
                           struct record *out)
{
    struct slice head = present_line(lane).len ? present_line(lane) : frame->text;
    if (head.len > rules->max_line)
        head.len = rules->max_line;
    bool starts = rules->start && multiline_starts(rules->start, head, &lane->scratch);
    size_t count = starts && !present_line_is_first(lane) ? give_before_line(lane, out) : 0;
    if (lane->skip & SKIP_RECORD && !starts)
        close_record(lane); /* belongs to one that was given as too long */
    else
        count += give_oversized(lane, out + count);
    lane->skip = (frame->partial ? SKIP_LINE : 0) | (rules->start ? SKIP_RECORD : 0);
    return count;
}

static size_t give_frame(const struct frame *frame, struct line_place at, struct record *out)
{
    *out = (struct record){.text = frame->text, .at = at, .time = frame->time, .stream = frame->stream};
    return !is_blank(frame->text);
}

size_t record_lane_add(struct record_lane *lane, const struct record_rules *rules, const struct frame *frame,
                       struct line_place at, struct record out[LANE_RECORDS_MOST])
{
    if (lane->skip & SKIP_LINE) {
        if (!frame->partial)
            lane->skip &= ~(unsigned)SKIP_LINE;
        return 0;
    }
    if (!lane->open && !rules->start && !frame->partial && frame->text.len <= rules->max_line)
        return give_frame(frame, at, out);
    if (!lane->in_line)
        begin_line(lane, frame, at);
    if (frame->text.len > rules->max_line - present_line(lane).len)
        return give_up_line(lane, rules, frame, out);
    buffer_add(&lane->text, frame->text);
    lane->in_line = frame->partial;
    return lane->in_line ? 0 : end_line(lane, rules, out);
}

size_t record_lane_flush(struct record_lane *lane, const struct record_rules *rules,
                         struct record out[LANE_RECORDS_MOST])
{
    size_t count = lane->in_line ? end_line(lane, rules, out) : 0;
    return lane->open ? count + give(lane, rules, out + count) : count;
}

size_t record_lane_give_up(struct record_lane *lane, const struct record_rules *rules,
                           struct record out[LANE_RECORDS_MOST])
{
    bool given_before = lane->skip & SKIP_RECORD;
    lane->skip = (lane->in_line ? SKIP_LINE : 0) | (rules->start ? SKIP_RECORD : 0);
    if (!given_before)
        return give_oversized(lane, out);
    close_record(lane);
    return 0;
}

struct slice record_lane_line_with(struct record_lane *lane, struct slice more)
{
    buffer_clear(&lane->scratch);
    if (lane->in_line)
        buffer_add(&lane->scratch, present_line(lane));
    buffer_add(&lane->scratch, more);
    return buffer_slice(&lane->scratch);
}

/* ---- Life ------------------------------------------------------------------------------------------------------- */

void record_lane_clear_given(struct record_lane *lane)
{
    size_t rest = lane->text.len - lane->given;
    if (lane->given == 0)
        return;
    if (rest)
        memmove(lane->text.data, lane->text.data + lane->given, rest);
    buffer_truncate(&lane->text, rest);
    lane->line_at -= lane->open ? lane->given : lane->line_at;
    lane->given = 0;
}

void record_lane_init(struct record_lane *lane)
{
    *lane = (struct record_lane){.open = false};
    buffer_init(&lane->text, 0);
    buffer_init(&lane->scratch, 0);
}

void record_lane_release(struct record_lane *lane)
{
    buffer_release(&lane->text);
    buffer_release(&lane->scratch);
}

/* The text: a record and a line as long as may be, before it is known that the line begins another record. The scratch:
 * a line that was mended or decoded. */
void record_lane_reset(struct record_lane *lane, const struct record_rules *rules, unsigned skip)
{
    if (lane->text.cap > TEXT_KEPT || lane->scratch.cap > TEXT_KEPT)
        record_lane_release(lane);
    lane->text.limit = 2 * rules->max_line + 2;
    lane->scratch.limit = 3 * LIMIT_RECORD_REACH(rules->max_line);
    buffer_clear(&lane->text);
    buffer_clear(&lane->scratch);
    lane->open = lane->in_line = false;
    lane->skip = rules->start ? skip : skip & SKIP_LINE;
    lane->line_at = lane->given = 0;
}

bool record_lane_failed(const struct record_lane *lane)
{
    return lane->text.failed || lane->scratch.failed;
}
