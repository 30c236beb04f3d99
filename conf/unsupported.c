#include "unsupported.h"

struct unsupported {
    const char *section, *key;
    bool (*is)(const struct yaml_node *value); /* which values; NULL: any */
};

static const struct unsupported unsupported[] = {
    {"rule", "merge", NULL}, /* contract 4.6: records are not joined yet */
    {NULL, NULL, NULL},
};

bool unsupported_here(const char *section, const char *key, const struct yaml_node *value)
{
    for (const struct unsupported *u = unsupported; u->section; u++)
        if (strcmp(u->section, section) == 0 && strcmp(u->key, key) == 0)
            return !u->is || u->is(value);
    return false;
}
