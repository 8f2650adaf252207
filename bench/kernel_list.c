/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "bench/kernel_check.h"
#include "kernels/gemm.h"

static const char *const act_names[ACT_COUNT] = {"f32", "bf16", "q8"};

static int list_add(struct kernel_case *out, int max, int n, struct kernel_case c, const char *what, const char *act)
{
    if (n < max) {
        snprintf(c.name, sizeof c.name, "%s%s%s%s%s_%s", c.format ? c.format->name : "", c.format ? "_" : "", what,
                 act ? "_" : "", act ? act : "", isa_name(c.isa));
        out[n] = c;
    }
    return n + 1;
}

/* Formats that a KV cache is made of: written by every token, with blocks that divide the usual lengths of a head. */
static int is_cache(const struct format *f)
{
    return f->quantize && f->block <= 32;
}

/* Whether many columns meet other code at isa than at the level below: the format's own kernels, or the microkernel that its
 * panels are made for. */
static int has_matmul_f32(const struct format *f, enum isa isa)
{
    return f->isa[isa].matvec_f32 || f->isa[isa].unpack_f32 || gemm_f32_best(isa) != gemm_f32_best((enum isa)(isa - 1));
}

static int has_matmul_act(const struct format *f, enum isa isa)
{
    return f->isa[isa].matvec_act || f->isa[isa].unpack_q8 ||
           (f->act == ACT_Q8 && gemm_q8_best(isa, f->group, f->offset) != gemm_q8_best((enum isa)(isa - 1), f->group, f->offset));
}

static int has_pack(enum isa isa)
{
    return isa == ISA_SCALAR || pack_q8_best(isa) != pack_q8_best((enum isa)(isa - 1));
}

static int has_matmul_packed(const struct format *f, enum isa isa)
{
    return f->isa[isa].unpack_q8 || (f->act == ACT_Q8 && (has_pack(isa) || gemm_q8_best(isa, PACK_RUN, 0) !=
                                                                               gemm_q8_best((enum isa)(isa - 1), PACK_RUN, 0)));
}

/* Panels of formats of one shape are packed by the same kernel. */
static int first_of_shape(const struct format *f)
{
    int i = 0;
    while (formats[i]->group != f->group || formats[i]->offset != f->offset)
        i++;
    return formats[i] == f;
}

int kernel_list(enum isa isa, struct kernel_case *out, int max)
{
    int n = 0;
    for (int i = 0; formats[i]; i++) {
        const struct format *f = formats[i];
        const struct format_kernels *at = &f->isa[isa];
        struct kernel_case c = {.format = f, .isa = isa};
        if (at->matvec_f32) {
            c.kind = KERNEL_MATVEC;
            n = list_add(out, max, n, c, "matvec", "f32");
        }
        if (has_matmul_f32(f, isa)) {
            c.kind = KERNEL_MATMUL;
            n = list_add(out, max, n, c, "matmul", "f32");
        }
        if (at->matvec_f32 && is_cache(f)) {
            c.kind = KERNEL_ATTENTION;
            n = list_add(out, max, n, c, "attention", "f32");
            c.kind = KERNEL_ATTENTION_MANY;
            n = list_add(out, max, n, c, "attention_many", "f32");
        }
        if (at->vecmat) {
            c.kind = KERNEL_VECMAT;
            n = list_add(out, max, n, c, "vecmat", NULL);
        }
        if (at->unpack_f32) {
            c.kind = KERNEL_UNPACK_F32;
            n = list_add(out, max, n, c, "unpack_f32", NULL);
        }
        if (at->unpack_q8) {
            c.kind = KERNEL_UNPACK_Q8;
            n = list_add(out, max, n, c, "unpack_q8", NULL);
        }
        c.act = f->act;
        if (at->matvec_act) {
            c.kind = KERNEL_MATVEC;
            n = list_add(out, max, n, c, "matvec", act_names[c.act]);
        }
        if (has_matmul_act(f, isa)) {
            c.kind = KERNEL_MATMUL;
            n = list_add(out, max, n, c, "matmul", act_names[c.act]);
        }
        if (f->act == ACT_Q8 && has_pack(isa) && first_of_shape(f)) {
            c.kind = KERNEL_PACK;
            n = list_add(out, max, n, c, "pack_q8", NULL);
        }
        if (has_matmul_packed(f, isa)) {
            c.kind = KERNEL_MATMUL_PACKED;
            n = list_add(out, max, n, c, "matmul_packed", NULL);
        }
        if (at->matvec_act && is_cache(f)) {
            c.kind = KERNEL_ATTENTION;
            n = list_add(out, max, n, c, "attention", act_names[c.act]);
        }
    }
    if (formats[0]->isa[isa].matvec_f32) {
        n = list_add(out, max, n, (struct kernel_case){.kind = KERNEL_ACT, .act = ACT_Q8, .isa = isa}, "act_q8", NULL);
        n = list_add(out, max, n, (struct kernel_case){.kind = KERNEL_ACT_TOKEN, .act = ACT_Q8, .isa = isa}, "act_q8_token",
                     NULL);
        n = list_add(out, max, n, (struct kernel_case){.kind = KERNEL_ACT, .act = ACT_BF16, .isa = isa}, "act_bf16", NULL);
    }
    if (isa == ISA_SCALAR || ops_at(isa) != ops_at((enum isa)(isa - 1))) {
        static const struct {
            enum kernel_kind kind;
            const char *name;
        } ops[] = {{KERNEL_RMSNORM, "rmsnorm"},         {KERNEL_ROPE, "rope"},
                   {KERNEL_ROPE_HALVES, "rope_halves"}, {KERNEL_SOFTMAX, "softmax"},
                   {KERNEL_SILU_GATE, "silu_gate"},     {KERNEL_GELU_GATE, "gelu_gate"},
                   {KERNEL_SOFTCAP, "softcap"},         {KERNEL_ADD, "add"}};
        for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
            n = list_add(out, max, n, (struct kernel_case){.kind = ops[i].kind, .isa = isa, .ops = ops_at(isa)}, ops[i].name,
                         NULL);
    }
    return n;
}
