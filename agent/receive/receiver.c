/* The happy path: the headers are as they should be, the body is a JSON array, each of its calls is right; they are
 * written to the file, counted and shown, and the answer is 204.
 * What can go wrong: everything that table `refusals` names, before the body is looked at; a body that is no JSON, or
 * calls that are not as documented (400 with the places); a file that cannot be written (500: the agent tries again).
 */
#include "receive/receiver.h"

#include "config.h"
#include "limits.h"
#include "receive/show_call.h"
#include "state/file_io.h"
#include "wire/call_check.h"
#include "json/json_doc.h"
#include "json/json_writer.h"

#include <errno.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { BAD_CALLS_TOLD = 100 };

#define OUT_OF_MEMORY "out of memory"

static const struct endpoint_row {
    const char *path; /* behind /v1, or alone */
    const char *name; /* in the file */
    enum checked_call kind;
    bool lone; /* an object without an array around it is taken */
    size_t counter;
} endpoints[] = {
    {"/events/track", "events/track", CHECKED_EVENT, false, offsetof(struct receiver, events)},
    {"/signals/track", "signals/track", CHECKED_SIGNAL, false, offsetof(struct receiver, signals)},
    {"/users/identify", "users/identify", CHECKED_IDENTIFY, true, offsetof(struct receiver, identifies)},
};

/* One request while it is being looked at. */
struct visit {
    struct receiver *receiver;
    const struct receive_request *request;
    const struct endpoint_row *endpoint; /* NULL: unknown path */
    const char *project;                 /* "": none */
    const struct json_doc *doc;
    struct show show;
    struct receive_answer *answer;
};

/* ---- Refusals before the body is looked at ---------------------------------------------------------------------- */

static bool path_unknown(const struct visit *v)
{
    return !v->endpoint;
}

static bool method_wrong(const struct visit *v)
{
    return strcmp(v->request->method, "POST") != 0;
}

static bool key_missing(const struct visit *v)
{
    const char *given = v->request->authorization;
    return !given || strncasecmp(given, "Bearer ", 7) != 0 || given[7 + strspn(given + 7, " ")] == '\0';
}

static bool key_wrong(const struct visit *v)
{
    const char *given = v->request->authorization + 7, *key = v->receiver->key;
    return key && strcmp(given + strspn(given, " "), key) != 0;
}

static bool type_wrong(const struct visit *v)
{
    const char *type = v->request->content_type;
    size_t len = type ? strcspn(type, "; ") : 0;
    return len != strlen("application/json") || strncasecmp(type, "application/json", len) != 0;
}

static bool is_gzip(const struct visit *v)
{
    const char *encoding = v->request->content_encoding;
    return encoding && strcasecmp(encoding, "gzip") == 0;
}

static bool encoding_wrong(const struct visit *v)
{
    const char *encoding = v->request->content_encoding;
    return encoding && *encoding && strcasecmp(encoding, "identity") != 0 && !is_gzip(v);
}

static bool project_wrong(const struct visit *v)
{
    return *v->project && !config_is_slug(slice_from(v->project));
}

static bool too_large(const struct visit *v)
{
    return v->request->too_large;
}

/* In this order. */
static const struct refusal {
    bool (*holds)(const struct visit *v);
    unsigned status;
    const char *text;
} refusals[] = {
    {path_unknown, 404, "no such endpoint: there are /v1/events/track, /v1/signals/track and /v1/users/identify"},
    {method_wrong, 405, "the method must be POST"},
    {key_missing, 401, "the header Authorization: Bearer WRITE_KEY is missing"},
    {key_wrong, 401, "the write key is not the expected one"},
    {type_wrong, 415, "the content type must be application/json"},
    {encoding_wrong, 415, "the content encoding must be gzip or none"},
    {project_wrong, 400, "X-Raindrop-Project-Id is no project slug"},
    {too_large, 413, "the body is above 1 MiB"},
};

/* Answers and shows why the whole request is refused. */
static void refuse(struct visit *v, unsigned status, const char *text)
{
    v->answer->status = status;
    buffer_clear(&v->answer->body);
    buffer_add_text(&v->answer->body, "{\"error\":");
    json_write_string(&v->answer->body, slice_from(text));
    buffer_add_text(&v->answer->body, "}\n");
    v->receiver->refused++;

    struct buffer note;
    buffer_init(&note, KIB(64));
    buffer_printf(&note, "%u %s %s: %s", status, v->request->method, v->request->path, text);
    show_note(&v->show, SHOW_REFUSED, "refused", buffer_slice(&note));
    buffer_release(&note);
}

/* ---- The body --------------------------------------------------------------------------------------------------- */

enum unpacked { UNPACKED, UNPACKED_TOO_LARGE, UNPACKED_DAMAGED };

static enum unpacked unpack(struct slice packed, struct buffer *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.text, .avail_in = (uInt)packed.len};
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return UNPACKED_DAMAGED;
    int state = Z_OK;
    while (state == Z_OK) {
        char *room = buffer_reserve(out, KIB(64));
        if (!room)
            break;
        z.next_out = (Bytef *)room;
        z.avail_out = (uInt)KIB(64);
        state = inflate(&z, Z_NO_FLUSH);
        out->len += KIB(64) - z.avail_out;
    }
    bool whole = state == Z_STREAM_END && z.avail_in == 0;
    inflateEnd(&z);
    return out->failed ? UNPACKED_TOO_LARGE : whole ? UNPACKED : UNPACKED_DAMAGED;
}

/* Reads the body into v->doc; false: the request was refused. `unpacked` holds its text where it was packed. */
static bool read_body(struct visit *v, struct buffer *unpacked)
{
    struct slice text = v->request->body;
    if (is_gzip(v)) {
        enum unpacked how = unpack(text, unpacked);
        if (how != UNPACKED) {
            refuse(v, how == UNPACKED_TOO_LARGE ? 413 : 400,
                   how == UNPACKED_TOO_LARGE ? "the body is too large unpacked" : "the body is not gzip");
            return false;
        }
        text = buffer_slice(unpacked);
    }
    enum json_fault fault = json_doc_parse(&v->receiver->arena, text, JSON_ANY_VALUE, &v->doc);
    if (fault == JSON_NO_MEMORY) {
        refuse(v, 500, OUT_OF_MEMORY);
        return false;
    }
    if (fault != JSON_OK) {
        refuse(v, 400, fault == JSON_CUT ? "the body is JSON that is cut off" : json_fault_text(fault));
        return false;
    }
    enum json_type type = (enum json_type)v->doc->tokens[0].type;
    if (type != JSON_ARRAY && !(v->endpoint->lone && type == JSON_OBJECT)) {
        refuse(v, 400,
               v->endpoint->lone ? "the body must be an object, or an array of them" : "the body must be an array");
        return false;
    }
    return true;
}

/* Walks the body's calls: the elements of an array, or the one object. */
static uint32_t first_call(const struct visit *v)
{
    return v->doc->tokens[0].type == JSON_ARRAY ? json_first_child(v->doc, 0) : 0;
}

static bool next_call(const struct visit *v, uint32_t *call)
{
    if (v->doc->tokens[0].type != JSON_ARRAY)
        return false;
    *call = json_next_child(v->doc, 0, *call);
    return *call != 0;
}

static bool has_calls(const struct visit *v)
{
    return v->doc->tokens[0].type != JSON_ARRAY || v->doc->tokens[0].size > 0;
}

/* ---- Calls that are not as documented --------------------------------------------------------------------------- */

static void tell_problems(struct buffer *out, bool first, size_t index, const struct call_problems *problems)
{
    buffer_printf(out, "%s{\"index\":%zu,\"problems\":[", first ? "" : ",", index);
    for (size_t i = 0; i < problems->count; i++) {
        buffer_add_text(out, i ? ",{\"path\":" : "{\"path\":");
        json_write_string(out, problems->items[i].path);
        buffer_add_text(out, ",\"problem\":");
        json_write_string(out, problems->items[i].text);
        buffer_add_char(out, '}');
    }
    buffer_add_text(out, "]}");
}

static void show_problems(struct visit *v, size_t index, const struct call_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        struct buffer note;
        buffer_init(&note, KIB(64));
        buffer_printf(&note, "%s[%zu]%s", v->endpoint->name, index, problems->items[i].path.len ? "." : "");
        buffer_add(&note, problems->items[i].path);
        buffer_add_char(&note, ' ');
        buffer_add(&note, problems->items[i].text);
        show_note(&v->show, SHOW_REFUSED, "refused", buffer_slice(&note));
        buffer_release(&note);
    }
}

/* Checks every call; false with the answer 400 where one is wrong. */
static bool check_calls(struct visit *v)
{
    struct arena *arena = &v->receiver->arena;
    struct buffer *answer = &v->answer->body;
    buffer_add_text(answer, "{\"error\":\"calls are not as documented\",\"calls\":[");
    size_t index = 0, bad = 0;
    bool memory_failed = false;
    uint32_t call = first_call(v);
    for (bool more = has_calls(v); more; more = next_call(v, &call), index++) {
        struct arena_mark mark = arena_mark(arena);
        struct call_problems problems;
        call_check(arena, v->doc, call, v->endpoint->kind, &problems);
        if (problems.count > 0 && bad++ < BAD_CALLS_TOLD) {
            tell_problems(answer, bad == 1, index, &problems);
            show_problems(v, index, &problems);
        }
        memory_failed |= arena->failed;
        arena_rewind(arena, mark);
    }
    if (memory_failed) {
        refuse(v, 500, OUT_OF_MEMORY);
        return false;
    }
    buffer_printf(answer, "],\"refused\":%zu}\n", bad);
    if (bad == 0 || answer->failed) /* a client may send names that are longer than any answer */
        buffer_clear(answer);
    v->answer->status = 400;
    v->receiver->refused += bad;
    return bad == 0;
}

/* ---- Calls that are --------------------------------------------------------------------------------------------- */

/* A JSON text on one line: a newline in it can only be blank space. */
static void write_on_one_line(struct buffer *out, struct slice json)
{
    size_t from = 0;
    for (size_t i = 0; i < json.len; i++) {
        if (json.text[i] != '\n' && json.text[i] != '\r')
            continue;
        buffer_add(out, slice_of(json.text + from, i - from));
        from = i + 1;
    }
    buffer_add(out, slice_from_offset(json, from));
}

/* Appends the calls to the file, all or none. */
static bool keep_calls(struct visit *v)
{
    int fd = v->receiver->keep_fd;
    if (fd < 0 || !has_calls(v))
        return true;
    struct buffer lines;
    buffer_init(&lines, LIMIT_RECEIVE_BODY * 16);
    uint32_t call = first_call(v);
    do {
        buffer_printf(&lines, "{\"endpoint\":\"%s\"", v->endpoint->name);
        if (*v->project)
            buffer_printf(&lines, ",\"project\":\"%s\"", v->project);
        buffer_add_text(&lines, ",\"call\":");
        struct slice text = json_token_text(v->doc, call);
        write_on_one_line(&lines, text);
        buffer_add_text(&lines, "}\n");
    } while (next_call(v, &call));
    off_t before = lseek(fd, 0, SEEK_END);
    bool kept = !lines.failed && file_write_all(fd, buffer_slice(&lines));
    if (!kept && before >= 0 && ftruncate(fd, before) < 0) {
        /* half a line stays there; the answer says that the calls were not taken */
    }
    buffer_release(&lines);
    return kept;
}

static struct slice event_id_of(struct visit *v, uint32_t call)
{
    uint32_t id = json_member(v->doc, call, SLICE("event_id"));
    return id ? json_unescape(&v->receiver->arena, json_token_text(v->doc, id)) : SLICE("");
}

/* What is taken but would hardly be meant. */
static void show_doubts(struct visit *v, uint32_t call)
{
    struct slice id = event_id_of(v, call);
    if (v->endpoint->kind == CHECKED_EVENT && id.len)
        event_ids_add(&v->receiver->events_seen, id);
    if (v->endpoint->kind == CHECKED_SIGNAL && !event_ids_has(&v->receiver->events_seen, id))
        show_note(&v->show, SHOW_WARNING, "warning",
                  SLICE("no event with the event_id of this signal was seen before it"));
    if (json_token_text(v->doc, call).len > LIMIT_CALL)
        show_note(&v->show, SHOW_WARNING, "warning",
                  SLICE("this call is above 1 MB: the service would cut its properties"));
}

static void take_calls(struct visit *v)
{
    if (!keep_calls(v)) {
        refuse(v, 500, "the file could not be written");
        return;
    }
    v->answer->status = 204;
    uint64_t *counter = (uint64_t *)(void *)((char *)v->receiver + v->endpoint->counter);
    uint32_t call = first_call(v);
    for (bool more = has_calls(v); more; more = next_call(v, &call)) {
        ++*counter;
        struct arena_mark mark = arena_mark(&v->receiver->arena);
        show_call(&v->show, v->doc, call, v->endpoint->kind, v->project);
        show_doubts(v, call);
        arena_rewind(&v->receiver->arena, mark);
    }
}

/* ---- A request -------------------------------------------------------------------------------------------------- */

static const struct endpoint_row *find_endpoint(const char *path)
{
    if (strncmp(path, "/v1/", 4) == 0)
        path += 3;
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        if (strcmp(path, endpoints[i].path) == 0)
            return &endpoints[i];
    }
    return NULL;
}

static void look_at(struct visit *v)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (refusals[i].holds(v)) {
            refuse(v, refusals[i].status, refusals[i].text);
            return;
        }
    }
    struct buffer unpacked;
    buffer_init(&unpacked, LIMIT_RECEIVE_BODY);
    if (read_body(v, &unpacked) && check_calls(v))
        take_calls(v);
    buffer_release(&unpacked);
}

void receiver_init(struct receiver *r, const char *key, int keep_fd, int show_fd, bool colour)
{
    *r = (struct receiver){.key = key, .keep_fd = keep_fd, .show_fd = show_fd, .colour = colour};
    arena_init(&r->arena, LIMIT_RECORD_ARENA);
    buffer_init(&r->shown, LIMIT_RECEIVE_BODY * 16);
}

void receiver_release(struct receiver *r)
{
    event_ids_release(&r->events_seen);
    arena_release(&r->arena);
    buffer_release(&r->shown);
}

void receiver_take(struct receiver *r, const struct receive_request *request, struct receive_answer *ret_answer)
{
    buffer_init(&ret_answer->body, LIMIT_RECEIVE_ANSWER);
    char clock[16];
    time_t now = time(NULL);
    struct tm parts;
    strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&now, &parts));
    struct visit visit = {
        .receiver = r,
        .request = request,
        .endpoint = find_endpoint(request->path),
        .project = request->project ? request->project : "",
        .show = {.out = &r->shown, .arena = &r->arena, .colour = r->colour, .time = clock},
        .answer = ret_answer,
    };
    look_at(&visit);
    if (!file_write_all(r->show_fd, buffer_slice(&r->shown))) {
        /* nobody looks at it any more; the calls count all the same */
    }
    buffer_clear(&r->shown);
    arena_reset(&r->arena);
}
