/* Any bytes as a log of any form: read at once, and in two pieces, the same records follow. Four bytes choose the
 * options and where it is cut. */
#include "frames/record_reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct record_place read_piece(struct record_reader *r, const struct record_options *options, struct slice file,
                                      size_t upto, struct record_place from, enum record_end end, struct buffer *out)
{
    struct record record;
    size_t at = (size_t)from.at.offset;
    record_reader_begin(r, options, slice_of(file.text + at, upto - at), &from, end);
    while (record_reader_next(r, &record)) {
        buffer_add(out, slice_of((const char *)&record.at.offset, sizeof record.at.offset));
        buffer_add_char(out, record.oversized ? 'o' : record.fault ? 'f' : 't');
        buffer_add(out, record.text);
        if (record.at.offset < record.place.at.offset || record.at.offset > upto)
            abort();
    }
    if (r->failed)
        abort();
    struct record_place place = record_reader_place(r);
    if (place.at.offset < from.at.offset || place.at.offset > upto)
        abort();
    return place;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    struct regex_list regexes = {0};
    struct record_reader r;
    struct buffer whole, pieces;
    char error[100];
    size_t at, cut = data[3] * (size - 4) / 255;
    struct slice file = slice_of((const char *)data + 4, size - 4);
    struct record_options options = {.envelope = data[0] % 4,
                                     .encoding = data[0] / 4 % 4,
                                     .max_line = 4U + data[1],
                                     .multiline_start =
                                         data[2] & 1 ? regex_compile(&regexes, SLICE("^\\d"), &at, error, 100) : NULL};
    enum record_end end = (enum record_end)(data[2] / 2 % 4);
    struct record_place beginning = {.skipping = false};
    buffer_init(&whole, 1 << 26);
    buffer_init(&pieces, 1 << 26);
    record_reader_init(&r);
    read_piece(&r, &options, file, file.len, beginning, end, &whole);
    struct record_place place = read_piece(&r, &options, file, cut, beginning, RECORDS_GO_ON, &pieces);
    read_piece(&r, &options, file, file.len, place, end, &pieces);
    if (!slice_equal(buffer_slice(&whole), buffer_slice(&pieces)))
        abort();
    record_reader_release(&r);
    buffer_release(&whole);
    buffer_release(&pieces);
    regex_free_all(&regexes);
    return 0;
}
