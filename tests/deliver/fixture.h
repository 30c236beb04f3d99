/* Delivery with a configuration, chunks and a clock made by hand.
 *
 *     struct fixture f;
 *     fixture_start(&f);                                  // f.config may be changed before
 *     struct ledger *l = fixture_file(&f, "a.jsonl");
 *     line(&f); event(&f, "1"); event(&f, "2");           // a line with two calls …
 *     assert_true(take(&f, l));
 *     struct batch *b = next(&f);                          // sealed and let go at f.now
 *     assert_body(b, "[{\"n\":\"1\"},{\"n\":\"2\"}]");
 *     answer(&f, b, 204);
 *     fixture_stop(&f); */
#ifndef RAINGAUGE_TEST_DELIVER_FIXTURE_H
#define RAINGAUGE_TEST_DELIVER_FIXTURE_H

#include "deliver/delivery.h"

enum { FIXTURE_CALLS = 8192, FIXTURE_FILES = 8, FIXTURE_LINE_BYTES = 100 };

struct fixture {
    struct config config;
    struct destination destinations[3]; /* "raindrop", "b", "c"; one of them is in the configuration at first */
    struct rule rules[2];               /* "first", "second" */
    struct metrics *metrics;
    struct input_metrics *input;
    struct delivery *d;
    uint64_t now;
    uint32_t random;
    unsigned moved; /* calls of on_moved */
    struct ledger *files[FIXTURE_FILES];
    size_t file_count;

    struct chunk chunk; /* being made */
    struct mapped_call calls[FIXTURE_CALLS];
    struct mapped_line lines[FIXTURE_CALLS];
    struct map_note notes[FIXTURE_CALLS];
    uint64_t at; /* offset of the next line */
};

void fixture_init(struct fixture *f); /* the configuration */
void fixture_start(struct fixture *f);
void fixture_stop(struct fixture *f);                             /* all memory must be accounted for */
struct ledger *fixture_file(struct fixture *f, const char *path); /* registered */

void line(struct fixture *f);
/* A call {"n":"NAME"} of the present line, of the default destination and no project. */
void event(struct fixture *f, const char *name);
void signal_call(struct fixture *f, const char *name);
void identify(struct fixture *f, const char *name, uint64_t user, uint64_t traits);
void call_to(struct fixture *f, enum endpoint endpoint, uint32_t destination, const char *project, const char *name);
void call_text(struct fixture *f, enum endpoint endpoint, struct slice text);
void note(struct fixture *f, enum outcome outcome, const char *kept);
bool take(struct fixture *f, struct ledger *l); /* the chunk; the next one is begun where it was taken */
/* N lines of one event each, named first, first + 1, … */
void events(struct fixture *f, struct ledger *l, unsigned first, unsigned n);

struct batch *next(struct fixture *f); /* seals what is due by max_age, too */
void answer(struct fixture *f, struct batch *b, int status);
void answer_with(struct fixture *f, struct batch *b, const struct post_result *result);
/* Moves the clock to the deadline, which must lie within `most` ms. */
void pass_time(struct fixture *f, uint64_t most);

/* The next batch, as soon as there is one. */
struct batch *next_in_time(struct fixture *f);

bool body_is(const struct batch *b, const char *text);
#define assert_body(b, text) check_body(b, text, __FILE__, __LINE__)
void check_body(const struct batch *b, const char *text, const char *file, int at_line);
/* Writes every dead letter "to disk"; returns their lines, to be freed. */
char *bury(struct fixture *f);

#endif
