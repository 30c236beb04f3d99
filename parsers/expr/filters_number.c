/* Numbers. What passes through keeps its text; what is computed is computed in double and written as the shortest text
 * that reads back. */
#include "expr/filter_table.h"
#include "limits.h"
#include "json/json_number.h"

#include <math.h>
#include <stdio.h>

/* A number, or text that holds one; blanks around it do not count. */
static bool number_in(struct arena *arena, const struct value *v, struct slice *ret_number)
{
    if (v->type != VALUE_NUMBER && v->type != VALUE_STRING)
        return false;
    struct slice text = value_as_text(arena, v);
    while (text.len && memchr(" \t\r\n", text.text[0], 4))
        text = slice_from_offset(text, 1);
    while (text.len && memchr(" \t\r\n", text.text[text.len - 1], 4))
        text.len--;
    *ret_number = text;
    return json_number_is(text);
}

struct value filter_number(struct filter_run *run, struct value *in)
{
    struct slice number;
    if (in->type == VALUE_NUMBER)
        return *in;
    return number_in(run->arena, in, &number) ? value_of_number(number) : filter_refuse(run);
}

/* ---- int ---- */

struct digits {
    size_t count; /* written, without the point */
    long point;   /* how many of them stand before the point; may be beyond them, or negative */
};

/* Copies the digits without leading zeros. */
static struct digits digits_of(struct slice number, char *out)
{
    struct digits d = {0};
    bool fraction = false, any = false;
    size_t i = number.text[0] == '-';
    for (; i < number.len && (number.text[i] | 32) != 'e'; i++) {
        char c = number.text[i];
        if (c == '.') {
            fraction = true;
            continue;
        }
        any = any || c != '0';
        if (any)
            out[d.count++] = c;
        if (!fraction && any)
            d.point++;
        else if (fraction && !any)
            d.point--;
    }
    long e = 0;
    bool negative = i + 1 < number.len && number.text[i + 1] == '-';
    for (i += 1; i < number.len && e < 1000000000; i++)
        if (number.text[i] >= '0' && number.text[i] <= '9')
            e = e * 10 + (number.text[i] - '0');
    d.point += negative ? -e : e;
    return d;
}

static bool is_plain_int(struct slice number)
{
    for (size_t i = number.text[0] == '-'; i < number.len; i++)
        if (number.text[i] < '0' || number.text[i] > '9')
            return false;
    return !slice_is(number, "-0");
}

/* Towards zero, exactly, whatever the exponent. */
struct value filter_int(struct filter_run *run, struct value *in)
{
    struct slice number;
    if (!number_in(run->arena, in, &number))
        return filter_refuse(run);
    if (is_plain_int(number))
        return value_of_number(number);
    char *digits = arena_alloc(run->arena, number.len);
    if (!digits)
        return VALUE_NONE;
    struct digits d = digits_of(number, digits);
    if (d.count == 0 || d.point <= 0)
        return value_of_number(SLICE("0"));
    if (d.point > LIMIT_INT_DIGITS)
        return filter_refuse(run);
    size_t len = (size_t)d.point;
    bool negative = number.text[0] == '-';
    char *out = arena_alloc(run->arena, len + 1);
    if (!out)
        return VALUE_NONE;
    out[0] = '-';
    for (size_t i = 0; i < len; i++)
        out[negative + i] = i < d.count ? digits[i] : '0';
    return value_of_number(slice_of(out, len + negative));
}

/* ---- step ---- */

const char *filter_step_check(const struct filter_use *use, size_t *ret_arg)
{
    const struct filter_arg *before = NULL;
    *ret_arg = use->count - 1;
    if (use->count % 2 == 0)
        return "a value is missing behind the last threshold";
    for (size_t i = 1; i < use->count; i += 2) {
        const struct filter_arg *threshold = &use->args[i];
        if (!threshold->known)
            continue;
        if (before && json_number_compare(before->value.text, threshold->value.text) >= 0) {
            *ret_arg = i;
            return "thresholds must rise";
        }
        before = threshold;
    }
    return NULL;
}

struct value filter_step(struct filter_run *run, struct value *in)
{
    size_t chosen = 0;
    if (in->type != VALUE_NUMBER)
        return filter_refuse(run);
    for (size_t i = 1; i + 1 < run->count; i += 2) {
        struct value threshold;
        if (!filter_arg_number(run, i, &threshold))
            return VALUE_NONE;
        if (json_number_compare(in->text, threshold.text) < 0)
            break;
        chosen = i + 1;
    }
    struct value v = filter_arg_value(run, chosen);
    return v.type == VALUE_NULL ? VALUE_NONE : v;
}

/* ---- arithmetic ---- */

static bool operands(struct filter_run *run, const struct value *in, double *ret_a, double *ret_b)
{
    struct value b;
    if (in->type != VALUE_NUMBER) {
        run->refused = true;
        return false;
    }
    if (!filter_arg_number(run, 0, &b))
        return false;
    *ret_a = json_number_to_double(in->text);
    *ret_b = json_number_to_double(b.text);
    return true;
}

static struct value number_of(struct filter_run *run, double d)
{
    return value_of_double(run->arena, d == 0 ? 0 : d); /* no minus zero */
}

struct value filter_mul(struct filter_run *run, struct value *in)
{
    double a, b;
    return operands(run, in, &a, &b) ? number_of(run, a * b) : VALUE_NONE;
}

struct value filter_add(struct filter_run *run, struct value *in)
{
    double a, b;
    return operands(run, in, &a, &b) ? number_of(run, a + b) : VALUE_NONE;
}

struct value filter_sub(struct filter_run *run, struct value *in)
{
    double a, b;
    return operands(run, in, &a, &b) ? number_of(run, a - b) : VALUE_NONE;
}

/* Rounds the digits that the double is written with, so that 1.005 to two places is 1.01: what a reader expects who
 * sees the number, and the same as rounding the double where it lies exactly in the middle. */
static double rounded(double d, long places)
{
    char text[32], digits[32], out[64];
    size_t len = json_number_from_double(d, text);
    if (len == 0)
        return d;
    struct digits n = digits_of(slice_of(text, len), digits);
    long keep = n.point + places; /* digits that stay */
    if (keep >= (long)n.count)
        return d;
    if (keep < 0)
        return 0;
    bool up = digits[keep] >= '5';
    long i = keep - 1;
    for (; up && i >= 0; i--) {
        up = digits[i] == '9';
        digits[i] = up ? '0' : (char)(digits[i] + 1);
    }
    int out_len = snprintf(out, sizeof out, "%s%.*se%ld", up ? "1" : "", (int)keep, digits, n.point - keep);
    double size = up || keep ? json_number_to_double(slice_of(out, (size_t)out_len)) : 0;
    return d < 0 ? -size : size;
}

struct value filter_round(struct filter_run *run, struct value *in)
{
    int64_t places;
    if (in->type != VALUE_NUMBER)
        return filter_refuse(run);
    if (!filter_arg_int(run, 0, &places))
        return VALUE_NONE;
    double d = json_number_to_double(in->text);
    if (!isfinite(d))
        return VALUE_NONE;
    if (places == 0 && fabs(d) < 0x1p52) /* only what is exactly in the middle is written so */
        return number_of(run, round(d));
    return number_of(run, rounded(d, places > 400 ? 400 : places < -400 ? -400 : (long)places));
}
