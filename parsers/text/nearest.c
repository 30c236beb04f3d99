#include "text/nearest.h"

enum { NAME_MOST = 64 }; /* longer names are not guessed at */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, replacements, and swaps of neighbours cost 1. */
static size_t distance(struct slice a, struct slice b)
{
    size_t rows[3][NAME_MOST + 1];
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = a.text[i - 1] == b.text[j - 1] ? 0 : 1;
            row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + change);
            if (i > 1 && j > 1 && a.text[i - 1] == b.text[j - 2] && a.text[i - 2] == b.text[j - 1])
                row[j] = least(row[j], above2[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

/* `user` and `user_id`: one is the other up to an underscore. */
static bool is_first_word(struct slice word, struct slice name)
{
    return word.len > 0 && name.len > word.len && name.text[word.len] == '_' && slice_starts_with(name, word);
}

const char *nearest_name(struct slice name, const char *const names[], size_t count)
{
    const char *nearest = NULL;
    size_t allowed = name.len < 3 ? 1 : name.len / 3;

    if (name.len == 0 || name.len > NAME_MOST)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct slice candidate = slice_from(names[i]);
        if (candidate.len > NAME_MOST)
            continue;
        size_t d = distance(name, candidate);
        if (d <= allowed && d < name.len) {
            nearest = names[i];
            if (d == 0)
                break;
            allowed = d - 1;
        }
    }
    for (size_t i = 0; i < count && !nearest; i++)
        if (is_first_word(name, slice_from(names[i])) || is_first_word(slice_from(names[i]), name))
            nearest = names[i];
    return nearest;
}
