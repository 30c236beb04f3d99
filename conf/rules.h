/* Pure: no file, no clock, no logging, no uv. */
#ifndef RAINGAUGE_RULES_H
#define RAINGAUGE_RULES_H

#include "expr/condition.h"
#include "expr/expr.h"
#include "json/json_merge.h"

/* `rules:` compiled (contract 4): what is applied to a record. Lives in the configuration's arena, never written to
 * after loading. An expression that is absent is NULL. */

enum endpoint { ENDPOINT_EVENT, ENDPOINT_SIGNAL, ENDPOINT_IDENTIFY, ENDPOINT_COUNT };
extern const char *const endpoint_paths[ENDPOINT_COUNT]; /* "events/track", "signals/track", "users/identify" */

struct let {
    struct slice name; /* without `$` */
    const struct expr *value;
    uint32_t shared; /* a number that all of this text have: they are the same for one record; else LET_NOT_SHARED */
};
enum { LETS_SHARED_MOST = 32, LET_NOT_SHARED = LETS_SHARED_MOST };

/* Lets share one array of slots per rule: the rule's own come first, then those of the call at hand. */
struct lets {
    size_t count;
    const struct let *items;
};

struct attachment_rule {
    const struct condition *when;
    const struct expr *for_each;
    const struct expr *type, *name, *value, *role, *language, *attachment_id;
};

/* An event, a signal or an identify; fields that its endpoint does not have are NULL. */
struct call_rule {
    enum endpoint endpoint;
    const struct condition *when;
    const struct expr *for_each;
    struct lets lets; /* slots from rule->lets.count on */
    const struct expr *user_id, *event_id, *timestamp;
    const struct expr *event;                                                 /* event */
    const struct expr *model, *input, *output, *convo_id;                     /* event: ai_data */
    const struct expr *signal_name, *signal_type, *sentiment, *attachment_id; /* signal */
    const struct expr *const *properties; /* properties, or traits of an identify: parts to be merged in order */
    size_t property_count;
    bool properties_mapped; /* the key is there at all */
    const struct attachment_rule *attachments;
    size_t attachment_count;
};

struct sample_rule {
    bool set;
    uint64_t below; /* kept if the first 8 bytes of the SHA-256 are below this; UINT64_MAX with `all`: everything */
    bool all;
    const struct expr *by;
};

struct merge_rule {
    bool set;
    const struct expr *by;
    const struct condition *until;
    uint64_t timeout_ms; /* 0: none */
    size_t max_open;
    const struct expr *as;
    const struct expr *const *append; /* each a singular path */
    const struct json_merge_path *append_paths;
    size_t append_count;
    bool uses_parents; /* the rule looks at $parent, which is the first line's then */
};

struct rule {
    struct slice name; /* given, or rule-N */
    bool named;
    const struct source_file *file;
    unsigned line;
    bool *applies_to_input; /* by index of config->inputs; NULL: all */
    const struct condition *when;
    struct lets lets;
    const struct expr *to, *project; /* NULL: the input's, else the default */
    bool drop, continue_;
    struct sample_rule sample;
    struct merge_rule merge;
    const struct call_rule *calls; /* in the order event, signal, identify, each list in its order */
    size_t call_count;
    size_t slot_count; /* let slots needed: its own and the most of any call */
    uint64_t filters;  /* a bit for each filter (its index) that its expressions use */
};

static inline bool rule_applies_to(const struct rule *rule, size_t input)
{
    return !rule->applies_to_input || rule->applies_to_input[input];
}

struct rules {
    struct rule *items;
    size_t count;
    size_t max_slots;
    uint32_t shared_lets; /* numbers that lets have: LETS_SHARED_MOST at most */
};

#endif
