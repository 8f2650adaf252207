/* What the compute paths cost the shipped model: the coarser the rounding of the activations, the larger the divergence. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/task.h"
#include "engine/model.h"
#include "engine/quantize.h"
#include "kernels/matmul.h"

#define MODEL "models/home.gguf"
#define STORIES "prompts/home/stories.txt"

/* Each half of a window goes through the model at once: as many tokens as the packed path asks for. */
enum { WINDOW = 2 * PACK_COLUMNS + 2, WINDOWS = 4, TOKENS = WINDOWS * WINDOW };

static struct task_side open_side(enum compute compute)
{
    const struct runtime *rt = runtime_by_name("reference");
    struct task_side side = {rt, calloc(1, rt->size)};
    struct cell c = {.format = "q8_0",
                     .kv = "f16",
                     .policy = "full",
                     .isa = "auto",
                     .compute = compute_names[compute],
                     .context = WINDOW - 1,
                     .decode = 1,
                     .threads = 1,
                     .batch = WINDOW};
    struct err e = {0};
    assert_non_null(side.self);
    if (rt->load(side.self, &c, test_file("q8_0.gguf"), NULL, &e))
        fail_msg("%s", e.msg);
    return side;
}

static void close_side(struct task_side side)
{
    side.rt->close(side.self);
    free(side.self);
}

static int *ids_of_stories(struct task_side side, int *n)
{
    char text[32768];
    int *ids;
    struct err e = {0};
    FILE *f = fopen(STORIES, "r");
    assert_non_null(f);
    size_t len = fread(text, 1, sizeof text, f);
    fclose(f);
    if (side.rt->encode(side.self, text, len, &ids, n, &e))
        fail_msg("%s", e.msg);
    return ids;
}

/* Mean KL divergence of a path from another one, nats a token. */
static double divergence(enum compute from, enum compute compute)
{
    struct task_side reference = open_side(from), variant = open_side(compute);
    double kl = 0;
    int n_ids;
    struct divergence d;
    struct err e = {0};
    int *ids = ids_of_stories(reference, &n_ids);
    assert_true(n_ids >= TOKENS);
    if (task_divergence(reference, variant, ids, TOKENS, WINDOW, &d, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(d.windows, WINDOWS);
    for (int i = 0; i < d.tokens; i++)
        kl += d.kl[i] / d.tokens;
    divergence_free(&d);
    free(ids);
    close_side(reference);
    close_side(variant);
    return kl;
}

static void coarser_rounding_costs_more(void **state)
{
    (void)state;
    struct recipe q8;
    struct err e = {0};
    double kl[COMPUTES];
    if (recipe_parse(&q8, "q8_0", &e) || quantize_file(MODEL, test_file("q8_0.gguf"), &q8, NULL, NULL, NULL, &e))
        fail_msg("%s", e.msg);
    for (int c = 0; c < COMPUTES; c++) {
        kl[c] = divergence(COMPUTE_EXACT, (enum compute)c);
        print_message("q8_0, %s: KL divergence from exact %.3g nats a token\n", compute_names[c], kl[c]);
        assert_true(isfinite(kl[c]));
    }
    assert_true(kl[COMPUTE_EXACT] == 0);
    assert_true(kl[COMPUTE_INT8] > 0 && kl[COMPUTE_INT8] <= 1e-3);
    assert_true(kl[COMPUTE_PACKED] > 0 && kl[COMPUTE_PACKED] <= 1e-3);
    assert_true(kl[COMPUTE_INT8_TOKEN] >= kl[COMPUTE_INT8]);
    /* The default path decodes as int8 does. */
    const double apart = divergence(COMPUTE_PACKED, COMPUTE_INT8);
    print_message("q8_0, int8 beside packed: %.3g nats a token\n", apart);
    assert_true(apart > 0 && apart <= 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(coarser_rounding_costs_more)};
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
