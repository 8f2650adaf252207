/* isa.h - the instruction sets that kernels are written for, and which of them this machine runs.
 *
 * They form a ladder per architecture, lowest first; a kernel that does not exist at one level is served by the nearest
 * level below it.  Choosing a lower level than the machine has (--isa) is how one machine checks and times them all.
 * Every kernel is compiled into every build under function-level target attributes; nothing depends on -march. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_ISA_H
#define KERNELS_ISA_H

enum isa {
    ISA_SCALAR,     /* the definition */
    ISA_AVX2,       /* AVX2, FMA, F16C */
    ISA_AVX512,     /* AVX-512 F, BW, VL, DQ */
    ISA_AVX512VNNI, /* ... and VNNI: int8 dot products */
    ISA_AVX512BF16, /* ... and BF16: bf16 dot products */
    ISA_NEON,       /* Armv8-A Advanced SIMD */
    ISA_DOTPROD,    /* Armv8.2-A int8 dot products */
    ISA_I8MM,       /* Armv8.6-A int8 matrix products */
    ISA_COUNT
};

const char *isa_name(enum isa isa);             /* "avx512vnni" */
int isa_parse(const char *name, enum isa *out); /* 0, or -1 when no instruction set is called that */
int isa_has(enum isa isa);                      /* does this machine run it, operating system included? */
enum isa isa_best(void);                        /* the highest that it has */

#endif
