/* The sampler: ties, limits, frequencies, and input that no model should give. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sampler.h"

#define N 8
#define DRAWS 200000

/* exp of these is 8, 4, 4, 2, 2, 1, 1, 0.5 over 22.5 */
static const double weight[N] = {1, 8, 4, 0.5, 2, 4, 2, 1};

static void logits_of(float *l)
{
    for (int i = 0; i < N; i++)
        l[i] = (float)log(weight[i]) + 3;
}

static void greedy_takes_the_lowest_of_a_tie(void **state)
{
    (void)state;
    struct sampler s = {0};
    const float l[] = {-1, 2, 5, 5, 4, 5};
    assert_int_equal(sampler_pick(&s, l, 6, NULL), 2);
    s.temperature = -1;
    assert_int_equal(sampler_pick(&s, l, 6, NULL), 2);
    s.temperature = NAN;
    assert_int_equal(sampler_pick(&s, l, 6, NULL), 2);
    assert_int_equal(sampler_pick(&s, l, 1, NULL), 0);
}

/* Draws, and holds every id's count to its probability within 5 standard deviations; 0 must mean never. */
static void check_frequencies(float temperature, int top_k, float top_p, const double *want)
{
    float l[N];
    int count[N] = {0};
    double sum = 0;
    void *room = malloc(sampler_room(N));
    struct sampler s = {.temperature = temperature, .top_k = top_k, .top_p = top_p};
    rng_seed(&s.rng, 7);
    logits_of(l);
    for (int i = 0; i < DRAWS; i++)
        count[sampler_pick(&s, l, N, room)]++;
    for (int i = 0; i < N; i++)
        sum += want[i];
    for (int i = 0; i < N; i++) {
        double p = want[i] / sum, deviation = sqrt(DRAWS * p * (1 - p));
        if (p == 0)
            assert_int_equal(count[i], 0);
        else
            assert_true(fabs(count[i] - DRAWS * p) <= 5 * deviation);
    }
    free(room);
}

static void frequencies_follow_the_probabilities(void **state)
{
    (void)state;
    double squared[N];
    for (int i = 0; i < N; i++)
        squared[i] = weight[i] * weight[i];
    check_frequencies(1, 0, 1, weight);
    check_frequencies(1, N, 1, weight);
    check_frequencies(1, 1000, 1, weight);
    check_frequencies(0.5f, 0, 1, squared); /* p^(1/T) */
}

static void top_k_keeps_k_the_lower_id_of_a_tie_first(void **state)
{
    (void)state;
    check_frequencies(1, 1, 1, (const double[N]){0, 1});
    check_frequencies(1, 3, 1, (const double[N]){0, 8, 4, 0, 0, 4});
    check_frequencies(1, 4, 1, (const double[N]){0, 8, 4, 0, 2, 4}); /* id 4, not its equal id 6 */
}

static void top_p_keeps_the_fewest_that_reach_it(void **state)
{
    (void)state;
    check_frequencies(1, 0, 0.0f, (const double[N]){0, 1});
    check_frequencies(1, 0, 0.35f, (const double[N]){0, 1});    /* 8 / 22.5 = 0.356 */
    check_frequencies(1, 0, 0.36f, (const double[N]){0, 8, 4}); /* needs a second */
    check_frequencies(1, 0, 0.72f, (const double[N]){0, 8, 4, 0, 2, 4});
    check_frequencies(1, 3, 0.7f, (const double[N]){0, 8, 4}); /* of the three kept: 12 / 16 = 0.75 */
    check_frequencies(1, 3, 0.8f, (const double[N]){0, 8, 4, 0, 0, 4});

    /* Reached exactly is reached: of four equal ones, half is two. */
    void *room = malloc(sampler_room(4));
    struct sampler s = {.temperature = 1, .top_p = 0.5f};
    rng_seed(&s.rng, 1);
    for (int i = 0; i < 100; i++)
        assert_in_range(sampler_pick(&s, (const float[]){2, 2, 2, 2}, 4, room), 0, 1);
    free(room);
}

static void the_seed_decides(void **state)
{
    (void)state;
    float l[N];
    void *room = malloc(sampler_room(N));
    logits_of(l);
    int first[50], differ = 0;
    for (int seed = 1; seed <= 3; seed++) {
        struct sampler s = {.temperature = 1, .top_p = 1};
        rng_seed(&s.rng, seed == 2 ? 1 : (uint64_t)seed);
        for (int i = 0; i < 50; i++) {
            int id = sampler_pick(&s, l, N, room);
            if (seed == 1)
                first[i] = id;
            else if (seed == 2)
                assert_int_equal(id, first[i]);
            else
                differ += id != first[i];
        }
    }
    assert_true(differ > 0);
    free(room);
}

static void bad_logits_have_a_defined_answer(void **state)
{
    (void)state;
    void *room = malloc(sampler_room(4));
    const struct {
        float l[4];
        int id;
    } cases[] = {
        {{-INFINITY, -INFINITY, -INFINITY, -INFINITY}, 0},
        {{NAN, NAN, NAN, NAN}, 0},
        {{NAN, -INFINITY, NAN, -INFINITY}, 1},
        {{NAN, 1, NAN, NAN}, 1},
        {{1, INFINITY, NAN, INFINITY}, 1},
        {{-INFINITY, NAN, -3e38f, NAN}, 2},
        {{3e38f, -3e38f, NAN, -INFINITY}, 0}, /* the difference overflows a float */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int mode = 0; mode < 4; mode++) {
            struct sampler s = {.temperature = mode ? 1 : 0, .top_k = mode == 2 ? 2 : 0, .top_p = mode == 3 ? 0.5f : 1};
            rng_seed(&s.rng, i);
            assert_int_equal(sampler_pick(&s, cases[i].l, 4, room), cases[i].id);
        }
    struct sampler s = {.temperature = 1e-40f, .top_p = 1};
    assert_int_equal(sampler_pick(&s, (const float[]){1, 2, 3, 2}, 4, room), 2);
    s.temperature = INFINITY; /* uniform */
    int id = sampler_pick(&s, (const float[]){1, 2, 3, 2}, 4, room);
    assert_in_range(id, 0, 3);
    free(room);
}

/* A large vocabulary against a plain sort. */
struct pair {
    double p;
    int id;
};

static int descending(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return x->p < y->p ? 1 : x->p > y->p ? -1 : x->id - y->id;
}

static void what_is_kept_is_what_a_sort_would_keep(void **state)
{
    (void)state;
    enum { VOCAB = 5000, K = 40 };
    float *l = malloc(VOCAB * sizeof *l);
    struct pair *sorted = malloc(VOCAB * sizeof *sorted);
    void *room = malloc(sampler_room(VOCAB));
    struct sampler s = {.temperature = 1, .top_k = K, .top_p = 1};
    rng_seed(&s.rng, 3);
    for (int i = 0; i < VOCAB; i++) {
        l[i] = roundf((float)rng_normal(&s.rng) * 10) / 10; /* many ties */
        sorted[i] = (struct pair){(double)l[i], i};
    }
    qsort(sorted, VOCAB, sizeof *sorted, descending);
    int seen[K] = {0}, distinct = 0;
    for (int i = 0; i < 20000; i++) {
        int id = sampler_pick(&s, l, VOCAB, room), at = 0;
        while (at < K && sorted[at].id != id)
            at++;
        assert_in_range(at, 0, K - 1);
        distinct += !seen[at]++;
    }
    assert_int_equal(distinct, K);
    free(l), free(sorted), free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_takes_the_lowest_of_a_tie),
        cmocka_unit_test(frequencies_follow_the_probabilities),
        cmocka_unit_test(top_k_keeps_k_the_lower_id_of_a_tie_first),
        cmocka_unit_test(top_p_keeps_the_fewest_that_reach_it),
        cmocka_unit_test(the_seed_decides),
        cmocka_unit_test(bad_logits_have_a_defined_answer),
        cmocka_unit_test(what_is_kept_is_what_a_sort_would_keep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
