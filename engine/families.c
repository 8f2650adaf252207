/* Sources: the config.json and the modelling code that each family was published with, and the keys and tensors that its
 * conversion to GGUF writes.  tests/engine_families.c holds every row against published logits. */
/* SPDX-License-Identifier: MIT */
#include "engine/families.h"

#include <math.h>
#include <string.h>

#include "engine/model.h"

#define MODEL(field) offsetof(struct model, field)
#define LAYER(field) offsetof(struct layer, field)

// clang-format off

/* phi3: the window is the one that the file gives, as the model was trained; llama.cpp does not apply it.
 * gemma2, gemma3: the 27B models, told by their number of layers, scale scores by width / heads. */
const struct family families[] = {
    {"llama",   PRE_NORM | ROPE_FREQS | ROPE_FACTORS, 0, 0, 0, 0},
    {"qwen2",   PRE_NORM | ROPE_HALVES | QKV_BIAS, 0, 0, 0, 0},
    {"qwen3",   PRE_NORM | ROPE_HALVES | HEAD_NORM, 0, 0, 0, 0},
    {"gemma2",  PRE_NORM | POST_NORM | ROPE_HALVES | GELU | SQRT_EMBEDDING | CAPS | WINDOWS, 2, 0, 0, 46},
    {"gemma3",  PRE_NORM | POST_NORM | ROPE_HALVES | GELU | SQRT_EMBEDDING | HEAD_NORM | LOGIT_CAP | WINDOWS | LOCAL_ROPE,
                6, 0, 10000, 62},
    {"phi3",    PRE_NORM | ROPE_HALVES | FUSED | ROPE_FACTORS | WINDOWS, 0, 0, 0, 0},
    {"smollm3", PRE_NORM, 0, 4, 0, 0},
    {"granite", PRE_NORM | SCALES | ROPE_FREQS | FINETUNED_ROPE, 0, 0, 0, 0},
    {"olmo2",   POST_NORM | ROPE_HALVES | ROW_NORM, 0, 0, 0, 0},
    {"minicpm", PRE_NORM | NEEDS_SCALES | ROPE_FREQS | ROPE_FACTORS, 0, 0, 0, 0},
    {"lfm2",    PRE_NORM | ROPE_HALVES | HEAD_NORM | SHORT_CONV, 0, 0, 0, 0},
    {0},
};

const struct family_key family_keys[] = {
    {"block_count",                             0, KEY_READ, 0, 0},
    {"context_length",                          0, KEY_READ, 0, 0},
    {"embedding_length",                        0, KEY_READ, 0, 0},
    {"feed_forward_length",                     0, KEY_READ, 0, 0},
    {"vocab_size",                              0, KEY_READ, 0, 0},
    {"attention.head_count",                    0, KEY_READ, 0, 0},
    {"attention.head_count_kv",                 0, KEY_READ, 0, 0},
    {"attention.key_length",                    0, KEY_READ, 0, 0},
    {"attention.value_length",                  0, KEY_READ, 0, 0},
    {"attention.layer_norm_rms_epsilon",        0, KEY_READ, 0, 0},
    {"attention.sliding_window",          WINDOWS, KEY_READ, 0, 0},
    {"attention.sliding_window",                0, KEY_NEUTRAL, 0, 0},
    {"attention.sliding_window_pattern",  WINDOWS, KEY_READ, 0, 0},
    {"attention.scale",                    SCALES, KEY_NUMBER, 0, MODEL(attention_scale)},
    {"attention.scale",                         0, KEY_NEUTRAL, 0, 0},
    {"attention.causal",                        0, KEY_NEUTRAL, 1, 0},
    {"attention.clamp_kqv",                     0, KEY_NEUTRAL, 0, 0},
    {"attention.max_alibi_bias",                0, KEY_NEUTRAL, 0, 0},
    {"attn_logit_softcapping",               CAPS, KEY_NUMBER, NAN, MODEL(attention_cap)},
    {"attn_logit_softcapping",                  0, KEY_NEUTRAL, 0, 0},
    {"final_logit_softcapping",              CAPS, KEY_NUMBER, NAN, MODEL(logit_cap)},
    {"final_logit_softcapping",         LOGIT_CAP, KEY_NUMBER, 0, MODEL(logit_cap)},
    {"final_logit_softcapping",                 0, KEY_NEUTRAL, 0, 0},
    {"embedding_scale",              NEEDS_SCALES, KEY_NUMBER, NAN, MODEL(embedding_scale)},
    {"embedding_scale",                    SCALES, KEY_NUMBER, 1, MODEL(embedding_scale)},
    {"embedding_scale",                         0, KEY_NEUTRAL, 1, 0},
    {"residual_scale",               NEEDS_SCALES, KEY_NUMBER, NAN, MODEL(residual_scale)},
    {"residual_scale",                     SCALES, KEY_NUMBER, 1, MODEL(residual_scale)},
    {"residual_scale",                          0, KEY_NEUTRAL, 1, 0},
    {"logit_scale",         NEEDS_SCALES | SCALES, KEY_NUMBER, NAN, MODEL(logit_scale)},
    {"logit_scale",                             0, KEY_NEUTRAL, 1, 0},
    {"rope.dimension_count",                    0, KEY_READ, 0, 0},
    {"rope.freq_base",                          0, KEY_NUMBER, 10000, MODEL(rope_base)},
    {"rope.freq_base_swa",             LOCAL_ROPE, KEY_READ, 0, 0},
    {"rope.scaling.type",                       0, KEY_READ, 0, 0},
    {"rope.scaling.factor",                     0, KEY_NUMBER, 1, MODEL(rope_scale)},
    {"rope.scaling.original_context_length",    0, KEY_READ, 0, 0},
    {"rope.scaling.attn_factor",                0, KEY_NUMBER, 1, MODEL(rope_magnitude)},
    {"rope.scaling.yarn_ext_factor",            0, KEY_NUMBER, 1, MODEL(yarn_mix)},
    {"rope.scaling.yarn_beta_fast",             0, KEY_NUMBER, 32, MODEL(yarn_fast)},
    {"rope.scaling.yarn_beta_slow",             0, KEY_NUMBER, 1, MODEL(yarn_slow)},
    {"rope.scaling.yarn_log_multiplier",        0, KEY_NEUTRAL, 0, 0},
    {"rope.scaling.yarn_attn_factor",           0, KEY_NEUTRAL, 1, 0},
    {"rope.scaling.finetuned",     FINETUNED_ROPE, KEY_NEUTRAL, 1, 0},
    {"rope.scaling.finetuned",                  0, KEY_NO_MATTER, 0, 0},
    {"shortconv.l_cache",              SHORT_CONV, KEY_READ, 0, 0},
    {"tensor_data_layout",                      0, KEY_NO_MATTER, 0, 0},
    {"expert_used_count",                       0, KEY_NO_MATTER, 0, 0}, /* of no experts */
    {"expert_count",                            0, KEY_NEUTRAL, 0, 0},
    {"leading_dense_block_count",               0, KEY_NEUTRAL, 0, 0},
    {"use_parallel_residual",                   0, KEY_NEUTRAL, 0, 0},
    {0},
};

const struct family_tensor model_tensors[] = {
    {"token_embd.weight",         MODEL(embedding),  DIM_VOCAB, DIM_MODEL,      0, 0,            0, 0, 1},
    {"output_norm.weight",        MODEL(out_norm),   DIM_ONE,   DIM_MODEL,      0, SHORT_CONV,   1, 0, 1},
    {"token_embd_norm.weight",    MODEL(out_norm),   DIM_ONE,   DIM_MODEL,      SHORT_CONV, 0,   1, 0, 1}, /* by its name only */
    {"output.weight",             MODEL(head),       DIM_VOCAB, DIM_MODEL,      0, 0,            0, 1, 1}, /* none: tied */
    {"rope_freqs.weight",         MODEL(rope_freqs), DIM_ONE,   DIM_ROPE_PAIRS, ROPE_FREQS, 0,   1, 1, 0},
    {"rope_factors_long.weight",  MODEL(rope_long),  DIM_ONE,   DIM_ROPE_PAIRS, ROPE_FACTORS, 0, 1, 1, 0},
    {"rope_factors_short.weight", MODEL(rope_short), DIM_ONE,   DIM_ROPE_PAIRS, ROPE_FACTORS, 0, 1, 1, 0},
    {0},
};

const struct family_tensor layer_tensors[] = {
    {"attn_norm.weight",           LAYER(attn_norm),  DIM_ONE,   DIM_MODEL, PRE_NORM, 0,           1, 0, 1},
    {"attn_q.weight",              LAYER(q),          DIM_Q,     DIM_MODEL, 0, FUSED | SHORT_CONV, 0, 0, 1},
    {"attn_k.weight",              LAYER(k),          DIM_KV,    DIM_MODEL, 0, FUSED | SHORT_CONV, 0, 0, 1},
    {"attn_v.weight",              LAYER(v),          DIM_KV,    DIM_MODEL, 0, FUSED | SHORT_CONV, 0, 0, 1},
    {"attn_qkv.weight",            LAYER(q),          DIM_Q,     DIM_MODEL, FUSED, 0,              0, 0, 1},
    {"attn_qkv.weight",            LAYER(k),          DIM_KV,    DIM_MODEL, FUSED, 0,              0, 0, 1},
    {"attn_qkv.weight",            LAYER(v),          DIM_KV,    DIM_MODEL, FUSED, 0,              0, 0, 1},
    {"attn_q.bias",                LAYER(q_bias),     DIM_ONE,   DIM_Q,     QKV_BIAS, 0,           1, 0, 1},
    {"attn_k.bias",                LAYER(k_bias),     DIM_ONE,   DIM_KV,    QKV_BIAS, 0,           1, 0, 1},
    {"attn_v.bias",                LAYER(v_bias),     DIM_ONE,   DIM_KV,    QKV_BIAS, 0,           1, 0, 1},
    {"attn_q_norm.weight",         LAYER(q_norm),     DIM_ONE,   DIM_HEAD,  HEAD_NORM, SHORT_CONV, 1, 0, 1},
    {"attn_k_norm.weight",         LAYER(k_norm),     DIM_ONE,   DIM_HEAD,  HEAD_NORM, SHORT_CONV, 1, 0, 1},
    {"attn_q_norm.weight",         LAYER(q_norm),     DIM_ONE,   DIM_Q,     ROW_NORM, 0,           1, 0, 1},
    {"attn_k_norm.weight",         LAYER(k_norm),     DIM_ONE,   DIM_KV,    ROW_NORM, 0,           1, 0, 1},
    {"attn_output.weight",         LAYER(o),          DIM_MODEL, DIM_Q,     0, SHORT_CONV,         0, 0, 1},
    {"shortconv.in_proj.weight",   LAYER(conv_b),     DIM_MODEL, DIM_MODEL, SHORT_CONV, 0,         0, 0, 1},
    {"shortconv.in_proj.weight",   LAYER(conv_c),     DIM_MODEL, DIM_MODEL, SHORT_CONV, 0,         0, 0, 1},
    {"shortconv.in_proj.weight",   LAYER(conv_x),     DIM_MODEL, DIM_MODEL, SHORT_CONV, 0,         0, 0, 1},
    {"shortconv.conv.weight",      LAYER(taps),       DIM_MODEL, DIM_TAPS,  SHORT_CONV, 0,         1, 0, 1},
    {"shortconv.out_proj.weight",  LAYER(o),          DIM_MODEL, DIM_MODEL, SHORT_CONV, 0,         0, 0, 1},
    {"post_attention_norm.weight", LAYER(attn_after), DIM_ONE,   DIM_MODEL, POST_NORM, 0,          1, 0, 1},
    {"ffn_norm.weight",            LAYER(ffn_norm),   DIM_ONE,   DIM_MODEL, PRE_NORM, 0,           1, 0, 1},
    {"ffn_gate.weight",            LAYER(gate),       DIM_FF,    DIM_MODEL, 0, FUSED,              0, 0, 1},
    {"ffn_up.weight",              LAYER(up),         DIM_FF,    DIM_MODEL, 0, FUSED,              0, 0, 1},
    {"ffn_up.weight",              LAYER(gate),       DIM_FF,    DIM_MODEL, FUSED, 0,              0, 0, 1},
    {"ffn_up.weight",              LAYER(up),         DIM_FF,    DIM_MODEL, FUSED, 0,              0, 0, 1},
    {"ffn_down.weight",            LAYER(down),       DIM_MODEL, DIM_FF,    0, 0,                  0, 0, 1},
    {"post_ffw_norm.weight",       LAYER(ffn_after),  DIM_ONE,   DIM_MODEL, POST_NORM, 0,          1, 0, 1},
    {0},
};
// clang-format on

const struct family *family_by_arch(const char *arch, size_t n)
{
    for (const struct family *f = families; f->arch; f++)
        if (strlen(f->arch) == n && !memcmp(f->arch, arch, n))
            return f;
    return NULL;
}

const struct family_key *family_key_by_name(const struct family *f, const char *name, size_t n)
{
    for (const struct family_key *k = family_keys; k->name; k++)
        if (strlen(k->name) == n && !memcmp(k->name, name, n) && (!k->when || f->flags & k->when))
            return k;
    return NULL;
}

static int admits(const struct family_tensor *row, unsigned flags)
{
    return (!row->when || row->when & flags) && !(row->unless & flags);
}

const struct family_tensor *family_tensor_next(const struct family_tensor *row, unsigned flags, int *parts)
{
    while (row->name && !admits(row, flags))
        row++;
    if (!row->name)
        return NULL;
    for (*parts = 1; row[*parts].name && !strcmp(row[*parts].name, row->name) && admits(&row[*parts], flags);)
        ++*parts;
    return row;
}
