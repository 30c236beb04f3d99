#ifndef RAINGAUGE_STATUS_TEXT_H
#define RAINGAUGE_STATUS_TEXT_H

#include "base/buffer.h"

/* The JSON of /status (admin/status.h) as text for a terminal: `raingauge status`, and `top` again and again. */

struct status_look {
    size_t width, height; /* of the terminal; 0: no end */
    bool colours;
    bool drawing; /* a line of bars of the last minutes */
};

/* False: that is no status this program understands, or there is no memory. */
bool status_text_write(struct buffer *out, struct slice json, const struct status_look *look)
    __attribute__((warn_unused_result));

#endif
