/* How kernels are timed.
 *
 * A kernel's time is the median of passes of all threads (passes.h).  matvec, the kernel that decodes, takes piece after piece of
 * weights that fill half the buffer of the bandwidth measurement, so they come out of memory: GB/s are bytes of weights as stored,
 * and the fraction is of the read bandwidth with as many threads.  All other kernels work on data that stay in the caches; a
 * fraction of the bandwidth would say nothing there.  Operations count a multiplication and an addition as two; the fraction is
 * of the fastest unit for that kind of activations that the machine has at the job's level, so a kernel of a lower instruction
 * set is held against all of it.
 *
 * There are hundreds of kernels, so a median that is steady is not waited for, nothing is larger than it has to be for a steady
 * one, and the weights of a format are made once for all of its kernels.
 *
 * Of a model, each matrix is whole, matmul's comes out of memory like matvec's, and the kernel is the one that the engine runs on
 * its default path at the job's level.  Its roof is the time that the bytes of the weights take at the read bandwidth or the
 * operations at the peak, whichever is longer; columns and results are not counted as bytes, for they stay in the caches. */
/* SPDX-License-Identifier: MIT */
#include "bench/kernel_time.h"

#include <stdlib.h>
#include <string.h>

#include "bench/passes.h"
#include "kernels/kv.h"
#include "kernels/matmul.h"

/* What is timed of each kind: rows of each thread, elements of a row, columns (kernel_check.h says what they are).  Of matmul two
 * whole panels a thread, and columns that every tile divides: a part of a panel would be timed as if it were work. */
static const struct shape {
    int rows, k, columns;
} shapes[KERNEL_KINDS] = {
    [KERNEL_MATVEC] = {512, 2048, 1},
    [KERNEL_VECMAT] = {1024, 128, 1},
    [KERNEL_UNPACK_F32] = {64, 2048, 1},
    [KERNEL_UNPACK_Q8] = {64, 2048, 1},
    [KERNEL_PACK] = {64, 2048, 1},
    [KERNEL_MATMUL] = {64, 2048, 96},
    [KERNEL_MATMUL_PACKED] = {64, 2048, 96},
    [KERNEL_ATTENTION] = {1024, 128, 1},
    [KERNEL_ATTENTION_MANY] = {1024, 128, ATTENTION_TOKENS},
    [KERNEL_ACT] = {32, 2048, 1},
    [KERNEL_ACT_TOKEN] = {32, 2048, 1},
    [KERNEL_RMSNORM] = {32, 2048, 1},
    [KERNEL_ROPE] = {32, 2048, 1},
    [KERNEL_ROPE_HALVES] = {32, 2048, 1},
    [KERNEL_SOFTMAX] = {32, 2048, 1},
    [KERNEL_SILU_GATE] = {32, 2048, 1},
    [KERNEL_GELU_GATE] = {32, 2048, 1},
    [KERNEL_SOFTCAP] = {32, 2048, 1},
    [KERNEL_ADD] = {32, 2048, 1},
};

static const struct passes_plan plan = {.warm_ns = 3000000, .pass_ns = 500000, .total_ns = 50000000, .least = 3, .steady = 0.02};

/* -- the list ------------------------------------------------------------------------------------------------------------- */

static size_t stem(const char *name)
{
    const char *last = strrchr(name, '_');
    return last ? (size_t)(last - name) : strlen(name);
}

static int by_family(const void *a, const void *b)
{
    const struct kernel_result *x = a, *y = b;
    return x->family != y->family ? x->family - y->family : (int)x->c.isa - (int)y->c.isa;
}

/* A kernel is wanted when its name contains the filter; with it comes the scalar one that it is compared with. */
static int wanted(const struct kernel_job *j, const struct kernel_result *r)
{
    if (!j->filter || strstr(r->c.name, j->filter))
        return 1;
    if (r->c.isa != ISA_SCALAR)
        return 0;
    for (const struct kernel_result *m = r; m < j->v + j->n && m->family == r->family; m++)
        if (strstr(m->c.name, j->filter))
            return 1;
    return 0;
}

/* Of vecmat and attention every thread has a head of its own; all others share the rows. */
static int splits_by_heads(enum kernel_kind kind)
{
    return kind == KERNEL_VECMAT || kind == KERNEL_ATTENTION || kind == KERNEL_ATTENTION_MANY;
}

static int is_matmul(enum kernel_kind kind)
{
    return kind == KERNEL_MATMUL || kind == KERNEL_MATMUL_PACKED;
}

/* Every kernel, at the shape of its kind. */
static void list_kernels(struct kernel_job *j, const struct kernel_case *cases, int n)
{
    int scalars = 0;
    while (scalars < n && cases[scalars].isa == ISA_SCALAR)
        scalars++;
    for (int i = 0; i < n; i++) {
        const struct kernel_case *c = &cases[i];
        const struct shape *s = &shapes[c->kind];
        struct kernel_result *r = &j->v[j->n++];
        *r = (struct kernel_result){.c = *c, .k = s->k, .columns = s->columns, .cold = c->kind == KERNEL_MATVEC};
        r->rows = s->rows * (splits_by_heads(c->kind) ? 1 : j->threads);
        if (c->format && r->k % c->format->block) /* a head of 128 is less than a block of 256 */
            r->k = c->format->block;
        while (r->family < scalars &&
               (stem(c->name) != stem(cases[r->family].name) || strncmp(c->name, cases[r->family].name, stem(c->name)) != 0))
            r->family++;
    }
    qsort(j->v, (size_t)j->n, sizeof *j->v, by_family);
    for (int i = 0; i < j->n; i++)
        j->v[i].first = i;
}

/* For each shape of the model, and each number of columns, the kernel that the engine runs: the highest one on the default path. */
static void list_model(struct kernel_job *j, const struct kernel_case *cases, int n)
{
    for (int i = 0; i < j->n_shapes * j->n_columns; i++) {
        const struct kernel_shape *s = &j->shapes[i / j->n_columns];
        const int columns = j->columns[i % j->n_columns];
        const int packed = s->format->act == ACT_Q8 && columns >= PACK_COLUMNS && pack_run(s->k);
        const enum kernel_kind kind = columns == 1 ? KERNEL_MATVEC : packed ? KERNEL_MATMUL_PACKED : KERNEL_MATMUL;
        int c = n - 1;
        while (c > 0 && (cases[c].format != s->format || cases[c].kind != kind || cases[c].act != s->format->act))
            c--;
        struct kernel_result *r = &j->v[j->n++];
        *r = (struct kernel_result){
            .c = cases[c], .family = i, .shape = s, .rows = s->rows, .k = s->k, .columns = columns, .cold = 1};
        while (strcmp(j->v[r->first].c.name, r->c.name) != 0)
            r->first++;
    }
}

int kernel_job_open(struct kernel_job *j, struct err *e)
{
    int total = 0, n = 0;
    for (int i = ISA_SCALAR; i <= (int)j->isa; i++)
        total += isa_has((enum isa)i) ? kernel_list((enum isa)i, NULL, 0) : 0;
    const int entries = j->shapes ? j->n_shapes * j->n_columns : total;
    struct kernel_case *cases = calloc((size_t)total, sizeof *cases);
    j->v = calloc((size_t)entries, sizeof *j->v);
    if (!cases || !j->v) {
        free(cases);
        return err_set(e, ERR_ENV, "kernels: no memory for a list of %d", total + entries);
    }
    for (int i = ISA_SCALAR; i <= (int)j->isa; i++)
        n += isa_has((enum isa)i) ? kernel_list((enum isa)i, cases + n, total - n) : 0;
    (j->shapes ? list_model : list_kernels)(j, cases, n);
    free(cases);
    for (struct kernel_result *r = j->v; r < j->v + j->n; r++)
        j->n_wanted += r->wanted = wanted(j, r);
    return 0;
}

void kernel_job_close(struct kernel_job *j)
{
    free(j->v);
    j->v = NULL;
}

/* -- checking and timing -------------------------------------------------------------------------------------------------- */

void kernel_job_check(struct kernel_job *j)
{
    for (struct kernel_result *r = j->v; r < j->v + j->n; r++) {
        const struct kernel_result *first = &j->v[r->first];
        if (!r->wanted)
            continue;
        if (r != first) {
            r->passed = first->passed;
            memcpy(r->why, first->why, sizeof r->why);
            continue;
        }
        if (j->progress)
            j->progress("checking", r->c.name, (int)(r - j->v), j->n);
        r->passed = kernel_check_case(&r->c, j->seed, r->why, sizeof r->why);
        j->failed += !r->passed;
    }
}

static void run_share(void *ctx, int thread)
{
    kernel_work_run(ctx, thread);
}

static int time_one(struct kernel_job *j, struct kernel_result *r, struct kernel_weights weights[2], struct err *e)
{
    int matrices = 1;
    if (r->cold)
        matrices += (int)(j->peak.buffer_bytes / 2 / ((size_t)r->rows * format_row_bytes(r->c.format, r->k)));
    struct kernel_work w;
    struct passes t;
    if (kernel_work_open(&w, &r->c, r->rows, r->k, r->columns, matrices, j->threads, &weights[splits_by_heads(r->c.kind)],
                         j->seed, e))
        return err_where(e, "%s", r->c.name);
    int rc = passes_measure(&t, j->pool, run_share, &w, &plan, e);
    if (!rc) {
        r->timed = 1;
        r->ns = t.median;
        r->bytes = is_matmul(r->c.kind) && !r->cold ? 0 : w.bytes; /* out of the caches many columns share what is read */
        r->operations = w.operations;
    }
    kernel_work_close(&w);
    return rc;
}

int kernel_job_time(struct kernel_job *j, struct err *e)
{
    struct kernel_weights weights[2] = {{0}}; /* of a model, of heads */
    int rc = 0;
    for (struct kernel_result *r = j->v; r < j->v + j->n && !rc; r++)
        if (r->passed) {
            if (j->progress)
                j->progress("timing", r->c.name, (int)(r - j->v), j->n);
            rc = time_one(j, r, weights, e);
        }
    kernel_weights_close(&weights[0]);
    kernel_weights_close(&weights[1]);
    return rc;
}

/* -- against the ceilings ------------------------------------------------------------------------------------------------- */

double kernel_of_bandwidth(const struct kernel_job *j, const struct kernel_result *r)
{
    return r->timed && r->cold ? r->bytes / r->ns * 1e9 / peak_bandwidth(&j->peak.all) : -1;
}

double kernel_of_peak(const struct kernel_job *j, const struct kernel_result *r)
{
    static const enum peak_unit unit[ACT_COUNT] = {[ACT_F32] = PEAK_F32, [ACT_BF16] = PEAK_BF16, [ACT_Q8] = PEAK_INT8};
    const struct peak_arithmetic *p = &j->peak.unit[unit[r->c.act]];
    if (unit[r->c.act] == PEAK_BF16 && !p->instruction) /* then bf16 is multiplied as float32 */
        p = &j->peak.unit[PEAK_F32];
    const enum kernel_kind kind = r->c.kind;
    const int products = kind == KERNEL_MATVEC || kind == KERNEL_VECMAT || is_matmul(kind) || kind == KERNEL_ATTENTION_MANY;
    return r->timed && products && p->instruction ? r->operations / r->ns * 1e9 / p->all : -1;
}

double kernel_of_roof(const struct kernel_job *j, const struct kernel_result *r)
{
    const double bytes = kernel_of_bandwidth(j, r), operations = kernel_of_peak(j, r);
    return operations < 0 || (r->cold && bytes < 0) ? -1 : bytes > operations ? bytes : operations;
}

const char *kernel_bound(const struct kernel_job *j, const struct kernel_result *r)
{
    if (kernel_of_roof(j, r) < 0)
        return NULL;
    return kernel_of_bandwidth(j, r) > kernel_of_peak(j, r) ? "bytes" : "operations";
}

/* How many times as fast as the scalar kernel of the family; -1 when that was not timed. */
double kernel_speedup(const struct kernel_job *j, const struct kernel_result *r)
{
    const struct kernel_result *scalar = r;
    while (scalar > j->v && scalar[-1].family == r->family)
        scalar--;
    return scalar->timed && scalar->c.isa == ISA_SCALAR ? scalar->ns / r->ns : -1;
}

int kernel_is_slow(const struct kernel_job *j, const struct kernel_result *r)
{
    const double speedup = r->timed && r->c.isa != ISA_SCALAR ? kernel_speedup(j, r) : -1;
    return speedup >= 0 && speedup < KERNEL_WORTH;
}

int kernel_total(const struct kernel_job *j, int columns, struct kernel_total *t)
{
    double allowed = 0; /* ns */
    int unknown = 0, asked = 0;
    *t = (struct kernel_total){0};
    for (const struct kernel_result *r = j->v; r < j->v + j->n; r++) {
        const int times = (r->columns == columns ? r->shape->layers : 0) + (r->columns == 1 ? r->shape->head : 0);
        const double of_roof = kernel_of_roof(j, r);
        if (times && !r->timed)
            return -1;
        asked |= r->columns == columns;
        t->ns += times * r->ns;
        t->bytes += times * r->bytes;
        t->operations += times * r->operations;
        allowed += times * r->ns * of_roof;
        unknown |= times && of_roof < 0;
    }
    t->of_roof = unknown || !asked ? -1 : allowed / t->ns;
    return asked ? 0 : -1;
}
