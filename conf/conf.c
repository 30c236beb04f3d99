#include "config.h"
const char *const endpoint_paths[ENDPOINT_COUNT] = {"events/track", "signals/track", "users/identify"};
