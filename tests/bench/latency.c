/* How long a line takes from write() to the request that brings it: writes lines into a log, and is the server to which
 * the agent posts them, so that one clock stamps both ends.
 *
 *     latency PORT_FILE LOG COUNT PAUSE_US [BACKLOG]
 *
 * Appends a line to LOG every half second until one has arrived (the agent is up then), after that COUNT lines, each
 * half to one and a half PAUSE_US after the one before, whatever has become of that. A line is written while the epoll
 * wait is over, so what else the server does (another file's requests) counts: it is scanned, which takes some 0.1 ms a
 * request.
 *
 * With BACKLOG, the number of events that other files hold, lines are written only while some of these are missing, and
 * the program waits for all. Prints "written N arrived N backlog N" and then for each line, in the order of writing,
 * the microseconds that it took, and how many microseconds too late (up to 1,000 are the timer's) this program woke up
 * to write it, which is what the machine does to any process. Exits 1 where LOG cannot be written, or for 60 s nothing
 * has come that is still awaited. */
#include "http_server.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct probes {
    int log;
    unsigned long count, pause_us, backlog; /* what was asked for */
    unsigned long written, arrived, seen;   /* seen: the backlog's events */
    int64_t *written_us, *arrived_us;       /* [count] */
    int64_t *late_us;                       /* [count] */
    int is_up;
    int64_t last_progress_us;
    uint64_t random;
};

static const char event_id[] = "\"event_id\":\"";

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* The ids are probe_N, warmup_N, or those of the backlog. */
static void take_event(struct probes *p, const char *id, int64_t now)
{
    if (memcmp(id, "probe_", 6) == 0) {
        unsigned long n = strtoul(id + 6, NULL, 10);
        if (n < p->written && p->arrived_us[n] == 0) {
            p->arrived_us[n] = now;
            p->arrived++;
        }
    } else if (memcmp(id, "warmup", 6) == 0) {
        p->is_up = 1;
    } else {
        p->seen++;
    }
}

static void on_body(void *context, const char *body, size_t len)
{
    struct probes *p = context;
    int64_t now = now_us();
    const char *end = body + len, *at = body;
    while ((at = memmem(at, (size_t)(end - at), event_id, sizeof event_id - 1))) {
        at += sizeof event_id - 1;
        if (end - at < 8)
            break;
        take_event(p, at, now);
    }
    p->last_progress_us = now;
}

static int tell(void *context, char *text, size_t size)
{
    const struct probes *p = context;
    return snprintf(text, size, "written %lu arrived %lu backlog %lu\n", p->written, p->arrived, p->seen);
}

/* The time of the write: before it begins. */
static int64_t write_line(struct probes *p, const char *id, unsigned long n)
{
    char line[512];
    int len = snprintf(
        line, sizeof line,
        "{\"time\":\"2026-10-01T00:00:00.000Z\",\"msg\":\"llm.completion\",\"request_id\":\"%s_%lu\",\"user\":{\"id\":"
        "\"user_1\"},\"model\":\"gpt-4o-mini\",\"session\":\"convo_1\",\"prompt\":\"how long does it "
        "take\",\"completion\":"
        "\"as long as it takes\",\"latency_ms\":1}\n",
        id, n);
    int64_t now = now_us();
    if (write(p->log, line, (size_t)len) != len) {
        perror("latency: write");
        exit(1);
    }
    return now;
}

static int64_t next_pause(struct probes *p)
{
    p->random = p->random * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)(p->pause_us / 2 + (p->random >> 33) % (p->pause_us + 1));
}

static int wants_more(const struct probes *p)
{
    return p->written < p->count && (p->backlog == 0 || p->seen < p->backlog);
}

static void turn_until(struct http_server *server, int64_t until)
{
    int64_t left;
    while ((left = until - now_us()) > 0)
        http_server_turn(server, left < 1000 ? 1 : (int)(left / 1000));
}

static int run(struct probes *p, struct http_server *server)
{
    for (unsigned long n = 0; !p->is_up; n++) {
        if (n == 240)
            return -1;
        write_line(p, "warmup", n);
        for (int64_t until = now_us() + 500000; !p->is_up && now_us() < until;)
            http_server_turn(server, 1);
    }
    for (int64_t next = now_us(); wants_more(p); p->written++) {
        turn_until(server, next += next_pause(p));
        p->late_us[p->written] = now_us() - next;
        p->written_us[p->written] = write_line(p, "probe", p->written);
    }
    p->last_progress_us = now_us();
    while (p->arrived < p->written || p->seen < p->backlog) {
        if (now_us() - p->last_progress_us > 60000000)
            return -1;
        http_server_turn(server, 100);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    struct probes p = {.count = strtoul(argv[3], NULL, 10), .pause_us = strtoul(argv[4], NULL, 10), .random = 7};
    p.backlog = argc > 5 ? strtoul(argv[5], NULL, 10) : 0;
    p.written_us = calloc(p.count, sizeof *p.written_us);
    p.arrived_us = calloc(p.count, sizeof *p.arrived_us);
    p.late_us = calloc(p.count, sizeof *p.late_us);
    p.log = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    struct http_server server = {.on_body = on_body, .on_get = tell, .context = &p};
    if (!p.written_us || !p.arrived_us || !p.late_us || p.log < 0 || http_server_open(&server, argv[1]) < 0) {
        perror("latency");
        return 1;
    }
    int bad = run(&p, &server);
    char text[256];
    tell(&p, text, sizeof text);
    fputs(text, stdout);
    for (unsigned long i = 0; i < p.written; i++)
        printf("%lld %lld\n", p.arrived_us[i] ? (long long)(p.arrived_us[i] - p.written_us[i]) : -1LL,
               (long long)p.late_us[i]);
    return bad ? 1 : 0;
}
