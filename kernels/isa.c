/* SPDX-License-Identifier: MIT */
#include "kernels/isa.h"

#include <string.h>

#if defined __x86_64__
#include <cpuid.h>
#elif defined __aarch64__ && defined __linux__
#include <sys/auxv.h>
#endif

static const char *const names[ISA_COUNT] = {"scalar", "avx2", "avx512", "avx512vnni", "avx512bf16", "neon", "dotprod", "i8mm"};

const char *isa_name(enum isa isa)
{
    return names[isa];
}

int isa_parse(const char *name, enum isa *out)
{
    for (int i = 0; i < ISA_COUNT; i++) {
        if (!strcmp(name, names[i])) {
            *out = (enum isa)i;
            return 0;
        }
    }
    return -1;
}

#if defined __x86_64__

static int has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

/* __builtin_cpu_supports asks the processor, and XGETBV whether the operating system saves the wide registers. */
int isa_has(enum isa isa)
{
    switch (isa) {
    case ISA_SCALAR: return 1;
    case ISA_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    case ISA_AVX512:
        return isa_has(ISA_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    case ISA_AVX512VNNI: return isa_has(ISA_AVX512) && __builtin_cpu_supports("avx512vnni");
    case ISA_AVX512BF16: return isa_has(ISA_AVX512VNNI) && __builtin_cpu_supports("avx512bf16");
    default: return 0;
    }
}

#elif defined __aarch64__

int isa_has(enum isa isa)
{
    switch (isa) {
    case ISA_SCALAR: return 1;
#ifdef __linux__
    case ISA_NEON: return !!(getauxval(AT_HWCAP) & HWCAP_ASIMD);
    case ISA_DOTPROD: return isa_has(ISA_NEON) && (getauxval(AT_HWCAP) & HWCAP_ASIMDDP);
    case ISA_I8MM: return isa_has(ISA_DOTPROD) && (getauxval(AT_HWCAP2) & HWCAP2_I8MM);
#else
    case ISA_NEON: /* part of the architecture; of the rest there is no portable way to ask */ return 1;
#endif
    default: return 0;
    }
}

#else

int isa_has(enum isa isa)
{
    return isa == ISA_SCALAR;
}

#endif

enum isa isa_best(void)
{
    int best = ISA_COUNT - 1;
    while (!isa_has((enum isa)best))
        best--;
    return (enum isa)best;
}
