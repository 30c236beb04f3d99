#include "deliver/identify_turns.h"

#include <assert.h>

static struct user_turn **place_of(const struct identify_turns *t, uint64_t user)
{
    struct user_turn *const *at = &t->buckets[user % IDENTIFY_TURN_BUCKETS];
    while (*at && (*at)->user != user)
        at = &(*at)->in_bucket;
    return (struct user_turn **)(uintptr_t)at;
}

struct batch *identify_turns_first(const struct identify_turns *t, uint64_t user)
{
    const struct user_turn *foremost = *place_of(t, user);
    return foremost ? foremost->batch : NULL;
}

struct batch *identify_turns_last(const struct identify_turns *t, uint64_t user)
{
    const struct user_turn *foremost = *place_of(t, user);
    return foremost ? foremost->last->batch : NULL;
}

struct user_turn *identify_turns_join(struct identify_turns *t, uint64_t user, struct batch *batch)
{
    struct user_turn *turn = calloc(1, sizeof *turn);
    if (!turn)
        return NULL;
    turn->user = user;
    turn->batch = batch;
    struct user_turn **at = place_of(t, user), *foremost = *at;
    if (foremost) {
        turn->before = foremost->last;
        foremost->last->behind = turn;
        foremost->last = turn;
        batch->blocked++;
    } else {
        turn->last = turn;
        *at = turn;
    }
    return turn;
}

void identify_turns_leave(struct identify_turns *t, struct user_turn *turn)
{
    struct user_turn **at = place_of(t, turn->user), *foremost = *at;
    if (turn == foremost) {
        struct user_turn *next = turn->behind;
        *at = next ? next : turn->in_bucket;
        if (next) {
            next->before = NULL;
            next->last = turn->last;
            next->in_bucket = turn->in_bucket;
            next->batch->blocked--;
        }
    } else {
        assert(foremost && turn->before);
        turn->before->behind = turn->behind;
        *(turn->behind ? &turn->behind->before : &foremost->last) = turn->before;
        turn->batch->blocked--;
    }
    free(turn);
}
