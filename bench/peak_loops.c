/* The loops behind peak.c, one per instruction set.
 *
 * Reading: one stream of full-width loads, eight a turn.  No prefetch instruction and no non-temporal load: what any kernel gets
 * without tricks.
 *
 * Arithmetic: one instruction on 12 accumulators in registers (24 where there are 32 registers), each a chain of its own.  Its
 * latency is 4 or 5 cycles and a core starts one to four of them a cycle, so 12 chains keep two units busy and 24 four.
 *
 * The empty asm statements cost nothing: USED says that a value is needed, CHANGED that it may have changed.  Without them a
 * compiler leaves out loads and sums that nobody looks at, and computes the same product once for all chains. */
/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "bench/peak.h"

#define USED(reg, x) __asm__ volatile("" : : reg(x))
#define CHANGED(reg, x) __asm__("" : "+" reg(x))

/* clang-format off */
#define EACH_8(DO, ...) \
    DO(0, __VA_ARGS__) DO(1, __VA_ARGS__) DO(2, __VA_ARGS__) DO(3, __VA_ARGS__) \
    DO(4, __VA_ARGS__) DO(5, __VA_ARGS__) DO(6, __VA_ARGS__) DO(7, __VA_ARGS__)
#define EACH_12(DO, ...) \
    EACH_8(DO, __VA_ARGS__) DO(8, __VA_ARGS__) DO(9, __VA_ARGS__) DO(10, __VA_ARGS__) DO(11, __VA_ARGS__)
#define EACH_24(DO, ...) \
    EACH_12(DO, __VA_ARGS__) DO(12, __VA_ARGS__) DO(13, __VA_ARGS__) DO(14, __VA_ARGS__) DO(15, __VA_ARGS__) \
    DO(16, __VA_ARGS__) DO(17, __VA_ARGS__) DO(18, __VA_ARGS__) DO(19, __VA_ARGS__) \
    DO(20, __VA_ARGS__) DO(21, __VA_ARGS__) DO(22, __VA_ARGS__) DO(23, __VA_ARGS__)

#define LOAD(i, reg, vec, load) USED(reg, load((const void *)(at + i * sizeof(vec))));

/* The whole of a function that reads `bytes` bytes from p as vectors. */
#define READ(reg, vec, load) \
    for (const uint8_t *at = p, *end = at + bytes; at < end; at += 8 * sizeof(vec)) { \
        EACH_8(LOAD, reg, vec, load) \
    }

#define DECLARE(i, vec) vec a##i = u;
#define STEP(i, reg, step) CHANGED(reg, u); a##i = step(a##i, u, s);
#define KEEP(i, reg) USED(reg, a##i);

/* The whole of a function that does n rounds of a = step(a, u, s), one on each accumulator.
 * 0x3f is 63 as a byte, 0.75 as a float or a bf16: no sum becomes denormal, which would be slow on some machines. */
#define CHAINS(each, reg, vec, step) \
    vec u, s; \
    memset(&u, 0x3f, sizeof u); \
    memset(&s, 0x3f, sizeof s); \
    each(DECLARE, vec) \
    while (n--) { \
        each(STEP, reg, step) \
    } \
    each(KEEP, reg)
/* clang-format on */

#define SCALAR_LOAD(p) (*(const uint64_t *)(p))

static void read_scalar(const void *p, size_t bytes)
{
    READ("r", uint64_t, SCALAR_LOAD)
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#define AVX512VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define AVX512BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

#define FMA_256(a, u, s) _mm256_fmadd_ps(u, s, a)
#define FMA_512(a, u, s) _mm512_fmadd_ps(u, s, a)
/* Without an int8 dot product: bytes to pairs in 16 bits, pairs to fours in 32, then the sum.  A kernel multiplies the
 * pairs by ones; what by makes no difference here. */
#define DOT_256(a, u, s) _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_maddubs_epi16(u, s), s))
#define DOT_512(a, u, s) _mm512_add_epi32(a, _mm512_madd_epi16(_mm512_maddubs_epi16(u, s), s))
#define DOT_BF16(a, u, s) _mm512_dpbf16_ps(a, (__m512bh)(u), (__m512bh)(s))

AVX2 static void read_avx2(const void *p, size_t bytes){READ("x", __m256i, _mm256_load_si256)}

AVX512 static void read_avx512(const void *p, size_t bytes){READ("v", __m512i, _mm512_load_si512)}

AVX2 static void f32_avx2(uint64_t n){CHAINS(EACH_12, "x", __m256, FMA_256)}

AVX512 static void f32_avx512(uint64_t n){CHAINS(EACH_24, "v", __m512, FMA_512)}

AVX2 static void int8_avx2(uint64_t n){CHAINS(EACH_12, "x", __m256i, DOT_256)}

AVX512 static void int8_avx512(uint64_t n){CHAINS(EACH_24, "v", __m512i, DOT_512)}

AVX512VNNI static void int8_avx512vnni(uint64_t n){CHAINS(EACH_24, "v", __m512i, _mm512_dpbusd_epi32)}

AVX512BF16 static void bf16_avx512bf16(uint64_t n)
{
    CHAINS(EACH_24, "v", __m512, DOT_BF16)
}

static peak_read_fn *const readers[ISA_COUNT] = {
    [ISA_SCALAR] = read_scalar,
    [ISA_AVX2] = read_avx2,
    [ISA_AVX512] = read_avx512,
};

/* Operations of a round: chains x lanes x (multiplications and additions per lane). */
static const struct peak_loop loops[] = {
    {PEAK_INT8, ISA_AVX2, "vpmaddubsw, vpmaddwd, vpaddd ymm", 12 * 8 * 8, int8_avx2},
    {PEAK_INT8, ISA_AVX512, "vpmaddubsw, vpmaddwd, vpaddd zmm", 24 * 16 * 8, int8_avx512},
    {PEAK_INT8, ISA_AVX512VNNI, "vpdpbusd zmm", 24 * 16 * 8, int8_avx512vnni},
    {PEAK_F32, ISA_AVX2, "vfmadd231ps ymm", 12 * 8 * 2, f32_avx2},
    {PEAK_F32, ISA_AVX512, "vfmadd231ps zmm", 24 * 16 * 2, f32_avx512},
    {PEAK_BF16, ISA_AVX512BF16, "vdpbf16ps zmm", 24 * 16 * 4, bf16_avx512bf16},
};

#elif defined(__aarch64__)
#include <arm_neon.h>

#define DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))
#define I8MM __attribute__((target("arch=armv8.2-a+dotprod+i8mm")))

#define BYTES(v) vreinterpretq_s8_s32(v)
/* Without a dot product: bytes to products in 16 bits, pairs of them added into 32; half a vector of bytes at a time. */
#define DOT_HALF(a, u, s) vpadalq_s16(a, vmull_s8(vget_low_s8(BYTES(u)), vget_low_s8(BYTES(s))))
#define DOT_LANES(a, u, s) vdotq_s32(a, BYTES(u), BYTES(s))
#define DOT_TILES(a, u, s) vmmlaq_s32(a, BYTES(u), BYTES(s))

static void read_neon(const void *p, size_t bytes)
{
    READ("w", uint8x16_t, vld1q_u8)
}

static void f32_neon(uint64_t n)
{
    CHAINS(EACH_24, "w", float32x4_t, vfmaq_f32)
}

static void int8_neon(uint64_t n){CHAINS(EACH_24, "w", int32x4_t, DOT_HALF)}

DOTPROD static void int8_dotprod(uint64_t n){CHAINS(EACH_24, "w", int32x4_t, DOT_LANES)}

I8MM static void int8_i8mm(uint64_t n)
{
    CHAINS(EACH_24, "w", int32x4_t, DOT_TILES)
}

static peak_read_fn *const readers[ISA_COUNT] = {
    [ISA_SCALAR] = read_scalar,
    [ISA_NEON] = read_neon,
};

static const struct peak_loop loops[] = {
    {PEAK_INT8, ISA_NEON, "smull, sadalp", 24 * 4 * 4, int8_neon},
    {PEAK_INT8, ISA_DOTPROD, "sdot", 24 * 4 * 8, int8_dotprod},
    {PEAK_INT8, ISA_I8MM, "smmla", 24 * 4 * 16, int8_i8mm},
    {PEAK_F32, ISA_NEON, "fmla", 24 * 4 * 2, f32_neon},
};

#else
#error "bench/peak_loops.c: no loops for this architecture yet; add a section with its loads and its multiply-add"
#endif

peak_read_fn *peak_read_loop(enum isa isa)
{
    peak_read_fn *best = read_scalar;
    for (int i = 0; i <= (int)isa; i++)
        if (readers[i] && isa_has((enum isa)i))
            best = readers[i];
    return best;
}

const struct peak_loop *peak_unit_loop(enum peak_unit unit, enum isa isa)
{
    const struct peak_loop *best = NULL;
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++)
        if (loops[i].unit == unit && loops[i].isa <= isa && isa_has(loops[i].isa))
            best = &loops[i];
    return best;
}
