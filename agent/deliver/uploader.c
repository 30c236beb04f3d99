/* Sends sealed batches, one POST each.
 *
 * The happy path:
 *  - uploader_send_waiting() takes the next batch that delivery lets go and posts its body;
 *  - the answer comes, on_answered() gives it to delivery, which settles the batch.
 * What can go wrong:
 *  - everything a server or a network does: delivery decides by the answer;
 *  - the write key cannot be read from its file: delivery pauses the destination, as after a 401;
 *  - stop while in flight: the post is cancelled, nothing is settled, the next start sends it again. */
#include "deliver/uploader.h"

#include <assert.h>

struct sending {
    struct post post;
    struct uploader *uploader;
    struct batch *batch;
    struct sending *previous, *next;
};

struct uploader {
    uv_loop_t *loop;
    struct delivery *delivery;
    struct transport *transport;
    struct log *log;
    struct target *targets;
    struct sending *sendings;
    unsigned in_flight;
};

static uint32_t chance(void)
{
    uint32_t random = UINT32_MAX / 2; /* without any: everybody's backoff is the same */
    uv_random(NULL, NULL, &random, sizeof random, 0, NULL);
    return random;
}

static void unlink_sending(struct sending *s)
{
    *(s->previous ? &s->previous->next : &s->uploader->sendings) = s->next;
    if (s->next)
        s->next->previous = s->previous;
    s->uploader->in_flight--;
}

static void on_answered(struct post *post, const struct post_result *result)
{
    struct sending *s = (struct sending *)post; /* its first member */
    struct uploader *u = s->uploader;
    unlink_sending(s);
    if (result->what == POST_ANSWERED && result->status == 401)
        target_forget_key(post->target);
    delivery_answer(u->delivery, s->batch, result, uv_now(u->loop), chance());
    free(s);
}

/* Answers in the place of a server that could not be asked. */
static void refuse(struct uploader *u, struct batch *b, const struct post_result *result, uint64_t now)
{
    delivery_answer(u->delivery, b, result, now, chance());
}

static struct target **find_target(struct uploader *u, const char *name)
{
    struct target **at = &u->targets;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

static void post_batch(struct uploader *u, struct batch *b, uint64_t now)
{
    struct target *target = *find_target(u, batch_destination(b));
    struct error error = {0};
    if (!target || !target_key(target, &error)) {
        log_event(u->log, LOG_ERROR, "uploader.key", "no write key", LOG_TEXT("destination", batch_destination(b)),
                  LOG_TEXT("error", error.text), LOG_END);
        refuse(u, b, &(struct post_result){.what = POST_NO_KEY}, now);
        return;
    }
    struct sending *s = calloc(1, sizeof *s);
    if (!s) {
        refuse(u, b, &(struct post_result){.what = POST_NO_ANSWER, .why = "out of memory"}, now);
        return;
    }
    s->uploader = u;
    s->batch = b;
    s->next = u->sendings;
    if (s->next)
        s->next->previous = s;
    u->sendings = s;
    u->in_flight++;
    s->post = (struct post){
        .target = target,
        .endpoint = batch_endpoint(b),
        .project = batch_project(b),
        .body = batch_body(b),
        .gzip = target->gzip && !batch_is_plain(b),
        .on_done = on_answered,
    };
    u->transport->post(u->transport, &s->post);
}

struct uploader *uploader_new(uv_loop_t *loop, struct delivery *delivery, struct transport *transport, struct log *log)
{
    struct uploader *u = calloc(1, sizeof *u);
    if (u)
        *u = (struct uploader){.loop = loop, .delivery = delivery, .transport = transport, .log = log};
    return u;
}

static void free_targets(struct target *list)
{
    while (list) {
        struct target *next = list->next;
        target_free(list);
        list = next;
    }
}

void uploader_free(struct uploader *u)
{
    if (!u)
        return;
    assert(u->in_flight == 0);
    free_targets(u->targets);
    free(u);
}

/* A target that is replaced may be in use by a post: it takes over what the new one says, and goes with its old self.
 */
static void replace(struct uploader *u, struct target *made)
{
    struct target **at = find_target(u, made->name), *old = *at;
    made->next = NULL;
    if (!old) {
        *at = made;
        return;
    }
    struct target was = *old;
    struct target *next = old->next;
    *old = *made;
    old->next = next;
    *made = was;
    target_free(made);
}

bool uploader_configure(struct uploader *u, const struct config *config)
{
    struct target *made = NULL;
    for (size_t i = 0; i < config->destination_count; i++) {
        struct target *t = target_new(&config->destinations[i]);
        if (!t) {
            free_targets(made);
            return false;
        }
        t->next = made;
        made = t;
    }
    while (made) {
        struct target *next = made->next;
        replace(u, made);
        made = next;
    }
    return true;
}

void uploader_send_waiting(struct uploader *u, uint64_t now)
{
    struct batch *b;
    while ((b = delivery_next_batch(u->delivery, now)))
        post_batch(u, b, now);
}

void uploader_cancel_all(struct uploader *u)
{
    while (u->sendings)
        u->transport->cancel(u->transport, &u->sendings->post);
}

unsigned uploader_in_flight(const struct uploader *u)
{
    return u->in_flight;
}
