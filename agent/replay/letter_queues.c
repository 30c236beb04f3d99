/* The happy path: the main cursor brings letter after letter.
 * What can go wrong: there is no room for one. With a single destination everything waits; else its queue is held: a
 * cursor begins there, and takes that queue's letters as room comes. A line that is no dead letter is met by the main
 * cursor, and passed over in silence by the others. */
#include "replay/letter_queues.h"

bool letter_queues_init(struct letter_queues *q, const struct letter_files *files, struct letter_intake *intake)
{
    *q = (struct letter_queues){.files = files, .intake = intake};
    letter_cursor_init(&q->main, files);
    q->held = calloc(letter_intake_queues(intake), sizeof(struct letter_cursor *));
    return q->held != NULL;
}

static void let_go(struct letter_queues *q, size_t queue)
{
    if (q->held[queue])
        letter_cursor_release(q->held[queue]);
    free(q->held[queue]);
    q->held[queue] = NULL;
}

void letter_queues_release(struct letter_queues *q)
{
    for (size_t i = 0; q->held && i < letter_intake_queues(q->intake); i++)
        let_go(q, i);
    free(q->held);
    letter_cursor_release(&q->main);
}

static void pass(struct letter_queues *q, struct letter_cursor *c, bool settled)
{
    q->bytes_seen += c->line_len;
    q->bytes_settled += settled ? c->line_len : 0;
    letter_cursor_advance(c);
}

static enum letter_step take(struct letter_queues *q, struct letter_cursor *c, uint64_t now,
                             struct letter_seen *ret_seen)
{
    ret_seen->file = letter_cursor_file(c);
    ret_seen->line = c->line_number;
    if (letter_intake_take(q->intake, now, &ret_seen->no_destination) == LETTER_NO_MEMORY)
        return LETTERS_WAIT_FOR_MEMORY;
    pass(q, c, true);
    return LETTERS_STEPPED;
}

/* One line further in a queue that is held and has room. */
static enum letter_step step_held(struct letter_queues *q, size_t queue, uint64_t now, struct letter_seen *ret_seen,
                                  struct error *ret_error)
{
    struct letter_cursor *c = q->held[queue];
    struct slice line;
    enum letters_left left = letter_cursor_peek(c, &line, ret_error);
    if (left == LETTERS_FAILED)
        return LETTERS_UNREADABLE;
    if (left == LETTERS_END || letter_cursor_is_at(c, &q->main)) {
        let_go(q, queue);
        return LETTERS_STEPPED;
    }
    size_t its_queue;
    const char *bad;
    switch (letter_intake_look(q->intake, line, &its_queue, &bad)) {
    case LETTER_NO_MEMORY:
        return LETTERS_WAIT_FOR_MEMORY;
    case LETTER_OK:
        if (its_queue == queue)
            return take(q, c, now, ret_seen);
        break;
    case LETTER_BAD:
        break;
    }
    pass(q, c, false);
    return LETTERS_STEPPED;
}

static enum letter_step hold(struct letter_queues *q, size_t queue)
{
    if (letter_intake_queues(q->intake) - LETTER_QUEUES_OF_NO_DESTINATION < 2)
        return LETTERS_WAIT;
    struct letter_cursor *c = malloc(sizeof *c);
    if (!c)
        return LETTERS_WAIT_FOR_MEMORY;
    letter_cursor_init_at(c, &q->main);
    q->held[queue] = c;
    pass(q, &q->main, false);
    return LETTERS_STEPPED;
}

static bool any_is_held(const struct letter_queues *q)
{
    for (size_t i = 0; i < letter_intake_queues(q->intake); i++) {
        if (q->held[i])
            return true;
    }
    return false;
}

static enum letter_step step_main(struct letter_queues *q, uint64_t now, struct letter_seen *ret_seen,
                                  struct error *ret_error)
{
    struct slice line;
    enum letters_left left = letter_cursor_peek(&q->main, &line, ret_error);
    if (left == LETTERS_FAILED)
        return LETTERS_UNREADABLE;
    if (left == LETTERS_END)
        return any_is_held(q) ? LETTERS_WAIT : LETTERS_ALL_TAKEN;
    size_t queue;
    const char *bad;
    switch (letter_intake_look(q->intake, line, &queue, &bad)) {
    case LETTER_NO_MEMORY:
        return LETTERS_WAIT_FOR_MEMORY;
    case LETTER_BAD:
        *ret_seen = (struct letter_seen){.bad = bad, .file = letter_cursor_file(&q->main), .line = q->main.line_number};
        letter_intake_count_bad(q->intake);
        pass(q, &q->main, true);
        return LETTERS_STEPPED;
    case LETTER_OK:
        break;
    }
    if (q->held[queue]) {
        pass(q, &q->main, false);
        return LETTERS_STEPPED;
    }
    return letter_intake_room(q->intake, queue) > 0 ? take(q, &q->main, now, ret_seen) : hold(q, queue);
}

enum letter_step letter_queues_step(struct letter_queues *q, uint64_t now, struct letter_seen *ret_seen,
                                    struct error *ret_error)
{
    size_t queues = letter_intake_queues(q->intake);
    *ret_seen = (struct letter_seen){0};
    for (size_t i = 0; i < queues; i++) {
        size_t queue = (q->turn + i) % queues;
        if (q->held[queue] && letter_intake_room(q->intake, queue) > 0) {
            q->turn = (queue + 1) % queues;
            return step_held(q, queue, now, ret_seen, ret_error);
        }
    }
    return step_main(q, now, ret_seen, ret_error);
}
