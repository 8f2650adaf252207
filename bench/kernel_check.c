/* kernel_check.c - runs a check, and catches its crash.
 *
 * Reading or writing past the end of a buffer is a crash, because every buffer ends at a page that cannot be touched; a crash is
 * a failed line like any other. */
/* SPDX-License-Identifier: MIT */
#include "bench/kernel_check.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/kernel_cases.h"

#define CANARY 64 /* bytes in front of a buffer that must not change */

int check_fail(struct check *k, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(k->why, k->size, fmt, ap);
    va_end(ap);
    return 0;
}

void *check_take(struct check *k, size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (bytes + CANARY + page - 1) / page * page;
    uint8_t *map = mmap(NULL, body + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || k->used == CHECK_BUFFERS || mprotect(map + body, page, PROT_NONE))
        abort(); /* a few pages: the machine is unusable */
    memset(map, 0xe5, body);
    k->buffer[k->used].map = map;
    k->buffer[k->used].mapped = body + page;
    k->buffer[k->used].p = map + body - bytes;
    return k->buffer[k->used++].p;
}

int check_give_back(struct check *k)
{
    int intact = 1;
    while (k->used) {
        k->used--;
        for (int i = 1; i <= CANARY; i++)
            intact &= k->buffer[k->used].p[-i] == 0xe5;
        munmap(k->buffer[k->used].map, k->buffer[k->used].mapped);
    }
    return intact;
}

const char *const fill_names[FILLS + 1] = {"ordinary", "large",     "denormal", "alternating",
                                           "zero",     "one spike", "constant", "any bytes"};

void fill_floats(struct check *k, float *x, int n, enum fill fill, float large, float tiny)
{
    const float constant = (float)rng_normal(&k->rng);
    for (int i = 0; i < n; i++) {
        float v = (float)rng_normal(&k->rng);
        switch (fill) {
        case LARGE: v = i % 7 ? large * (float)(2 * rng_unit(&k->rng) - 1) : i % 2 ? -large : large; break;
        case TINY: v *= tiny; break;
        case ALTERNATING: v = i % 2 ? -0.7f : 0.7f; break;
        case ZERO: v = 0; break;
        case SPIKE: v = i % 64 == 17 ? 40 : 0; break;
        case CONSTANT: v = constant; break;
        default: break;
        }
        x[i] = v;
    }
}

double act_value(const struct act *x, int c, int i)
{
    size_t at = (size_t)c * (size_t)x->k + (size_t)i;
    switch (x->kind) {
    case ACT_F32: return (double)x->f32[at];
    case ACT_BF16: {
        uint32_t u = (uint32_t)x->bf16[at] << 16;
        float v;
        memcpy(&v, &u, sizeof v);
        return (double)v;
    }
    default: return (double)x->d[at / ACT_GROUP] * (double)x->q[at];
    }
}

int first_difference(const float *a, const float *b, int n)
{
    for (int i = 0; i < n; i++) {
        if (memcmp(a + i, b + i, sizeof *a))
            return i;
    }
    return -1;
}

static sigjmp_buf crashed;

static void on_crash(int sig)
{
    siglongjmp(crashed, sig);
}

int kernel_check_case(const struct kernel_case *c, uint64_t seed, char *why, size_t size)
{
    static int (*const checks[KERNEL_KINDS])(struct check *) = {
        [KERNEL_MATVEC] = check_matvec,
        [KERNEL_VECMAT] = check_vecmat,
        [KERNEL_UNPACK_F32] = check_unpack,
        [KERNEL_UNPACK_Q8] = check_unpack,
        [KERNEL_PACK] = check_pack,
        [KERNEL_MATMUL] = check_matmul,
        [KERNEL_MATMUL_PACKED] = check_packed,
        [KERNEL_ATTENTION] = check_attention,
        [KERNEL_ATTENTION_MANY] = check_attention,
        [KERNEL_ACT] = check_act,
        [KERNEL_ACT_TOKEN] = check_act,
        [KERNEL_RMSNORM] = check_op,
        [KERNEL_ROPE] = check_op,
        [KERNEL_SOFTMAX] = check_op,
        [KERNEL_SILU_GATE] = check_op,
        [KERNEL_ADD] = check_op,
        [KERNEL_ROPE_HALVES] = check_op,
        [KERNEL_GELU_GATE] = check_op,
        [KERNEL_SOFTCAP] = check_op,
    };
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    struct sigaction act = {.sa_handler = on_crash}, old[4];
    static struct check k; /* static: what siglongjmp leaves behind must still be given back */
    volatile int passed = 0;

    k = (struct check){.c = c, .why = why, .size = size};
    rng_seed(&k.rng, seed);
    if (size)
        why[0] = '\0';
    for (int i = 0; i < 4; i++)
        sigaction(signals[i], &act, &old[i]);
    int sig = sigsetjmp(crashed, 1);
    if (!sig)
        passed = checks[c->kind](&k);
    else
        check_fail(&k, "it crashed with signal %d (%s); every buffer ends at memory that cannot be touched", sig, strsignal(sig));
    for (int i = 0; i < 4; i++)
        sigaction(signals[i], &old[i], NULL);
    check_give_back(&k);
    return passed;
}

int kernel_check(uint64_t seed, enum isa isa, const char *filter,
                 void (*line)(void *ctx, const char *kernel, int passed, const char *why), void *ctx)
{
    int failed = 0;
    const int n = kernel_list(isa, NULL, 0);
    struct kernel_case *cases = malloc((size_t)n * sizeof *cases);
    if (!cases)
        abort();
    kernel_list(isa, cases, n);
    for (int i = 0; i < n; i++) {
        char why[256];
        if (filter && !strstr(cases[i].name, filter))
            continue;
        int passed = kernel_check_case(&cases[i], seed, why, sizeof why);
        failed += !passed;
        line(ctx, cases[i].name, passed, why);
    }
    free(cases);
    return failed;
}
