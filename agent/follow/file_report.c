#include "follow/file_report.h"

#include "base/content_hash.h"
#include "limits.h"

#include <stdlib.h>

struct file_report {
    struct file_report *next;
    size_t input;
    unsigned round;
    char path[];
};

bool file_reports_add(struct file_reports *r, const char *path, size_t input)
{
    struct slice text = slice_from(path);
    struct file_report **head = &r->buckets[content_hash_of(text) % (sizeof r->buckets / sizeof *r->buckets)];
    for (struct file_report *at = *head; at; at = at->next) {
        if (slice_is(text, at->path)) {
            at->round = r->round;
            return false;
        }
    }
    struct file_report *added = r->count < LIMIT_FILE_REPORTS ? malloc(sizeof *added + text.len + 1) : NULL;
    if (!added)
        return false;
    *added = (struct file_report){.next = *head, .input = input, .round = r->round};
    memcpy(added->path, path, text.len + 1);
    *head = added;
    r->count++;
    return true;
}

/* Frees what is over; all where `walked` is NULL. */
static void remove_over(struct file_reports *r, const bool *walked, size_t input_count)
{
    for (size_t i = 0; i < sizeof r->buckets / sizeof *r->buckets; i++) {
        for (struct file_report **at = &r->buckets[i]; *at;) {
            struct file_report *one = *at;
            bool was_looked_at = one->input >= input_count || (walked && walked[one->input]);
            if (walked && (one->round == r->round || !was_looked_at)) {
                at = &one->next;
                continue;
            }
            *at = one->next;
            free(one);
            r->count--;
        }
    }
}

void file_reports_end_round(struct file_reports *r, const bool *walked, size_t input_count)
{
    remove_over(r, walked, input_count);
    r->round++;
}

void file_reports_release(struct file_reports *r)
{
    remove_over(r, NULL, 0);
}
