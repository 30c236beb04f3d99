/* Functions that are not used here, because each has a safer twin; included before every file. */
#ifndef RAINGAUGE_BANNED_H
#define RAINGAUGE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atoll atof gmtime localtime    \
    ctime asctime

#endif
