/* target.h - how one function is compiled for another instruction set than the rest of the build.
 *
 * A function under TARGET_X may use the intrinsics of X whatever -march says; isa_has decides at run time whether it is called.
 * What is FORCE_INLINE here takes constants (a number of rows, the function that loads weights) and disappears in its caller. */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_TARGET_H
#define KERNELS_TARGET_H

#include <stddef.h>
#include <stdint.h>

#if defined __x86_64__
#include <immintrin.h>
/* Each names all that it includes: a compiler inlines across targets only into a superset. */
#define TARGET_AVX2 __attribute__((target("avx2,fma,f16c")))
#define TARGET_AVX512 __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")))
#define TARGET_AVX512VNNI __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define TARGET_AVX512BF16 __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16")))
/* Keeps a vector in its register, as it is: where gcc 12 would otherwise fold it into another instruction or load it again. */
#define KEEP(v) __asm__("" : "+v"(v))
#elif defined __aarch64__
#include <arm_neon.h>
#define TARGET_NEON /* every Armv8-A has it */
#define TARGET_DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))
#define TARGET_I8MM __attribute__((target("arch=armv8.2-a+dotprod+i8mm")))
#endif

#define FORCE_INLINE static inline __attribute__((always_inline))

/* Unrolls the loop that follows, whose trip count is a constant: arrays of accumulators become registers. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* How far ahead of what is read the next cache lines are asked for, in bytes.  Weights stream from memory once per token, and the
 * hardware's own prefetch stops at the end of a page; 7 to 12 KiB ahead was best on Zen 5, one thread. */
#define PREFETCH_AHEAD 8192

/* Asks for the cache lines of `bytes` (a constant) from p on, which need not be memory of ours. */
FORCE_INLINE void prefetch_from(const void *p, size_t bytes)
{
    UNROLL
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch((const uint8_t *)p + i);
}

/* The same PREFETCH_AHEAD from p on.  Rows that are read side by side lie one after the other, so a step of n rows asks for n
 * times its bytes in one piece: the memory sees one ascending stream, and no line is left out. */
FORCE_INLINE void prefetch_ahead(const uint8_t *p, size_t bytes)
{
    prefetch_from(p + PREFETCH_AHEAD, bytes);
}

#endif
