#ifndef RAINGAUGE_ERROR_H
#define RAINGAUGE_ERROR_H

/* A failure's text, grown outward: the function that failed says what, each caller on the way says at what.
 *
 *     if (fd < 0) { error_set(e, "open '%s': %s", path, strerror(errno)); return false; }
 *     ...
 *     if (!lock_take(&lock, dir, e)) { error_wrap(e, "state directory"); ...     → state directory: open '…': … */
struct error {
    char text[512];
};

void error_set(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_wrap(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
