/* The checks of `bench kernels` in a program of their own, which needs only libc: for another architecture, under an emulator
 * (make check-arm).  May be given a seed, and a part of the names of the kernels to check.  Exit code 1 when one failed, or there
 * was none to check. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "bench/kernel_check.h"

static void line(void *ctx, const char *kernel, int passed, const char *why)
{
    ++*(int *)ctx;
    printf("%s %s%s%s\n", passed ? "ok    " : "FAILED", kernel, passed ? "" : ": ", why);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    int failed = 0, all = 0;
    for (int i = ISA_COUNT - 1; i >= 0; i--) { /* an emulator is slow: what is of interest first */
        int n = 0;
        if (!isa_has((enum isa)i))
            continue;
        failed += kernel_check(seed, (enum isa)i, argc > 2 ? argv[2] : NULL, line, &n);
        all += n;
        printf("%-12s %3d kernels checked\n", isa_name((enum isa)i), n);
    }
    printf("%d failed; seed %llu\n", failed, (unsigned long long)seed);
    return failed || !all;
}
