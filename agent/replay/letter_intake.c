/* The happy path: dead_letter_read() takes the line apart; a chunk of one log line is made of it and given to delivery,
 * with a ledger that stands for the log file, so that what fails again says again where it came from.
 * What can go wrong: the line is no dead letter; its destination is no more (it never falls back to the default); no
 * memory. */
#include "replay/letter_intake.h"

#include "limits.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct letter_intake {
    const struct config *config;
    struct delivery *delivery;
    struct input_metrics *metrics;
    struct scan_rules *scan_rules;
    struct mapper *mapper;
    struct ledger *ledger; /* of the log file that the last letter named; NULL: none yet */
    struct arena arena;    /* one letter's */
    struct chunk chunk;
    struct buffer bytes; /* a kept line, behind as many bytes as a position wants to see */
};

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
    if (in->metrics && in->scan_rules && in->mapper)
        return in;
    letter_intake_free(in);
    return NULL;
}

void letter_intake_free(struct letter_intake *in)
{
    if (!in)
        return;
    if (in->ledger)
        ledger_disown(in->ledger);
    mapper_free(in->mapper);
    scan_rules_free(in->scan_rules);
    arena_release(&in->arena);
    chunk_release(&in->chunk);
    buffer_release(&in->bytes);
    free(in);
}

size_t letter_intake_room(const struct letter_intake *in)
{
    return in->ledger ? delivery_room(in->delivery, in->ledger) : SIZE_MAX;
}

/* Letters of one log file come together, as a rule: they share a ledger. Nothing waits for a checkpoint here. */
static bool use_ledger_of(struct letter_intake *in, struct slice file)
{
    if (in->ledger && slice_equal(ledger_path(in->ledger), file))
        return true;
    struct position start;
    position_init(&start);
    struct ledger *l = ledger_new(&start, in->metrics, NULL, NULL);
    if (!l || !ledger_set_path(l, file)) {
        ledger_unref(l);
        return false;
    }
    ledger_set_registered(l);
    if (in->ledger)
        ledger_disown(in->ledger);
    in->ledger = l;
    return true;
}

/* ---- A call ----------------------------------------------------------------------------------------------------- */

static size_t destination_of(const struct letter_intake *in, struct slice name)
{
    size_t i = 0;
    while (name.len && i < in->config->destination_count && !slice_is(name, in->config->destinations[i].name))
        i++;
    return i;
}

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

static bool make_chunk_of_call(struct letter_intake *in, const struct dead_letter_read *letter, size_t destination)
{
    struct chunk *chunk = &in->chunk;
    if (!chunk_clear(chunk, 1))
        return false;
    struct mapped_call call = {.endpoint = letter->endpoint,
                               .destination = (uint32_t)destination,
                               .text_len = letter->call.len,
                               .project_at = letter->call.len,
                               .project_len = letter->project.len,
                               .user_hash = user_hash_of(letter)};
    struct mapped_line line = {.offset = letter->offset, .calls = 1};
    position_init(&line.start);
    line.start.content.len = letter->offset;
    buffer_add(&chunk->text, letter->call);
    buffer_add(&chunk->text, letter->project);
    chunk->lines_read = 1;
    return !chunk->text.failed && chunk_add_call(chunk, &call) && chunk_add_line(chunk, &line);
}

/* The rule that made the call may be no more: delivery sees a configuration with that rule alone. */
static bool deliver_call(struct letter_intake *in, const struct dead_letter_read *letter, size_t destination,
                         uint64_t now)
{
    struct rule rule = {.name = letter->rule};
    struct config view = *in->config;
    view.rules = (struct rules){.items = &rule, .count = 1};
    return make_chunk_of_call(in, letter, destination) && use_ledger_of(in, letter->file) &&
           delivery_take(in->delivery, in->ledger, &in->chunk, &view, now);
}

static enum letter_taken bad(struct letter_intake *in, enum outcome outcome)
{
    in->metrics->lines_read++;
    in->metrics->lines[outcome]++;
    return LETTER_BAD;
}

static enum letter_taken take_call(struct letter_intake *in, const struct dead_letter_read *letter, uint64_t now,
                                   const char **ret_why)
{
    size_t destination = destination_of(in, letter->destination);
    if (destination == in->config->destination_count) {
        *ret_why = "its destination is not in the configuration";
        return bad(in, OUTCOME_REJECTED);
    }
    return deliver_call(in, letter, destination, now) ? LETTER_TAKEN : LETTER_NO_MEMORY;
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
    if (n > 0 && fstat(fd, &found) == 0 && reads_at(fd, letter->line, letter->offset)) {
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

static enum letter_taken take_line(struct letter_intake *in, const struct dead_letter_read *letter, uint64_t now)
{
    char *path = arena_strdup(&in->arena, letter->file);
    static const char before[LIMIT_FINGERPRINT];
    buffer_clear(&in->bytes);
    buffer_add(&in->bytes, slice_of(before, sizeof before));
    buffer_add(&in->bytes, letter->line);
    if (!path || in->bytes.failed)
        return LETTER_NO_MEMORY;

    size_t input = scan_rules_input_of(in->scan_rules, letter->file);
    struct source source = {.id = id_of(in, input, path, letter),
                            .input = input < in->config->input_count ? input : 0, /* as `map` does */
                            .path = letter->file};
    position_init(&source.at);
    source.at.content.len = letter->offset;
    mapper_take(in->mapper, &source, slice_from_offset(buffer_slice(&in->bytes), sizeof before), sizeof before,
                MAP_TAKE_LAST_LINE_ANYHOW, SIZE_MAX, now_ms(), &in->chunk);
    bool ok = in->chunk.result != CHUNK_NO_MEMORY && use_ledger_of(in, letter->file) &&
              delivery_take(in->delivery, in->ledger, &in->chunk, in->config, now);
    return ok ? LETTER_TAKEN : LETTER_NO_MEMORY;
}

/* ---- A letter --------------------------------------------------------------------------------------------------- */

enum letter_taken letter_intake_take(struct letter_intake *in, struct slice line, uint64_t now, const char **ret_why)
{
    struct dead_letter_read letter;
    arena_reset(&in->arena);
    const char *wrong = dead_letter_read(&in->arena, line, &letter);
    if (wrong && in->arena.starved)
        return LETTER_NO_MEMORY;
    if (wrong) {
        *ret_why = wrong;
        return bad(in, OUTCOME_INVALID);
    }
    return letter.is_line ? take_line(in, &letter, now) : take_call(in, &letter, now, ret_why);
}
