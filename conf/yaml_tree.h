/* Pure: no file, no clock, no logging, no uv. */
#ifndef RAINGAUGE_YAML_TREE_H
#define RAINGAUGE_YAML_TREE_H

#include "base/arena.h"
#include "diagnostics.h"

#include <stdint.h>

/* A YAML text as nodes that know where they stand. The only includer of yaml.h.
 *
 * As contract section 2 wants it: one document, aliases followed (within LIMIT_YAML_NODES, so that a "billion laughs"
 * is an error), `<<` refused, duplicate keys an error, tags refused, scalars typed as JSON does (plain true, false,
 * null,
 * ~, an empty value, and JSON numbers, with their exact text; everything else and everything quoted is text). */

enum yaml_type { YAML_NULL, YAML_BOOL, YAML_NUMBER, YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_type type;
    struct source_place place; /* of the value */
    bool plain;                /* a scalar without quotes, not a block scalar */
    bool one_line;             /* stands on one line without escapes, so that a column within it can be told */
    uint32_t text_column;      /* then: the column of text[0] (behind the quote, where there is one) */
    bool boolean;
    struct slice text; /* scalars: the text (numbers: exact) */
    size_t count;      /* lists: items; maps: members, in the order of the text */
    struct yaml_node *const *items;
    const struct yaml_member {
        struct slice key;
        struct source_place key_place;
        bool key_one_line;
        uint32_t key_text_column;
        const struct yaml_node *value;
    } * members;
};

/* The root (an empty text: a YAML_NULL node at 1:1), or NULL with errors added to `d`. `file` is borrowed for the life
 * of the tree. */
const struct yaml_node *yaml_tree_parse(struct arena *arena, struct diagnostics *d, const struct source_file *file);

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key); /* NULL where there is none */
const struct yaml_member *yaml_member_of(const struct yaml_node *map, const char *key);

#endif
