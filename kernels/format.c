/* SPDX-License-Identifier: MIT */
#include "kernels/format.h"

#include <string.h>

const struct format *const formats[] = {
#define FORMAT(name) &format_##name,
#include "kernels/formats.def"
#undef FORMAT
    NULL,
};

const struct format *format_by_name(const char *name)
{
    for (int i = 0; formats[i]; i++) {
        if (!strcmp(formats[i]->name, name))
            return formats[i];
    }
    return NULL;
}

const struct format *format_by_type(uint32_t gguf_type)
{
    for (int i = 0; formats[i]; i++) {
        if (formats[i]->gguf_type == gguf_type)
            return formats[i];
    }
    return NULL;
}

size_t format_row_bytes(const struct format *f, int64_t k)
{
    if (k <= 0 || k % f->block)
        return 0;
    return (size_t)f->row_header + (size_t)(k / f->block) * (size_t)f->bytes;
}

/* An instruction set of the other architecture has no kernels in this build, so the ladders do not meet. */
struct format_kernels format_kernels(const struct format *f, enum isa isa)
{
    struct format_kernels k = f->isa[ISA_SCALAR];
    for (int i = ISA_SCALAR + 1; i <= (int)isa; i++) {
        const struct format_kernels *at = &f->isa[i];
        k.matvec_f32 = at->matvec_f32 ? at->matvec_f32 : k.matvec_f32;
        k.matvec_act = at->matvec_act ? at->matvec_act : k.matvec_act;
        k.few = at->few_act ? at->few : k.few;
        k.few_act = at->few_act ? at->few_act : k.few_act;
        k.vecmat = at->vecmat ? at->vecmat : k.vecmat;
        k.scores_f32 = at->scores_f32 ? at->scores_f32 : k.scores_f32;
        k.scores_act = at->scores_act ? at->scores_act : k.scores_act;
        k.mix = at->mix ? at->mix : k.mix;
        k.mix_act = at->mix_act ? at->mix_act : k.mix_act;
        k.store = at->store ? at->store : k.store;
        k.unpack_f32 = at->unpack_f32 ? at->unpack_f32 : k.unpack_f32;
        k.unpack_q8 = at->unpack_q8 ? at->unpack_q8 : k.unpack_q8;
    }
    return k;
}
