/* synth.c - random weights in a real model's shape.
 *
 * A weight is the sum of four 16-bit uniform numbers, centred and scaled to a standard deviation of 0.02: near enough to a
 * normal distribution (tails end at 3.5 sigma) for a format's scales, and 600 million of them take seconds.  0.02 is the
 * initializer_range of nearly all published configurations.  Only integers and one multiplication: the same file everywhere. */
/* SPDX-License-Identifier: MIT */
#include "engine/synth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "engine/gguf_write.h"

/* Shapes from the config.json that each model was published with.  All are written as a llama: without the biases of Qwen2.5
 * (0.1% of its weights), the head norms of Qwen3 and Gemma, and Gemma's windows and extra norms. */
// clang-format off
const struct synth_preset synth_presets[] = {
    /* name             source                                   layers  d    ff   heads kv  hd   vocabulary context tied rope base */
    {"smollm2-135m",    "HuggingFaceTB/SmolLM2-135M config.json",   30,  576, 1536,  9,  3,  64,  49152,   8192, 1,  100000},
    {"gemma3-270m",     "google/gemma-3-270m config.json",          18,  640, 2048,  4,  1, 256, 262144,  32768, 1, 1000000},
    {"smollm2-360m",    "HuggingFaceTB/SmolLM2-360M config.json",   32,  960, 2560, 15,  5,  64,  49152,   8192, 1,  100000},
    {"qwen2.5-0.5b",    "Qwen/Qwen2.5-0.5B config.json",            24,  896, 4864, 14,  2,  64, 151936,  32768, 1, 1000000},
    {"qwen3-0.6b",      "Qwen/Qwen3-0.6B config.json",              28, 1024, 3072, 16,  8, 128, 151936,  40960, 1, 1000000},
    {"tinyllama-1.1b",  "TinyLlama/TinyLlama-1.1B config.json",     22, 2048, 5632, 32,  4,  64,  32000,   2048, 0,   10000},
    {"llama3.2-1b",     "meta-llama/Llama-3.2-1B config.json",      16, 2048, 8192, 32,  8,  64, 128256, 131072, 1,  500000},
    {"llama3.2-3b",     "meta-llama/Llama-3.2-3B config.json",      28, 3072, 8192, 24,  8, 128, 128256, 131072, 1,  500000},
    {NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
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

static void write_keys(struct gguf_writer *w, const struct synth_preset *p, uint64_t seed)
{
    char name[80];
    snprintf(name, sizeof name, "synthetic %s, seed %llu", p->name, (unsigned long long)seed);
    gguf_write_string(w, "general.architecture", "llama");
    gguf_write_string(w, "general.name", name);
    gguf_write_bool(w, "bench.synthetic", 1);
    gguf_write_string(w, "bench.synthetic.preset", p->name);
    gguf_write_string(w, "bench.synthetic.source", p->source);
    const struct {
        const char *key;
        int value;
    } keys[] = {
        {"llama.block_count", p->n_layer},
        {"llama.context_length", p->n_ctx},
        {"llama.embedding_length", p->d},
        {"llama.feed_forward_length", p->n_ff},
        {"llama.attention.head_count", p->n_head},
        {"llama.attention.head_count_kv", p->n_kv},
        {"llama.attention.key_length", p->head_dim},
        {"llama.attention.value_length", p->head_dim},
        {"llama.rope.dimension_count", p->head_dim},
        {"llama.vocab_size", p->n_vocab},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        gguf_write_u32(w, keys[i].key, (uint32_t)keys[i].value);
    gguf_write_f32(w, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    gguf_write_f32(w, "llama.rope.freq_base", p->rope_base);
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

/* rows x k random weights; a vector (rows 0) is all ones and stays F32. */
static void put(struct synth *s, const char *name, int rows, int k)
{
    const struct format *f = rows ? s->matrix : format_by_name("f32");
    if (!format_row_bytes(f, k))
        f = format_by_name("f16");
    if (s->announcing) {
        gguf_write_tensor(s->w, (struct gguf_str){name, strlen(name)}, rows ? 2 : 1, (int64_t[2]){k, rows}, f);
        return;
    }
    for (int i = 0; i < (rows ? rows : 1) && !s->failed; i++) {
        if (rows)
            fill_normal(s->row, k, &s->rng);
        for (int j = 0; j < k && !rows; j++)
            s->row[j] = 1;
        f->quantize(s->packed, s->row, k);
        s->failed = gguf_write_data(s->w, s->packed, format_row_bytes(f, k), s->e);
    }
}

static void put_model(struct synth *s, const struct synth_preset *p)
{
    int q = p->n_head * p->head_dim, kv = p->n_kv * p->head_dim;
    const struct {
        const char *name;
        int rows, k;
    } layer[] = {
        {"attn_norm", 0, p->d},      {"attn_q", q, p->d},       {"attn_k", kv, p->d},
        {"attn_v", kv, p->d},        {"attn_output", p->d, q},  {"ffn_norm", 0, p->d},
        {"ffn_gate", p->n_ff, p->d}, {"ffn_up", p->n_ff, p->d}, {"ffn_down", p->d, p->n_ff},
    };
    put(s, "token_embd.weight", p->n_vocab, p->d);
    for (int i = 0; i < p->n_layer; i++)
        for (size_t j = 0; j < sizeof layer / sizeof *layer; j++) {
            char name[64];
            snprintf(name, sizeof name, "blk.%d.%s.weight", i, layer[j].name);
            put(s, name, layer[j].rows, layer[j].k);
        }
    put(s, "output_norm.weight", 0, p->d);
    if (!p->tied)
        put(s, "output.weight", p->n_vocab, p->d);
}

int synth_write(const char *path, const struct synth_preset *p, const struct format *f, uint64_t seed, struct err *e)
{
    struct synth s = {.matrix = f, .e = e, .announcing = 1};
    int q = p->n_head * p->head_dim;
    int longest = p->d > p->n_ff ? p->d : p->n_ff;
    longest = longest > q ? longest : q;
    if (gguf_write_open(&s.w, path, e))
        return -1;
    s.row = malloc((size_t)longest * sizeof *s.row);
    s.packed = malloc((size_t)longest * sizeof *s.row); /* no format is wider than F32 */
    if (!s.row || !s.packed)
        abort();
    rng_seed(&s.rng, seed);
    write_keys(s.w, p, seed);
    write_vocabulary(s.w, p->n_vocab);
    put_model(&s, p);
    s.announcing = 0;
    put_model(&s, p);
    free(s.row);
    free(s.packed);
    if (!s.failed)
        return gguf_write_finish(s.w, e);
    gguf_write_abort(s.w);
    return -1;
}
