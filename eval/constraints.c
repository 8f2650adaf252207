/* Instructions whose observance can be checked: share of items whose answer meets every member of its check.
 *
 * The reference text is the check as JSON, {"words_max": 8, "excludes": ["rain"]}.  White space around the answer is dropped
 * first; case is ignored for A to Z only, and only where the kind says so.  A check shows that the stated form was kept, not that
 * the answer is good. */
/* SPDX-License-Identifier: MIT */
#include "eval/constraints.h"

#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "eval/scorer.h"

static int is_space(char c)
{
    return c && strchr(" \t\r\n\v\f", c);
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static int is_word_character(char c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
}

static json_int_t count_words(const char *s)
{
    json_int_t n = 0;
    for (char before = ' '; *s; before = *s++)
        n += is_space(before) && !is_space(*s);
    return n;
}

static json_int_t count_lines(const char *s)
{
    json_int_t n = 0;
    for (int blank = 1;; s++) {
        if (*s == '\n' || !*s) {
            n += !blank;
            blank = 1;
        } else if (!is_space(*s)) {
            blank = 0;
        }
        if (!*s)
            return n;
    }
}

/* Does s hold w, case ignored; as a whole word if asked for? */
static int holds(const char *s, const char *w, int whole)
{
    size_t n = strlen(w);
    for (const char *at = s; *at; at++) {
        size_t i = 0;
        while (i < n && at[i] && lower(at[i]) == lower(w[i]))
            i++;
        int inside = (at > s && is_word_character(at[-1])) || (i == n && is_word_character(at[n]));
        if (i == n && !(whole && inside))
            return 1;
    }
    return n == 0;
}

/* How many of a list's strings s holds. */
static size_t held(const char *s, const json_t *list, int whole)
{
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        n += (size_t)holds(s, json_string_value(json_array_get(list, i)), whole);
    return n;
}

static int words_max(const char *s, const json_t *v)
{
    return count_words(s) <= json_integer_value(v);
}

static int words_min(const char *s, const json_t *v)
{
    return count_words(s) >= json_integer_value(v);
}

static int lines(const char *s, const json_t *v)
{
    return count_lines(s) == json_integer_value(v);
}

static int contains(const char *s, const json_t *v)
{
    return held(s, v, 0) == json_array_size(v);
}

static int excludes(const char *s, const json_t *v)
{
    return held(s, v, 0) == 0;
}

static int excludes_words(const char *s, const json_t *v)
{
    return held(s, v, 1) == 0;
}

static int starts(const char *s, const json_t *v)
{
    return !strncmp(s, json_string_value(v), json_string_length(v));
}

static int ends(const char *s, const json_t *v)
{
    size_t n = strlen(s), m = json_string_length(v);
    return n >= m && !memcmp(s + n - m, json_string_value(v), m);
}

static int is_json(const char *s, const json_t *v)
{
    (void)v;
    json_t *j = json_loads(s, JSON_REJECT_DUPLICATES, NULL);
    json_decref(j);
    return j != NULL;
}

static int has_case(const char *s, char first, char last)
{
    for (; *s; s++)
        if (*s >= first && *s <= last)
            return 1;
    return 0;
}

static int is_upper(const char *s, const json_t *v)
{
    (void)v;
    return has_case(s, 'A', 'Z') && !has_case(s, 'a', 'z');
}

static int is_lower(const char *s, const json_t *v)
{
    (void)v;
    return has_case(s, 'a', 'z') && !has_case(s, 'A', 'Z');
}

static int is_count(const json_t *v)
{
    return json_is_integer(v) && json_integer_value(v) >= 0;
}

static int is_text(const json_t *v)
{
    return json_is_string(v);
}

static int is_yes(const json_t *v)
{
    return json_is_true(v);
}

static int is_list(const json_t *v)
{
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!json_is_string(json_array_get(v, i)))
            return 0;
    return json_array_size(v) > 0;
}

static const struct kind {
    const char *name;
    int (*fits)(const json_t *value);
    int (*met)(const char *answer, const json_t *value);
} kinds[] = {
    {"words_max", is_count, words_max}, {"words_min", is_count, words_min}, {"lines", is_count, lines},
    {"contains", is_list, contains},    {"excludes", is_list, excludes},    {"excludes_words", is_list, excludes_words},
    {"starts", is_text, starts},        {"ends", is_text, ends},            {"json", is_yes, is_json},
    {"upper", is_yes, is_upper},        {"lower", is_yes, is_lower},
};

static const struct kind *find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}

const char *constraints_malformed(const struct json_t *check)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)check, key, v)
    {
        const struct kind *k = find(key);
        if (!k || !k->fits(v))
            return key;
    }
    return NULL;
}

static void item(double *sums, const char *answer, const char *const *references)
{
    struct text t = {0};
    json_t *check = json_loads(references[0], 0, NULL), *v;
    const char *key;
    while (is_space(*answer))
        answer++;
    size_t n = strlen(answer);
    while (n && is_space(answer[n - 1]))
        n--;
    text_add(&t, answer, n);
    sums[0] = json_is_object(check);
    json_object_foreach(check, key, v)
    {
        const struct kind *k = find(key);
        if (!k || !k->fits(v) || !k->met(t.p, v))
            sums[0] = 0;
    }
    json_decref(check);
    text_free(&t);
}

static double value(const double *total, size_t n)
{
    return n ? total[0] / (double)n : NAN;
}

const struct scorer scorer_constraints = {
    .name = "constraints",
    .about = "share of answers that meet every member of their check",
    .input = SCORER_TEXT,
    .right_or_wrong = 1,
    .sums = 1,
    .item = item,
    .value = value,
};
