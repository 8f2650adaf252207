/* Every family of engine/families.c against published logits of a tiny random model, and against itself in other batch sizes.
 *
 * The models and their logits are data beside the repository (testdata); their README says how the logits were made and how far
 * an engine may be from them: 1e-4 of the range of all logits of a file. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "engine/gguf_write.h"
#include "engine/quantize.h"
#include "engine/session.h"

#define TOLERANCE 1e-4
#define MAX_TOKENS 160

static const struct {
    const char *model, *sequence, *logits;
    int n_ctx; /* 0: the number of tokens */
} cases[] = {
    {"llama-gqa-tied", "seq48", "seq48", 0},
    {"llama-ropefreqs-untied", "seq48", "seq48", 0},
    {"qwen2-qkvbias", "seq48", "seq48", 0},
    {"qwen3-qknorm", "seq48", "seq48", 0},
    {"gemma2-softcap-window", "seq48", "seq48", 0},
    {"gemma2-softcap-window", "seq160", "seq160", 0},
    {"gemma3-window-pattern", "seq48", "seq48", 0},
    {"gemma3-window-pattern", "seq160", "seq160", 0},
    {"phi3-fused", "seq48", "seq48", 0},
    {"phi3-longrope", "seq48", "seq48.short", 256},
    {"phi3-longrope", "seq48", "seq48.long", 512},
    {"smollm3-nope", "seq48", "seq48", 0},
    {"granite-scales", "seq48", "seq48", 0},
    {"olmo2-postnorm", "seq48", "seq48", 0},
    {"minicpm-scales", "seq48", "seq48", 0},
    {"lfm2-conv-attn", "seq48", "seq48", 0},
};
enum { CASES = sizeof cases / sizeof *cases };

static const char *family_file(const char *name, const char *end)
{
    static char relative[128];
    snprintf(relative, sizeof relative, "families/%s%s", name, end);
    const char *path = testdata(relative);
    if (!path)
        print_message("[  NEEDS   ] %s (set BENCH_TESTDATA to the folder that has it)\n", relative);
    return path;
}

static int tokens(const char *sequence, int ids[MAX_TOKENS])
{
    const char *path = testdata("families/tokens.json");
    json_t *all = path ? json_load_file(path, 0, NULL) : NULL, *list = json_object_get(all, sequence);
    int n = (int)json_array_size(list);
    assert_in_range(n, path ? 1 : 0, MAX_TOKENS);
    for (int i = 0; i < n; i++)
        ids[i] = (int)json_integer_value(json_array_get(list, (size_t)i));
    json_decref(all);
    return n;
}

static struct model *open_model(const char *path)
{
    struct model *m;
    struct err e = {0};
    if (model_open(&m, path, 1, &e))
        fail_msg("%s", e.msg);
    return m;
}

static struct session_options exact(int n_ctx)
{
    const struct format *f32 = format_by_name("f32");
    return (struct session_options){
        .n_ctx = n_ctx, .threads = 1, .kv_k = f32, .kv_v = f32, .compute = COMPUTE_EXACT, .isa = isa_best()};
}

struct rows {
    float *v; /* [tokens][n_vocab] */
    int n_vocab;
};

static void keep(void *ctx, int i, const float *logits)
{
    struct rows *r = ctx;
    memcpy(r->v + (size_t)i * (size_t)r->n_vocab, logits, (size_t)r->n_vocab * sizeof *logits);
}

/* Logits of every position; step: how many tokens an evaluation gets (0: all). */
static float *logits_of(const struct model *m, const struct session_options *o, const int *ids, int n, int step)
{
    struct session *s;
    struct err e = {0};
    float *all = calloc((size_t)n * (size_t)m->n_vocab, sizeof *all);
    if (session_open(&s, m, o, &e))
        fail_msg("%s", e.msg);
    for (int at = 0; at < n; at += step ? step : n) {
        struct rows rows = {all + (size_t)at * (size_t)m->n_vocab, m->n_vocab};
        if (session_eval(s, ids + at, step ? step : n, LOGITS_ALL, keep, &rows, &e))
            fail_msg("%s", e.msg);
    }
    session_close(s);
    return all;
}

static int largest(const float *v, int n)
{
    int at = 0;
    for (int i = 1; i < n; i++)
        at = v[i] > v[at] ? i : at;
    return at;
}

static void logits_are_the_published_ones(void **state)
{
    (void)state;
    int missing = 0;
    for (int i = 0; i < CASES; i++) {
        char end[32];
        struct err e = {0};
        int ids[MAX_TOKENS], n = tokens(cases[i].sequence, ids);
        snprintf(end, sizeof end, ".%s.f32", cases[i].logits);
        const char *path = family_file(cases[i].model, ".gguf"), *file = family_file(cases[i].model, end);
        if (!path || !file) {
            missing++;
            continue;
        }
        struct model *m = open_model(path);
        size_t bytes, row = (size_t)m->n_vocab;
        float *want = (float *)(void *)file_read(file, &bytes, &e);
        assert_int_equal(bytes, (size_t)n * row * sizeof *want);
        struct session_options o = exact(cases[i].n_ctx ? cases[i].n_ctx : n);
        float *got = logits_of(m, &o, ids, n, 0);
        double worst = 0, low = (double)want[0], high = low;
        for (size_t j = 0; j < (size_t)n * row; j++) {
            worst = fmax(worst, fabs((double)got[j] - (double)want[j]));
            low = fmin(low, (double)want[j]);
            high = fmax(high, (double)want[j]);
        }
        print_message("%s %s: logits differ by at most %.2g of their range\n", cases[i].model, cases[i].logits,
                      worst / (high - low));
        assert_true(worst <= TOLERANCE * (high - low));
        for (int j = 0; j < n; j++)
            assert_int_equal(largest(got + (size_t)j * row, (int)row), largest(want + (size_t)j * row, (int)row));
        free(want), free(got);
        model_close(m);
    }
    if (missing)
        skip();
}

/* The matrices in q8_0 (fused ones too), the rest as it was; on both paths near the published logits. */
static void a_quantized_family_is_near(void **state)
{
    (void)state;
    int missing = 0;
    for (int i = 0; i < CASES; i++) {
        struct err e = {0};
        struct recipe q8;
        int ids[MAX_TOKENS], n = tokens(cases[i].sequence, ids);
        const char *path = family_file(cases[i].model, ".gguf");
        if (!path) {
            missing++;
            continue;
        }
        struct model *m = open_model(path);
        struct session_options o = exact(cases[i].n_ctx ? cases[i].n_ctx : n);
        float *want = logits_of(m, &o, ids, n, 0);
        size_t all = (size_t)n * (size_t)m->n_vocab;
        model_close(m);
        if (recipe_parse(&q8, "q8_0", &e) || quantize_file(path, test_file("q8.gguf"), &q8, NULL, NULL, NULL, &e))
            fail_msg("%s", e.msg);
        m = open_model(test_file("q8.gguf"));
        double low = (double)want[0], high = low;
        for (size_t j = 0; j < all; j++) {
            low = fmin(low, (double)want[j]);
            high = fmax(high, (double)want[j]);
        }
        for (o.compute = 0; o.compute < COMPUTES; o.compute++) {
            float *got = logits_of(m, &o, ids, n, 0);
            double squares = 0;
            for (size_t j = 0; j < all; j++)
                squares += pow((double)got[j] - (double)want[j], 2);
            double rms = sqrt(squares / (double)all) / (high - low);
            print_message("%s in q8_0, %s: RMS difference %.2g of the range\n", cases[i].model, compute_names[o.compute], rms);
            assert_true(rms > 0 && rms < 0.02);
            free(got);
        }
        free(want);
        model_close(m);
    }
    if (missing)
        skip();
}

/* The same bits, whatever is evaluated together and by how many threads. */
static void exact_logits_do_not_depend_on_batches(void **state)
{
    (void)state;
    int missing = 0;
    for (int i = 0; i < CASES; i++) {
        static const struct {
            int batch, step, threads;
        } ways[] = {{1, 0, 1}, {7, 0, 2}, {64, 0, 3}, {512, 1, 2}, {64, 16, 1}, {64, 0, 4}};
        int ids[MAX_TOKENS], n = tokens(cases[i].sequence, ids);
        const char *path = family_file(cases[i].model, ".gguf");
        if (!path) {
            missing++;
            continue;
        }
        struct model *m = open_model(path);
        struct session_options o = exact(cases[i].n_ctx ? cases[i].n_ctx : n);
        float *want = logits_of(m, &o, ids, n, 0);
        for (size_t j = 0; j < sizeof ways / sizeof *ways; j++) {
            o.batch = ways[j].batch;
            o.threads = ways[j].threads;
            float *got = logits_of(m, &o, ids, n, ways[j].step);
            if (memcmp(got, want, (size_t)n * (size_t)m->n_vocab * sizeof *got) != 0)
                fail_msg("%s: batch %d, %d tokens at a time, %d threads: other logits", cases[i].model, o.batch, ways[j].step,
                         o.threads);
            free(got);
        }
        free(want);
        model_close(m);
    }
    if (missing)
        skip();
}

/* What a session occupies is what was planned, and a window's cache is no longer than the window and a batch. */
static void the_plan_is_what_is_mapped(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int64_t rows; /* of KV, over all layers, for a context of 100 and a batch of 8 */
        int64_t more; /* bytes of other memory */
    } plans[] = {
        {"llama-gqa-tied", 3 * 100, 0},
        {"gemma2-softcap-window", 2 * 100 + 2 * (12 + 7), 0},
        {"gemma3-window-pattern", 100 + 6 * (16 + 7), 0},
        {"phi3-fused", 3 * 100, 0}, /* its window is longer than the context */
        {"olmo2-postnorm", 3 * 100, 0},
        {"lfm2-conv-attn", 2 * 100, 2 * 2 * 64 * 4}, /* two layers, two positions, 64 channels of float */
    };
    int missing = 0;
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        const char *path = family_file(plans[i].model, ".gguf");
        if (!path) {
            missing++;
            continue;
        }
        struct model *m = open_model(path);
        for (int threads = 1; threads <= 3; threads++) {
            struct session_options o = exact(100);
            struct footprint f;
            struct session *s;
            struct err e = {0};
            o.batch = 8;
            o.threads = threads;
            assert_int_equal(session_plan(m, &o, &f, &e), 0);
            assert_int_equal(session_open(&s, m, &o, &e), 0);
            assert_int_equal(f.kv + f.arena, s->arena.size);
            assert_int_equal(s->arena.used, s->arena.size);
            assert_int_equal(f.kv, plans[i].rows * m->n_kv * m->head_dim * 2 * 4 + plans[i].more);
            session_close(s);
        }
        model_close(m);
    }
    if (missing)
        skip();
}

/* Going back gives what a fresh session gives, or is refused where what it needs is gone. */
static void rewinding_is_exact_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int batch, to; /* from 48 */
        const char *why;
    } steps[] = {
        {"llama-gqa-tied", 8, 3, NULL},
        {"gemma2-softcap-window", 8, 40, NULL}, /* the window's 11 before it and a batch of 8 */
        {"gemma2-softcap-window", 8, 39, "the window of 12 tokens of layer 0 has slid over what it sees"},
        {"gemma2-softcap-window", 48, 5, NULL},
        {"gemma2-softcap-window", 1, 0, NULL},
        {"lfm2-conv-attn", 8, 47, "the short convolution of layer 0 has gone on"},
        {"lfm2-conv-attn", 8, 48, NULL},
        {"lfm2-conv-attn", 8, 0, NULL},
    };
    int ids[MAX_TOKENS], n = tokens("seq48", ids), missing = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const char *path = family_file(steps[i].model, ".gguf");
        if (!path) {
            missing++;
            continue;
        }
        struct model *m = open_model(path);
        struct session_options o = exact(n);
        struct session *s;
        struct err e = {0};
        float *want = logits_of(m, &o, ids, n, 0), *got = malloc((size_t)(n * m->n_vocab) * sizeof *got);
        o.batch = steps[i].batch;
        assert_int_equal(session_open(&s, m, &o, &e), 0);
        assert_int_equal(session_eval(s, ids, n, LOGITS_NONE, NULL, NULL, &e), 0);
        int rc = session_rewind(s, steps[i].to, &e), from = session_position(s);
        assert_int_equal(rc, steps[i].why ? -1 : 0);
        assert_int_equal(from, steps[i].why ? n : steps[i].to);
        if (steps[i].why && !strstr(e.msg, steps[i].why))
            fail_msg("%s: %s", steps[i].model, e.msg);
        struct rows rows = {got, m->n_vocab};
        if (from < n) {
            assert_int_equal(session_eval(s, ids + from, n - from, LOGITS_ALL, keep, &rows, &e), 0);
            assert_memory_equal(got, want + (size_t)(from * m->n_vocab), (size_t)((n - from) * m->n_vocab) * sizeof *got);
        }
        session_close(s);
        free(want), free(got);
        model_close(m);
    }
    if (missing)
        skip();
}

/* -- files that say something else ------------------------------------------------------------------------------------------ */

struct change {
    const char *model, *skip; /* a key or tensor that is left out */
    const char *key;          /* a key that is added: a float, or with kind set a whole number or a string */
    enum gguf_kind kind;
    float value;
    const char *text;
    const char *extra; /* a tensor that is added: a vector of 64 */
    const char *why;   /* NULL: it loads */
};

/* The file with that change. */
static void write_changed(const char *in, const char *out, const struct change *c)
{
    struct gguf g;
    struct gguf_writer *w;
    struct err e = {0};
    static const float ones[64];
    const struct format *f32 = format_by_name("f32");
    size_t skipped = c->skip ? strlen(c->skip) : 0;
    if (gguf_open(&g, in, 0, &e) || gguf_write_open(&w, out, &e))
        fail_msg("%s", e.msg);
    for (uint64_t i = 0; i < g.n_kv; i++)
        if (g.kv[i].key.n != skipped || memcmp(g.kv[i].key.p, c->skip, skipped) != 0)
            gguf_write_copy(w, &g.kv[i]);
    if (c->key && c->text)
        gguf_write_string(w, c->key, c->text);
    else if (c->key && c->kind == GGUF_BOOL)
        gguf_write_bool(w, c->key, c->value != 0);
    else if (c->key && c->kind == GGUF_U32)
        gguf_write_u32(w, c->key, (uint32_t)c->value);
    else if (c->key)
        gguf_write_f32(w, c->key, c->value);
    for (int data = 0; data < 2; data++) {
        for (uint64_t i = 0; i < g.n_tensor; i++) {
            const struct gguf_tensor *t = &g.tensor[i];
            if (t->name.n == skipped && !memcmp(t->name.p, c->skip, skipped))
                continue;
            if (!data)
                gguf_write_tensor(w, t->name, t->n_dim, t->dim, t->format);
            else
                assert_int_equal(gguf_write_data(w, t->data, t->bytes, &e), 0);
        }
        if (c->extra && !data)
            gguf_write_tensor(w, (struct gguf_str){c->extra, strlen(c->extra)}, 1, (int64_t[]){64}, f32);
        else if (c->extra)
            assert_int_equal(gguf_write_data(w, ones, sizeof ones, &e), 0);
    }
    assert_int_equal(gguf_write_finish(w, &e), 0);
    gguf_close(&g);
}

static void what_is_missing_or_not_understood_is_named(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {.model = "minicpm-scales", .skip = "minicpm.logit_scale", .why = "\"minicpm.logit_scale\" is missing"},
        {.model = "minicpm-scales", .skip = "minicpm.embedding_scale", .why = "\"minicpm.embedding_scale\" is missing"},
        {.model = "granite-scales", .skip = "granite.residual_scale"},
        {.model = "granite-scales", .skip = "granite.logit_scale", .why = "\"granite.logit_scale\" is missing"},
        {.model = "granite-scales",
         .key = "granite.rope.scaling.finetuned",
         .kind = GGUF_BOOL,
         .value = 0,
         .why = "finetuned\" is 0"},
        {.model = "llama-gqa-tied", .key = "llama.rope.scaling.finetuned", .kind = GGUF_BOOL, .value = 0},
        {.model = "llama-gqa-tied", .key = "llama.logit_scale", .value = 2, .why = "\"llama.logit_scale\" is 2"},
        {.model = "llama-gqa-tied", .key = "llama.logit_scale", .value = 1},
        {.model = "qwen2-qkvbias", .skip = "blk.1.attn_k.bias", .why = "\"blk.1.attn_k.bias\" is missing"},
        {.model = "qwen3-qknorm", .skip = "blk.2.attn_q_norm.weight", .why = "\"blk.2.attn_q_norm.weight\" is missing"},
        {.model = "qwen3-qknorm", .extra = "blk.0.attn_q.bias", .why = "\"blk.0.attn_q.bias\" has no place in a qwen3"},
        {.model = "gemma2-softcap-window", .skip = "gemma2.attn_logit_softcapping", .why = "softcapping\" is missing"},
        {.model = "gemma2-softcap-window", .skip = "gemma2.attention.sliding_window", .why = "sliding_window\" is missing"},
        {.model = "gemma3-window-pattern", .key = "gemma3.attn_logit_softcapping", .value = 50, .why = "softcapping\" is 50"},
        {.model = "gemma3-window-pattern", .key = "gemma3.final_logit_softcapping", .value = 30},
        {.model = "gemma3-window-pattern", .key = "gemma3.rope.freq_base_swa", .value = -1, .why = "freq_base_swa\" is -1"},
        {.model = "gemma3-window-pattern",
         .skip = "blk.6.post_ffw_norm.weight",
         .why = "\"blk.6.post_ffw_norm.weight\" is missing"},
        {.model = "phi3-fused", .skip = "phi3.attention.sliding_window"},
        {.model = "phi3-fused", .skip = "blk.0.attn_qkv.weight", .why = "\"blk.0.attn_qkv.weight\" is missing"},
        {.model = "phi3-longrope", .skip = "rope_factors_short.weight", .why = "\"rope_factors_short.weight\" is missing"},
        {.model = "phi3-longrope",
         .skip = "phi3.rope.scaling.original_context_length",
         .why = "original_context_length\" is missing"},
        {.model = "phi3-longrope", .key = "phi3.rope.scaling.type", .text = "longrope"},
        {.model = "phi3-longrope", .key = "phi3.rope.scaling.type", .text = "su", .why = "\"su\": this engine computes only"},
        {.model = "smollm3-nope", .key = "smollm3.rope.scaling.type", .text = "longrope", .why = "\"longrope\": this engine"},
        {.model = "smollm3-nope", .extra = "rope_freqs.weight", .why = "\"rope_freqs.weight\" has no place in a smollm3"},
        {.model = "olmo2-postnorm", .skip = "blk.0.attn_k_norm.weight", .why = "\"blk.0.attn_k_norm.weight\" is missing"},
        {.model = "olmo2-postnorm", .extra = "blk.0.attn_norm.weight", .why = "\"blk.0.attn_norm.weight\" has no place"},
        {.model = "olmo2-postnorm",
         .key = "olmo2.attention.sliding_window",
         .kind = GGUF_U32,
         .value = 64,
         .why = "sliding_window\" is 64"},
        {.model = "lfm2-conv-attn", .skip = "lfm2.shortconv.l_cache", .why = "\"lfm2.shortconv.l_cache\" is missing"},
        {.model = "lfm2-conv-attn", .skip = "lfm2.attention.head_count_kv", .why = "\"blk.0.attn_q.weight\" is missing"},
        {.model = "lfm2-conv-attn", .skip = "blk.2.shortconv.conv.weight", .why = "\"blk.2.shortconv.conv.weight\" is missing"},
        {.model = "lfm2-conv-attn", .extra = "blk.2.attn_q_norm.weight", .why = "\"blk.2.attn_q_norm.weight\" has no place"},
    };
    int missing = 0;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const struct change *c = &changes[i];
        const char *path = family_file(c->model, ".gguf");
        struct model *m;
        struct err e = {0};
        if (!path) {
            missing++;
            continue;
        }
        write_changed(path, test_file("changed.gguf"), c);
        int rc = model_open(&m, test_file("changed.gguf"), 0, &e);
        if (rc != (c->why ? -1 : 0) || (c->why && !strstr(e.msg, c->why)))
            fail_msg("change %zu of %s: wanted \"%s\", got %d \"%s\"", i, c->model, c->why ? c->why : "", rc, e.msg);
        model_close(m);
    }
    if (missing)
        skip();
}

static void save(const char *path, const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Whatever a file with a wrong byte in its header still loads as must also run; what does not load says why. */
static void a_spoilt_file_loads_or_says_why(void **state)
{
    (void)state;
    enum { FLIPS = 150 };
    struct rng r;
    int loaded = 0, refused = 0, missing = 0;
    rng_seed(&r, 9);
    for (int i = 0; i < CASES; i++) {
        const char *path = family_file(cases[i].model, ".gguf");
        struct gguf g;
        struct err e = {0};
        size_t n;
        if (!path) {
            missing++;
            continue;
        }
        assert_int_equal(gguf_open(&g, path, 0, &e), 0);
        uint64_t header = g.data_offset;
        gguf_close(&g);
        char *bytes = file_read(path, &n, &e);
        for (int k = 0; k < FLIPS; k++) {
            size_t at = rng_below(&r, header);
            char was = bytes[at];
            struct model *m;
            struct session *s;
            struct session_options o = exact(8);
            bytes[at] = (char)rng_below(&r, 256);
            save(test_file("spoilt.gguf"), bytes, n);
            bytes[at] = was;
            if (model_open(&m, test_file("spoilt.gguf"), 0, &e)) {
                assert_non_null(strstr(e.msg, "spoilt.gguf"));
                refused++;
                continue;
            }
            if (!session_open(&s, m, &o, &e)) {
                assert_int_equal(session_eval(s, (int[]){1, 5, 7}, 3, LOGITS_LAST, NULL, NULL, &e), 0);
                assert_int_equal(session_eval(s, (int[]){9}, 1, LOGITS_LAST, NULL, NULL, &e), 0);
                session_close(s);
            }
            model_close(m);
            loaded++;
        }
        free(bytes);
    }
    print_message("%d spoilt files still load, %d are refused\n", loaded, refused);
    if (missing)
        skip();
    assert_true(loaded > 0 && refused > 0);
}

/* Which layers have the window, by number and by list. */
static void the_window_pattern_can_be_a_key(void **state)
{
    (void)state;
    const char *path = family_file("gemma3-window-pattern", ".gguf");
    if (!path)
        skip();
    static const struct change by_number = {.key = "gemma3.attention.sliding_window_pattern", .kind = GGUF_U32, .value = 3};
    write_changed(path, test_file("pattern.gguf"), &by_number);
    struct model *m = open_model(test_file("pattern.gguf"));
    for (int i = 0; i < 7; i++) {
        assert_int_equal(m->layers[i].window, i % 3 == 2 ? 0 : 16);
        assert_int_equal(m->layers[i].rope, i % 3 == 2 ? ROPE_MAIN : ROPE_LOCAL);
    }
    model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quantized_family_is_near),
        cmocka_unit_test(logits_are_the_published_ones),
        cmocka_unit_test(exact_logits_do_not_depend_on_batches),
        cmocka_unit_test(the_plan_is_what_is_mapped),
        cmocka_unit_test(rewinding_is_exact_or_refused),
        cmocka_unit_test(what_is_missing_or_not_understood_is_named),
        cmocka_unit_test(the_window_pattern_can_be_a_key),
        cmocka_unit_test(a_spoilt_file_loads_or_says_why),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
