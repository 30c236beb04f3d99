#include "wire/call_sets.h"

#include <stddef.h>

const char *const call_attachment_types[] = {"code", "text", "image", "iframe", NULL};
const char *const call_attachment_roles[] = {"input", "output", NULL};
const char *const call_signal_types[] = {"default", "feedback", "edit", "standard", "agent", "agent_internal", NULL};
const char *const call_sentiments[] = {"POSITIVE", "NEGATIVE", NULL};
