/* YAML text → a tree of nodes with their places.
 *
 * The happy path:
 *  - libyaml gives events; read_node() makes a node of each, by recursion no deeper than LIMIT_YAML_DEPTH;
 *  - a place is libyaml's count of characters, from which line, column and byte are found again (struct cursor);
 *  - an alias is the same node once more: the tree is a graph without cycles, whose size is counted as if it were
 *    written out.
 * What can go wrong:
 *  - it is not YAML, or a ceiling is passed: one error, and no tree, since what follows cannot be understood;
 *  - it is YAML that is not wanted here (a tag, `<<`, a key twice, a key that is no text): an error each, and the tree
 *    without it, so that everything else is checked too. */
#include "yaml_tree.h"

#include "limits.h"
#include "text/utf8.h"
#include "json/json_number.h"

#include <yaml.h>

/* ---- Places ----------------------------------------------------------------------------------------------------- */

/* Walks between characters and bytes. Marks come nearly in order, so that each step is short. */
struct cursor {
    size_t index;  /* characters */
    size_t offset; /* bytes */
};

struct line_start {
    size_t index, offset;
};

struct anchor {
    struct anchor *next;
    struct slice name;
    const struct yaml_node *node; /* NULL: still being read */
    size_t size;
    unsigned height;
};

struct reading {
    struct arena *arena;
    struct diagnostics *d;
    const struct source_file *file;
    struct slice text; /* without a byte-order mark */
    yaml_parser_t parser;
    struct line_start *lines;
    size_t line_count;
    struct cursor cursor;
    struct anchor *anchors; /* the last first: a name may be given again */
    size_t nodes;           /* as if aliases were written out */
};

static bool is_line_end(struct slice text, size_t i)
{
    return text.text[i] == '\n' || (text.text[i] == '\r' && !(i + 1 < text.len && text.text[i + 1] == '\n'));
}

static bool find_lines(struct reading *r)
{
    size_t count = 1;
    for (size_t i = 0; i < r->text.len; i++)
        count += is_line_end(r->text, i);
    r->lines = arena_calloc(r->arena, count, sizeof *r->lines);
    if (!r->lines)
        return false;
    r->line_count = 1;
    size_t index = 0;
    for (size_t i = 0; i < r->text.len; i++) {
        index += ((unsigned char)r->text.text[i] & 0xc0) != 0x80;
        if (is_line_end(r->text, i))
            r->lines[r->line_count++] = (struct line_start){index, i + 1};
    }
    return true;
}

static bool continues_character(const struct reading *r, size_t offset)
{
    return offset < r->text.len && ((unsigned char)r->text.text[offset] & 0xc0) == 0x80;
}

/* The byte at which a character begins. */
static size_t offset_of(struct reading *r, size_t index)
{
    struct cursor *c = &r->cursor;
    while (c->index < index && c->offset < r->text.len) {
        do
            c->offset++;
        while (continues_character(r, c->offset));
        c->index++;
    }
    while (c->index > index && c->offset > 0) {
        do
            c->offset--;
        while (continues_character(r, c->offset));
        c->index--;
    }
    return c->offset;
}

static struct source_place place_of_index(const struct reading *r, size_t index)
{
    size_t low = 0, high = r->line_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (r->lines[middle].index <= index)
            low = middle;
        else
            high = middle;
    }
    return (struct source_place){r->file, (uint32_t)low + 1, (uint32_t)(index - r->lines[low].index) + 1};
}

static struct source_place place_of(const struct reading *r, const yaml_mark_t *mark)
{
    return place_of_index(r, mark->index);
}

static void fail(struct reading *r, struct source_place place, const char *text)
{
    diagnostics_add(r->d, SEVERITY_ERROR, place, "%s", text);
}

/* ---- What libyaml cannot read ----------------------------------------------------------------------------------- */

/* Whether what stands before the offending character looks like an expression that YAML has taken apart. */
static bool is_in_expression(struct slice text, size_t offset)
{
    size_t line = offset;
    while (line > 0 && text.text[line - 1] != '\n')
        line--;
    for (size_t i = line; i < offset; i++) {
        char before = (char)(i > line ? text.text[i - 1] : ' ');
        char after = (char)(i + 1 < text.len ? text.text[i + 1] : ' ');
        if (text.text[i] == '$' && strchr(" \t,[{", before) &&
            (after == '.' || after == '[' || ((after | 32) >= 'a' && (after | 32) <= 'z')))
            return true;
    }
    return false;
}

static const char *quoting_hint(const struct reading *r, size_t offset)
{
    struct slice rest = slice_from_offset(r->text, offset);
    if (slice_starts_with(rest, SLICE("{")) && offset > 0 && r->text.text[offset - 1] == '$')
        return "; within [ ] and { } a ${NAME} must be quoted";
    if (slice_starts_with(rest, SLICE("{{")))
        return "; within [ ] and { } a template must be quoted";
    return is_in_expression(r->text, offset) ? "; an expression with any of [ ] { } , : # in it must be quoted" : "";
}

static void report_syntax(struct reading *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "not YAML";

    if (p->error == YAML_MEMORY_ERROR) {
        r->arena->failed = true;
    } else if (p->error == YAML_READER_ERROR) {
        size_t offset = p->problem_offset <= r->text.len ? p->problem_offset : r->text.len;
        size_t index = utf8_count(slice_of(r->text.text, utf8_valid_prefix(slice_of(r->text.text, offset))));
        diagnostics_add(r->d, SEVERITY_ERROR, place_of_index(r, index), "not YAML: %s", problem);
    } else {
        struct source_place place = place_of(r, &p->problem_mark);
        const char *hint = quoting_hint(r, offset_of(r, p->problem_mark.index));
        if (p->context && p->context_mark.line != p->problem_mark.line)
            diagnostics_add(r->d, SEVERITY_ERROR, place, "not YAML: %s (%s that begins at line %u)%s", problem,
                            p->context, place_of(r, &p->context_mark).line, hint);
        else
            diagnostics_add(r->d, SEVERITY_ERROR, place, "not YAML: %s%s", problem, hint);
    }
}

static bool next_event(struct reading *r, yaml_event_t *ret_event)
{
    if (yaml_parser_parse(&r->parser, ret_event))
        return true;
    report_syntax(r);
    return false;
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------ */

static enum yaml_type type_of_plain(struct slice text)
{
    if (text.len == 0 || slice_is(text, "~") || slice_is(text, "null"))
        return YAML_NULL;
    if (slice_is(text, "true") || slice_is(text, "false"))
        return YAML_BOOL;
    return json_number_is(text) ? YAML_NUMBER : YAML_TEXT;
}

/* Finds out whether the scalar's text stands in the source as it is, ending where the scalar ends, so that its
 * characters have columns: not folded, no escapes. */
static void find_text_column(struct reading *r, const yaml_event_t *event, struct slice text, bool *ret_one_line,
                             uint32_t *ret_column)
{
    yaml_scalar_style_t style = event->data.scalar.style;
    bool quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    size_t characters = utf8_count(text);
    size_t end = event->end_mark.index - (quoted && event->end_mark.index > 0);

    *ret_one_line = false;
    *ret_column = 0;
    if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE || end < characters + quoted)
        return;
    size_t start = offset_of(r, end - characters);
    if (start + text.len > r->text.len || memchr(text.text, '\n', text.len) || memchr(text.text, '\r', text.len) ||
        !slice_equal(slice_of(r->text.text + start, text.len), text))
        return;
    char quote = style == YAML_SINGLE_QUOTED_SCALAR_STYLE ? '\'' : '"';
    if (quoted && r->text.text[start - 1] != quote)
        return;
    *ret_one_line = true;
    *ret_column = place_of_index(r, end - characters).column;
}

static bool read_scalar(struct reading *r, const yaml_event_t *event, struct yaml_node *node)
{
    const char *value = (const char *)event->data.scalar.value;
    node->text.text = arena_strdup(r->arena, slice_of(value, event->data.scalar.length));
    if (!node->text.text)
        return false;
    node->text.len = event->data.scalar.length;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->type = node->plain ? type_of_plain(node->text) : YAML_TEXT;
    node->boolean = node->type == YAML_BOOL && node->text.text[0] == 't';
    find_text_column(r, event, node->text, &node->one_line, &node->text_column);
    return true;
}

static struct yaml_node *read_node(struct reading *r, yaml_event_t *event, unsigned depth, size_t *ret_size,
                                   unsigned *ret_height);

static bool is_end(const yaml_event_t *event)
{
    return event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT;
}

static bool read_list(struct reading *r, struct yaml_node *node, unsigned depth, size_t *size, unsigned *height)
{
    struct yaml_node **items = NULL;
    yaml_event_t event;

    while (next_event(r, &event)) {
        if (is_end(&event)) {
            yaml_event_delete(&event);
            node->items = items;
            return true;
        }
        struct yaml_node *item = read_node(r, &event, depth + 1, size, height);
        yaml_event_delete(&event);
        items = item ? arena_grow_array(r->arena, items, node->count, sizeof(struct yaml_node *)) : NULL;
        if (!items)
            return false;
        items[node->count++] = item;
    }
    return false;
}

/* `{{ $.name }}` without quotes is a map whose key is a map. */
static bool is_template(const struct yaml_node *key, const struct yaml_node *map)
{
    return key->type == YAML_MAP && key->place.line == map->place.line && key->place.column == map->place.column + 1;
}

/* Reports what cannot be a key; the member is left out. */
static bool check_key(struct reading *r, const struct yaml_node *key, const struct yaml_node *map)
{
    if (is_template(key, map))
        fail(r, map->place, "a template must be quoted, as in \"{{ $.name }}\": YAML takes the braces for a map");
    else if (key->type == YAML_MAP || key->type == YAML_LIST)
        fail(r, key->place, "a key must be text");
    else if (key->plain && slice_is(key->text, "<<"))
        fail(r, key->place, "merge keys (<<) are not supported");
    else
        return true;
    return false;
}

static int compare_members(const void *pa, const void *pb)
{
    const struct yaml_member *a = *(const struct yaml_member *const *)pa, *b = *(const struct yaml_member *const *)pb;
    int order = slice_compare(a->key, b->key);
    return order ? order : (a > b) - (a < b);
}

/* Sorted, so that a table of many thousand entries does not cost the square of it. */
static bool check_duplicates(struct reading *r, const struct yaml_node *map)
{
    if (map->count < 2)
        return true;
    struct arena_mark mark = arena_mark(r->arena);
    const struct yaml_member **sorted = arena_calloc(r->arena, map->count, sizeof(const struct yaml_member *));
    if (!sorted)
        return false;
    for (size_t i = 0; i < map->count; i++)
        sorted[i] = &map->members[i];
    qsort(sorted, map->count, sizeof(const struct yaml_member *), compare_members);
    for (size_t i = 1; i < map->count; i++)
        if (slice_equal(sorted[i - 1]->key, sorted[i]->key))
            diagnostics_add(r->d, SEVERITY_ERROR, sorted[i]->key_place, "duplicate key \"%.*s\"; it is at line %u too",
                            SLICE_FMT(sorted[i]->key), sorted[i - 1]->key_place.line);
    arena_rewind(r->arena, mark);
    return true;
}

static bool read_map(struct reading *r, struct yaml_node *node, unsigned depth, size_t *size, unsigned *height)
{
    struct yaml_member *members = NULL;
    bool template = false;
    yaml_event_t event;

    while (next_event(r, &event)) {
        if (is_end(&event)) {
            yaml_event_delete(&event);
            node->members = members;
            if (template) /* goes on as an expression: one mistake, one error */
                *node = (struct yaml_node){.type = YAML_TEXT, .place = node->place, .text = SLICE("$")};
            return check_duplicates(r, node);
        }
        struct yaml_node *key = read_node(r, &event, depth + 1, size, height);
        yaml_event_delete(&event);
        if (!key || !next_event(r, &event))
            return false;
        struct yaml_node *value = read_node(r, &event, depth + 1, size, height);
        yaml_event_delete(&event);
        if (!value)
            return false;
        if (!check_key(r, key, node)) {
            template |= is_template(key, node);
            continue;
        }
        members = arena_grow_array(r->arena, members, node->count, sizeof *members);
        if (!members)
            return false;
        members[node->count++] = (struct yaml_member){key->text, key->place, key->one_line, key->text_column, value};
    }
    return false;
}

static struct slice anchor_of(const yaml_event_t *event)
{
    const yaml_char_t *name = event->type == YAML_SCALAR_EVENT           ? event->data.scalar.anchor
                              : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.anchor
                                                                         : event->data.mapping_start.anchor;
    return slice_from((const char *)name);
}

static bool has_tag(const yaml_event_t *event)
{
    return event->type == YAML_SCALAR_EVENT           ? event->data.scalar.tag != NULL
           : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.tag != NULL
                                                      : event->data.mapping_start.tag != NULL;
}

static const struct yaml_node *follow_alias(struct reading *r, const yaml_event_t *event, unsigned depth,
                                            size_t *ret_size, unsigned *ret_height)
{
    struct slice name = slice_from((const char *)event->data.alias.anchor);
    struct anchor *a = r->anchors;
    struct source_place place = place_of(r, &event->start_mark);

    while (a && !slice_equal(a->name, name))
        a = a->next;
    if (!a) {
        diagnostics_add(r->d, SEVERITY_ERROR, place, "no anchor is named \"%.*s\"", SLICE_FMT(name));
    } else if (!a->node) {
        diagnostics_add(r->d, SEVERITY_ERROR, place, "the alias \"%.*s\" stands inside what it names", SLICE_FMT(name));
    } else if (depth + a->height > LIMIT_YAML_DEPTH) {
        fail(r, place, "nested too deep");
    } else {
        r->nodes += a->size;
        *ret_size += a->size;
        if (a->height > *ret_height)
            *ret_height = a->height;
        if (r->nodes <= LIMIT_YAML_NODES)
            return a->node;
        fail(r, place, "too many values, with all aliases written out");
    }
    return NULL;
}

static struct anchor *name_node(struct reading *r, struct slice name)
{
    struct anchor *a = arena_alloc(r->arena, sizeof *a);
    if (!a)
        return NULL;
    *a = (struct anchor){.next = r->anchors, .name = arena_copy(r->arena, name)};
    if (!a->name.text)
        return NULL;
    r->anchors = a;
    return a;
}

/* The node that begins with `event`. Adds to *size how many nodes it has, and raises *height to its own plus one. */
static struct yaml_node *read_node(struct reading *r, yaml_event_t *event, unsigned depth, size_t *size,
                                   unsigned *height)
{
    size_t own_size = 1;
    unsigned below = 0;
    struct yaml_node *node = arena_calloc(r->arena, 1, sizeof *node);
    if (!node)
        return NULL;

    if (event->type == YAML_ALIAS_EVENT) {
        const struct yaml_node *named = follow_alias(r, event, depth, size, &below);
        if (!named)
            return NULL;
        *node = *named;
        if (below + 1 > *height)
            *height = below + 1;
        return node;
    }
    node->place = place_of(r, &event->start_mark);
    if (depth > LIMIT_YAML_DEPTH || ++r->nodes > LIMIT_YAML_NODES) {
        fail(r, node->place, depth > LIMIT_YAML_DEPTH ? "nested too deep" : "too many values");
        return NULL;
    }
    if (has_tag(event))
        fail(r, node->place, "tags are not supported");
    struct slice name = anchor_of(event);
    struct anchor *anchor = name.text ? name_node(r, name) : NULL;
    if (name.text && !anchor)
        return NULL;

    bool read;
    if (event->type == YAML_SCALAR_EVENT) {
        read = read_scalar(r, event, node);
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        node->type = YAML_LIST;
        read = read_list(r, node, depth, &own_size, &below);
    } else {
        node->type = YAML_MAP;
        read = read_map(r, node, depth, &own_size, &below);
    }
    if (!read)
        return NULL;
    if (anchor) {
        anchor->node = node;
        anchor->size = own_size;
        anchor->height = below;
    }
    *size += own_size;
    if (below + 1 > *height)
        *height = below + 1;
    return node;
}

/* ---- Documents -------------------------------------------------------------------------------------------------- */

/* The events from the stream's start to its end, with one document or none between them. */
static const struct yaml_node *read_stream(struct reading *r)
{
    struct yaml_node *root = arena_calloc(r->arena, 1, sizeof *root);
    size_t size = 0;
    unsigned height = 0;
    unsigned documents = 0;
    yaml_event_t event;

    if (!root)
        return NULL;
    root->place = (struct source_place){r->file, 1, 1};
    while (next_event(r, &event)) {
        yaml_event_type_t type = event.type;
        struct source_place place = place_of(r, &event.start_mark);
        if (type == YAML_SCALAR_EVENT || type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT ||
            type == YAML_ALIAS_EVENT)
            root = read_node(r, &event, 1, &size, &height);
        yaml_event_delete(&event);
        if (!root)
            return NULL;
        if (type == YAML_STREAM_END_EVENT)
            return root;
        if (type == YAML_DOCUMENT_START_EVENT && ++documents > 1) {
            fail(r, place, "only one document is taken");
            return NULL;
        }
    }
    return NULL;
}

const struct yaml_node *yaml_tree_parse(struct arena *arena, struct diagnostics *d, const struct source_file *file)
{
    struct reading r = {.arena = arena, .d = d, .file = file, .text = file->text};
    const struct yaml_node *root = NULL;

    if (slice_starts_with(r.text, SLICE("\xef\xbb\xbf")))
        r.text = slice_from_offset(r.text, 3);
    if (find_lines(&r)) {
        if (yaml_parser_initialize(&r.parser)) {
            const char *text = r.text.len > 0 ? r.text.text : "";
            yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
            yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, r.text.len);
            root = read_stream(&r);
            yaml_parser_delete(&r.parser);
        } else {
            arena->failed = true;
        }
    }
    if (arena->failed)
        diagnostics_set_out_of_memory(d);
    return arena->failed ? NULL : root;
}

const struct yaml_member *yaml_member_of(const struct yaml_node *map, const char *key)
{
    if (map->type == YAML_MAP)
        for (size_t i = 0; i < map->count; i++)
            if (slice_is(map->members[i].key, key))
                return &map->members[i];
    return NULL;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    const struct yaml_member *member = yaml_member_of(map, key);
    return member ? member->value : NULL;
}
