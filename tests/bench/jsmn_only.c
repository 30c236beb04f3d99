/* The yardstick of the benchmarks: how fast jsmn alone (strict, parent links) tokenises a file's lines.
 * jsmn_only FILE: reads it in blocks, hands each line to jsmn, prints lines and tokens. */
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#define JSMN_STATIC
#include <jsmn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 20, TOKENS = 65536 };

int main(int argc, char **argv)
{
    FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
    char *block = malloc(BLOCK);
    jsmntok_t *tokens = malloc(TOKENS * sizeof *tokens);
    if (!f || !block || !tokens) {
        fprintf(stderr, "usage: jsmn_only FILE\n");
        return 2;
    }
    setvbuf(f, NULL, _IONBF, 0);
    unsigned long lines = 0, count = 0, bad = 0;
    size_t held = 0;
    for (;;) {
        size_t got = fread(block + held, 1, BLOCK - held, f);
        if (got == 0)
            break;
        held += got;
        char *at = block, *end = block + held, *newline;
        while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
            jsmn_parser parser;
            jsmn_init(&parser);
            int n = jsmn_parse(&parser, at, (size_t)(newline - at), tokens, TOKENS);
            lines++;
            if (n < 0)
                bad++;
            else
                count += (unsigned long)n;
            at = newline + 1;
        }
        held = (size_t)(end - at);
        memmove(block, at, held);
        if (held == BLOCK)
            break;
    }
    printf("%lu lines, %lu tokens, %lu bad\n", lines, count, bad);
    fclose(f);
    free(block);
    free(tokens);
    return 0;
}
