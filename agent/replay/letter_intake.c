/* The happy path: dead_letter_read() takes the line apart; a chunk of one log line is made of it and given to delivery,
 * with a ledger that stands for the log file, so that what fails again says again where it came from.
 * What can go wrong: the line is no dead letter; its destination is no more: it is written down again as it is, with
 * that as its reason; no memory. */
#include "replay/letter_intake.h"

#include "limits.h"
#include "merge/merger.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct letter_intake {
    const struct config *config;
    struct delivery *delivery;
    struct input_metrics *metrics;
    struct scan_rules *scan_rules;
    struct mapper *mapper;
    struct merger *merger;
    struct ledger **ledgers; /* by queue: of the log file that its last letter named; NULL: none yet */
    struct arena arena;      /* one letter's */
    struct dead_letter_read letter;
    size_t queue; /* of the letter */
    struct chunk chunk;
    struct buffer bytes; /* a kept line, behind as many bytes as a position wants to see; or a letter to be written */
};

/* Queues: one for each destination, by its index, and two more. */
static size_t queue_of_lines(const struct letter_intake *in)
{
    return in->config->destination_count;
}

static size_t queue_of_lost(const struct letter_intake *in)
{
    return in->config->destination_count + 1;
}

size_t letter_intake_queues(const struct letter_intake *in)
{
    return in->config->destination_count + LETTER_QUEUES_OF_NO_DESTINATION;
}

struct letter_intake *letter_intake_new(const struct config *config, struct delivery *delivery, struct metrics *metrics,
                                        struct slice host)
{
    struct letter_intake *in = calloc(1, sizeof *in);
    if (!in)
        return NULL;
    *in = (struct letter_intake){.config = config, .delivery = delivery};
    arena_init(&in->arena, LIMIT_RECORD_ARENA);
    chunk_init(&in->chunk);
    buffer_init(&in->bytes, LIMIT_DEAD_LETTER_LINE);
    in->metrics = metrics_input(metrics, "replay");
    in->scan_rules = scan_rules_new(config);
    in->mapper = mapper_new(config, MAP_FOR_RUN, host);
    in->merger = merger_new(MAP_FOR_RUN, host);
    in->ledgers = calloc(letter_intake_queues(in), sizeof *in->ledgers);
    if (in->metrics && in->scan_rules && in->mapper && in->ledgers && in->merger &&
        merger_configure(in->merger, config, SIZE_MAX))
        return in;
    letter_intake_free(in);
    return NULL;
}

void letter_intake_free(struct letter_intake *in)
{
    if (!in)
        return;
    for (size_t i = 0; in->ledgers && i < letter_intake_queues(in); i++) {
        if (in->ledgers[i])
            ledger_disown(in->ledgers[i]);
    }
    free(in->ledgers);
    merger_free(in->merger);
    mapper_free(in->mapper);
    scan_rules_free(in->scan_rules);
    arena_release(&in->arena);
    chunk_release(&in->chunk);
    buffer_release(&in->bytes);
    free(in);
}

size_t letter_intake_room(const struct letter_intake *in, size_t queue)
{
    return in->ledgers[queue] ? delivery_room(in->delivery, in->ledgers[queue]) : SIZE_MAX;
}

/* The letter's: letters of one log file come together, as a rule, and share one. Nothing waits for a checkpoint here.
 * NULL on lack of memory. */
static struct ledger *ledger_of_letter(struct letter_intake *in)
{
    struct ledger **at = &in->ledgers[in->queue];
    if (*at && slice_equal(ledger_path(*at), in->letter.file))
        return *at;
    struct position start;
    position_init(&start);
    struct ledger *l = ledger_new(&start, in->metrics, NULL, NULL);
    if (!l || !ledger_set_path(l, in->letter.file)) {
        ledger_unref(l);
        return NULL;
    }
    ledger_set_registered(l);
    if (*at)
        ledger_disown(*at);
    return *at = l;
}

/* ---- A call ----------------------------------------------------------------------------------------------------- */

/* Calls of one user keep their order, within a destination and project. */
static uint64_t user_hash_of(const struct dead_letter_read *letter)
{
    struct content_hash hash;
    content_hash_init(&hash);
    content_hash_add(&hash, letter->destination);
    content_hash_add(&hash, SLICE("\n"));
    content_hash_add(&hash, letter->project);
    content_hash_add(&hash, SLICE("\n"));
    content_hash_add(&hash, letter->user);
    return hash.h ^ hash.pending;
}

/* One line, of which one call is to be settled. */
static bool make_chunk_of_line(struct letter_intake *in)
{
    struct chunk *chunk = &in->chunk;
    struct mapped_line line = {.offset = in->letter.offset, .calls = 1};
    position_init(&line.start);
    line.start.content.len = in->letter.offset;
    if (!chunk_clear(chunk, 1))
        return false;
    chunk->lines_read = 1;
    return chunk_add_line(chunk, &line);
}

static bool make_chunk_of_call(struct letter_intake *in)
{
    const struct dead_letter_read *letter = &in->letter;
    struct chunk *chunk = &in->chunk;
    if (!make_chunk_of_line(in))
        return false;
    struct mapped_call call = {.endpoint = letter->endpoint,
                               .destination = (uint32_t)in->queue,
                               .text_len = letter->call.len,
                               .project_at = letter->call.len,
                               .project_len = letter->project.len,
                               .user_hash = user_hash_of(letter)};
    buffer_add(&chunk->text, letter->call);
    buffer_add(&chunk->text, letter->project);
    return !chunk->text.failed && chunk_add_call(chunk, &call);
}

/* The rule that made the call may be no more: delivery sees a configuration with that rule alone. */
static bool take_call(struct letter_intake *in, uint64_t now)
{
    struct rule rule = {.name = in->letter.rule};
    struct config view = *in->config;
    view.rules = (struct rules){.items = &rule, .count = 1};
    struct ledger *l = ledger_of_letter(in);
    return l && make_chunk_of_call(in) && delivery_take(in->delivery, l, &in->chunk, &view, now);
}

static bool take_lost(struct letter_intake *in)
{
    struct ledger *l = ledger_of_letter(in);
    buffer_clear(&in->bytes);
    dead_letter_write_again(&in->letter, "its destination is not in the configuration", &in->bytes);
    return l && !in->bytes.failed && make_chunk_of_line(in) &&
           delivery_take_dead(in->delivery, l, &in->chunk, buffer_slice(&in->bytes));
}

/* ---- A kept line ------------------------------------------------------------------------------------------------ */

static bool reads_at(int fd, struct slice wanted, uint64_t offset)
{
    char found[4096];
    while (wanted.len > 0) {
        size_t step = wanted.len < sizeof found ? wanted.len : sizeof found;
        if (pread(fd, found, step, (off_t)offset) != (ssize_t)step || memcmp(found, wanted.text, step) != 0)
            return false;
        wanted = slice_from_offset(wanted, step);
        offset += step;
    }
    return true;
}

/* Of the log file, where it still holds the line: ids are made of it, and other calls of the line may have been
 * delivered with those. Else of its name, so that a second replay gives the same ids as the first. */
static struct file_id id_of(const struct letter_intake *in, size_t input, const char *path,
                            const struct dead_letter_read *letter)
{
    struct file_id id = file_id_of_name(letter->file);
    char head[LIMIT_FINGERPRINT];
    struct stat found;
    int fd = input < in->config->input_count ? scan_rules_open(in->scan_rules, input, path) : -1;
    if (fd < 0)
        return id;
    ssize_t n = pread(fd, head, sizeof head, 0);
    size_t before = letter->time.len ? letter->time.len + letter->stream.len + strlen("  F ") : 0; /* CRI's envelope */
    if (n > 0 && fstat(fd, &found) == 0 && reads_at(fd, letter->line, letter->offset + before)) {
        const char *newline = memchr(head, '\n', (size_t)n);
        id = file_id_of(found.st_dev, found.st_ino, 0, slice_of(head, newline ? (size_t)(newline - head) : (size_t)n));
    }
    close(fd);
    return id;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What was kept stands for itself: it is joined to no other line. */
static bool merge(struct letter_intake *in, struct slice file)
{
    if (!merger_take(in->merger, &in->chunk, in->config, file))
        return false;
    merger_end_all(in->merger);
    return merger_add_ended(in->merger, &in->chunk, in->config);
}

/* The rule that had merged it, if it still merges: its index + 1. */
static uint32_t merged_by(const struct letter_intake *in)
{
    const struct rules *rules = &in->config->rules;
    for (uint32_t i = 0; in->letter.merged_by.len && i < rules->count; i++)
        if (slice_equal(in->letter.merged_by, rules->items[i].name) && rules->items[i].merge.set)
            return i + 1;
    return 0;
}

static bool take_line(struct letter_intake *in, uint64_t now)
{
    const struct dead_letter_read *letter = &in->letter;
    char *path = arena_strdup(&in->arena, letter->file);
    static const char before[LIMIT_FINGERPRINT];
    buffer_clear(&in->bytes);
    buffer_add(&in->bytes, slice_of(before, sizeof before));
    buffer_add(&in->bytes, letter->line);
    struct ledger *l = ledger_of_letter(in);
    if (!path || in->bytes.failed || !l)
        return false;

    size_t input = scan_rules_input_of(in->scan_rules, letter->file);
    const struct source_text text = {letter->in_envelope, letter->time, letter->stream, merged_by(in)};
    struct source source = {.id = id_of(in, input, path, letter),
                            .input = input < in->config->input_count ? input : 0, /* as `map` does */
                            .path = letter->file,
                            .text = &text};
    position_init(&source.at);
    source.at.content.len = letter->offset;
    mapper_take(in->mapper, &source, slice_from_offset(buffer_slice(&in->bytes), sizeof before), sizeof before,
                MAP_TAKE_LAST_LINE_ANYHOW, SIZE_MAX, now_ms(), &in->chunk);
    bool taken = in->chunk.result != CHUNK_NO_MEMORY && merge(in, letter->file) &&
                 delivery_take(in->delivery, l, &in->chunk, in->config, now);
    merger_forget(in->merger, &in->chunk);
    return taken;
}

/* ---- A letter --------------------------------------------------------------------------------------------------- */

static size_t queue_of(const struct letter_intake *in, const struct dead_letter_read *letter)
{
    size_t i = 0;
    if (letter->is_line)
        return queue_of_lines(in);
    while (letter->destination.len && i < in->config->destination_count &&
           !slice_is(letter->destination, in->config->destinations[i].name))
        i++;
    return i < in->config->destination_count ? i : queue_of_lost(in); /* one that names none was the default's */
}

enum letter_taken letter_intake_look(struct letter_intake *in, struct slice line, size_t *ret_queue,
                                     const char **ret_why)
{
    arena_reset(&in->arena);
    const char *wrong = dead_letter_read(&in->arena, line, &in->letter);
    if (wrong && in->arena.starved)
        return LETTER_NO_MEMORY;
    if (wrong) {
        *ret_why = wrong;
        return LETTER_BAD;
    }
    *ret_queue = in->queue = queue_of(in, &in->letter);
    return LETTER_OK;
}

void letter_intake_count_bad(struct letter_intake *in)
{
    in->metrics->lines_read++;
    in->metrics->lines[OUTCOME_INVALID]++;
}

enum letter_taken letter_intake_take(struct letter_intake *in, uint64_t now, struct slice *ret_no_destination)
{
    bool lost = in->queue == queue_of_lost(in);
    bool taken = lost ? take_lost(in) : in->letter.is_line ? take_line(in, now) : take_call(in, now);
    if (!taken)
        return LETTER_NO_MEMORY;
    *ret_no_destination = lost ? in->letter.destination : SLICE("");
    return LETTER_OK;
}
