/* Intents: the answer is a JSON object, {"intent": "set_light", "room": "kitchen", "level": 40}, or for several commands in one
 * breath a list of such objects in their order, and so is each reference.  An object counts as a list of one.
 *
 * Values are equal when they mean the same: keys in any order, 21 as 21.0, everything else, upper and lower case too, as it
 * stands.  An object that names a key twice is none, for it says two things.
 *
 * intent_exact  the whole answer, but for white space around it, is one object and equals a reference; mean over items
 * intent_f1     micro F-measure of the pairs key = value, "intent" being one of them: 2 tp / (2 tp + fp + fn), the pairs of all
 *               items added up first.  What follows the object's closing brace is ignored here: whoever cannot stop still
 *               said it.  An answer that does not begin with an object has no pairs: it misses all (fn) and invents none (fp).
 *               With several references the one with the highest F-measure counts, the first of equal ones.  Without any pair
 *               in all items the value is NaN.
 *
 * A reference that is no object is a mistake of the task, not of the model, and is passed over; where no other is left the item
 * is NaN, and so is the value that it enters. */
/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "eval/scorer.h"

enum { TP, FP, FN, SUMS };

/* A list of objects; NULL when s is neither that nor one object.  flags: beyond those that every text is read with. */
static json_t *parse(const char *s, size_t flags)
{
    json_t *j = json_loads(s, JSON_REJECT_DUPLICATES | flags, NULL);
    if (json_is_object(j))
        return json_pack("[o]", j);
    size_t n = json_array_size(j), objects = 0;
    for (size_t i = 0; i < n; i++)
        objects += json_is_object(json_array_get(j, i));
    if (n && objects == n)
        return j;
    json_decref(j);
    return NULL;
}

static int is_equal(const json_t *a, const json_t *b);

static int is_equal_array(const json_t *a, const json_t *b)
{
    if (json_array_size(a) != json_array_size(b))
        return 0;
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!is_equal(json_array_get(a, i), json_array_get(b, i)))
            return 0;
    return 1;
}

/* Pairs of a that b has too. */
static size_t common(json_t *a, const json_t *b)
{
    size_t n = 0;
    const char *key;
    json_t *v;
    json_object_foreach(a, key, v) n += (size_t)is_equal(v, json_object_get(b, key));
    return n;
}

/* Not json_equal, to which 21 and 21.0 are two things.  Nesting is bounded by jansson's parser (2048). */
static int is_equal(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return json_is_integer(a) && json_is_integer(b) ? json_integer_value(a) == json_integer_value(b)
                                                        : json_number_value(a) == json_number_value(b);
    if (json_is_array(a) && json_is_array(b))
        return is_equal_array(a, b);
    if (json_is_object(a) && json_is_object(b))
        return json_object_size(a) == json_object_size(b) && common((json_t *)a, b) == json_object_size(a);
    return json_equal(a, b);
}

/* Pairs of all objects of a list. */
static size_t count_pairs(const json_t *list)
{
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        n += json_object_size(json_array_get(list, i));
    return n;
}

/* Pairs that the i-th object of a has and the i-th of b too, over all i. */
static size_t common_pairs(const json_t *a, const json_t *b)
{
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(a) && i < json_array_size(b); i++)
        n += common(json_array_get(a, i), json_array_get(b, i));
    return n;
}

static void item_exact(double *sums, const char *answer, const char *const *references)
{
    json_t *a = parse(answer, 0);
    sums[0] = NAN;
    for (int i = 0; references[i]; i++) {
        json_t *r = parse(references[i], 0);
        if (r)
            sums[0] = fmax(sums[0], a && is_equal(a, r)); /* fmax: a number wins over NaN */
        json_decref(r);
    }
    json_decref(a);
}

static double f1(const double *sums, size_t n)
{
    (void)n;
    double pairs = 2 * sums[TP] + sums[FP] + sums[FN];
    return pairs > 0 ? 2 * sums[TP] / pairs : NAN;
}

static void item_f1(double *sums, const char *answer, const char *const *references)
{
    json_t *a = parse(answer, JSON_DISABLE_EOF_CHECK);
    double best = -1;
    sums[TP] = sums[FP] = sums[FN] = NAN;
    for (int i = 0; references[i]; i++) {
        json_t *r = parse(references[i], 0);
        if (!r)
            continue;
        double tp = (double)common_pairs(a, r);
        const double found[SUMS] = {
            [TP] = tp,
            [FP] = (double)count_pairs(a) - tp, /* of none: 0 */
            [FN] = (double)count_pairs(r) - tp,
        };
        double f = f1(found, 1);
        if (isnan(f))
            f = 1; /* both are {}: equal */
        if (f > best) {
            best = f;
            memcpy(sums, found, sizeof found);
        }
        json_decref(r);
    }
    json_decref(a);
}

static double mean(const double *total, size_t n)
{
    return n ? total[0] / (double)n : NAN;
}

const struct scorer scorer_intent_exact = {
    .name = "intent_exact",
    .about = "share of answers that are the reference's JSON object",
    .input = SCORER_TEXT,
    .right_or_wrong = 1,
    .sums = 1,
    .item = item_exact,
    .value = mean,
};

const struct scorer scorer_intent_f1 = {
    .name = "intent_f1",
    .about = "micro F-measure of the JSON object's pairs, the intent being one",
    .input = SCORER_TEXT,
    .sums = SUMS,
    .item = item_f1,
    .value = f1,
};
