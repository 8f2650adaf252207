/* synth.c - random weights in a real model's shape.
 *
 * A weight is the sum of four 16-bit uniform numbers, centred and scaled to a standard deviation of 0.02: near enough to a
 * normal distribution (tails end at 3.5 sigma) for a format's scales, and 600 million of them take seconds.  0.02 is the
 * initializer_range of nearly all published configurations.  Only integers and one multiplication: the same file everywhere. */
/* SPDX-License-Identifier: MIT */
#include "engine/synth.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "engine/families.h"
#include "engine/gguf_write.h"

/* Shapes from the config.json that each model was published with.  Divisors of rope's frequencies are left out or are all 1: they
 * change no time. */
// clang-format off
const struct synth_preset synth_presets[] = {
    /* name, source, family;
     * layers, width, ff; heads, kv, head; vocabulary, context, tied; rope base, rot; window; rope factors from;
     * layers that attend, taps */
    {"smollm2-135m", "HuggingFaceTB/SmolLM2-135M", "llama",
     30,  576, 1536,  9, 3,  64,  49152,   8192, 1,   100000,  0,      0,    0, 0, 0},
    {"gemma3-270m", "google/gemma-3-270m", "gemma3",
     18,  640, 2048,  4, 1, 256, 262144,  32768, 1,  1000000,  0,    512,    0, 0, 0},
    {"lfm2-350m", "LiquidAI/LFM2-350M", "lfm2",
     16, 1024, 4608, 16, 8,  64,  65536, 128000, 1,  1000000,  0,      0,    0, 6, 3},
    {"smollm2-360m", "HuggingFaceTB/SmolLM2-360M", "llama",
     32,  960, 2560, 15, 5,  64,  49152,   8192, 1,   100000,  0,      0,    0, 0, 0},
    {"qwen2.5-0.5b", "Qwen/Qwen2.5-0.5B", "qwen2",
     24,  896, 4864, 14, 2,  64, 151936,  32768, 1,  1000000,  0,      0,    0, 0, 0},
    {"qwen3-0.6b", "Qwen/Qwen3-0.6B", "qwen3",
     28, 1024, 3072, 16, 8, 128, 151936,  40960, 1,  1000000,  0,      0,    0, 0, 0},
    {"gemma3-1b", "google/gemma-3-1b-pt", "gemma3",
     26, 1152, 6912,  4, 1, 256, 262144,  32768, 1,  1000000,  0,    512,    0, 0, 0},
    {"tinyllama-1.1b", "TinyLlama/TinyLlama-1.1B", "llama",
     22, 2048, 5632, 32, 4,  64,  32000,   2048, 0,    10000,  0,      0,    0, 0, 0},
    {"llama3.2-1b", "meta-llama/Llama-3.2-1B", "llama",
     16, 2048, 8192, 32, 8,  64, 128256, 131072, 1,   500000,  0,      0,    0, 0, 0},
    {"granite3.3-2b", "ibm-granite/granite-3.3-2b-instruct", "granite",
     40, 2048, 8192, 32, 8,  64,  49159, 131072, 1, 10000000,  0,      0,    0, 0, 0},
    {"llama3.2-3b", "meta-llama/Llama-3.2-3B", "llama",
     28, 3072, 8192, 24, 8, 128, 128256, 131072, 1,   500000,  0,      0,    0, 0, 0},
    {"phi4-mini", "microsoft/Phi-4-mini-instruct", "phi3",
     32, 3072, 8192, 24, 8, 128, 200064, 131072, 1,    10000, 96, 262144, 4096, 0, 0},
    {0},
};
// clang-format on

enum { SPECIALS = 3, BYTES = 256 };

/* Made-up pieces: <unk>, <s>, </s>, the 256 bytes, a space, the printable characters, and then every other number written in
 * syllables, with and without a space in front.  So all are distinct, and ordinary text can be tokenized. */
static void add_piece(struct text *t, int id)
{
    static const char *const specials[SPECIALS] = {"<unk>", "<s>", "</s>"};
    static const char consonants[] = "bcdfghjklmnpqrstvwxz", vowels[] = "aeiou";
    static const char space[] = "\xe2\x96\x81"; /* U+2581 */
    int k = id - SPECIALS - BYTES;
    if (id < SPECIALS) {
        text_printf(t, "%s", specials[id]);
    } else if (k < 0) {
        text_printf(t, "<0x%02X>", id - SPECIALS);
    } else if (k == 0) {
        text_printf(t, "%s", space);
    } else if (k <= '~' - ' ') {
        text_printf(t, "%c", ' ' + k);
    } else {
        k -= '~' - ' ' + 1;
        text_printf(t, "%s", k & 1 ? "" : space);
        for (k = k / 2 + 1; k > 0; k = (k - 1) / 100) /* digits 1 to 100: no two numbers share a spelling */
            text_printf(t, "%c%c", consonants[(k - 1) % 100 / 5], vowels[(k - 1) % 5]);
    }
}

static void write_vocabulary(struct gguf_writer *w, int n)
{
    enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, BYTE = 6 }; /* tokenizer.ggml.token_type */
    struct text all = {0};
    struct gguf_str *piece = calloc((size_t)n, sizeof *piece);
    float *score = calloc((size_t)n, sizeof *score);
    int32_t *type = calloc((size_t)n, sizeof *type);
    if (!piece || !score || !type)
        abort();
    for (int i = 0; i < n; i++) {
        size_t from = all.n;
        add_piece(&all, i);
        piece[i].n = all.n - from;
        score[i] = i < SPECIALS + BYTES ? 0 : -(float)(i - SPECIALS - BYTES);
        type[i] = i == 0 ? UNKNOWN : i < SPECIALS ? CONTROL : i < SPECIALS + BYTES ? BYTE : NORMAL;
    }
    const char *p = all.p; /* only now: the text has moved while it grew */
    for (int i = 0; i < n; p += piece[i++].n)
        piece[i].p = p;
    gguf_write_string(w, "tokenizer.ggml.model", "llama");
    gguf_write_strings(w, "tokenizer.ggml.tokens", piece, (uint64_t)n);
    gguf_write_array(w, "tokenizer.ggml.scores", GGUF_F32, score, (uint64_t)n);
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, type, (uint64_t)n);
    gguf_write_u32(w, "tokenizer.ggml.unknown_token_id", 0);
    gguf_write_u32(w, "tokenizer.ggml.bos_token_id", 1);
    gguf_write_u32(w, "tokenizer.ggml.eos_token_id", 2);
    gguf_write_bool(w, "tokenizer.ggml.add_bos_token", 1);
    gguf_write_bool(w, "tokenizer.ggml.add_space_prefix", 1);
    text_free(&all);
    free(piece);
    free(score);
    free(type);
}

static const struct family *family_of(const struct synth_preset *p)
{
    return family_by_arch(p->arch, strlen(p->arch));
}

/* Whether layer i attends, in a family where not all layers do. */
static int attends(const struct synth_preset *p, int i)
{
    return (i + 1) * p->n_attention / p->n_layer > i * p->n_attention / p->n_layer;
}

/* Layers without KV heads are short convolutions. */
static void write_mixers(struct gguf_writer *w, const struct synth_preset *p)
{
    char key[96];
    int32_t *heads = calloc((size_t)p->n_layer, sizeof *heads);
    if (!heads)
        abort();
    for (int i = 0; i < p->n_layer; i++)
        heads[i] = attends(p, i) ? p->n_kv : 0;
    snprintf(key, sizeof key, "%s.attention.head_count_kv", p->arch);
    gguf_write_array(w, key, GGUF_I32, heads, (uint64_t)p->n_layer);
    snprintf(key, sizeof key, "%s.shortconv.l_cache", p->arch);
    gguf_write_u32(w, key, (uint32_t)p->n_taps);
    free(heads);
}

static void write_keys(struct gguf_writer *w, const struct synth_preset *p, uint64_t seed)
{
    char name[80];
    snprintf(name, sizeof name, "synthetic %s, seed %llu", p->name, (unsigned long long)seed);
    gguf_write_string(w, "general.architecture", p->arch);
    gguf_write_string(w, "general.name", name);
    gguf_write_bool(w, "bench.synthetic", 1);
    gguf_write_string(w, "bench.synthetic.preset", p->name);
    gguf_write_string(w, "bench.synthetic.source", p->source);
    const int convolves = (family_of(p)->flags & SHORT_CONV) != 0;
    const struct {
        const char *key;
        int value; /* 0: left out */
    } keys[] = {
        {"block_count", p->n_layer},
        {"context_length", p->n_ctx},
        {"embedding_length", p->d},
        {"feed_forward_length", p->n_ff},
        {"attention.head_count", p->n_head},
        {"attention.head_count_kv", convolves ? 0 : p->n_kv},
        {"attention.key_length", p->head_dim},
        {"attention.value_length", p->head_dim},
        {"rope.dimension_count", p->n_rot ? p->n_rot : p->head_dim},
        {"vocab_size", p->n_vocab},
        {"attention.sliding_window", p->window},
        {"rope.scaling.original_context_length", p->n_ctx_before},
    };
    char key[96];
    if (convolves)
        write_mixers(w, p);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        snprintf(key, sizeof key, "%s.%s", p->arch, keys[i].key);
        if (keys[i].value)
            gguf_write_u32(w, key, (uint32_t)keys[i].value);
    }
    snprintf(key, sizeof key, "%s.attention.layer_norm_rms_epsilon", p->arch);
    gguf_write_f32(w, key, 1e-5f);
    snprintf(key, sizeof key, "%s.rope.freq_base", p->arch);
    gguf_write_f32(w, key, p->rope_base);
    /* Scales and caps that the family cannot be without: 1, which changes no time. */
    const struct family *f = family_of(p);
    for (const struct family_key *k = family_keys; k->name; k++)
        if (k->rule == KEY_NUMBER && isnan(k->value) && family_key_by_name(f, k->name, strlen(k->name)) == k) {
            snprintf(key, sizeof key, "%s.%s", p->arch, k->name);
            gguf_write_f32(w, key, 1);
        }
}

struct synth {
    struct gguf_writer *w;
    const struct format *matrix; /* what the matrices are written in */
    struct rng rng;
    float *row;
    uint8_t *packed;
    int announcing; /* the same walk over the tensors announces them, then writes them */
    int failed;
    struct err *e;
};

static void fill_normal(float *v, int k, struct rng *r)
{
    /* The sum of four uniform 16-bit numbers has variance 4 * (2^32 - 1) / 12. */
    const float scale = 0.02f / 37837.227f;
    for (int i = 0; i < k; i++) {
        uint64_t u = rng_u64(r);
        int sum = (int)(u & 0xffff) + (int)(u >> 16 & 0xffff) + (int)(u >> 32 & 0xffff) + (int)(u >> 48);
        v[i] = (float)(sum - 2 * 0xffff) * scale;
    }
}

/* rows x k random weights; what is no matrix stays F32: norms, divisors and taps are all ones, biases zeros. */
static void put(struct synth *s, const char *name, int vector, int rows, int k)
{
    const struct format *f = vector ? format_by_name("f32") : s->matrix;
    size_t n = strlen(name);
    float all = n > 5 && !strcmp(name + n - 5, ".bias") ? 0 : 1;
    if (!format_row_bytes(f, k))
        f = format_by_name("f16");
    if (s->announcing) {
        gguf_write_tensor(s->w, (struct gguf_str){name, n}, vector && rows == 1 ? 1 : 2, (int64_t[2]){k, rows}, f);
        return;
    }
    for (int i = 0; i < rows && !s->failed; i++) {
        if (!vector)
            fill_normal(s->row, k, &s->rng);
        for (int j = 0; j < k && vector; j++)
            s->row[j] = all;
        f->quantize(s->packed, s->row, k);
        s->failed = gguf_write_data(s->w, s->packed, format_row_bytes(f, k), s->e);
    }
}

static int size_of(const struct synth_preset *p, enum dim d)
{
    const int sizes[DIM_COUNT] = {
        [DIM_ONE] = 1,
        [DIM_MODEL] = p->d,
        [DIM_Q] = p->n_head * p->head_dim,
        [DIM_KV] = p->n_kv * p->head_dim,
        [DIM_HEAD] = p->head_dim,
        [DIM_FF] = p->n_ff,
        [DIM_VOCAB] = p->n_vocab,
        [DIM_ROPE_PAIRS] = (p->n_rot ? p->n_rot : p->head_dim) / 2,
        [DIM_TAPS] = p->n_taps,
    };
    return sizes[d];
}

static int is_there(const struct synth_preset *p, const struct family_tensor *row)
{
    return !row->optional || (!strcmp(row->name, "output.weight") && !p->tied) ||
           (!strncmp(row->name, "rope_factors", 12) && p->n_ctx_before);
}

typedef void tensor_fn(void *ctx, const char *name, int vector, int rows, int k, int parameters);

static void walk_table(const struct synth_preset *p, const struct family_tensor *table, int layer, tensor_fn *fn, void *ctx)
{
    char name[96];
    int parts;
    unsigned flags = family_of(p)->flags;
    if (layer >= 0 && attends(p, layer))
        flags &= ~(unsigned)SHORT_CONV;
    for (const struct family_tensor *row = table; (row = family_tensor_next(row, flags, &parts)); row += parts) {
        int rows = 0, n = layer < 0 ? 0 : snprintf(name, sizeof name, "blk.%d.", layer);
        for (int i = 0; i < parts; i++)
            rows += size_of(p, row[i].rows);
        snprintf(name + n, sizeof name - (size_t)n, "%s", row->name);
        if (is_there(p, row))
            fn(ctx, name, row->floats, rows, size_of(p, row->cols), row->parameters);
    }
}

static void walk(const struct synth_preset *p, tensor_fn *fn, void *ctx)
{
    walk_table(p, model_tensors, -1, fn, ctx);
    for (int i = 0; i < p->n_layer; i++)
        walk_table(p, layer_tensors, i, fn, ctx);
}

static void put_tensor(void *ctx, const char *name, int vector, int rows, int k, int parameters)
{
    (void)parameters;
    put(ctx, name, vector, rows, k);
}

static void count(void *ctx, const char *name, int vector, int rows, int k, int parameters)
{
    (void)name, (void)vector;
    *(int64_t *)ctx += parameters ? (int64_t)rows * k : 0;
}

int64_t synth_parameters(const struct synth_preset *p)
{
    int64_t n = 0;
    walk(p, count, &n);
    return n;
}

int synth_check(const struct synth_preset *p, struct err *e)
{
    const int most = 1 << 20; /* of one dimension */
    const struct family *f = family_of(p);
    const struct {
        const char *what;
        int value, lo, hi;
    } sizes[] = {
        {"layers", p->n_layer, 1, 1000},
        {"width", p->d, 2, most},
        {"ff", p->n_ff, 1, most},
        {"heads", p->n_head, 1, 1024},
        {"kv_heads", p->n_kv, 1, p->n_head},
        {"head_dim", p->head_dim, 2, 1024},
        {"vocabulary", p->n_vocab, 300, most},
        {"context", p->n_ctx, 1, 1 << 24},
    };
    if (!f)
        return err_set(e, ERR_USAGE, "shape: there is no family %s; bench help synth lists them", p->arch);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].value < sizes[i].lo || sizes[i].value > sizes[i].hi)
            return err_set(e, ERR_USAGE, "shape: %s=%d: it must be %d to %d", sizes[i].what, sizes[i].value, sizes[i].lo,
                           sizes[i].hi);
    if (p->n_head % p->n_kv)
        return err_set(e, ERR_USAGE, "shape: kv_heads=%d does not divide heads=%d", p->n_kv, p->n_head);
    if (p->head_dim % 2)
        return err_set(e, ERR_USAGE, "shape: head_dim=%d: it must be even, rope turns pairs", p->head_dim);
    if (f->window_period && p->window < 1)
        return err_set(e, ERR_USAGE, "shape: family %s has windows: window=N is needed", p->arch);
    if (f->flags & SHORT_CONV && (p->n_attention < 1 || p->n_attention > p->n_layer || p->n_taps < 1 || p->n_taps > 64))
        return err_set(e, ERR_USAGE,
                       "shape: family %s has layers of two kinds: attention_layers=N (1 to %d) of them attend, the others are "
                       "convolutions of taps=N (1 to 64)",
                       p->arch, p->n_layer);
    if ((p->n_attention || p->n_taps) && !(f->flags & SHORT_CONV))
        return err_set(e, ERR_USAGE, "shape: attention_layers=%d, taps=%d: family %s has no convolutions", p->n_attention,
                       p->n_taps, p->arch);
    if (p->window && !(f->flags & WINDOWS))
        return err_set(e, ERR_USAGE, "shape: window=%d: family %s has no windows", p->window, p->arch);
    return 0;
}

int synth_write(const char *path, const struct synth_preset *p, const struct format *f, uint64_t seed, struct err *e)
{
    struct synth s = {.matrix = f, .e = e, .announcing = 1};
    if (synth_check(p, e) || gguf_write_open(&s.w, path, e))
        return -1;
    int q = p->n_head * p->head_dim;
    int longest = p->d > p->n_ff ? p->d : p->n_ff;
    longest = longest > q ? longest : q;
    s.row = malloc((size_t)longest * sizeof *s.row);
    s.packed = malloc((size_t)longest * sizeof *s.row); /* no format is wider than F32 */
    if (!s.row || !s.packed)
        abort();
    rng_seed(&s.rng, seed);
    write_keys(s.w, p, seed);
    write_vocabulary(s.w, p->n_vocab);
    walk(p, put_tensor, &s);
    s.announcing = 0;
    walk(p, put_tensor, &s);
    free(s.row);
    free(s.packed);
    if (!s.failed)
        return gguf_write_finish(s.w, e);
    gguf_write_abort(s.w);
    return -1;
}
