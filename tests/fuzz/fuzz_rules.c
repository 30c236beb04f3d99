/* Any configuration on any log: what stands before a line "--" is the one, what comes behind it the other. */
#include "mapping_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct slice cut = {"\n--\n", 4};
    const char *text = (const char *)data, *at = memmem(text, size, cut.text, cut.len);
    if (!at)
        return 0;
    struct slice config_text = slice_of(text, (size_t)(at - text)), log = slice_of(at + cut.len, 0);
    log.len = (size_t)(text + size - log.text);
    struct diagnostics *d = diagnostics_new();
    struct config *config = config_load_text(&fuzz_empty_world, "fuzz.yaml", config_text, CONFIG_FOR_MAP, d);
    if (config)
        mapping_oracle(config, log, (uint32_t)size);
    config_free(config);
    diagnostics_free(d);
    return 0;
}
