/* kernel_time.h - the kernels of this machine, each checked, then timed and held against the machine's ceilings.
 *
 *     kernel_job_open    lists them: every kernel at one shape or, given the shapes of a model, what the engine runs at each
 *     kernel_job_check   fills in passed or why
 *     kernel_job_time    fills in the times of those that passed; what failed is not timed
 *
 * The caller fills in the first part of the job, before kernel_job_time also peak and pool.  The fractions are of what peak holds
 * when they are asked for: the caller may measure it again after the kernels and raise it. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_KERNEL_TIME_H
#define BENCH_KERNEL_TIME_H

#include <stdint.h>

#include "base/err.h"
#include "bench/kernel_check.h"
#include "bench/kernel_shapes.h"
#include "bench/peak.h"
#include "engine/pool.h"

struct kernel_result {
    struct kernel_case c;
    int family; /* the same for a kernel on every instruction set */
    int wanted; /* the filter names it, or a kernel of its family and it is the scalar one */
    int first;  /* where in the list this kernel is checked: at its first shape */
    int passed;
    char why[200];                    /* when it did not */
    const struct kernel_shape *shape; /* of a model, or NULL */
    int rows, k, columns;
    int cold; /* its weights come out of memory, so that its bytes are held against the read bandwidth */
    int timed;
    double ns; /* of one call by all threads */
    double bytes, operations;
};

struct kernel_job {
    const char *filter; /* part of a name, or NULL: all */
    enum isa isa;       /* the highest level */
    uint64_t seed;
    int threads;
    const struct kernel_shape *shapes; /* [n_shapes], of a model; NULL: every kernel at one shape */
    const int *columns;                /* [n_columns], with shapes: 1 is matvec, more are matmul */
    int n_shapes, n_columns;
    void (*progress)(const char *doing, const char *kernel, int i, int n); /* or NULL */
    struct pool *pool;
    struct peak peak;
    struct kernel_result *v; /* family after family, each from scalar upwards; of a model shape after shape */
    int n, n_wanted, failed;
};

int kernel_job_open(struct kernel_job *j, struct err *e);
void kernel_job_close(struct kernel_job *j);
void kernel_job_check(struct kernel_job *j);
int kernel_job_time(struct kernel_job *j, struct err *e);

/* Fractions of the ceilings; -1 where that would say nothing, and before it was timed.
 *   of_bandwidth  bytes of weights over the read bandwidth
 *   of_peak       operations over the fastest unit for such activations
 *   of_roof       the larger of both, that is of whichever binds */
double kernel_of_bandwidth(const struct kernel_job *j, const struct kernel_result *r);
double kernel_of_peak(const struct kernel_job *j, const struct kernel_result *r);
double kernel_of_roof(const struct kernel_job *j, const struct kernel_result *r);
/* "bytes" or "operations": which of the two that is; NULL where the roof is not known. */
const char *kernel_bound(const struct kernel_job *j, const struct kernel_result *r);

/* How many times as fast as the scalar kernel of its family; -1 when that was not timed. */
double kernel_speedup(const struct kernel_job *j, const struct kernel_result *r);

/* A kernel for an instruction set has to be worth its lines.  1: it was timed, is not the scalar one, and is not. */
#define KERNEL_WORTH 1.5 /* times as fast as scalar */
int kernel_is_slow(const struct kernel_job *j, const struct kernel_result *r);

/* All matrices of a model times the columns of a batch: those of the layers for all of them, the head for the last one, which is
 * all that a prefill asks for.  Sums over the matrices, each as often as the model has it. */
struct kernel_total {
    double ns, bytes, operations;
    double of_roof; /* time that the roofs allow over ns; -1: one of them is not known */
};
/* -1 when that number of columns, or something of it, was not timed. */
int kernel_total(const struct kernel_job *j, int columns, struct kernel_total *t);

#endif
