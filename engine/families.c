/* SPDX-License-Identifier: MIT */
#include "engine/families.h"

#include <string.h>

#include "engine/model.h"

#define MODEL(field) offsetof(struct model, field)
#define LAYER(field) offsetof(struct layer, field)

/* RMSNorm before each sublayer, rope on neighbouring pairs, grouped query heads, SwiGLU.  Llama: Touvron et al. 2023. */
static const struct family_key llama_keys[] = {
    {"block_count", KEY_READ, 0},
    {"context_length", KEY_READ, 0},
    {"embedding_length", KEY_READ, 0},
    {"feed_forward_length", KEY_READ, 0},
    {"vocab_size", KEY_READ, 0},
    {"attention.head_count", KEY_READ, 0},
    {"attention.head_count_kv", KEY_READ, 0},
    {"attention.key_length", KEY_READ, 0},
    {"attention.value_length", KEY_READ, 0},
    {"attention.layer_norm_rms_epsilon", KEY_READ, 0},
    {"rope.dimension_count", KEY_READ, 0},
    {"rope.freq_base", KEY_READ, 0},
    {"rope.scaling.type", KEY_READ, 0},
    {"rope.scaling.factor", KEY_READ, 0},
    /* Where a scaled context came from; only yarn computes with it, and yarn is refused by rope.scaling.type. */
    {"rope.scaling.original_context_length", KEY_NO_MATTER, 0},
    {"rope.scaling.finetuned", KEY_NO_MATTER, 0},
    {"tensor_data_layout", KEY_NO_MATTER, 0},
    {"expert_used_count", KEY_NO_MATTER, 0}, /* of no experts */
    {"expert_count", KEY_NEUTRAL, 0},
    {"leading_dense_block_count", KEY_NEUTRAL, 0},
    {"attention.sliding_window", KEY_NEUTRAL, 0},
    {"attention.causal", KEY_NEUTRAL, 1},
    {"attention.clamp_kqv", KEY_NEUTRAL, 0},
    {"attention.max_alibi_bias", KEY_NEUTRAL, 0},
    {"rope.scaling.attn_factor", KEY_NEUTRAL, 1},
    {"use_parallel_residual", KEY_NEUTRAL, 0},
    {"embedding_scale", KEY_NEUTRAL, 1},
    {"residual_scale", KEY_NEUTRAL, 1},
    {"logit_scale", KEY_NEUTRAL, 1},
    {0},
};

static const struct family_tensor llama_tensors[] = {
    {"token_embd.weight", MODEL(embedding), DIM_VOCAB, DIM_MODEL, 0, 1},
    {"output_norm.weight", MODEL(out_norm), DIM_NONE, DIM_MODEL, 0, 1},
    {"output.weight", MODEL(head), DIM_VOCAB, DIM_MODEL, 1, 1}, /* none: the head is tied to the embedding */
    {"rope_freqs.weight", MODEL(rope_freqs), DIM_NONE, DIM_ROPE_PAIRS, 1, 0},
    {0},
};

static const struct family_tensor llama_layer[] = {
    {"attn_norm.weight", LAYER(attn_norm), DIM_NONE, DIM_MODEL, 0, 1},
    {"attn_q.weight", LAYER(q), DIM_Q, DIM_MODEL, 0, 1},
    {"attn_k.weight", LAYER(k), DIM_KV, DIM_MODEL, 0, 1},
    {"attn_v.weight", LAYER(v), DIM_KV, DIM_MODEL, 0, 1},
    {"attn_output.weight", LAYER(o), DIM_MODEL, DIM_Q, 0, 1},
    {"ffn_norm.weight", LAYER(ffn_norm), DIM_NONE, DIM_MODEL, 0, 1},
    {"ffn_gate.weight", LAYER(gate), DIM_FF, DIM_MODEL, 0, 1},
    {"ffn_up.weight", LAYER(up), DIM_FF, DIM_MODEL, 0, 1},
    {"ffn_down.weight", LAYER(down), DIM_MODEL, DIM_FF, 0, 1},
    {0},
};

const struct family families[] = {
    {"llama", llama_keys, llama_tensors, llama_layer},
    {0},
};

const struct family *family_by_arch(const char *arch, size_t n)
{
    for (const struct family *f = families; f->arch; f++)
        if (strlen(f->arch) == n && !memcmp(f->arch, arch, n))
            return f;
    return NULL;
}
