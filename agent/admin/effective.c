#include "admin/effective.h"

#include "json/json_writer.h"

#include <inttypes.h>
#include <stddef.h>

/* ---- Values ----------------------------------------------------------------------------------------------------- */

static void text(struct buffer *out, const char *indent, const char *key, const char *value)
{
    buffer_printf(out, "%s%s: ", indent, key);
    if (value)
        json_write_string(out, slice_from(value)); /* a JSON string is a YAML one */
    else
        buffer_add_text(out, "null");
    buffer_add_char(out, '\n');
}

static void flag(struct buffer *out, const char *indent, const char *key, bool on)
{
    buffer_printf(out, "%s%s: %s\n", indent, key, on ? "true" : "false");
}

static void number(struct buffer *out, const char *indent, const char *key, uint64_t n)
{
    buffer_printf(out, "%s%s: %" PRIu64 "\n", indent, key, n);
}

static void duration(struct buffer *out, const char *indent, const char *key, uint64_t ms)
{
    if (ms % 1000)
        buffer_printf(out, "%s%s: %" PRIu64 "ms\n", indent, key, ms);
    else
        buffer_printf(out, "%s%s: %" PRIu64 "s\n", indent, key, ms / 1000);
}

static void word(struct buffer *out, const char *indent, const char *key, const char *value)
{
    buffer_printf(out, "%s%s: %s\n", indent, key, value);
}

static void list(struct buffer *out, const char *indent, const char *key, const char *const *items, size_t count)
{
    buffer_printf(out, "%s%s: [", indent, key);
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(out, i ? ", " : "");
        json_write_string(out, slice_from(items[i]));
    }
    buffer_add_text(out, "]\n");
}

/* scheme://user:password@host… → scheme://host… */
static void url(struct buffer *out, const char *indent, const char *key, const char *value)
{
    const char *scheme = value ? strstr(value, "://") : NULL, *rest = scheme ? scheme + 3 : value;
    size_t authority = rest ? strcspn(rest, "/?#") : 0;
    const char *at = rest ? memrchr(rest, '@', authority) : NULL;
    if (!at) {
        text(out, indent, key, value);
        return;
    }
    struct buffer plain;
    buffer_init(&plain, 1 << 20);
    if (scheme)
        buffer_add(&plain, slice_of(value, (size_t)(rest - value)));
    buffer_add_text(&plain, at + 1);
    buffer_printf(out, "%s%s: ", indent, key);
    json_write_string(out, buffer_slice(&plain));
    buffer_add_text(out, " # user and password are not shown\n");
    buffer_release(&plain);
}

static void place(struct buffer *out, const char *indent, const char *key, const void *expression)
{
    if (expression)
        buffer_printf(out, "%s%s: # an expression or a slug, see the file\n", indent, key);
}

/* ---- Sections --------------------------------------------------------------------------------------------------- */

static void write_destination(struct buffer *out, const struct destination *d, const char *in)
{
    url(out, in, "url", d->url);
    if (d->write_key_file)
        text(out, in, "write_key_file", d->write_key_file);
    else
        buffer_printf(out, "%swrite_key: # %s\n", in, d->write_key ? "set, not shown" : "not set");
    place(out, in, "project_id", d->project);
    duration(out, in, "timeout", d->timeout_ms);
    duration(out, in, "connect_timeout", d->connect_timeout_ms);
    word(out, in, "compression", d->gzip ? "gzip" : "none");
    if (d->proxy)
        url(out, in, "proxy", d->proxy);
    if (d->tls.ca_file)
        text(out, in, "tls.ca_file", d->tls.ca_file);
    if (d->tls.cert_file)
        text(out, in, "tls.cert_file", d->tls.cert_file);
    if (d->tls.key_file)
        text(out, in, "tls.key_file", d->tls.key_file);
    for (size_t i = 0; i < d->header_count; i++)
        buffer_printf(out, "%sheaders.%s: # set, not shown\n", in, d->headers[i].name);
    flag(out, in, "allow_insecure", d->allow_insecure);
    flag(out, in, "context", d->context);
}

static void write_input(struct buffer *out, const struct input *i)
{
    static const char *const parsers[] = {"json", "logfmt", "regex", "raw"};
    static const char *const envelopes[] = {"none", "cri", "docker", "auto"};
    static const char *const encodings[] = {"utf-8", "utf-16le", "utf-16be", "latin1"};
    static const char *const orders[] = {"fair", "modified", "name"};
    static const char *const watches[] = {"auto", "inotify", "poll"};
    static const char *const links[] = {"inside", "all", "none"};
    static const char in[] = "    ";
    text(out, "  - ", "name", i->name);
    list(out, in, "paths", i->paths, i->path_count);
    list(out, in, "exclude", i->exclude, i->exclude_count);
    place(out, in, "to", i->to);
    word(out, in, "parser", parsers[i->parser]);
    word(out, in, "envelope", envelopes[i->envelope]);
    word(out, in, "start_at", i->start_at == START_AT_END ? "end" : "beginning");
    duration(out, in, "ignore_older", i->ignore_older_ms);
    word(out, in, "order", orders[i->order]);
    number(out, in, "max_line_bytes", i->max_line_bytes);
    word(out, in, "encoding", encodings[i->encoding]);
    word(out, in, "compression", i->read_gz ? "auto" : "none");
    word(out, in, "validate", i->validate_all ? "all" : "matched");
    word(out, in, "watch", watches[i->watch]);
    duration(out, in, "rescan", i->rescan_ms);
    duration(out, in, "poll_interval", i->poll_interval_ms);
    duration(out, in, "close_inactive", i->close_inactive_ms);
    duration(out, in, "deleted_grace", i->deleted_grace_ms);
    word(out, in, "symlinks", links[i->symlinks]);
    list(out, in, "symlink_targets", i->symlink_targets, i->symlink_target_count);
}

static void write_rules(struct buffer *out, const struct rules *rules)
{
    buffer_add_text(out, "rules:\n");
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *r = &rules->items[i];
        buffer_add_text(out, "  - name: ");
        json_write_string(out, r->name);
        buffer_add_text(out, " # at ");
        json_write_escaped(out, slice_from(r->file ? r->file->name : "?"));
        buffer_printf(out, ":%u\n", r->line);
    }
}

static void write_upload(struct buffer *out, const struct upload_settings *u)
{
    static const char in[] = "  ";
    buffer_add_text(out, "upload:\n");
    number(out, in, "batch.max_calls", u->max_calls);
    number(out, in, "batch.max_bytes", u->max_bytes);
    duration(out, in, "batch.max_age", u->max_age_ms);
    flag(out, in, "identify_batch", u->identify_batch);
    number(out, in, "concurrency", u->concurrency);
    number(out, in, "buffer", u->buffer);
    duration(out, in, "retry.initial", u->retry_initial_ms);
    duration(out, in, "retry.max", u->retry_max_ms);
    number(out, in, "max_refused", u->max_refused);
    buffer_printf(out, "%srate_limit: %g\n", in, u->rate_limit);
    duration(out, in, "shutdown_timeout", u->shutdown_timeout_ms);
    duration(out, in, "shutdown_follow", u->shutdown_follow_ms);
}

static void write_privacy(struct buffer *out, const struct privacy_settings *p)
{
    if (!p->set)
        return;
    buffer_printf(out, "privacy: # %zu patterns, %zu refusals, properties %s; redact %s\n", p->pattern_count,
                  p->refuse_count, p->properties_set ? "picked" : "all", p->redact ? "on" : "off");
}

static void write_rest(struct buffer *out, const struct config *c)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    static const char *const sandboxes[] = {"auto", "off", "require"};
    static const char in[] = "  ";
    number(out, "identify.", "cache", c->identify_cache);
    duration(out, "checkpoint.", "interval", c->checkpoint_interval_ms);
    duration(out, "checkpoint.", "forget_after", c->checkpoint_forget_after_ms);
    buffer_add_text(out, "dead_letter:\n");
    number(out, in, "max_bytes", c->dead_letter_max_bytes);
    duration(out, in, "max_age", c->dead_letter_max_age_ms);
    flag(out, in, "lines", c->dead_letter_lines);
    buffer_add_text(out, "admin:\n");
    text(out, in, "listen", c->admin_listen);
    flag(out, in, "page", c->admin_page);
    buffer_add_text(out, "log:\n");
    word(out, in, "level", levels[c->log_level]);
    word(out, in, "format", c->log_json ? "json" : "text");
    duration(out, in, "stats", c->log_stats_ms);
    word(out, "", "reload", c->reload_watch ? "watch" : "signal");
    word(out, "", "sandbox", sandboxes[c->sandbox]);
}

void effective_write(struct buffer *out, const struct config *config, const char *state_dir)
{
    buffer_add_text(out, "# in force, from ");
    json_write_escaped(out, slice_from(config->path));
    buffer_add_text(out, "\nraindrop:\n");
    write_destination(out, &config->destinations[0], "  ");
    buffer_add_text(out, config->destination_count > 1 ? "destinations:\n" : "");
    for (size_t i = 1; i < config->destination_count; i++) {
        buffer_add_text(out, "  ");
        json_write_string(out, slice_from(config->destinations[i].name));
        buffer_add_text(out, ":\n");
        write_destination(out, &config->destinations[i], "    ");
    }
    text(out, "", "state_dir", state_dir);
    buffer_add_text(out, "inputs:\n");
    for (size_t i = 0; i < config->input_count; i++)
        write_input(out, &config->inputs[i]);
    write_rules(out, &config->rules);
    write_privacy(out, &config->privacy);
    write_upload(out, &config->upload);
    write_rest(out, config);
}
