/* redact: what is personal or secret, taken out. */
#include "expr/filter_table.h"
#include "expr/redact.h"

struct value filter_redact(struct filter_run *run, struct value *in)
{
    unsigned kinds = run->count == 0 ? REDACT_ALL : 0;
    for (size_t i = 0; i < run->count; i++)
        kinds |= run->args[i].redact;
    if (in->type < VALUE_STRING)
        return filter_refuse(run);
    struct value out;
    return redact_value(run->arena, in, kinds, &out) ? out : VALUE_NONE;
}
