/* Secrets that programs use: by the beginnings their issuers gave them so that they can be found, JSON web tokens, and
 * whatever looks random behind a name that says what it is. */
#include "expr/redact_find.h"

#include <stdint.h>

enum alphabet { ALNUM, URL_SAFE, CAPITALS, HEX }; /* URL_SAFE: letters, digits, _ and - */

static bool is_in(enum alphabet a, char c)
{
    switch (a) {
    case ALNUM:
        return is_alnum(c);
    case URL_SAFE:
        return is_word(c) || c == '-';
    case CAPITALS:
        return is_digit(c) || is_upper(c);
    case HEX:
        return is_digit(c) || (c >= 'a' && c <= 'f');
    }
    return false;
}

/* Keys with a beginning of their own: at least (or, where `exact`, just) so many characters behind it. */
static const struct key_form {
    const char *prefix;
    unsigned char length;
    bool exact;
    enum alphabet alphabet;
} key_forms[] = {
    {"sk_live_", 10, false, ALNUM}, /* Stripe */
    {"sk_test_", 10, false, ALNUM},
    {"rk_live_", 10, false, ALNUM},
    {"rk_test_", 10, false, ALNUM},
    {"pk_live_", 10, false, ALNUM},
    {"pk_test_", 10, false, ALNUM},
    {"whsec_", 20, false, ALNUM},
    {"AKIA", 16, true, CAPITALS}, /* Amazon */
    {"ASIA", 16, true, CAPITALS},
    {"ghp_", 30, false, ALNUM}, /* GitHub */
    {"gho_", 30, false, ALNUM},
    {"ghu_", 30, false, ALNUM},
    {"ghs_", 30, false, ALNUM},
    {"ghr_", 30, false, ALNUM},
    {"github_pat_", 22, false, URL_SAFE},
    {"glpat-", 20, false, URL_SAFE}, /* GitLab */
    {"xoxb-", 10, false, URL_SAFE},  /* Slack */
    {"xoxp-", 10, false, URL_SAFE},
    {"xoxa-", 10, false, URL_SAFE},
    {"xoxe-", 10, false, URL_SAFE},
    {"xoxr-", 10, false, URL_SAFE},
    {"xoxs-", 10, false, URL_SAFE},
    {"xapp-", 10, false, URL_SAFE},
    {"AIza", 35, true, URL_SAFE}, /* Google */
    {"GOCSPX-", 20, false, URL_SAFE},
    {"hf_", 30, false, ALNUM}, /* Hugging Face */
    {"npm_", 36, true, ALNUM},
    {"pypi-", 50, false, URL_SAFE},
    {"dop_v1_", 64, true, HEX},  /* DigitalOcean */
    {"shpat_", 32, true, ALNUM}, /* Shopify */
    {"shpss_", 32, true, ALNUM},
    {"shpca_", 32, true, ALNUM},
    {"dapi", 32, true, HEX},    /* Databricks */
    {"gsk_", 20, false, ALNUM}, /* Groq */
    {"xai-", 40, false, ALNUM},
    {"r8_", 30, false, ALNUM},         /* Replicate */
    {"pplx-", 32, false, ALNUM},       /* Perplexity */
    {"lsv2_pt_", 32, false, URL_SAFE}, /* LangSmith */
    {"lsv2_sk_", 32, false, URL_SAFE},
    {"lin_api_", 32, false, ALNUM}, /* Linear */
    {"ntn_", 40, false, ALNUM},     /* Notion */
    {"pcsk_", 40, false, URL_SAFE}, /* Pinecone */
    {"sbp_", 40, true, HEX},        /* Supabase */
    {"phx_", 32, false, ALNUM},     /* PostHog */
    {"tvly-", 20, false, URL_SAFE}, /* Tavily */
    {"SK", 32, true, HEX},          /* Twilio */
    {"hvs.", 24, false, URL_SAFE},  /* Vault */
    {"ya29.", 20, false, URL_SAFE}, /* Google's access tokens */
};

static size_t run_in(struct slice text, size_t at, enum alphabet a)
{
    size_t n = 0;
    while (is_in(a, byte_at(text, at + n)))
        n++;
    return n;
}

static size_t known_form_length(struct slice text, size_t at)
{
    struct slice rest = slice_from_offset(text, at);
    for (size_t i = 0; i < sizeof key_forms / sizeof *key_forms; i++) {
        const struct key_form *form = &key_forms[i];
        if (form->prefix[0] != rest.text[0])
            continue;
        struct slice prefix = slice_from(form->prefix);
        if (!slice_starts_with(rest, prefix))
            continue;
        size_t n = run_in(text, at + prefix.len, form->alphabet);
        bool fits = form->exact ? n == form->length && !is_word(byte_at(text, at + prefix.len + n)) : n >= form->length;
        if (fits)
            return prefix.len + n;
    }
    return 0;
}

/* sk-… of OpenAI and those who followed. Words joined by hyphens begin so too (a language, a slug), so something in it
 * has to look random: twelve letters and digits in one piece, digits among them. */
static size_t sk_length(struct slice text, size_t at)
{
    if (!slice_starts_with(slice_from_offset(text, at), SLICE("sk-")))
        return 0;
    size_t n = run_in(text, at, URL_SAFE), piece = 0;
    bool digit = false, random = false;
    for (size_t i = 3; i < n; i++) {
        char c = text.text[at + i];
        piece = is_alnum(c) ? piece + 1 : 0;
        digit = piece > 0 && (is_digit(c) || (digit && piece > 1));
        random |= digit && piece >= 12;
    }
    return n >= 20 && random ? n : 0;
}

/* Three pieces of base64 with points between, the first two JSON objects (`{"` is eyJ), and SendGrid's SG.a.b. */
static size_t three_pieces_length(struct slice text, size_t at)
{
    struct slice rest = slice_from_offset(text, at);
    bool jwt = slice_starts_with(rest, SLICE("eyJ")), sendgrid = slice_starts_with(rest, SLICE("SG."));
    if (!jwt && !sendgrid)
        return 0;
    size_t first = run_in(text, at, URL_SAFE), second, third;
    if (byte_at(text, at + first) != '.')
        return 0;
    second = run_in(text, at + first + 1, URL_SAFE);
    if (byte_at(text, at + first + 1 + second) != '.')
        return 0;
    third = run_in(text, at + first + 1 + second + 1, URL_SAFE);
    bool fits =
        jwt ? first >= 10 && second >= 10 && slice_starts_with(slice_from_offset(text, at + first + 1), SLICE("eyJ"))
            : second >= 16 && third >= 16;
    return fits ? first + 1 + second + 1 + third : 0;
}

/* A bot of Telegram's: digits, a colon, 35 characters. */
static size_t telegram_length(struct slice text, size_t at)
{
    size_t digits = digits_at(text, at);
    if (digits < 8 || digits > 10 || byte_at(text, at + digits) != ':')
        return 0;
    return run_in(text, at + digits + 1, URL_SAFE) == 35 ? digits + 1 + 35 : 0;
}

/* ---- behind a name ---- */

static bool is_token_char(char c)
{
    return is_word(c) || c == '-' || c == '.' || c == '/' || c == '+' || c == '~';
}

/* Letters and digits: neither a word nor a number. */
static bool looks_random(struct slice token)
{
    bool letter = false, digit = false;
    for (size_t i = 0; i < token.len; i++) {
        letter |= is_letter(token.text[i]);
        digit |= is_digit(token.text[i]);
    }
    return letter && digit;
}

enum { NAME_MOST = 46 };

/* The word before `at` (of `X-Api-Key: `, `"apiKey":"`, `api_key=`, `Bearer `), in small letters and without what joins
 * its parts; empty where none is. Returns where it begins. */
static size_t word_before(struct slice text, size_t at, char word[NAME_MOST + 1])
{
    size_t end = at, n = 0;
    while (end > 0 && at - end < 5 && strchr(" \t:=\"'`", text.text[end - 1]) && text.text[end - 1])
        end--;
    size_t start = end;
    while (start > 0 && end - start < NAME_MOST && (is_word(text.text[start - 1]) || text.text[start - 1] == '-'))
        start--;
    for (size_t i = start; end < at && i < end; i++)
        if (is_alnum(text.text[i]))
            word[n++] = to_lower_ascii(text.text[i]);
    word[n] = '\0';
    return start;
}

static bool ends_with_one_of(const char *name, const char *const endings[])
{
    for (; *endings; endings++)
        if (slice_ends_with(slice_from(name), slice_from(*endings)))
            return true;
    return false;
}

/* What a secret is called: one word, or two ("API key: …", "Authorization: Basic …"). */
static bool is_announced(struct slice text, size_t at)
{
    static const char *const names[] = {"apikey",
                                        "apikeys",
                                        "apitoken",
                                        "apisecret",
                                        "accesstoken",
                                        "accesskey",
                                        "accesskeyid",
                                        "refreshtoken",
                                        "authtoken",
                                        "idtoken",
                                        "bearer",
                                        "bearertoken",
                                        "clientsecret",
                                        "appsecret",
                                        "secretaccesskey",
                                        "secretkey",
                                        "privatetoken",
                                        "writekey",
                                        "authkey",
                                        "authorization",
                                        "authorizationbasic",
                                        "authorizationtoken",
                                        "subscriptionkey",
                                        NULL};
    char last[NAME_MOST + 1], both[2 * NAME_MOST + 1];
    size_t start = word_before(text, at, last);
    if (ends_with_one_of(last, names))
        return true;
    static const char *const seconds[] = {"key", "token", "secret", "basic", "is", NULL};
    if (!ends_with_one_of(last, seconds))
        return false;
    start = word_before(text, start, both);
    if (strcmp(last, "is") == 0) { /* "the api_key is …", "the API key is …" */
        if (ends_with_one_of(both, names))
            return true;
        memcpy(last, both, sizeof last);
        word_before(text, start, both);
    }
    memcpy(both + strlen(both), last, strlen(last) + 1);
    return ends_with_one_of(both, names);
}

/* A token of sixteen characters or more, base64's padding at its end included. */
static size_t announced_length(struct slice text, size_t at)
{
    size_t end = at, padding = 0;
    while (is_token_char(byte_at(text, end)))
        end++;
    while (padding < 2 && byte_at(text, end + padding) == '=')
        padding++;
    while (padding == 0 && end > at && !is_word(text.text[end - 1]))
        end--; /* punctuation behind it */
    struct slice token = slice_of(text.text + at, end - at);
    return token.len >= 16 && looks_random(token) && is_announced(text, at) ? token.len + padding : 0;
}

/* ---- any of these ---- */

static size_t key_length(struct slice text, size_t at)
{
    size_t n = known_form_length(text, at);
    if (n == 0)
        n = sk_length(text, at);
    if (n == 0)
        n = three_pieces_length(text, at);
    return n > 0 ? n : telegram_length(text, at);
}

bool find_api_key(struct slice text, size_t from, struct span *ret_span)
{
    for (size_t at = from; at < text.len; at++) {
        char before = byte_at(text, at - 1);
        size_t n = 0;
        if (is_alnum(text.text[at]) && !is_word(before) && before != '-')
            n = key_length(text, at);
        if (n == 0 && is_token_char(text.text[at]) && !is_token_char(before))
            n = announced_length(text, at);
        if (n > 0) {
            *ret_span = (struct span){at, at + n};
            return true;
        }
    }
    return false;
}
