/* Pure: no I/O, no clock, no logging, no uv. */
#ifndef RAINGAUGE_REDACT_H
#define RAINGAUGE_REDACT_H

#include "json/value.h"

/* Finds what is personal or secret in text and puts its kind in its place: <EMAIL>, <PHONE> … (contract 3, the filter
 * `redact`, and contract 9, `privacy.redact`). Of a URL with credentials only these are replaced, so that the host can
 * still be read.
 *
 * Each kind is found by its form, by what a checksum or a table says of it, and, where the form alone says little (ten
 * digits), by the word before it. Linear in the text's length whatever it holds. What is put in a match's place is
 * never taken for one itself. */

enum redact_kind {
    REDACT_EMAIL = 1 << 0,
    REDACT_PHONE = 1 << 1,           /* international with + or 00, North American, national with leading 0; any after
                                      * "phone", "tel" … */
    REDACT_IPV4 = 1 << 2,            /* no version numbers */
    REDACT_IPV6 = 1 << 3,            /* RFC 4291's forms; no times, MAC addresses, C++ names */
    REDACT_CREDIT_CARD = 1 << 4,     /* issuer, length and Luhn's sum */
    REDACT_SSN = 1 << 5,             /* United States, by what is issued */
    REDACT_IBAN = 1 << 6,            /* the country's length, modulo 97 */
    REDACT_URL_CREDENTIALS = 1 << 7, /* https://user:password@host */
    REDACT_API_KEY = 1 << 8,         /* by known beginnings, JSON web tokens, and after "api_key", "Bearer" … */
    REDACT_ALL = (1 << 9) - 1
};
enum { REDACT_KIND_COUNT = 9 };

/* The bit of that name ("email", "phone" …), 0 where there is none; and the names in the order of the bits. */
unsigned redact_kind_of_name(struct slice name);
const char *redact_kind_name(size_t i);

/* `plain` is valid UTF-8. Borrowed as it is where nothing was found, else text in the arena. False on lack of memory.
 */
bool redact_text(struct arena *arena, struct slice plain, unsigned kinds, struct slice *ret_text)
    __attribute__((warn_unused_result));

/* The value with every text in it redacted, in arrays and objects too (members' names are not touched); the same bytes
 * where nothing was found. False on lack of memory. */
bool redact_value(struct arena *arena, const struct value *v, unsigned kinds, struct value *ret_value)
    __attribute__((warn_unused_result));

#endif
