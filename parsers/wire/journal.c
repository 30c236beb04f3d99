#include "wire/journal.h"

#include "limits.h"
#include "text/utf8.h"
#include "json/json_doc.h"
#include "json/json_writer.h"

#include <stdint.h>
#include <stdio.h>
#include <zlib.h>

#define MAGIC "raingauge-checkpoint "
#define WRITTEN_BY " written-by "

enum { FORMAT_VERSION = 1, CHECKSUM_DIGITS = 8, ID_BYTES = sizeof((struct checkpoint_entry *)0)->id };

enum field_type { FIELD_NUMBER, FIELD_RARE_NUMBER, FIELD_HASH, FIELD_TIME, FIELD_FLAG };
#define FIELD(type, json_name, member)                                                                                 \
    {                                                                                                                  \
        {json_name, sizeof(json_name) - 1}, type, offsetof(struct checkpoint_entry, member)                            \
    }

/* A file's record besides its key, path and id. A flag stands there only where it is set, a rare number where it
 * is not 0; everything else always. */
static const struct field {
    struct slice name;
    enum field_type type;
    size_t at;
} fields[] = {
    FIELD(FIELD_NUMBER, "device", device),
    FIELD(FIELD_NUMBER, "inode", inode),
    FIELD(FIELD_NUMBER, "generation", generation),
    FIELD(FIELD_NUMBER, "offset", offset),
    FIELD(FIELD_HASH, "content", content_h),
    FIELD(FIELD_HASH, "pending", content_pending),
    FIELD(FIELD_HASH, "tail", tail),
    FIELD(FIELD_NUMBER, "head_len", head_len),
    FIELD(FIELD_HASH, "head", head),
    FIELD(FIELD_HASH, "first_line", first_line),
    FIELD(FIELD_NUMBER, "skipped", skipped),
    FIELD(FIELD_NUMBER, "size", size),
    FIELD(FIELD_TIME, "last_seen", last_seen_ms),
    FIELD(FIELD_RARE_NUMBER, "stdout_ahead", stdout_ahead),
    FIELD(FIELD_RARE_NUMBER, "stderr_ahead", stderr_ahead),
    FIELD(FIELD_RARE_NUMBER, "stdout_skip", stdout_skip),
    FIELD(FIELD_RARE_NUMBER, "stderr_skip", stderr_skip),
    FIELD(FIELD_RARE_NUMBER, "gz_end", gz_end),
    FIELD(FIELD_RARE_NUMBER, "gz_tail", gz_tail),
    FIELD(FIELD_RARE_NUMBER, "born", born_ns),
    FIELD(FIELD_FLAG, "skipping", skipping),
    FIELD(FIELD_FLAG, "gz", gz),
    FIELD(FIELD_FLAG, "gone", gone),
};
enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

static void write_hex(struct buffer *out, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        buffer_printf(out, "%02x", (unsigned char)bytes.text[i]);
}

/* A path is bytes: one that JSON cannot hold exactly, or only at great length, is written in hex. */
static void write_path(struct buffer *out, const char *name, struct slice path)
{
    bool plain = utf8_is_valid(path);
    for (size_t i = 0; i < path.len && plain; i++)
        plain = (unsigned char)path.text[i] >= ' ';
    if (plain) {
        buffer_printf(out, ",\"%s\":", name);
        json_write_string(out, path);
        return;
    }
    buffer_printf(out, ",\"%s_hex\":\"", name);
    write_hex(out, path);
    buffer_add_char(out, '"');
}

static void write_field(struct buffer *out, const struct field *field, const struct checkpoint_entry *entry)
{
    const void *value = (const char *)entry + field->at;
    switch (field->type) {
    case FIELD_RARE_NUMBER:
        if (*(const uint64_t *)value == 0)
            break;
        /* fall through */
    case FIELD_NUMBER:
        buffer_printf(out, ",\"%.*s\":%llu", SLICE_FMT(field->name), (unsigned long long)*(const uint64_t *)value);
        break;
    case FIELD_HASH:
        buffer_printf(out, ",\"%.*s\":\"%016llx\"", SLICE_FMT(field->name),
                      (unsigned long long)*(const uint64_t *)value);
        break;
    case FIELD_TIME:
        buffer_printf(out, ",\"%.*s\":%lld", SLICE_FMT(field->name), (long long)*(const int64_t *)value);
        break;
    case FIELD_FLAG:
        if (*(const bool *)value)
            buffer_printf(out, ",\"%.*s\":true", SLICE_FMT(field->name));
        break;
    }
}

static void write_file(struct buffer *out, const struct checkpoint_entry *entry)
{
    buffer_printf(out, "{\"file\":%llu", (unsigned long long)entry->key);
    write_path(out, "path", entry->path);
    if (entry->real_path.len)
        write_path(out, "real_path", entry->real_path);
    buffer_add_text(out, ",\"id\":\"");
    write_hex(out, slice_of((const char *)entry->id, ID_BYTES));
    buffer_add_char(out, '"');
    for (size_t i = 0; i < FIELD_COUNT; i++)
        write_field(out, &fields[i], entry);
    if (entry->open.len) {
        buffer_add_text(out, ",\"open\":");
        json_write_string(out, entry->open);
    }
    buffer_add_char(out, '}');
}

static void write_text(struct buffer *out, const char *name, struct slice text)
{
    buffer_printf(out, "{\"%s\":", name);
    json_write_string(out, text);
    buffer_add_char(out, '}');
}

static void write_checksum(char digits[CHECKSUM_DIGITS], struct slice json)
{
    char text[CHECKSUM_DIGITS + 1];
    uLong sum = crc32(0, (const Bytef *)json.text, (uInt)json.len);
    snprintf(text, sizeof text, "%08lx", sum);
    memcpy(digits, text, CHECKSUM_DIGITS);
}

void journal_write_header(struct buffer *out)
{
    buffer_printf(out, MAGIC "%d" WRITTEN_BY "%s\n", FORMAT_VERSION, RAINGAUGE_VERSION);
}

void journal_write(struct buffer *out, const struct journal_record *record)
{
    buffer_add_text(out, "00000000 ");
    size_t begin = out->len;
    switch (record->kind) {
    case JOURNAL_FILE:
        write_file(out, &record->entry);
        break;
    case JOURNAL_FORGET:
        buffer_printf(out, "{\"forget\":%llu}", (unsigned long long)record->entry.key);
        break;
    case JOURNAL_URL:
        write_text(out, "url", record->url);
        break;
    case JOURNAL_INPUT:
        write_text(out, "input", record->input);
        break;
    case JOURNAL_TOGETHER:
        buffer_printf(out, "{\"together\":%llu}", (unsigned long long)record->together);
        break;
    }
    if (!out->failed)
        write_checksum(out->data + begin - 1 - CHECKSUM_DIGITS, slice_from_offset(buffer_slice(out), begin));
    buffer_add_char(out, '\n');
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static bool read_decimal(struct slice text, uint64_t *ret)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.text[i] < '0' || text.text[i] > '9')
            return false;
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(text.text[i] - '0'), &n))
            return false;
    }
    *ret = n;
    return text.len > 0;
}

static bool read_signed(struct slice text, int64_t *ret)
{
    bool negative = text.len > 0 && text.text[0] == '-';
    uint64_t n;
    if (!read_decimal(slice_from_offset(text, negative), &n) || n > INT64_MAX)
        return false;
    *ret = negative ? -(int64_t)n : (int64_t)n;
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(struct slice text, unsigned char *bytes)
{
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        int high = hex_digit(text.text[i]), low = hex_digit(text.text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i / 2] = (unsigned char)(high << 4 | low);
    }
    return text.len % 2 == 0;
}

static bool read_hash(struct slice text, uint64_t *ret)
{
    unsigned char bytes[8];
    if (text.len != 2 * sizeof bytes || !read_hex(text, bytes))
        return false;
    *ret = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        *ret = *ret << 8 | bytes[i];
    return true;
}

/* A record's members, which are asked for in the order in which they are written; no name of them needs an escape. */
struct members {
    const struct json_doc *doc;
    uint32_t at; /* the one that is probably asked for next */
};

static const struct json_entry *find(struct members *m, struct slice name)
{
    const struct json_doc *doc = m->doc;
    if (m->at < doc->entry_count) {
        const struct json_entry *e = &doc->entries[m->at];
        if (slice_equal(slice_of(doc->text.text + e->name, e->name_len), name)) {
            m->at++;
            return e;
        }
    }
    return json_doc_entry(doc, name);
}

/* The text of a member, of a string its content; false where it is missing or does not begin as the wanted type. */
static bool member_text(struct members *m, struct slice name, enum json_type type, struct slice *ret)
{
    const struct json_entry *e = find(m, name);
    if (!e)
        return false;
    struct slice value = slice_of(m->doc->text.text + e->value, e->value_end - e->value);
    char first = value.text[0];
    if (type == JSON_STRING ? first != '"'
        : type == JSON_TRUE ? first != 't'
                            : first != '-' && (first < '0' || first > '9'))
        return false;
    *ret = type == JSON_STRING ? slice_of(value.text + 1, value.len - 2) : value;
    return true;
}

static bool member_number(struct members *m, struct slice name, uint64_t *ret)
{
    struct slice text;
    return member_text(m, name, JSON_NUMBER, &text) && read_decimal(text, ret);
}

static bool member_string(struct arena *arena, struct members *m, struct slice name, struct slice *ret)
{
    struct slice content;
    if (!member_text(m, name, JSON_STRING, &content))
        return false;
    *ret = json_unescape(arena, content);
    return ret->text != NULL;
}

/* Absent, or as it is or in hex. False: it cannot be read. */
static bool read_path(struct arena *arena, struct members *m, struct slice name, struct slice name_hex,
                      struct slice *ret)
{
    struct slice hex;
    if (json_doc_entry(m->doc, name))
        return member_string(arena, m, name, ret);
    if (!json_doc_entry(m->doc, name_hex))
        return true;
    if (!member_text(m, name_hex, JSON_STRING, &hex))
        return false;
    unsigned char *bytes = arena_alloc(arena, hex.len / 2 + 1);
    if (!bytes || !read_hex(hex, bytes))
        return false;
    *ret = slice_of((const char *)bytes, hex.len / 2);
    return true;
}

static bool read_field(struct members *m, const struct field *field, struct checkpoint_entry *entry)
{
    void *value = (char *)entry + field->at;
    struct slice text;
    switch (field->type) {
    case FIELD_RARE_NUMBER:
        if (!json_doc_entry(m->doc, field->name))
            return true;
        /* fall through */
    case FIELD_NUMBER:
        return member_number(m, field->name, value);
    case FIELD_HASH:
        return member_text(m, field->name, JSON_STRING, &text) && read_hash(text, value);
    case FIELD_TIME:
        return member_text(m, field->name, JSON_NUMBER, &text) && read_signed(text, value);
    case FIELD_FLAG:
        *(bool *)value = member_text(m, field->name, JSON_TRUE, &text);
        return true;
    }
    return false;
}

static bool read_file(struct arena *arena, struct members *m, struct checkpoint_entry *ret_entry)
{
    struct checkpoint_entry entry = {0};
    struct slice id;
    if (!member_number(m, SLICE("file"), &entry.key) ||
        !read_path(arena, m, SLICE("path"), SLICE("path_hex"), &entry.path) ||
        !read_path(arena, m, SLICE("real_path"), SLICE("real_path_hex"), &entry.real_path) || !entry.path.text ||
        !member_text(m, SLICE("id"), JSON_STRING, &id) || id.len != 2 * ID_BYTES || !read_hex(id, entry.id))
        return false;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (!read_field(m, &fields[i], &entry))
            return false;
    }
    if (json_doc_entry(m->doc, SLICE("open")) && !member_string(arena, m, SLICE("open"), &entry.open))
        return false;
    *ret_entry = entry;
    return true;
}

enum found { RECORD_GOOD, RECORD_BAD, RECORD_UNKNOWN };

/* A record of a kind that a later release has added to this format is no damage. */
static enum found read_record(struct arena *arena, const struct json_doc *doc, struct journal_record *ret)
{
    struct members m = {.doc = doc};
    *ret = (struct journal_record){0};
    if (json_doc_entry(doc, SLICE("file"))) {
        ret->kind = JOURNAL_FILE;
        return read_file(arena, &m, &ret->entry) ? RECORD_GOOD : RECORD_BAD;
    }
    if (json_doc_entry(doc, SLICE("forget"))) {
        ret->kind = JOURNAL_FORGET;
        return member_number(&m, SLICE("forget"), &ret->entry.key) ? RECORD_GOOD : RECORD_BAD;
    }
    if (json_doc_entry(doc, SLICE("url"))) {
        ret->kind = JOURNAL_URL;
        return member_string(arena, &m, SLICE("url"), &ret->url) ? RECORD_GOOD : RECORD_BAD;
    }
    if (json_doc_entry(doc, SLICE("input"))) {
        ret->kind = JOURNAL_INPUT;
        return member_string(arena, &m, SLICE("input"), &ret->input) ? RECORD_GOOD : RECORD_BAD;
    }
    if (json_doc_entry(doc, SLICE("together"))) {
        ret->kind = JOURNAL_TOGETHER;
        return member_number(&m, SLICE("together"), &ret->together) ? RECORD_GOOD : RECORD_BAD;
    }
    return RECORD_UNKNOWN;
}

static enum found read_line(struct arena *arena, struct slice line, struct journal_record *ret)
{
    if (line.len > LIMIT_CHECKPOINT_RECORD || line.len <= CHECKSUM_DIGITS || line.text[CHECKSUM_DIGITS] != ' ')
        return RECORD_BAD;
    struct slice json = slice_from_offset(line, CHECKSUM_DIGITS + 1);
    char digits[CHECKSUM_DIGITS];
    write_checksum(digits, json);
    struct json_doc *doc;
    if (memcmp(digits, line.text, CHECKSUM_DIGITS) != 0 ||
        json_doc_read(arena, json, JSON_OBJECT_ONLY, &doc) != JSON_OK || !doc->entries)
        return RECORD_BAD;
    return read_record(arena, doc, ret);
}

/* The line that begins the text, without its newline; false where no newline follows (torn). */
static bool take_line(struct slice *text, struct slice *ret_line)
{
    const char *newline = memchr(text->text, '\n', text->len);
    size_t len = newline ? (size_t)(newline - text->text) : text->len;
    *ret_line = slice_of(text->text, len);
    *text = slice_from_offset(*text, len + (newline != NULL));
    return newline != NULL;
}

bool journal_read(struct arena *arena, struct slice *body, struct journal_record *ret_record,
                  enum journal_fault *ret_fault)
{
    while (body->len > 0) {
        struct slice line;
        bool whole = take_line(body, &line);
        enum found found = whole ? read_line(arena, line, ret_record) : RECORD_BAD;
        if (found == RECORD_UNKNOWN)
            continue;
        *ret_fault = found == RECORD_GOOD ? JOURNAL_OK : JOURNAL_BAD_RECORD;
        return true;
    }
    return false;
}

/* A release's name is printed, so it must be one: 0.1.0, 1.2.3-rc1 … */
static bool is_version(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.text[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr(".-+~", c)))
            return false;
    }
    return text.len > 0 && text.len <= 64;
}

enum journal_fault journal_read_header(struct slice text, struct slice *ret_body, struct slice *ret_writer)
{
    struct slice line;
    if (text.len == 0 || !take_line(&text, &line) || !slice_starts_with(line, SLICE(MAGIC)))
        return JOURNAL_NOT_A_CHECKPOINT;
    line = slice_from_offset(line, strlen(MAGIC));
    const char *blank = line.len ? memchr(line.text, ' ', line.len) : NULL;
    struct slice number = slice_of(line.text, blank ? (size_t)(blank - line.text) : line.len);
    struct slice rest = slice_from_offset(line, number.len);
    struct slice writer = slice_from_offset(rest, strlen(WRITTEN_BY));
    bool named = slice_starts_with(rest, SLICE(WRITTEN_BY)) && is_version(writer);
    uint64_t version;
    if (!read_decimal(number, &version) || version == 0)
        return JOURNAL_NOT_A_CHECKPOINT;
    if (version > FORMAT_VERSION) {
        *ret_writer = named ? writer : SLICE("an unknown version");
        return JOURNAL_NEWER;
    }
    if (!named)
        return JOURNAL_NOT_A_CHECKPOINT;
    *ret_body = text;
    *ret_writer = writer;
    return JOURNAL_OK;
}
