#ifndef RAINGAUGE_NOTIFY_H
#define RAINGAUGE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* What systemd is told (sd_notify(3)): states, a line of status, that the loop still turns (WATCHDOG_USEC). Where it
 * did not start us, with Type=notify, all this does nothing. Failures to send are nobody's business.
 *
 *     notify_init(&n, now);
 *     notify_say(&n, "READY=1");
 *     if (now >= notify_deadline(&n)) notify_beat(&n, now, "3 files behind");        // now and then */
struct notify {
    int fd; /* -1: nobody listens */
    uint64_t every_ms, at;
};

void notify_init(struct notify *n, uint64_t now);
void notify_release(struct notify *n);
void notify_say(const struct notify *n, const char *state);
void notify_reloading(const struct notify *n);    /* … until READY=1 is said again */
uint64_t notify_deadline(const struct notify *n); /* UINT64_MAX: never */
void notify_beat(struct notify *n, uint64_t now, const char *status);

#endif
