#include "init/config_file.h"

#include "json/json_writer.h"

static const char *const parser_names[] = {"json", "logfmt", "regex", "raw"};
static const char *const envelope_names[] = {"none", "cri", "docker", "auto"};

void config_file_begin(struct buffer *out, const char *about)
{
    buffer_printf(
        out,
        "# yaml-language-server: $schema=" RAINGAUGE_SCHEMA "\n"
        "#\n"
        "# %s\n"
        "# raingauge check says what is wrong with this file, raingauge map what it makes of a log, without sending.\n"
        "\n"
        "raindrop:\n"
        "  # RAINDROP_URL=http://127.0.0.1:9465/v1 sends to `raingauge receive`, to look at it here\n"
        "  url: ${RAINDROP_URL:-https://api.raindrop.ai/v1}\n"
        "  write_key: ${RAINDROP_WRITE_KEY}\n"
        "\n",
        about);
}

/* ---- The preset's text ------------------------------------------------------------------------------------------ */

static struct slice next_line(struct slice *rest)
{
    const char *newline = memchr(rest->text, '\n', rest->len);
    size_t len = newline ? (size_t)(newline - rest->text) + 1 : rest->len;
    struct slice line = slice_of(rest->text, len);
    *rest = slice_from_offset(*rest, len);
    return line;
}

static bool begins_a_key(struct slice line)
{
    return line.len > 0 && line.text[0] >= 'a' && line.text[0] <= 'z';
}

/* What the preset says for its input: the lines below `  input:`, which are indented as an input's are. */
static void add_preset_input(struct buffer *out, const struct preset *preset)
{
    bool in_preset = false, in_input = false;
    for (struct slice rest = preset->text; rest.len > 0;) {
        struct slice line = next_line(&rest);
        if (begins_a_key(line))
            in_preset = slice_starts_with(line, SLICE("preset:"));
        if (!slice_starts_with(line, SLICE("    ")))
            in_input = in_preset && slice_starts_with(line, SLICE("  input:"));
        else if (in_input)
            buffer_add(out, line);
    }
}

void config_file_rules_of(struct buffer *out, const struct preset *preset)
{
    bool in_preset = false;
    for (struct slice rest = preset->text; rest.len > 0;) {
        struct slice line = next_line(&rest);
        if (begins_a_key(line))
            in_preset = slice_starts_with(line, SLICE("preset:"));
        if (!in_preset || !(line.text[0] == ' ' || begins_a_key(line)))
            buffer_add(out, line);
    }
}

void config_file_include(struct buffer *out, const struct preset *preset)
{
    buffer_printf(out,
                  "# The rules are built in; raingauge init --preset %s prints them, to be worked on.\n"
                  "include: [\"preset:%s\"]\n",
                  preset->name, preset->name);
}

/* ---- Inputs ----------------------------------------------------------------------------------------------------- */

/* A path as YAML; `${` in it is no variable. */
static void add_path(struct buffer *out, struct slice path)
{
    struct buffer plain;
    buffer_init(&plain, path.len * 2 + 1);
    for (size_t i = 0; i < path.len; i++) {
        if (slice_starts_with(slice_from_offset(path, i), SLICE("${")))
            buffer_add_char(&plain, '$');
        buffer_add_char(&plain, path.text[i]);
    }
    json_write_string(out, buffer_slice(&plain));
    out->failed |= plain.failed;
    buffer_release(&plain);
}

void config_file_input(struct buffer *out, char *const *paths, size_t count, const struct samples *s,
                       const struct preset *preset)
{
    buffer_add_text(out, "inputs:\n  - paths:\n");
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(out, "      - ");
        add_path(out, slice_from(paths[i]));
        buffer_add_char(out, '\n');
    }
    if (s && s->envelope != ENVELOPE_NONE)
        buffer_printf(out, "    envelope: %s  # each line is wrapped by the container's runtime\n",
                      envelope_names[s->envelope]);
    if (s && s->parser != PARSER_JSON && !preset)
        buffer_printf(out, "    parser: %s\n", parser_names[s->parser]);
    if (preset)
        add_preset_input(out, preset);
    buffer_add_char(out, '\n');
}
