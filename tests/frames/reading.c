#include "reading.h"

#include "support/cmocka_setup.h"
#include "json/json_writer.h"

#include <stdlib.h>

void reading_init(struct reading *reading)
{
    reading->count = 0;
    reading->nuls = 0;
    buffer_init(&reading->text, (size_t)1 << 26);
}

void reading_release(struct reading *reading)
{
    buffer_release(&reading->text);
}

static void note(struct reading *reading, const struct record *record)
{
    struct buffer *out = &reading->text;
    buffer_printf(out, "%llu ", (unsigned long long)record->at.offset);
    if (record->oversized) {
        buffer_add_text(out, "oversized");
    } else if (record->fault) {
        buffer_printf(out, "fault: %s", record->fault);
    } else {
        if (record->time.len || record->stream.len)
            buffer_printf(out, "[%.*s %.*s] ", SLICE_FMT(record->time), SLICE_FMT(record->stream));
        json_write_escaped(out, record->text);
    }
    buffer_add_char(out, '\n');
    assert_false(out->failed);
    assert_true(reading->count < READING_RECORDS_MOST);
    reading->places[reading->count] = record->place;
    reading->ends[reading->count++] = out->len;
}

static void read_piece(struct reading *reading, struct record_reader *r, const struct record_options *options,
                       struct slice bytes, const struct record_place *from, enum record_end end)
{
    struct record record;
    record_reader_begin(r, options, bytes, from, end);
    while (record_reader_next(r, &record))
        note(reading, &record);
    assert_false(r->failed);
    reading->place = record_reader_place(r);
    reading->nuls += reading->place.at.nuls;
}

void reading_whole(struct reading *reading, struct record_reader *r, const struct record_options *options,
                   struct slice file, const struct record_place *from, enum record_end end)
{
    read_piece(reading, r, options, slice_from_offset(file, (size_t)from->at.offset), from, end);
}

void reading_in_pieces(struct reading *reading, struct record_reader *r, const struct record_options *options,
                       struct slice file, enum record_end end, uint64_t cuts)
{
    reading->place = (struct record_place){.skipping = false};
    size_t step = file.len / 1000 + 1;
    for (size_t upto = 1; upto < file.len; upto += step) {
        if (!(cuts >> (upto / step % 64) & 1))
            continue;
        struct record_place from = reading->place;
        size_t at = (size_t)from.at.offset;
        /* memory of its own, so that what is read beyond it is seen */
        char *piece = malloc(upto - at ? upto - at : 1);
        assert_non_null(piece);
        memcpy(piece, file.text + at, upto - at);
        read_piece(reading, r, options, slice_of(piece, upto - at), &from, RECORDS_GO_ON);
        free(piece);
    }
    struct record_place from = reading->place;
    reading_whole(reading, r, options, file, &from, end);
}

static void assert_same_place(const struct record_place *a, const struct record_place *b)
{
    assert_int_equal(a->at.offset, b->at.offset);
    assert_int_equal(a->skipping, b->skipping);
    assert_memory_equal(a->lanes.ahead, b->lanes.ahead, sizeof a->lanes.ahead);
    assert_memory_equal(a->lanes.skip, b->lanes.skip, sizeof a->lanes.skip);
}

static void check_from(struct record_reader *r, const struct record_options *options, struct slice file,
                       enum record_end end, const struct reading *whole, size_t record)
{
    struct reading *rest = malloc(sizeof *rest);
    assert_non_null(rest);
    reading_init(rest);
    const struct record_place *from = record < whole->count ? &whole->places[record] : &whole->place;
    reading_whole(rest, r, options, file, from, end);
    size_t at = record ? whole->ends[record - 1] : 0;
    buffer_add_char(&rest->text, '\0');
    assert_string_equal(rest->text.data, whole->text.data + at);
    assert_same_place(&rest->place, &whole->place);
    reading_release(rest);
    free(rest);
}

void reading_check(struct record_reader *r, const struct record_options *options, struct slice file,
                   enum record_end end, unsigned ways)
{
    struct record_place beginning = {.skipping = false};
    struct reading *whole = malloc(sizeof *whole), *pieces = malloc(sizeof *pieces);
    assert_true(whole && pieces);
    reading_init(whole);
    reading_whole(whole, r, options, file, &beginning, end);
    buffer_add_char(&whole->text, '\0');
    for (unsigned way = 0; way < ways; way++) {
        reading_init(pieces);
        uint64_t cuts = way == 0 ? UINT64_MAX : way * UINT64_C(0x9E3779B97F4A7C15) & way * UINT64_C(0xD1B54A32D192ED03);
        reading_in_pieces(pieces, r, options, file, end, cuts);
        buffer_add_char(&pieces->text, '\0');
        assert_string_equal(pieces->text.data, whole->text.data);
        assert_same_place(&pieces->place, &whole->place);
        assert_int_equal(pieces->nuls, whole->nuls);
        reading_release(pieces);
    }
    for (size_t i = 0; i < whole->count; i++)
        check_from(r, options, file, end, whole, i);
    if (end == RECORDS_GO_ON)
        check_from(r, options, file, end, whole, whole->count);
    reading_release(whole);
    free(whole);
    free(pieces);
}
