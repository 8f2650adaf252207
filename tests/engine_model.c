/* Loading, and real trained models against an independent float64 forward pass.
 *
 * The references are data beside the repository (testdata); what a loader must refuse is written here as small files. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <jansson.h>

#include "base/file.h"
#include "engine/model.h"
#include "engine/sampler.h"
#include "tests/toy.h"

static double nll_of(const float *logits, int n, int id)
{
    double max = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++)
        max = fmax(max, (double)logits[i]);
    for (int i = 0; i < n; i++)
        sum += exp((double)logits[i] - max);
    return max + log(sum) - (double)logits[id];
}

struct scored {
    const int *ids;
    int n_vocab;
    double *nll; /* [i]: of ids[i + 1] */
};

static void score(void *ctx, int i, const float *logits)
{
    struct scored *s = ctx;
    s->nll[i] = nll_of(logits, s->n_vocab, s->ids[i + 1]);
}

static struct model *open_model(const char *path)
{
    struct model *m;
    struct err e = {0};
    if (model_open(&m, path, 1, &e))
        fail_msg("%s", e.msg);
    return m;
}

static struct session *open_session(const struct model *m, int n_ctx, const char *kv, enum compute compute)
{
    struct session *s;
    struct err e = {0};
    struct session_options o = {.n_ctx = n_ctx, .threads = 2, .compute = compute, .isa = isa_best()};
    o.kv_k = o.kv_v = format_by_name(kv);
    if (session_open(&s, m, &o, &e))
        fail_msg("%s", e.msg);
    return s;
}

static int *ids_of(const json_t *list, int *n)
{
    *n = (int)json_array_size(list);
    int *ids = malloc(((size_t)*n + 1) * sizeof *ids);
    for (int i = 0; i < *n; i++)
        ids[i] = (int)json_integer_value(json_array_get(list, (size_t)i));
    return ids;
}

static void check_nll(const struct model *m, const json_t *ref, double tolerance)
{
    int n, n_text;
    struct err e = {0};
    int *ids = ids_of(json_object_get(ref, "ids"), &n), *own;
    const char *text = json_string_value(json_object_get(ref, "text"));
    assert_int_equal(tokenizer_encode(m->tokenizer, text, strlen(text), 1, &own, &n_text, &e), 0);
    assert_int_equal(n_text, n);
    assert_memory_equal(own, ids, (size_t)n * sizeof *ids);

    const json_t *want = json_object_get(ref, "nll_per_token");
    assert_int_equal(json_array_size(want), n - 1);
    struct scored got = {.ids = ids, .n_vocab = m->n_vocab, .nll = calloc((size_t)n, sizeof(double))};
    struct session *s = open_session(m, n, "f32", COMPUTE_EXACT);
    assert_int_equal(session_eval(s, ids, n - 1, LOGITS_ALL, score, &got, &e), 0);
    double worst = 0;
    for (int i = 0; i < n - 1; i++)
        worst = fmax(worst, fabs(got.nll[i] - json_real_value(json_array_get(want, (size_t)i))));
    print_message("%d tokens: NLL differs by at most %.2g nats\n", n, worst);
    assert_true(worst < tolerance);
    session_close(s);
    free(ids), free(own), free(got.nll);
}

static void check_greedy(const struct model *m, const json_t *ref, enum compute compute)
{
    int n, n_prompt;
    struct err e = {0};
    struct sampler greedy = {0};
    int *want = ids_of(json_object_get(ref, "greedy_ids"), &n), *ids;
    const char *prompt = json_string_value(json_object_get(ref, "greedy_prompt"));
    assert_int_equal(tokenizer_encode(m->tokenizer, prompt, strlen(prompt), 1, &ids, &n_prompt, &e), 0);
    assert_in_range(n_prompt, 1, n - 1);
    assert_memory_equal(ids, want, (size_t)n_prompt * sizeof *ids);
    struct session *s = open_session(m, n, compute == COMPUTE_EXACT ? "f32" : "f16", compute);
    assert_int_equal(session_eval(s, ids, n_prompt, LOGITS_LAST, NULL, NULL, &e), 0);
    for (int i = n_prompt; i < n; i++) {
        int id = sampler_pick(&greedy, session_logits(s), m->n_vocab, NULL);
        assert_int_equal(id, want[i]);
        assert_int_equal(session_eval(s, &id, 1, LOGITS_LAST, NULL, NULL, &e), 0);
    }
    session_close(s);
    free(ids), free(want);
}

static void check_reference(const char *file, const char *name, double tolerance)
{
    const char *path = testdata(file), *ref_path = testdata("models/reference_f64.json");
    TEST_SKIP_WITHOUT(path, file);
    TEST_SKIP_WITHOUT(ref_path, "models/reference_f64.json");
    json_t *all = json_load_file(ref_path, 0, NULL), *ref = json_object_get(all, name);
    struct model *m = open_model(path);
    check_nll(m, ref, tolerance);
    for (int c = 0; c < COMPUTES; c++)
        check_greedy(m, ref, (enum compute)c);
    model_close(m);
    json_decref(all);
}

static void stories260k_is_the_reference(void **state)
{
    (void)state;
    check_reference("models/stories260K.gguf", "stories260K", 1e-4);
}

static void babyllama_is_the_reference_beyond_its_trained_length(void **state)
{
    (void)state;
    check_reference("models/babyllama-tok105-F16.gguf", "babyllama-tok105", 1e-2);
}

/* The method of perplexity.json, written out: windows of 128, BOS first, positions 64 .. 126 score what follows them. */
static double perplexity(const struct model *m, const char *text_path)
{
    size_t len;
    int n, *ids;
    struct err e = {0};
    char *text = file_read(text_path, &len, &e);
    assert_non_null(text);
    assert_int_equal(tokenizer_encode(m->tokenizer, text, len, 1, &ids, &n, &e), 0);
    double sum = 0, nll[128];
    struct session *s = open_session(m, 128, "f32", 1);
    for (int w = 0; w + 128 <= n; w += 128) {
        struct scored got = {.ids = ids + w, .n_vocab = m->n_vocab, .nll = nll};
        ids[w] = tokenizer_bos(m->tokenizer);
        session_rewind(s, 0, NULL);
        assert_int_equal(session_eval(s, ids + w, 127, LOGITS_ALL, score, &got, &e), 0);
        for (int i = 64; i < 127; i++)
            sum += nll[i];
    }
    session_close(s);
    free(ids), free(text);
    return exp(sum / (n / 128 * 63));
}

static void perplexities_are_the_reference(void **state)
{
    (void)state;
    static const struct {
        const char *model, *name, *text, *file;
        double tolerance; /* relative; babyllama here has F16 weights, the figure F32 ones */
    } cases[] = {
        {"models/stories260K.gguf", "stories260K", "tinystories_sample.txt", "text/tinystories_sample.txt", 2e-4},
        {"models/stories260K.gguf", "stories260K", "wiki_first_12000.txt", "text/wiki_first_12000.txt", 2e-4},
        {"models/babyllama-tok105-F16.gguf", "babyllama-tok105", "tinystories_sample_in_charset",
         "text/tinystories_sample.babyllama-charset.txt", 2e-4},
        {"models/babyllama-tok105-F16.gguf", "babyllama-tok105", "wiki_first_12000.txt", "text/wiki_first_12000.txt", 2e-4},
    };
    const char *ref_path = testdata("models/perplexity.json");
    TEST_SKIP_WITHOUT(ref_path, "models/perplexity.json");
    json_t *ref = json_load_file(ref_path, 0, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *model = testdata(cases[i].model), *text = testdata(cases[i].file);
        TEST_SKIP_WITHOUT(model, cases[i].model);
        TEST_SKIP_WITHOUT(text, cases[i].file);
        json_t *r = json_object_get(json_object_get(json_object_get(ref, "results"), cases[i].name), cases[i].text);
        double want = json_real_value(json_object_get(r, "independent_f64"));
        struct model *m = open_model(model);
        double got = perplexity(m, text);
        print_message("%s, %s: %.6f, reference %.6f, %+.4f%%\n", cases[i].name, cases[i].text, got, want, 100 * (got / want - 1));
        assert_true(fabs(got / want - 1) < cases[i].tolerance);
        model_close(m);
    }
    json_decref(ref);
}

static void the_parameters_of_a_real_model(void **state)
{
    (void)state;
    const char *path = testdata("models/babyllama-tok105-F16.gguf");
    TEST_SKIP_WITHOUT(path, "models/babyllama-tok105-F16.gguf");
    struct model *m = open_model(path);
    assert_int_equal(model_parameters(m), 936448);
    assert_int_equal(m->n_ctx_train, 256);
    model_close(m);
}

static void a_vocabulary_is_not_a_model(void **state)
{
    (void)state;
    static const char *const names[] = {"tokenizers/ggml-vocab-phi-3.gguf"};
    const char *path = testdata(names[0]);
    TEST_SKIP_WITHOUT(path, names[0]);
    struct model *m;
    struct err e = {0};
    assert_int_equal(model_open(&m, path, 0, &e), -1);
    assert_null(m);
    assert_non_null(strstr(e.msg, "holds a vocabulary and no weights"));
}

#define SHAPE                                                                                                                    \
    .n_layer = 1, .d = 32, .n_ff = 48, .n_head = 4, .n_kv = 2, .head_dim = 8, .n_rot = 8, .tied = 1, .rope_scale = 1,            \
    .rope_base = 10000, .format = "f32"

/* A factor scales when its type is linear or left out, not when it is none. */
static void rope_scaling_follows_its_type(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        double scale;
    } cases[] = {{"linear", 2}, {"none", 1}};
    char folder[256], path[300];
    assert_int_equal(test_tmp(folder, sizeof folder), 0);
    snprintf(path, sizeof path, "%s/toy.gguf", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct toy toy = {SHAPE};
        struct toy_weights w;
        struct err e = {0};
        toy.rope_scale = 2;
        toy.key = "llama.rope.scaling.type";
        toy.string = cases[i].type;
        toy_weights(&w, &toy, 1);
        assert_int_equal(toy_write(path, &toy, &w, &e), 0);
        struct model *m = open_model(path);
        assert_true((double)m->rope_scale == cases[i].scale);
        model_close(m);
        toy_free(&w);
    }
    test_rm(folder);
}

static void what_is_not_understood_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        struct toy toy;
        const char *why; /* NULL: it loads */
    } cases[] = {
        {{SHAPE}, NULL},
        {{SHAPE, .no_tensors = 1}, "no weights"},
        {{SHAPE, .key = "general.architecture", .string = "mamba"},
         "\"general.architecture\" is \"mamba\": this engine runs only llama"},
        {{SHAPE, .key = "general.architecture", .value = 3}, "general.architecture"},
        {{SHAPE, .skip = "llama.block_count"}, "\"llama.block_count\" is missing"},
        {{SHAPE, .skip = "llama.embedding_length"}, "\"llama.embedding_length\" is missing"},
        {{SHAPE, .skip = "llama.attention.layer_norm_rms_epsilon"}, "layer_norm_rms_epsilon\" is missing"},
        {{SHAPE, .skip = "llama.rope.dimension_count"}, NULL},
        {{SHAPE, .skip = "llama.vocab_size"}, NULL},
        {{SHAPE, .skip = "llama.attention.head_count_kv"}, "attn_k.weight"}, /* then it is head_count */
        {{SHAPE, .key = "llama.block_count", .value = 0}, "llama.block_count"},
        {{SHAPE, .key = "llama.block_count", .value = 2}, "blk.1.attn_norm.weight\" is missing"},
        {{SHAPE, .key = "llama.block_count", .value = 4000000}, "llama.block_count\" is 4000000, but the file has only 11"},
        {{SHAPE, .key = "llama.block_count", .value = 0xffffffff}, "llama.block_count"},
        {{SHAPE, .key = "llama.embedding_length", .value = 0x7fffffff}, "llama.embedding_length"},
        {{SHAPE, .key = "llama.embedding_length", .value = 64}, "token_embd.weight\" has the shape 32 x 37"},
        {{SHAPE, .key = "llama.feed_forward_length", .value = 49}, "ffn_gate.weight"},
        {{SHAPE, .key = "llama.attention.head_count", .value = 0}, "llama.attention.head_count"},
        {{SHAPE, .key = "llama.attention.head_count", .value = 6}, "which does not divide the embedding length 32"},
        {{SHAPE, .key = "llama.attention.head_count", .string = "four"}, "llama.attention.head_count"},
        {{SHAPE, .key = "llama.attention.head_count_kv", .value = 3}, "which does not divide the 4 query heads"},
        {{SHAPE, .key = "llama.attention.head_count_kv", .value = 8}, "llama.attention.head_count_kv"},
        {{SHAPE, .key = "llama.attention.key_length", .value = 16}, "but keys have 16"},
        {{SHAPE, .key = "llama.attention.key_length", .value = 0xffffffff}, "llama.attention.key_length"},
        {{SHAPE, .key = "llama.rope.dimension_count", .value = 7}, "must be even"},
        {{SHAPE, .key = "llama.rope.dimension_count", .value = 10}, "llama.rope.dimension_count"},
        {{SHAPE, .key = "llama.rope.scaling.type", .string = "dynamic"}, "\"dynamic\": this engine computes only none, linear"},
        {{SHAPE, .key = "llama.rope.scaling.type", .string = "yarn"}, NULL},
        {{SHAPE, .key = "llama.rope.scaling.type", .string = "none"}, NULL},
        {{SHAPE, .key = "llama.vocab_size", .value = 36}, "llama.vocab_size\" is 36, but the tokenizer has 37"},
        {{SHAPE, .key = "llama.expert_count", .value = 8}, "llama.expert_count\" is 8"},
        {{SHAPE, .key = "llama.expert_count", .value = 0}, NULL},
        {{SHAPE, .key = "llama.attention.sliding_window", .value = 512}, "llama.attention.sliding_window\" is 512"},
        {{SHAPE, .key = "llama.attention.novelty", .value = 0}, "llama.attention.novelty\" is not understood"},
        {{SHAPE, .key = "other.attention.novelty", .value = 1}, NULL}, /* another family's */
        {{SHAPE, .skip = "output_norm.weight"}, "output_norm.weight\" is missing"},
        {{SHAPE, .skip = "blk.0.ffn_up.weight"}, "blk.0.ffn_up.weight\" is missing"},
        {{SHAPE, .extra_tensor = "blk.0.attn_q.bias"}, "tensor \"blk.0.attn_q.bias\" has no place"},
        {{SHAPE, .extra_tensor = "rope_freqs.weight"}, "rope_freqs.weight\" has the shape 32"},
        {{SHAPE, .norm_format = "f16"}, "output_norm.weight\" is f16"},
        {{SHAPE, .more_k = -1}, "blk.0.attn_k.weight\" has the shape 32 x 15"},
        {{SHAPE, .more_k = 1}, "blk.0.attn_k.weight\" has the shape 32 x 17"},
    };
    char folder[256], path[300];
    assert_int_equal(test_tmp(folder, sizeof folder), 0);
    snprintf(path, sizeof path, "%s/spoilt.gguf", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct toy_weights w;
        struct model *m;
        struct err e = {0};
        toy_weights(&w, &cases[i].toy, 1);
        if (toy_write(path, &cases[i].toy, &w, &e))
            fail_msg("case %zu: %s", i, e.msg);
        int rc = model_open(&m, path, 0, &e);
        if (rc != (cases[i].why ? -1 : 0) || (cases[i].why && !strstr(e.msg, cases[i].why)))
            fail_msg("case %zu: wanted \"%s\", got %d \"%s\"", i, cases[i].why ? cases[i].why : "", rc, e.msg);
        if (rc)
            assert_non_null(strstr(e.msg, path));
        model_close(m);
        toy_free(&w);
    }
    test_rm(folder);
}

static void save(const char *path, const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Whatever a spoilt header still loads as must also run; what does not load must say why and name the file. */
static int load_and_run(const char *path)
{
    struct model *m;
    struct session *s;
    struct err e = {0};
    if (model_open(&m, path, 0, &e)) {
        assert_int_equal(e.code, ERR_ENV);
        assert_non_null(strstr(e.msg, path));
        return 0;
    }
    const struct format *f32 = format_by_name("f32");
    struct session_options o = {.n_ctx = 8, .threads = 1, .kv_k = f32, .kv_v = f32, .isa = isa_best()};
    if (!session_open(&s, m, &o, &e)) {
        assert_int_equal(session_eval(s, (int[]){1, 5, 7}, 3, LOGITS_LAST, NULL, NULL, &e), 0);
        session_close(s);
    }
    model_close(m);
    return 1;
}

static void a_spoilt_file_loads_or_says_why(void **state)
{
    (void)state;
    enum { FLIPS = 3000 };
    static const struct toy toy = {SHAPE, .rope_freqs = 1};
    char folder[256], path[300];
    struct toy_weights w;
    struct gguf g;
    struct err e = {0};
    size_t n;
    assert_int_equal(test_tmp(folder, sizeof folder), 0);
    snprintf(path, sizeof path, "%s/spoilt.gguf", folder);
    toy_weights(&w, &toy, 1);
    assert_int_equal(toy_write(path, &toy, &w, &e), 0);
    assert_int_equal(gguf_open(&g, path, 0, &e), 0);
    uint64_t header = g.data_offset;
    gguf_close(&g);
    char *good = file_read(path, &n, &e), *bad = malloc(n);

    struct rng r;
    rng_seed(&r, 2);
    int loaded = 0;
    for (int i = 0; i < FLIPS; i++) {
        memcpy(bad, good, n);
        bad[rng_below(&r, header)] ^= (char)(1 + rng_below(&r, 255));
        save(path, bad, n);
        loaded += load_and_run(path);
    }
    print_message("%d of %d files with one wrong byte still load\n", loaded, FLIPS);
    assert_in_range(loaded, 1, FLIPS - 1);
    for (size_t cut = 0; cut < n; cut += 97) {
        save(path, good, cut);
        assert_int_equal(load_and_run(path), 0);
    }
    free(good), free(bad);
    toy_free(&w);
    test_rm(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stories260k_is_the_reference),
        cmocka_unit_test(babyllama_is_the_reference_beyond_its_trained_length),
        cmocka_unit_test(perplexities_are_the_reference),
        cmocka_unit_test(the_parameters_of_a_real_model),
        cmocka_unit_test(a_vocabulary_is_not_a_model),
        cmocka_unit_test(rope_scaling_follows_its_type),
        cmocka_unit_test(what_is_not_understood_is_refused_by_name),
        cmocka_unit_test(a_spoilt_file_loads_or_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
