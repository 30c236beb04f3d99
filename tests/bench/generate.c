/* Writes the logs of the benchmarks, the same for the same arguments.
 *
 *     generate KIND OUT BYTES PERCENT SEED
 *
 * KIND app: a chat backend's log, one JSON object a line. PERCENT of the lines are calls of a model (1.2 KB: prompt and
 * completion with quotes, escapes and some UTF-8), the others the service's noise (200 B). cri: the same lines, as a
 * container runtime wraps them; PERCENT and SEED being equal, line n holds what line n of app holds. otlp: OTLP batches
 * as a collector's file exporter writes them, 24 spans a line; PERCENT of the spans are calls of a model.
 *
 * BYTES are those of the unwrapped lines; the last line is whole. Prints "lines N events N bytes N", where events are
 * the lines or spans that are calls of a model. Exits 1 where OUT cannot be written. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 240, SPANS = 24, LINE_BYTES = 1 << 18, OUT_BYTES = 1 << 20 };

/* As they stand inside a JSON string. */
static const char *const vocabulary[] = {
    "please",       "the",        "order",   "of",     "my",
    "account",      "was",        "not",     "sent",   "to",
    "an",           "address",    "in",      "which",  "we",
    "lived",        "before",     "and",     "it",     "is",
    "still",        "shown",      "there",   "can",    "you",
    "change",       "this",       "for",     "me",     "or",
    "tell",         "how",        "I",       "would",  "do",
    "that",         "a",          "refund",  "takes",  "five",
    "days",         "as",         "soon",    "our",    "team",
    "has",          "looked",     "at",      "your",   "case",
    "then",         "mail",       "arrives", "with",   "all",
    "details",      "so",         "keep",    "number", "by",
    "hand",         "if",         "no",      "answer", "comes",
    "from",         "us",         "by",      "friday", "call",
    "again",        "on",         "any",     "day",    "until",
    "six",          "what",       "else",    "may",    "be",
    "done",         "here",       "now",     "new",    "card",
    "old",          "one",        "will",    "stop",   "working",
    "after",        "its",        "date",    "but",    "ends",
    "when",         "first",      "used",    "more",   "than",
    "once",         "see",        "page",    "below",  "go",
    "on",           "read",       "them",    "out",    "over",
    "time",         "Zürich",     "crème",   "東京",   "\\\"urgent\\\"",
    "name\\tvalue", "C:\\\\logs",
};

struct text {
    char *bytes;
    size_t len;
};

struct generator {
    uint64_t state;
    unsigned percent;
    struct text texts[TEXTS];
    char *line;
    size_t len;
    uint64_t events;
};

static uint64_t next(struct generator *g)
{
    uint64_t z = g->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static unsigned below(struct generator *g, unsigned n)
{
    return (unsigned)(next(g) % n);
}

static void put_bytes(struct generator *g, const char *bytes, size_t n)
{
    if (n > LINE_BYTES - g->len)
        abort();
    memcpy(g->line + g->len, bytes, n);
    g->len += n;
}

static void put(struct generator *g, const char *text)
{
    put_bytes(g, text, strlen(text));
}

static void put_number(struct generator *g, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    put_bytes(g, digits + at, sizeof digits - at);
}

/* N with leading zeros or, in base 16, as an identifier. */
static void put_digits(struct generator *g, uint64_t n, unsigned base, unsigned width)
{
    char digits[32];
    for (unsigned i = width; i-- > 0; n /= base)
        digits[i] = "0123456789abcdef"[n % base];
    put_bytes(g, digits, width);
}

static struct text one_text(struct generator *g)
{
    return g->texts[below(g, TEXTS)];
}

static void put_text(struct generator *g)
{
    struct text text = one_text(g);
    put_bytes(g, text.bytes, text.len);
}

/* A text inside JSON that is itself a JSON string. */
static void put_text_in_text(struct generator *g)
{
    struct text text = one_text(g);
    for (size_t i = 0; i < text.len; i++) {
        if (text.bytes[i] == '"' || text.bytes[i] == '\\')
            put_bytes(g, "\\", 1);
        put_bytes(g, text.bytes + i, 1);
    }
}

static const char *one_of(struct generator *g, const char *const *list, unsigned n)
{
    return list[below(g, n)];
}
#define ONE_OF(g, ...)                                                                                                 \
    one_of(g, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* Line n is written 1,001 ms after the one before. */
static void put_time(struct generator *g, uint64_t n)
{
    uint64_t seconds = n * 1001 / 1000;
    put(g, "2026-10-");
    put_digits(g, 1 + seconds / 86400 % 28, 10, 2);
    put(g, "T");
    put_digits(g, seconds / 3600 % 24, 10, 2);
    put(g, ":");
    put_digits(g, seconds / 60 % 60, 10, 2);
    put(g, ":");
    put_digits(g, seconds % 60, 10, 2);
    put(g, ".");
    put_digits(g, n % 1000, 10, 3);
}

static void put_model_call(struct generator *g, uint64_t n)
{
    put(g, "Z\",\"level\":\"info\",\"msg\":\"llm.completion\",\"request_id\":\"req_");
    put_digits(g, n, 16, 12);
    put(g, "\",\"user\":{\"id\":\"user_");
    put_number(g, n % 4000);
    put(g, "\",\"email\":\"user");
    put_number(g, n % 4000);
    put(g, "@example.com\",\"plan\":\"");
    put(g, ONE_OF(g, "free", "paid", "trial"));
    put(g, "\"},\"model\":\"");
    put(g, ONE_OF(g, "gpt-4o-mini", "claude-haiku-4-5", "mistral-large"));
    put(g, "\",\"session\":\"convo_");
    put_number(g, n / 6);
    put(g, "\",\"prompt\":\"");
    put_text(g);
    put(g, "\",\"completion\":\"");
    put_text(g);
    put(g, " ");
    put_text(g);
    put(g, "\",\"latency_ms\":");
    put_number(g, 20 + below(g, 9000));
    put(g, ",\"tokens\":{\"in\":");
    put_number(g, 10 + below(g, 4000));
    put(g, ",\"out\":");
    put_number(g, 1 + below(g, 2000));
    put(g, "},\"tags\":[\"prod\",\"");
    put(g, ONE_OF(g, "eu-west-1", "us-east-2"));
    put(g, n % 2 ? "\"],\"cached\":true,\"score\":null}\n" : "\"],\"cached\":false,\"score\":null}\n");
    g->events++;
}

static void put_noise(struct generator *g, uint64_t n)
{
    put(g, "Z\",\"level\":\"");
    put(g, ONE_OF(g, "debug", "info", "warn"));
    put(g, "\",\"msg\":\"");
    put(g, ONE_OF(g, "http.request", "db.query", "cache.hit", "cache.miss", "queue.poll", "auth.ok"));
    put(g, "\",\"request_id\":\"req_");
    put_digits(g, n, 16, 12);
    put(g, "\",\"method\":\"GET\",\"path\":\"/api/v2/orders/");
    put_number(g, n % 997);
    put(g, "\",\"status\":200,\"duration_ms\":");
    put_number(g, 1 + below(g, 900));
    put(g, ",\"host\":\"web-");
    put_number(g, n % 9);
    put(g, "\",\"pid\":");
    put_number(g, 3000 + n % 60);
    put(g, "}\n");
}

static void put_app_line(struct generator *g, uint64_t n)
{
    put(g, "{\"time\":\"");
    put_time(g, n);
    if (below(g, 100) < g->percent)
        put_model_call(g, n);
    else
        put_noise(g, n);
}

static void put_wrapping(struct generator *g, uint64_t n)
{
    put_time(g, n);
    put_digits(g, n % 1000003, 10, 6);
    put(g, n % 3 ? "Z stdout F " : "Z stderr F ");
}

static void put_text_attribute(struct generator *g, const char *key, const char *value)
{
    put(g, "{\"key\":\"");
    put(g, key);
    put(g, "\",\"value\":{\"stringValue\":\"");
    put(g, value);
    put(g, "\"}},");
}

static void put_number_attribute(struct generator *g, const char *key, unsigned n)
{
    put(g, "{\"key\":\"");
    put(g, key);
    put(g, "\",\"value\":{\"intValue\":\"");
    put_number(g, n);
    put(g, "\"}},");
}

static void put_model_attributes(struct generator *g, uint64_t n)
{
    const char *model = ONE_OF(g, "gpt-4o-mini", "claude-haiku-4-5", "mistral-large");
    put_text_attribute(g, "gen_ai.operation.name", "chat");
    put_text_attribute(g, "gen_ai.provider.name", ONE_OF(g, "openai", "anthropic", "mistral_ai"));
    put_text_attribute(g, "gen_ai.request.model", model);
    put_text_attribute(g, "gen_ai.response.model", model);
    put_number_attribute(g, "gen_ai.usage.input_tokens", 10 + below(g, 4000));
    put_number_attribute(g, "gen_ai.usage.output_tokens", 1 + below(g, 2000));
    put(g, "{\"key\":\"user.id\",\"value\":{\"stringValue\":\"user_");
    put_number(g, n % 4000);
    put(g, "\"}},{\"key\":\"gen_ai.conversation.id\",\"value\":{\"stringValue\":\"convo_");
    put_number(g, n / 6);
    put(g, "\"}},{\"key\":\"gen_ai.input.messages\",\"value\":{\"stringValue\":\"[{\\\"role\\\":\\\"user\\\","
           "\\\"parts\\\":"
           "[{\\\"type\\\":\\\"text\\\",\\\"content\\\":\\\"");
    put_text_in_text(g);
    put(g, "\\\"}]}]\"}},{\"key\":\"gen_ai.output.messages\",\"value\":{\"stringValue\":\"[{\\\"role\\\":"
           "\\\"assistant\\\","
           "\\\"parts\\\":[{\\\"type\\\":\\\"text\\\",\\\"content\\\":\\\"");
    put_text_in_text(g);
    put(g, "\\\"}],\\\"finish_reason\\\":\\\"stop\\\"}]\"}}");
    g->events++;
}

static void put_http_attributes(struct generator *g, uint64_t n)
{
    put_text_attribute(g, "http.request.method", "GET");
    put_text_attribute(g, "url.path", ONE_OF(g, "/api/v2/orders", "/api/v2/users", "/healthz"));
    put_text_attribute(g, "server.address", "web.example.com");
    put(g, "{\"key\":\"http.response.status_code\",\"value\":{\"intValue\":\"");
    put_number(g, n % 50 ? 200 : 404);
    put(g, "\"}}");
}

static void put_span(struct generator *g, uint64_t n)
{
    int call = below(g, 100) < g->percent;
    uint64_t began = UINT64_C(1790000000000000000) + n * 1001000000;
    put(g, "{\"traceId\":\"");
    put_digits(g, next(g), 16, 16);
    put_digits(g, n / 4, 16, 16);
    put(g, "\",\"spanId\":\"");
    put_digits(g, n, 16, 16);
    put(g, call ? "\",\"parentSpanId\":\"\",\"name\":\"chat\",\"kind\":3,\"startTimeUnixNano\":\""
                : "\",\"parentSpanId\":\"\",\"name\":\"GET\",\"kind\":2,\"startTimeUnixNano\":\"");
    put_number(g, began);
    put(g, "\",\"endTimeUnixNano\":\"");
    put_number(g, began + 1000000 * (20 + below(g, 9000)));
    put(g, "\",\"attributes\":[");
    if (call)
        put_model_attributes(g, n);
    else
        put_http_attributes(g, n);
    put(g, "],\"status\":{}}");
}

static void put_batch(struct generator *g, uint64_t n)
{
    put(g, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
           "\"shop\"}},"
           "{\"key\":\"telemetry.sdk.language\",\"value\":{\"stringValue\":\"python\"}}]},\"scopeSpans\":[{\"scope\":{"
           "\"name\":"
           "\"opentelemetry.instrumentation.openai\",\"version\":\"0.40.0\"},\"spans\":[");
    for (unsigned i = 0; i < SPANS; i++) {
        if (i)
            put(g, ",");
        put_span(g, n * SPANS + i);
    }
    put(g, "]}]}]}\n");
}

/* 20 to 100 words each, as prompts and answers are. */
static void make_texts(struct generator *g)
{
    for (unsigned i = 0; i < TEXTS; i++) {
        g->len = 0;
        for (unsigned words = 20 + i % 5 * 20; words > 0; words--) {
            put(g, vocabulary[below(g, sizeof vocabulary / sizeof *vocabulary)]);
            if (words > 1)
                put(g, " ");
        }
        struct text *text = &g->texts[i];
        text->bytes = malloc(g->len);
        if (!text->bytes)
            abort();
        memcpy(text->bytes, g->line, g->len);
        text->len = g->len;
    }
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    struct generator g = {.state = strtoull(argv[5], NULL, 10), .percent = (unsigned)strtoul(argv[4], NULL, 10)};
    int otlp = strcmp(argv[1], "otlp") == 0, cri = strcmp(argv[1], "cri") == 0;
    uint64_t want = strtoull(argv[3], NULL, 10), n = 0, bytes = 0, wrapping = 0;
    FILE *out = fopen(argv[2], "wb");
    g.line = malloc(LINE_BYTES);
    if (!out || !g.line) {
        perror(argv[2]);
        return 1;
    }
    setvbuf(out, NULL, _IOFBF, OUT_BYTES);
    make_texts(&g);
    for (; bytes - wrapping < want; n++) {
        g.len = 0;
        if (cri)
            put_wrapping(&g, n);
        wrapping += g.len;
        if (otlp)
            put_batch(&g, n);
        else
            put_app_line(&g, n);
        fwrite(g.line, 1, g.len, out);
        bytes += g.len;
    }
    if (ferror(out) || fclose(out)) {
        perror(argv[2]);
        return 1;
    }
    printf("lines %" PRIu64 " events %" PRIu64 " bytes %" PRIu64 "\n", n, g.events, bytes);
    for (unsigned i = 0; i < TEXTS; i++)
        free(g.texts[i].bytes);
    free(g.line);
    return 0;
}
