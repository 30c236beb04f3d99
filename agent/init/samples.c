#include "init/samples.h"

#include "frames/frame_cri.h"
#include "frames/frame_docker.h"
#include "frames/logfmt.h"
#include "frames/record_reader.h"
#include "limits.h"
#include "json/json_doc.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

void samples_init(struct samples *s)
{
    *s = (struct samples){.envelope = ENVELOPE_NONE, .parser = PARSER_JSON};
    arena_init(&s->arena, (size_t)LIMIT_LINE_MOST * 4);
}

void samples_release(struct samples *s)
{
    arena_release(&s->arena);
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static size_t count_newlines(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.text[i] == '\n';
    return count;
}

/* The file's beginning, unpacked: as many lines as are wanted, but no more than the longest line can be. */
static bool read_head(gzFile file, struct buffer *head, struct error *ret_error)
{
    size_t newlines = 0;
    while (newlines < SAMPLE_LINES_MOST && head->len < LIMIT_LINE_MOST) {
        char *room = buffer_reserve(head, LIMIT_READ);
        int n = room ? gzread(file, room, LIMIT_READ) : -1;
        if (n < 0 && head->len > 0 && room)
            return true; /* a file that is cut off: what could be read will do */
        if (n < 0) {
            error_set(ret_error, "%s", room ? "cannot be read" : "out of memory");
            return false;
        }
        if (n == 0)
            return true;
        newlines += count_newlines(slice_of(room, (size_t)n));
        head->len += (size_t)n;
    }
    return true;
}

static void count_envelopes(struct samples *s, struct slice head)
{
    while (head.len > 0) {
        const char *newline = memchr(head.text, '\n', head.len);
        struct slice line = slice_of(head.text, newline ? (size_t)(newline - head.text) : head.len);
        struct frame frame;
        s->cri_count += frame_cri_read(line, &frame);
        s->docker_count += frame_docker_looks_likely(line);
        head = slice_from_offset(head, line.len + (newline ? 1 : 0));
    }
}

static bool take_lines(struct samples *s, struct slice head, struct error *ret_error)
{
    struct record_options options = {.encoding = ENCODING_UTF8, .envelope = ENVELOPE_AUTO, .max_line = LIMIT_LINE_MOST};
    struct record_place from = {0};
    struct record_reader reader;
    struct record record;
    record_reader_init(&reader);
    record_reader_begin(&reader, &options, head, &from, RECORDS_END);
    while (s->count < SAMPLE_LINES_MOST && record_reader_next(&reader, &record)) {
        struct slice line = record.text.len > 0 ? arena_copy(&s->arena, record.text) : record.text;
        if (line.len > 0)
            s->lines[s->count++] = line;
    }
    bool good = !reader.failed && !s->arena.failed;
    record_reader_release(&reader);
    if (!good)
        error_set(ret_error, "out of memory");
    return good;
}

static gzFile open_log(const char *path, struct error *ret_error)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    gzFile file = fd < 0 ? NULL : gzdopen(fd, "rb"); /* reads what is not packed as it is */
    if (!file) {
        error_set(ret_error, "%s", fd < 0 ? strerror(errno) : "out of memory");
        if (fd >= 0)
            close(fd);
    }
    return file;
}

bool samples_read(struct samples *s, const char *path, struct error *ret_error)
{
    struct buffer head;
    gzFile file = open_log(path, ret_error);
    if (!file)
        return false;
    buffer_init(&head, (size_t)LIMIT_LINE_MOST + LIMIT_READ);
    bool good = read_head(file, &head, ret_error);
    if (good) {
        count_envelopes(s, buffer_slice(&head));
        good = take_lines(s, buffer_slice(&head), ret_error);
    }
    gzclose(file);
    buffer_release(&head);
    return good;
}

/* ---- What the lines are ----------------------------------------------------------------------------------------- */

/* A line of words is logfmt too, by the letter: it must have a value. */
static bool looks_like_logfmt(struct slice line)
{
    return line.text[0] != '{' && line.text[0] != '[' && memchr(line.text, '=', line.len) && logfmt_is(line);
}

static bool read_logfmt(struct samples *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct buffer json;
        buffer_init_in(&json, &s->arena);
        if (looks_like_logfmt(s->lines[i]) && logfmt_to_json(&json, s->lines[i]))
            s->json[i] = buffer_slice(&json);
        s->json_count += s->json[i].len > 0;
        if (json.failed)
            return false;
    }
    return true;
}

bool samples_decide(struct samples *s)
{
    size_t json = 0, logfmt = 0;
    for (size_t i = 0; i < s->count; i++) {
        json += json_check(s->lines[i], JSON_ANY_VALUE) == JSON_OK;
        logfmt += looks_like_logfmt(s->lines[i]);
    }
    if (s->cri_count + s->docker_count > s->count / 2)
        s->envelope = s->cri_count > s->docker_count ? ENVELOPE_CRI : ENVELOPE_DOCKER;
    s->parser = json >= logfmt && json > s->count / 3 ? PARSER_JSON
                : logfmt > s->count / 2               ? PARSER_LOGFMT
                                                      : PARSER_RAW;
    if (s->parser == PARSER_LOGFMT)
        return read_logfmt(s);
    for (size_t i = 0; i < s->count && s->parser == PARSER_JSON; i++) {
        if (json_check(s->lines[i], JSON_OBJECT_ONLY) == JSON_OK)
            s->json[i] = s->lines[i];
        s->json_count += s->json[i].len > 0;
    }
    return true;
}
