/* `tables:` → sorted entries. */
#include "loader.h"

static int compare_entries(const void *pa, const void *pb)
{
    const struct expr_table_entry *a = pa, *b = pb;
    return slice_compare(a->key, b->key);
}

static void read_table(struct loader *l, const struct yaml_member *member, struct expr_table *table)
{
    const struct yaml_node *map = member->value;
    if (map->type != YAML_MAP) {
        loader_error(l, map->place, "a table must be a map");
        return;
    }
    struct expr_table_entry *entries = arena_calloc(l->arena, map->count, sizeof *entries);
    for (size_t i = 0; i < map->count && entries; i++) {
        struct yaml_node key = value_of_key(&map->members[i]);
        struct scalar text;
        if (scalar_read(l, &key, &text))
            entries[i].key = text.text;
        if (!value_literal(l, map->members[i].value, &entries[i].value))
            entries[i].value = value_of_null();
    }
    if (!entries)
        return;
    if (map->count > 0)
        qsort(entries, map->count, sizeof *entries, compare_entries);
    table->entries = entries;
    table->count = map->count;
}

void tables_read(struct loader *l)
{
    struct expr_table *tables = NULL;
    size_t count = 0;
    for (size_t d = 0; d < l->document_count; d++) {
        const struct yaml_node *map = yaml_get(l->documents[d].root, "tables");
        if (map && map->type != YAML_MAP)
            loader_error(l, map->place, "tables must be a map of names");
        for (size_t m = 0; map && map->type == YAML_MAP && m < map->count; m++) {
            tables = arena_grow_array(l->arena, tables, count, sizeof *tables);
            if (!tables)
                return;
            for (size_t i = 0; i < count; i++)
                if (slice_equal(tables[i].name, map->members[m].key))
                    loader_error(l, map->members[m].key_place, "another table has the same name");
            tables[count] = (struct expr_table){.name = map->members[m].key};
            read_table(l, &map->members[m], &tables[count++]);
        }
    }
    l->config->tables = l->names.tables = tables;
    l->config->table_count = l->names.table_count = count;
}
