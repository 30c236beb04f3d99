/* How fast the mapper alone is: no reading, no delivery. map_only CONFIG LOG [ROUNDS]: maps the whole log as the agent
 * would, in its blocks, and prints lines, calls and MB per CPU-second of the best round. */
#include "config.h"
#include "limits.h"
#include "map/mapper.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct slice read_whole(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        exit(2);
    size_t len = (size_t)ftell(f);
    char *text = malloc(len);
    rewind(f);
    if (!text || fread(text, 1, len, f) != len)
        exit(2);
    fclose(f);
    return slice_of(text, len);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: map_only CONFIG LOG [ROUNDS]\n");
        return 2;
    }
    struct diagnostics *d = diagnostics_new();
    struct config *config = config_load(&config_source_system, argv[1], CONFIG_FOR_MAP, d);
    if (!config)
        return 2;
    struct slice log = read_whole(argv[2]);
    struct mapper *m = mapper_new(config, MAP_FOR_RUN, SLICE("host"));
    struct chunk chunk;
    double best = 1e9;
    unsigned long lines = 0, calls = 0;
    chunk_init(&chunk);
    for (int rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 3; m && rounds > 0; rounds--) {
        struct source source = {.path = slice_from(argv[2]), .id = file_id_of_name(SLICE("bench"))};
        position_init(&source.at);
        lines = calls = 0;
        double began = cpu_seconds();
        for (size_t at = 0; at < log.len; at += chunk.consumed) {
            size_t len = log.len - at < LIMIT_READ ? log.len - at : LIMIT_READ;
            size_t history = at < LIMIT_FINGERPRINT ? at : LIMIT_FINGERPRINT;
            mapper_take(m, &source, slice_of(log.text + at, len), history, 0, SIZE_MAX, 0, &chunk);
            lines += chunk.lines_read;
            calls += chunk.call_count;
            if (chunk.consumed == 0)
                break;
        }
        double took = cpu_seconds() - began;
        best = took < best ? took : best;
    }
    printf("%lu lines, %lu calls, %.3f s, %.0f MB/s per CPU-second\n", lines, calls, best,
           (double)log.len / 1e6 / best);
    chunk_release(&chunk);
    mapper_free(m);
    config_free(config);
    diagnostics_free(d);
    return 0;
}
