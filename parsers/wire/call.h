/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_CALL_H
#define RAINGAUGE_CALL_H

#include "json/value.h"

/* What was mapped → the JSON text of an event, a signal or an identify, just as the wire takes it (contract 4.1, 4.2).
 *
 *     const char *reason = call_write_event(&out, &arena, &fields);
 *     if (reason) …                                       // it is no call: why, by a fixed list ("missing user_id")
 *     if (out.failed || arena.failed) …                   // else looked at once, at the end
 *
 * A field whose value is nothing, null or empty text is left out; other values are written as their text, strings with
 * their exact escapes. `timestamp` goes through `time`, `sentiment` is made upper case. The members' order is fixed. */

struct call_attachment {
    struct value type, name, value, role, language, attachment_id;
};

struct call_fields { /* those that a kind of call does not have are not looked at */
    struct value user_id, event_id, timestamp;
    struct value event, model, input, output, convo_id;
    struct value signal_name, signal_type, sentiment, attachment_id;
    struct value properties; /* properties, or an identify's traits: as properties_merge() gave them */
    const struct call_attachment *attachments;
    size_t attachment_count;
};

const char *call_write_event(struct buffer *out, struct arena *arena, const struct call_fields *f);
const char *call_write_signal(struct buffer *out, struct arena *arena, const struct call_fields *f);
const char *call_write_identify(struct buffer *out, struct arena *arena, const struct call_fields *f);

/* Whether a text field would be left out. */
bool call_field_is_empty(const struct value *v);

/* Joins the parts of `properties` or `traits` into one object: later members replace earlier ones whole, and take their
 * place. Parts that are nothing or null are none; one part alone keeps its bytes. *ret is NOTHING where there was no
 * part. */
enum properties_result { PROPERTIES_OK, PROPERTIES_INVALID /* a part is no object */, PROPERTIES_NO_MEMORY };
enum properties_result properties_merge(struct arena *arena, const struct value parts[], size_t count,
                                        struct value *ret) __attribute__((warn_unused_result));

/* Only the members with these names; *ret_left_out counts the others. */
enum properties_result properties_pick(struct arena *arena, const struct value *of, const struct slice names[],
                                       size_t count, struct value *ret, size_t *ret_left_out)
    __attribute__((warn_unused_result));

/* Cuts a call that is longer than `most` bytes as contract 4.8 says: ai_data.output, ai_data.input, the attachments'
 * values, then the longest strings of properties, each as far as needed. Appends it to `out`. False where it is still
 * too long then (or out or arena failed). */
bool call_cut(struct buffer *out, struct arena *arena, struct slice call, size_t most)
    __attribute__((warn_unused_result));

#endif
