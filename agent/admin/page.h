#ifndef RAINGAUGE_PAGE_H
#define RAINGAUGE_PAGE_H

#include "base/slice.h"

/* The files of admin/page/, put into the program by cmake/embed.cmake: the last one's name is empty. */
struct page_file {
    const char *name; /* "index.html" */
    struct slice text;
};
extern const struct page_file page_files[];
extern const size_t page_file_count;

#endif
