/* Addresses: e-mail, IP, and the credentials in a URL. */
#include "expr/redact_find.h"

#include <stdint.h>

/* ---- e-mail ---- */

/* The byte length of a letter beyond ASCII that ends (or begins) there, of the scripts that set blanks between words:
 * Latin, Greek, Cyrillic … Others run on before and behind an address without one. */
static size_t wide_letter_at(struct slice text, size_t at)
{
    unsigned char first = (unsigned char)byte_at(text, at), second = (unsigned char)byte_at(text, at + 1);
    bool sign = first == 0xc3 && (second == 0x97 || second == 0xb7); /* × ÷ */
    return first >= 0xc3 && first <= 0xd6 && second >= 0x80 && !sign ? 2 : 0;
}

static size_t wide_letter_before(struct slice text, size_t at)
{
    return at >= 2 ? wide_letter_at(text, at - 2) : 0;
}

static bool is_local_part(char c)
{
    return is_word(c) || c == '.' || c == '-' || c == '+' || c == '%' || c == '\'';
}

/* Where the part before the @ begins, not before `from`; `at` where there is none. */
static size_t local_part_start(struct slice text, size_t from, size_t at)
{
    enum { MOST = 64 }; /* RFC 5321 */
    size_t start = at;
    while (start > from && at - start < MOST) {
        size_t wide = wide_letter_before(text, start);
        if (wide && start - wide >= from)
            start -= wide;
        else if (is_local_part(text.text[start - 1]))
            start--;
        else
            break;
    }
    while (start < at && !is_word(text.text[start]) && !wide_letter_at(text, start))
        start++; /* what stands around an address rather than in it */
    return start;
}

/* Endings of file names that are no top-level domains: icon@2x.png. */
static bool is_file_ending(struct slice label)
{
    static const char *const endings[] = {"png", "jpg", "jpeg", "gif",  "webp", "svg", "ico",  "bmp", "tiff",
                                          "pdf", "css", "js",   "jsx",  "ts",   "tsx", "json", "yml", "yaml",
                                          "xml", "htm", "html", "webm", "txt",  "log", "tar",  "gz",  NULL};
    for (size_t i = 0; endings[i]; i++)
        if (slice_is(label, endings[i]))
            return true;
    return false;
}

static bool is_top_level(struct slice label)
{
    if (label.len < 2 || label.len > 63 || is_file_ending(label))
        return false;
    if (slice_starts_with(label, SLICE("xn--")))
        return true;
    for (size_t i = 0; i < label.len;) {
        size_t wide = wide_letter_at(label, i);
        if (!wide && !is_letter(label.text[i]))
            return false;
        i += wide ? wide : 1;
    }
    return true;
}

static size_t label_length(struct slice text, size_t at)
{
    size_t n = 0, wide;
    for (;; n += wide ? wide : 1) {
        char c = byte_at(text, at + n);
        wide = wide_letter_at(text, at + n);
        if (!wide && !is_alnum(c) && (c != '-' || n == 0))
            return n;
    }
}

/* Where a domain name of two labels or more ends that begins at `at`, as far as its last label is letters; 0 where none
 * does. Two numbers first are a version (package@1.0.0-rc.one), one is a domain (163.com). */
static size_t domain_end(struct slice text, size_t at)
{
    enum { MOST = 255 };
    size_t end = 0, start = at;
    unsigned labels = 0, numbers = 0;
    for (;;) {
        size_t n = label_length(text, at);
        if (n == 0 || at + n - start > MOST)
            break;
        numbers += labels < 2 && digits_at(text, at) == n;
        labels++;
        size_t named = n;
        while (text.text[at + named - 1] == '-')
            named--;
        if (labels > 1 && is_top_level(slice_of(text.text + at, named)))
            end = at + named;
        at += n;
        if (named < n || byte_at(text, at) != '.')
            break;
        at++;
    }
    return numbers < 2 ? end : 0;
}

bool find_email(struct slice text, size_t from, struct span *ret_span)
{
    for (size_t at = from; at < text.len; at++) {
        size_t sign = text.text[at] == '@' ? 1 : slice_starts_with(slice_from_offset(text, at), SLICE("%40")) ? 3 : 0;
        if (sign == 0)
            continue;
        size_t start = local_part_start(text, from, at), end = domain_end(text, at + sign);
        bool git = slice_equal(slice_of(text.text + start, at - start), SLICE("git")); /* git@host:path */
        if (start < at && end > 0 && !git) {
            *ret_span = (struct span){start, end};
            return true;
        }
    }
    return false;
}

/* ---- credentials in a URL ---- */

/* Where the authority's last @ is, before the path, a blank or a quote; 0 where none is. */
static size_t last_at_sign(struct slice text, size_t at)
{
    size_t sign = 0;
    for (; at < text.len; at++) {
        char c = text.text[at];
        if ((unsigned char)c <= ' ' || strchr("/?#\"<>\\`", c))
            break;
        if (c == '@')
            sign = at;
    }
    return sign;
}

bool find_url_credentials(struct slice text, size_t from, struct span *ret_span)
{
    for (size_t at = from > 3 ? from - 3 : 0; at < text.len;) {
        struct slice rest = slice_from_offset(text, at);
        const char *colon = memmem(rest.text, rest.len, "://", 3);
        if (!colon)
            return false;
        size_t start = (size_t)(colon - text.text) + 3;
        size_t sign = last_at_sign(text, start);
        at = start;
        char host = byte_at(text, sign + 1);
        bool scheme = is_alnum(byte_at(text, start - 4));
        if (start < from || sign <= start || !scheme || !(is_alnum(host) || host == '[' || (unsigned char)host >= 0x80))
            continue;
        if (slice_equal(slice_of(text.text + start, sign - start), SLICE("git"))) /* ssh://git@host: nobody's secret */
            continue;
        *ret_span = (struct span){start, sign};
        return true;
    }
    return false;
}

/* ---- IPv4 ---- */

/* The length of a dotted quad at `at`, each part 0 to 255 without leading zeros; 0 where none is. */
static size_t quad_length(struct slice text, size_t at, bool *ret_rest_is_zero)
{
    size_t n = 0;
    *ret_rest_is_zero = true;
    for (int part = 0; part < 4; part++) {
        if (part > 0 && byte_at(text, at + n++) != '.')
            return 0;
        size_t digits = digits_at(text, at + n);
        if (digits == 0 || digits > 3 || (digits > 1 && text.text[at + n] == '0'))
            return 0;
        unsigned value = 0;
        for (size_t i = 0; i < digits; i++)
            value = value * 10 + (unsigned)(text.text[at + n + i] - '0');
        if (value > 255)
            return 0;
        *ret_rest_is_zero = *ret_rest_is_zero && (part == 0 || value == 0);
        n += digits;
    }
    return n;
}

/* A version, as software and files have them: Chrome/126.0.0.0, version 1.2.3.4, lib-1.2.3.4.tar.gz. */
static bool quad_is_version(struct slice text, size_t start, size_t end, bool rest_is_zero)
{
    static const char *const words[] = {"version",  "versions", "ver",   "v",        "release",
                                        "revision", "rev",      "build", "firmware", NULL};
    char after = byte_at(text, end), behind = byte_at(text, end + 1);
    if ((after == '-' || after == '+') && is_letter(behind))
        return true;
    if (after == '.' && is_letter(behind) && !slice_starts_with(slice_from_offset(text, end), SLICE(".in-addr.arpa")))
        return true;
    if (rest_is_zero && byte_at(text, start - 1) == '/' && is_letter(byte_at(text, start - 2)))
        return true;
    return follows_word(text, start, words);
}

bool find_ipv4(struct slice text, size_t from, struct span *ret_span)
{
    for (size_t at = from; at < text.len;) {
        if (!is_digit(text.text[at])) {
            at++;
            continue;
        }
        bool rest_is_zero;
        size_t n = quad_length(text, at, &rest_is_zero);
        char before = byte_at(text, at - 1);
        bool joined = is_word(before) || before == '.' || (before == '-' && is_letter(byte_at(text, at - 2)));
        char after = byte_at(text, at + n);
        bool goes_on = is_word(after) || (after == '.' && is_digit(byte_at(text, at + n + 1)));
        if (n > 0 && !joined && !goes_on && !quad_is_version(text, at, at + n, rest_is_zero)) {
            *ret_span = (struct span){at, at + n};
            return true;
        }
        at += digits_at(text, at);
    }
    return false;
}

/* ---- IPv6 ---- */

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* What tells an address from other things with colons and hexadecimal digits. */
struct ipv6_look {
    unsigned groups;
    bool shortened; /* has :: */
    bool dotted;    /* ends with an IPv4 address */
    bool has_digit;
    bool has_long_group; /* of three or four digits */
    bool all_pairs;
};

static size_t read_group(struct slice text, size_t at, struct ipv6_look *look)
{
    size_t n = 0;
    for (; n < 5 && is_hex(byte_at(text, at + n)); n++)
        look->has_digit |= is_digit(text.text[at + n]);
    look->has_long_group |= n >= 3;
    look->all_pairs &= n == 2;
    return n;
}

/* The length of what has an IPv6 address's form at `at`; 0 where nothing has. */
static size_t read_ipv6(struct slice text, size_t at, struct ipv6_look *look)
{
    size_t start = at;
    *look = (struct ipv6_look){.all_pairs = true};
    if (byte_at(text, at) == ':') {
        if (byte_at(text, at + 1) != ':')
            return 0;
        look->shortened = true;
        at += 2;
    }
    while (look->groups < 8) {
        bool unused;
        size_t quad = look->groups > 0 || look->shortened ? quad_length(text, at, &unused) : 0;
        if (quad > 0) {
            look->groups += 2;
            look->dotted = look->has_digit = true;
            at += quad;
            break;
        }
        size_t n = read_group(text, at, look);
        if (n == 0)
            break; /* behind :: */
        if (n > 4)
            return 0;
        look->groups++;
        at += n;
        if (byte_at(text, at) != ':')
            break;
        if (byte_at(text, at + 1) == ':') {
            if (look->shortened)
                return 0;
            look->shortened = true;
            at += 2;
        } else if (is_hex(byte_at(text, at + 1)) && look->groups < 8) {
            at++;
        } else {
            break; /* punctuation */
        }
    }
    return (look->shortened ? look->groups <= 7 : look->groups == 8) ? at - start : 0;
}

/* Names like Dad::add and slices like [1::2] are told from addresses by having no digit or no long group; eight pairs
 * are a hardware address. */
static bool looks_like_address(const struct ipv6_look *look, struct slice address)
{
    if (!look->shortened)
        return !look->all_pairs;
    return look->has_digit && (look->has_long_group || look->dotted || slice_is(address, "::1"));
}

bool find_ipv6(struct slice text, size_t from, struct span *ret_span)
{
    for (size_t at = from; at < text.len; at++) {
        char before = byte_at(text, at - 1);
        if (!(is_hex(text.text[at]) || text.text[at] == ':') || is_word(before) || before == ':' || before == '.')
            continue;
        struct ipv6_look look;
        size_t n = read_ipv6(text, at, &look);
        char after = byte_at(text, at + n), behind = byte_at(text, at + n + 1);
        bool goes_on = is_word(after) || (after == ':' && (is_word(behind) || behind == ':')) ||
                       (after == '.' && is_digit(behind));
        if (n > 0 && !goes_on && looks_like_address(&look, slice_of(text.text + at, n))) {
            *ret_span = (struct span){at, at + n};
            return true;
        }
    }
    return false;
}
