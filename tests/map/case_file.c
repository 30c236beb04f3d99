#include "map/case_file.h"

#include "support/cmocka_setup.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    struct slice bytes;
} tokens[] = {
    {"<NUL>", {"\0", 1}},  {"<CR>", {"\r", 1}},  {"<BOM>", {"\xef\xbb\xbf", 3}},
    {"<FF>", {"\xff", 1}}, {"<TAB>", {"\t", 1}}, {"<VERSION>", {RAINGAUGE_VERSION, sizeof RAINGAUGE_VERSION - 1}},
};

static size_t decode_token(const char *at, struct buffer *out)
{
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        if (strncmp(at, tokens[i].name, strlen(tokens[i].name)) == 0) {
            buffer_add(out, tokens[i].bytes);
            return strlen(tokens[i].name);
        }
    }
    char *star;
    long n = strtol(at + 1, &star, 10);
    if (star == at + 1 || star[0] != '*' || star[2] != '>')
        return 0;
    while (n-- > 0)
        buffer_add_char(out, star[1]);
    return (size_t)(star + 3 - at);
}

static void decode(const char *text, struct buffer *out)
{
    while (*text) {
        if (strncmp(text, "<end>", 5) == 0)
            return;
        size_t len = *text == '<' ? decode_token(text, out) : 0;
        if (len == 0) {
            buffer_add_char(out, *text);
            len = 1;
        }
        text += len;
    }
}

/* The text up to a line that begins with `mark`; moves *at behind that line. */
static char *section(char **at, const char *mark)
{
    char *begin = *at, *line = begin;
    while (*line && strncmp(line, mark, strlen(mark)) != 0) {
        char *newline = strchr(line, '\n');
        line = newline ? newline + 1 : line + strlen(line);
    }
    char *text = strndup(begin, (size_t)(line - begin));
    if (*line && strcmp(mark, "== ") != 0)
        line = strchr(line, '\n') + 1;
    *at = line;
    return text;
}

static void read_case(struct case_file *file, char **at)
{
    file->cases = realloc(file->cases, (file->count + 1) * sizeof *file->cases);
    struct mapper_case *c = &file->cases[file->count++];
    char *title_end = strchr(*at, '\n');
    c->title = strndup(*at + 3, (size_t)(title_end - *at - 3));
    *at = title_end + 1;
    buffer_init(&c->config, 1 << 20);
    buffer_init(&c->lines, 16 << 20);
    buffer_init(&c->expected, 16 << 20);
    char *config = section(at, "--"), *lines = section(at, "--"), *expected = section(at, "== ");
    if (!strstr(config, "inputs:"))
        buffer_add_text(&c->config, "inputs: [{name: chat, paths: [\"/logs/*.jsonl\"]}]\n");
    buffer_add_text(&c->config, config);
    decode(lines, &c->lines);
    decode(expected, &c->expected);
    while (c->expected.len > 1 && strncmp(c->expected.data + c->expected.len - 2, "\n\n", 2) == 0)
        c->expected.len--; /* the blank line before the next case */
    if (c->expected.len == 1 && c->expected.data[0] == '\n')
        c->expected.len = 0;
    free(config);
    free(lines);
    free(expected);
}

void case_file_read(struct case_file *file, const char *path)
{
    static char text[1 << 20];
    *file = (struct case_file){0};
    snprintf(file->path, sizeof file->path, "%s", path);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t len = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    assert_in_range(len, 1, sizeof text - 2);
    text[len] = '\0';
    char *at = text;
    free(section(&at, "== ")); /* what stands above the first case */
    while (*at)
        read_case(file, &at);
}

void case_file_release(struct case_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        free(file->cases[i].title);
        buffer_release(&file->cases[i].config);
        buffer_release(&file->cases[i].lines);
        buffer_release(&file->cases[i].expected);
    }
    free(file->cases);
}
