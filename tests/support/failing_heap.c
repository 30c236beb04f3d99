#include "support/failing_heap.h"

#include <stddef.h>

static unsigned countdown; /* 0: not armed */
static unsigned allocations;
static bool came;

void failing_heap_arm(unsigned nth)
{
    came = false;
    allocations = 0;
    countdown = nth;
}

bool failing_heap_disarm(void)
{
    countdown = 0;
    allocations = 0;
    return came;
}

unsigned failing_heap_allocations(void)
{
    return allocations;
}

static bool fails_now(void)
{
    allocations++;
    if (countdown == 0 || --countdown > 0)
        return false;
    came = true;
    return true;
}

#define WRAP(name, parameters, arguments)                                                                              \
    void *__real_##name parameters;                                                                                    \
    void *__wrap_##name parameters;                                                                                    \
    void *__wrap_##name parameters                                                                                     \
    {                                                                                                                  \
        return fails_now() ? NULL : __real_##name arguments;                                                           \
    }

WRAP(malloc, (size_t n), (n))
WRAP(calloc, (size_t count, size_t n), (count, n))
WRAP(realloc, (void *old, size_t n), (old, n))
WRAP(reallocarray, (void *old, size_t count, size_t n), (old, count, n))
