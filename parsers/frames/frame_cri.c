#include "frames/frame_cri.h"

/* Up to the next blank, which is stepped over; false where there is none. */
static bool next_word(struct slice *rest, struct slice *ret_word)
{
    const char *blank = rest->len ? memchr(rest->text, ' ', rest->len) : NULL;
    if (!blank)
        return false;
    *ret_word = slice_of(rest->text, (size_t)(blank - rest->text));
    *rest = slice_from_offset(*rest, ret_word->len + 1);
    return true;
}

/* Enough of RFC 3339 to tell it from other words; what it says is read where it is used. */
static bool is_time(struct slice word)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    if (word.len <= sizeof form - 1)
        return false;
    for (size_t i = 0; i < sizeof form - 1; i++) {
        bool digit = word.text[i] >= '0' && word.text[i] <= '9';
        if (form[i] == 'd' ? !digit : word.text[i] != form[i])
            return false;
    }
    return true;
}

bool frame_cri_read(struct slice line, struct frame *ret_frame)
{
    struct frame frame = {0};
    struct slice rest = line, tags;
    if (!next_word(&rest, &frame.time) || !is_time(frame.time) || !next_word(&rest, &frame.stream) ||
        (!slice_is(frame.stream, "stdout") && !slice_is(frame.stream, "stderr")))
        return false;
    if (!next_word(&rest, &tags)) { /* an empty line whose last blank was cut off */
        tags = rest;
        rest = slice_from_offset(rest, rest.len);
    }
    bool one_letter = tags.len == 1 || (tags.len > 1 && tags.text[1] == ':');
    if (!one_letter || (tags.text[0] != 'F' && tags.text[0] != 'P'))
        return false;
    frame.partial = tags.text[0] == 'P';
    frame.lane = frame_lane_of(frame.stream);
    frame.text = rest;
    *ret_frame = frame;
    return true;
}
