/* `raindrop` and `destinations`: where calls go, and with which key.
 *
 * `raindrop` is read first; each destination begins as its copy, so that what it leaves out is raindrop's. A write key
 * never appears in a message. */
#include "settings.h"

static void read_url(struct loader *l, const struct yaml_member *member, void *target);
static void read_write_key(struct loader *l, const struct yaml_member *member, void *target);
static void read_write_key_file(struct loader *l, const struct yaml_member *member, void *target);
static void read_project_id(struct loader *l, const struct yaml_member *member, void *target);
static void read_proxy(struct loader *l, const struct yaml_member *member, void *target);
static void read_headers(struct loader *l, const struct yaml_member *member, void *target);

static const char *const compressions[] = {"none", "gzip", NULL};

static const struct setting tls_rows[] = {
    PATH("ca_file", struct destination, tls.ca_file),
    PATH("cert_file", struct destination, tls.cert_file),
    PATH("key_file", struct destination, tls.key_file),
};
static const struct section tls = SECTION_OF("tls", tls_rows);

#define DESTINATION_ROWS                                                                                               \
    READ_BY("url", read_url), READ_BY("write_key", read_write_key), READ_BY("write_key_file", read_write_key_file),    \
        READ_BY("project_id", read_project_id),                                                                        \
        DURATION("timeout", struct destination, timeout_ms, 1, HOURS(1), SECONDS(30)),                                 \
        DURATION("connect_timeout", struct destination, connect_timeout_ms, 1, HOURS(1), SECONDS(10)),                 \
        CHOICE("compression", struct destination, gzip, compressions, false), READ_BY("proxy", read_proxy),            \
        SUBSECTION("tls", &tls), READ_BY("headers", read_headers),                                                     \
        BOOL("allow_insecure", struct destination, allow_insecure, false),                                             \
        BOOL("context", struct destination, context, false)

static const struct setting raindrop_rows[] = {DESTINATION_ROWS};
static const struct section raindrop = SECTION_OF("raindrop", raindrop_rows);
static const struct section destination = SECTION_OF("destination", raindrop_rows);

/* ---- URLs ------------------------------------------------------------------------------------------------------- */

enum { HTTPS, HTTP, NO_SCHEME };

static int scheme_of(struct slice url, struct slice *ret_rest)
{
    static const struct slice schemes[] = {[HTTPS] = {"https://", 8}, [HTTP] = {"http://", 7}};
    for (int i = 0; i < NO_SCHEME; i++)
        if (url.len >= schemes[i].len && strncasecmp(url.text, schemes[i].text, schemes[i].len) == 0) {
            *ret_rest = slice_from_offset(url, schemes[i].len);
            return i;
        }
    return NO_SCHEME;
}

/* `host`, `host:port`, `[v6]:port` up to the path. */
static struct slice authority_of(struct slice rest)
{
    size_t end = 0;
    while (end < rest.len && rest.text[end] != '/' && rest.text[end] != '?' && rest.text[end] != '#')
        end++;
    return slice_of(rest.text, end);
}

static struct slice host_of(struct slice authority)
{
    if (authority.len > 0 && authority.text[0] == '[') {
        const char *close = memchr(authority.text, ']', authority.len);
        return close ? slice_of(authority.text + 1, (size_t)(close - authority.text) - 1) : slice_of("", 0);
    }
    const char *colon = authority.len ? memchr(authority.text, ':', authority.len) : NULL;
    return colon ? slice_of(authority.text, (size_t)(colon - authority.text)) : authority;
}

static bool is_port(struct slice text)
{
    unsigned long port = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.text[i] < '0' || text.text[i] > '9' || i == 5)
            return false;
        port = port * 10 + (unsigned long)(text.text[i] - '0');
    }
    return text.len > 0 && port > 0 && port <= 65535;
}

static bool has_good_port(struct slice authority, struct slice host)
{
    size_t end = (size_t)(host.text - authority.text) + host.len;
    if (end < authority.len && authority.text[end] == ']')
        end++;
    return end == authority.len || (authority.text[end] == ':' && is_port(slice_from_offset(authority, end + 1)));
}

/* 127.x.y.z as numbers only: 127.example.com is a name like any other. */
static bool is_loopback(struct slice host)
{
    if (slice_is(host, "localhost") || slice_is(host, "::1"))
        return true;
    if (!slice_starts_with(host, SLICE("127.")))
        return false;
    for (size_t i = 0; i < host.len; i++)
        if (host.text[i] != '.' && (host.text[i] < '0' || host.text[i] > '9'))
            return false;
    return true;
}

static const char *url_fault(struct slice url)
{
    struct slice rest = {"", 0};
    if (scheme_of(url, &rest) == NO_SCHEME)
        return "must begin with https:// or http://";
    struct slice authority = authority_of(rest), host = host_of(authority);
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.text[i] <= ' ' || (unsigned char)url.text[i] >= 0x7f)
            return "must be of printable ASCII without blanks";
    if (memchr(authority.text, '@', authority.len))
        return "must not hold a user or password";
    if (host.len == 0)
        return "needs a host";
    if (!has_good_port(authority, host))
        return "has no valid port";
    if (memchr(rest.text, '?', rest.len) || memchr(rest.text, '#', rest.len))
        return "must not have a query or fragment";
    return NULL;
}

static void read_url(struct loader *l, const struct yaml_member *member, void *target)
{
    struct destination *d = target;
    struct scalar s;
    if (!scalar_name(l, member->value, "url", &s))
        return;
    const char *fault = url_fault(s.text);
    d->url = NULL;
    if (fault) {
        loader_error(l, member->value->place, "url %s", fault);
        return;
    }
    while (s.text.len > 0 && s.text.text[s.text.len - 1] == '/')
        s.text.len--;
    d->url = arena_strdup(l->arena, s.text);
}

static void check_insecure(struct loader *l, const struct yaml_node *node, const struct destination *d)
{
    struct slice rest;
    const struct yaml_node *url = yaml_get(node, "url");
    if (!url && d != l->config->destinations && !yaml_get(node, "allow_insecure"))
        return; /* all inherited, and so reported there */
    if (!d->url || d->allow_insecure || scheme_of(slice_from(d->url), &rest) != HTTP ||
        is_loopback(host_of(authority_of(rest))))
        return;
    loader_error(l, url ? url->place : d->place,
                 "url must be https:// (the write key would be sent unencrypted) unless allow_insecure is true");
}

/* ---- Keys and the rest ------------------------------------------------------------------------------------------ */

static struct slice trimmed(struct slice text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.text[0]))
        text = slice_from_offset(text, 1);
    while (text.len > 0 && strchr(" \t\r\n", text.text[text.len - 1]))
        text.len--;
    return text;
}

static bool is_printable(struct slice text, unsigned char least)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.text[i] < least || (unsigned char)text.text[i] >= 0x7f)
            return false;
    return true;
}

static void set_write_key(struct loader *l, struct destination *d, struct source_place place, struct slice text)
{
    struct slice key = trimmed(text);
    if (key.len == 0 || !is_printable(key, '!'))
        loader_error(l, place,
                     key.len ? "write_key must be of printable ASCII without blanks" : "write_key must not be empty");
    d->write_key = arena_strdup(l->arena, key);
    d->write_key_file = NULL;
}

static void read_write_key(struct loader *l, const struct yaml_member *member, void *target)
{
    struct destination *d = target;
    struct scalar s;
    d->write_key = d->write_key_file = NULL;
    if (scalar_name(l, member->value, "write_key", &s))
        set_write_key(l, d, member->value->place, s.text);
}

static void read_write_key_file(struct loader *l, const struct yaml_member *member, void *target)
{
    struct destination *d = target;
    struct scalar s;
    d->write_key = d->write_key_file = NULL;
    if (scalar_name(l, member->value, "write_key_file", &s))
        d->write_key_file = scalar_absolute(l, s.text);
}

static void read_project_id(struct loader *l, const struct yaml_member *member, void *target)
{
    ((struct destination *)target)->project = destination_read_project(l, member->value);
}

static void read_proxy(struct loader *l, const struct yaml_member *member, void *target)
{
    static const char *const schemes[] = {"http://", "https://", "socks4://", "socks4a://", "socks5://", "socks5h://"};
    struct scalar s;
    if (!scalar_name(l, member->value, "proxy", &s))
        return;
    bool known = !memmem(s.text.text, s.text.len, "://", 3); /* host:port alone is http */
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        known |= strncasecmp(s.text.text, schemes[i], strlen(schemes[i])) == 0;
    if (!known || !is_printable(s.text, '!'))
        loader_error(l, member->value->place, "proxy must be a URL such as http://proxy:3128 or socks5h://proxy:1080");
    ((struct destination *)target)->proxy = s.text.text;
}

static bool is_token(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.text[i] <= ' ' || (unsigned char)text.text[i] >= 0x7f ||
            strchr("()<>@,;:\\\"/[]?={}", text.text[i]))
            return false;
    return text.len > 0;
}

/* Headers that raingauge writes itself. */
static bool is_ours(struct slice name)
{
    static const char *const ours[] = {"authorization",     "content-type", "content-length", "content-encoding",
                                       "transfer-encoding", "connection",   "expect",         "x-raindrop-project-id"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strlen(ours[i]) == name.len && strncasecmp(ours[i], name.text, name.len) == 0)
            return true;
    return false;
}

static void read_headers(struct loader *l, const struct yaml_member *member, void *target)
{
    struct destination *d = target;
    const struct yaml_node *map = member->value;
    if (map->type != YAML_MAP) {
        loader_error(l, map->place, "headers must be a map of names and values");
        return;
    }
    struct header *headers = arena_calloc(l->arena, map->count, sizeof *headers);
    for (size_t i = 0; i < map->count && headers; i++) {
        const struct yaml_member *header = &map->members[i];
        struct scalar value;
        if (!is_token(header->key))
            loader_error(l, header->key_place, "this is not the name of a header");
        else if (is_ours(header->key))
            loader_error(l, header->key_place, "the header \"%.*s\" is set by raingauge", SLICE_FMT(header->key));
        headers[i].name = arena_strdup(l->arena, header->key);
        if (!scalar_name(l, header->value, "the value of a header", &value))
            continue;
        headers[i].value = value.text.text;
        for (size_t c = 0; c < value.text.len; c++)
            if (((unsigned char)value.text.text[c] < ' ' && value.text.text[c] != '\t') || value.text.text[c] == 0x7f) {
                loader_error(l, header->value->place, "the value of a header must stand on one line");
                break;
            }
    }
    d->headers = headers;
    d->header_count = map->count;
}

/* ---- Destinations ----------------------------------------------------------------------------------------------- */

static void check_key_twice(struct loader *l, const struct yaml_node *node)
{
    const struct yaml_member *file = yaml_member_of(node, "write_key_file");
    if (file && yaml_member_of(node, "write_key"))
        loader_error(l, file->key_place, "write_key and write_key_file cannot both be given");
}

static void read_destination(struct loader *l, const struct yaml_member *member)
{
    struct config *c = l->config;
    struct yaml_node key = value_of_key(member);
    struct scalar name;
    if (!scalar_name(l, &key, "a destination's name", &name))
        return;
    for (size_t i = 0; i < c->destination_count; i++)
        if (slice_is(name.text, c->destinations[i].name))
            loader_error(l, member->key_place,
                         i == 0 ? "the name raindrop is that of the default destination"
                                : "another destination has the same name");
    struct destination *grown =
        arena_grow_array(l->arena, c->destinations, c->destination_count, sizeof *c->destinations);
    if (!grown)
        return;
    c->destinations = grown;
    struct destination *d = &c->destinations[c->destination_count++];
    *d = c->destinations[0];
    d->name = name.text.text;
    d->place = member->value->place;
    if (section_check(l, &destination, member->value)) {
        check_key_twice(l, member->value);
        section_values(l, &destination, member->value, d);
        check_insecure(l, member->value, d);
    }
}

static void read_raindrop(struct loader *l, const struct yaml_node *node)
{
    struct config *c = l->config;
    c->destinations = arena_grow_array(l->arena, NULL, 0, sizeof *c->destinations);
    if (!c->destinations)
        return;
    struct destination *d = &c->destinations[c->destination_count++];
    *d = (struct destination){.name = "raindrop", .url = "https://api.raindrop.ai/v1"};
    d->place = node ? node->place : (struct source_place){l->documents[0].file, 1, 1};
    section_defaults(&raindrop, d);
    if (!node || !section_check(l, &raindrop, node))
        return;
    check_key_twice(l, node);
    section_values(l, &raindrop, node, d);
    check_insecure(l, node, d);
}

/* Where neither a key nor a key file is given, the key is ${RAINDROP_WRITE_KEY}. */
static void take_default_key(struct loader *l, const struct yaml_node *node)
{
    struct destination *d = &l->config->destinations[0];
    struct source_place place = {l->documents[0].file, 1, 1};
    if (l->purpose == CONFIG_FOR_MAP || (node && (yaml_get(node, "write_key") || yaml_get(node, "write_key_file"))))
        return; /* map needs none */
    const struct environment *e = &l->environment;
    const char *key = e->get ? e->get(e->context, "RAINDROP_WRITE_KEY") : NULL;
    if (key && *key)
        set_write_key(l, d, place, slice_from(key));
    else
        diagnostics_add(l->d, l->unset, place,
                        "no write key: the environment variable RAINDROP_WRITE_KEY is not set, and raindrop has "
                        "neither write_key nor write_key_file");
}

void destinations_read(struct loader *l)
{
    const struct yaml_node *node = yaml_get(l->documents[0].root, "raindrop");
    bool uploads = l->purpose == CONFIG_FOR_RUN || l->purpose == CONFIG_FOR_ONLINE;

    l->document = &l->documents[0];
    l->unset = uploads ? SEVERITY_ERROR : SEVERITY_WARNING;
    l->names.parents = SIZE_MAX;
    read_raindrop(l, node);
    if (l->config->destinations) {
        take_default_key(l, node);
        for (size_t i = 0; i < l->document_count; i++) {
            const struct yaml_node *map = yaml_get(l->documents[i].root, "destinations");
            l->document = &l->documents[i];
            if (map && map->type != YAML_MAP)
                loader_error(l, map->place, "destinations must be a map of names");
            for (size_t m = 0; map && map->type == YAML_MAP && m < map->count; m++)
                read_destination(l, &map->members[m]);
        }
    }
    l->names.parents = 0;
    l->unset = SEVERITY_ERROR;
}

/* ---- Referring to them ------------------------------------------------------------------------------------------ */

/* A literal's text where the value is one; false where it depends on the record or was reported. */
static bool literal_text_of(struct loader *l, const struct expr *e, struct slice *ret)
{
    struct value v;
    if (!e || !expr_is_constant(e, &v))
        return false;
    *ret = value_as_text(l->arena, &v);
    return true;
}

const struct expr *destination_read_to(struct loader *l, const struct yaml_node *node)
{
    const struct expr *e = value_read(l, node);
    const struct config *c = l->config;
    struct slice name;
    if (!literal_text_of(l, e, &name))
        return e;
    if (node->type == YAML_LIST || node->type == YAML_MAP) {
        loader_error(l, node->place, "to must be the name of a destination or an expression for it");
        return e;
    }
    const char **names = arena_calloc(l->arena, c->destination_count, sizeof *names);
    for (size_t i = 0; i < c->destination_count && names; i++) {
        names[i] = c->destinations[i].name;
        if (slice_is(name, names[i]))
            return e;
    }
    if (!names || memmem(node->text.text, node->text.len, "${", 2) || name.len == 0)
        loader_error(l, node->place, "unknown destination");
    else
        loader_error(l, node->place, "unknown destination \"%.*s\"%s", SLICE_FMT(name),
                     did_you_mean(l, name, names, c->destination_count));
    return e;
}

const struct expr *destination_read_project(struct loader *l, const struct yaml_node *node)
{
    const struct expr *e = value_read(l, node);
    struct slice slug;
    if (literal_text_of(l, e, &slug) && !config_is_slug(slug))
        loader_error(l, node->place,
                     "project_id must be a slug: up to 63 of a-z, 0-9 and -, neither first nor last a -");
    return e;
}
