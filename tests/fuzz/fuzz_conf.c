/* Any bytes as a configuration: no crash, messages with places inside the text, everything freed. The world is empty
 * but for two variables, so that what is found stays the same. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_nothing(void *context, const char *path, char **ret_text, size_t *ret_len)
{
    (void)context, (void)path, (void)ret_text, (void)ret_len;
    return ENOENT;
}

static int find_nothing(void *context, const char *pattern, char ***ret_paths, size_t *ret_count)
{
    (void)context, (void)pattern;
    *ret_paths = NULL;
    *ret_count = 0;
    return 0;
}

static const char *get_environment(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "A") == 0 ? "{{ $.\"x' }}" : strcmp(name, "B") == 0 ? "" : NULL;
}

static const struct config_source nothing = {
    .read_file = read_nothing, .glob = find_nothing, .get_environment = get_environment};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of((const char *)data, size);
    static const enum config_purpose purposes[] = {CONFIG_FOR_RUN, CONFIG_FOR_CHECK, CONFIG_FOR_STATE};
    for (size_t i = 0; i < sizeof purposes / sizeof purposes[0]; i++) {
        struct diagnostics *d = diagnostics_new();
        struct config *c = config_load_text(&nothing, "fuzz.yaml", text, purposes[i], d);
        if ((c == NULL) != (diagnostics_errors(d) > 0 || diagnostics_out_of_memory(d)))
            abort();
        for (size_t m = 0; m < diagnostics_count(d); m++) {
            struct source_place place = diagnostics_at(d, m)->place;
            if (place.file && (place.line < 1 || place.column < 1 || place.line > size + 1 || place.column > size + 2))
                abort();
        }
        struct buffer out;
        buffer_init(&out, 1 << 22);
        diagnostics_print(d, &out, true, false);
        buffer_release(&out);
        config_free(c);
        diagnostics_free(d);
    }
    return 0;
}
