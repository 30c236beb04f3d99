/* Any bytes as a log, under one of several configurations that use what there is. The first byte says which, the second
 * how the log is cut. */
#include "mapping_oracle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RULES(of)                                                                                                      \
    "rules:\n"                                                                                                         \
    "  - {name: noise, when: {$.a: {matches: '^x*y'}}, sample: {rate: 0.5, by: $.s}, drop: true}\n"                    \
    "  - name: all\n"                                                                                                  \
    "    continue: true\n"                                                                                             \
    "    let: {body: $.a | parse_json, of: " of "}\n"                                                                  \
    "    event:\n"                                                                                                     \
    "      for_each: '$.a[*]'\n"                                                                                       \
    "      let: {it: $item}\n"                                                                                         \
    "      event: \"{{ $key }}{{ $it | json }}\"\n"                                                                    \
    "      event_id: $.e\n"                                                                                            \
    "      user_id: $.b ?? $item\n"                                                                                    \
    "      timestamp: $.t\n"                                                                                           \
    "      ai_data: {model: $.m, input: $.a | text, output: $body, convo_id: $.c}\n"                                   \
    "      properties: [$, $.a, {x: $.b, $context: $of}]\n"                                                            \
    "      attachments: [{for_each: $item, type: $.m, value: $item, role: $.r, name: $outer}]\n"                       \
    "    signal: {signal_name: $.b, sentiment: $.r, signal_type: $.m, properties: $.a}\n"                              \
    "    identify: {user_id: $.b, traits: $.a}\n"                                                                      \
    "  - {name: rest, signal: {event_id: e, signal_name: \"{{ $.message }}{{ $.k }}\", properties: $}}\n"

#define MERGE(of)                                                                                                      \
    "rules:\n"                                                                                                         \
    "  - {name: pair, continue: true, when: {$.b: {exists: true}}, merge: {by: $.b, until: {$.e: 1}, max_open: 3},\n"  \
    "     let: {x: $.a}, signal: {event_id: $.b, signal_name: s, properties: [$, {p: " of ", x: $x}]}}\n"              \
    "  - name: stream\n"                                                                                               \
    "    sample: {rate: 0.9, by: $.s}\n"                                                                               \
    "    merge: {by: $.a, as: $.m, append: [$.c, $.a.b, $.a], until: {$.c: {contains: x}}}\n"                          \
    "    event: {event: e, user_id: \"{{ $meta.offset }}\", properties: $, ai_data: {input: $.c | string}}\n"

static const char *const configs[] = {
    "raindrop: {context: true}\ninputs: [{paths: [/logs/*], max_line_bytes: 1KiB}]\n" RULES("$.b"),
    "inputs: [{paths: [/logs/*], records: ['$.a[*]', '$..b']}]\n" RULES("$parent2"),
    "inputs: [{paths: [/logs/*], parser: raw}]\n" RULES("$.b"),
    "inputs: [{paths: [/logs/*], parser: logfmt}]\n" RULES("$.b"),
    "inputs: [{paths: [/logs/*]}]\n" MERGE("$.p"),
    "inputs: [{paths: [/logs/*], records: '$.a[*]', envelope: auto}]\n" MERGE("$parent"),
    /* Where the pre-filter has something to look for. */
    "inputs: [{paths: [/logs/*], max_line_bytes: 1KiB}]\n"
    "rules:\n"
    "  - {when: {$.a: [b, ab]}, event: {event: e, user_id: u, ai_data: {input: $}}}\n"
    "  - {when: {any: [{$.b: a}, {$.m.k: {exists: true}}]}, drop: true}\n",
    "inputs: [{paths: [/logs/*]}]\n"
    "rules:\n"
    "  - {when: {$.a: [a/b, 'é']}, event: {event: e, user_id: u, ai_data: {input: $}}}\n",
    "inputs: [{paths: [/logs/*], parser: regex, pattern: '^(?<a>\\w+)( (?<b>.*))?$'}]\n" RULES("$.b"),
};
enum { CONFIGS = sizeof configs / sizeof configs[0] };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config *loaded[CONFIGS];
    if (size < 2)
        return 0;
    size_t i = data[0] % CONFIGS;
    if (!loaded[i]) {
        struct diagnostics *d = diagnostics_new();
        loaded[i] = config_load_text(&fuzz_empty_world, "fuzz.yaml", slice_from(configs[i]), CONFIG_FOR_MAP, d);
        if (!loaded[i]) {
            struct buffer text;
            buffer_init(&text, 1 << 20);
            diagnostics_print(d, &text, true, false);
            fprintf(stderr, "%.*s\n", SLICE_FMT(buffer_slice(&text)));
            abort();
        }
        diagnostics_free(d);
    }
    mapping_oracle(loaded[i], slice_of((const char *)data + 2, size - 2), data[1]);
    return 0;
}
