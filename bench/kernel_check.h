/* kernel_check.h - every kernel of the program by its name, to be checked and to be timed.
 *
 * One list serves both uses, so a kernel that exists can be neither unchecked nor unmeasured.  A name is what is computed, the
 * activations that it reads, and the instruction set: q4_0_matvec_q8_avx512vnni, f16_vecmat_neon, rmsnorm_avx2.
 *
 * The check holds a kernel against the scalar one, which is the definition; the scalar one is held against a plain float64
 * computation.  Integers and everything on the exact path have to be equal bit for bit, float sums over rounded activations
 * within eps * sum |w a| times the number of additions that can round.  The weights are ordinary, extreme (largest scale, denormal, alternating) and
 * degenerate (zero, one spike, constant), the shapes odd, and nothing may be read or written past the end of a buffer. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_KERNEL_CHECK_H
#define BENCH_KERNEL_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "kernels/format.h"
#include "kernels/ops.h"

enum kernel_kind {
    KERNEL_MATVEC,     /* rows of a matrix times one column (decode) */
    KERNEL_VECMAT,     /* a row of weights times rows (attention: V) */
    KERNEL_UNPACK_F32, /* PANEL_ROWS rows into a panel */
    KERNEL_UNPACK_Q8,
    KERNEL_PACK,           /* that panel to one with fewer scales; for one format of each shape */
    KERNEL_MATMUL,         /* rows of a matrix times many columns (prefill) */
    KERNEL_MATMUL_PACKED,  /* ... through packed panels */
    KERNEL_ATTENTION,      /* one head; format is that of K and of V */
    KERNEL_ATTENTION_MANY, /* `columns` of them, one to a lane (prefill) */
    KERNEL_ACT,            /* act_fill, in runs of ACT_RUN */
    KERNEL_ACT_TOKEN,      /* act_fill, all of a column one run */
    KERNEL_RMSNORM,
    KERNEL_ROPE,
    KERNEL_ROPE_HALVES,
    KERNEL_SOFTMAX,
    KERNEL_SILU_GATE,
    KERNEL_GELU_GATE,
    KERNEL_SOFTCAP,
    KERNEL_ADD,
    KERNEL_KINDS
};

struct kernel_case {
    char name[48];
    enum kernel_kind kind;
    enum act_kind act; /* of the activations that it reads or, for KERNEL_ACT and KERNEL_ACT_TOKEN, makes */
    enum isa isa;
    const struct format *format; /* NULL where no weights are read */
    const struct ops *ops;       /* of the ops, else NULL */
};

/* Every kernel of instruction set isa, whether this machine runs it or not: those that format files and ops have at exactly
 * this level, and what is built of them at every level (matmul, attention, act).  Returns their number; writes at most max. */
int kernel_list(enum isa isa, struct kernel_case *out, int max);

/* 1 when it passes; 0, and the first thing that was wrong in why, when it does not. */
int kernel_check_case(const struct kernel_case *c, uint64_t seed, char *why, size_t size);

/* Checks the kernels of isa whose name contains filter (NULL: all) and reports each; why is "" when it passed.
 * isa has to be one that this machine has.  Returns the number of failures. */
int kernel_check(uint64_t seed, enum isa isa, const char *filter,
                 void (*line)(void *ctx, const char *kernel, int passed, const char *why), void *ctx);

/* Arbitrary bytes as a row, block by block such that they decode to moderate numbers. */
void kernel_any_bytes(const struct format *f, uint8_t *row, size_t row_bytes, struct rng *rng);

/* A matrix of random weights, for one kernel after the other: of at least `rows` rows of k elements of a format, in huge pages
 * where the system gives them.  Starts as {0}. */
struct kernel_weights {
    const struct format *format;
    int k;
    long rows;
    uint8_t *data;
    size_t room;
};

/* Makes them anew where they are not of that kind already; -1: no memory. */
int kernel_weights_make(struct kernel_weights *w, const struct format *f, int k, long rows, uint64_t seed);
void kernel_weights_close(struct kernel_weights *w);

/* A kernel with everything that it reads and writes, to be run again and again.
 *   matvec, matmul, unpack, pack: a matrix of rows x k; columns of activations for matmul
 *   vecmat, attention:      rows positions of a head of k elements
 *   act and the ops:        rows vectors of k elements, one after the other
 * Of `matrices` matrices, one after the other in memory, matvec and matmul take the next in each run, so that with enough of them
 * each comes out of memory; the others have one. */
struct kernel_work {
    const struct kernel_case *c;
    int rows, k, columns, matrices, threads;
    double bytes;      /* that one run of all threads reads of weights, or of x where there are none */
    double operations; /* multiplications and additions that it is counted as; 0 where that says nothing */
    struct kernel_buffers *buffers;
};

/* The weights stay the caller's, must outlive the work, and are made as they are needed; not touched where there are none.
 * -1 when the shape is not one of this kernel (k does not divide into blocks) or there is no memory. */
int kernel_work_open(struct kernel_work *w, const struct kernel_case *c, int rows, int k, int columns, int matrices, int threads,
                     struct kernel_weights *weights, uint64_t seed, struct err *e);

/* The share of one thread, 0 <= thread < threads: its rows.  Threads may run at once.  vecmat and attention split by heads:
 * each thread has rows of its own. */
void kernel_work_run(struct kernel_work *w, int thread);
void kernel_work_close(struct kernel_work *w);

#endif
