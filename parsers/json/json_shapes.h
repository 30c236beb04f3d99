/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_JSON_SHAPES_H
#define RAINGAUGE_JSON_SHAPES_H

#include "json/json_doc.h"

/* The lines of a log look alike: the same members in the same order, with other values. What stands between the values
 * (names, colons, commas, brackets, blanks) is a text's *shape*; where a text has the shape of an earlier one, byte for
 * byte, only its values have to be checked, and where its members stand follows from theirs:
 *
 *     struct json_shapes *shapes = json_shapes_new();
 *     fault = json_shapes_read(shapes, &arena, text, want, &doc);    // as json_doc_read(): the same of any text
 *     json_shapes_free(shapes);
 *
 * Shapes are kept as a tree: each node is what stands before a value, its children what may stand behind that. A text
 * that goes another way is read by json_doc_read(), and its shape is added, while there is room (LIMIT_JSON_SHAPES).
 * Where hardly any text has a known shape they are left alone for a while, and then learnt anew. */

struct json_shapes;

struct json_shapes *json_shapes_new(void); /* NULL on lack of memory */
void json_shapes_free(struct json_shapes *shapes);

enum json_fault json_shapes_read(struct json_shapes *shapes, struct arena *arena, struct slice text,
                                 enum json_want want, struct json_doc **ret_doc) __attribute__((warn_unused_result));

#endif
