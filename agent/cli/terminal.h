#ifndef RAINGAUGE_TERMINAL_H
#define RAINGAUGE_TERMINAL_H

#include <stdbool.h>

/* What a descriptor's other end is. */
bool terminal_is(int fd);
/* Colours are wanted: a terminal, TERM is not dumb, NO_COLOR is not set. */
bool terminal_has_colours(int fd);
/* Columns; 80 where it cannot be told. */
unsigned terminal_width(int fd);

#endif
