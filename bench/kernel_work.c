/* kernel_work.c - kernels with something to do, for timing. */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "bench/kernel_check.h"
#include "kernels/gemm.h"
#include "kernels/kv.h"
#include "kernels/matmul.h"

#define LINE 64
#define RANDOM 16384 /* activations that differ; they repeat, for the same reason as the weights (kernel_weights.c) */

/* Of a thread: the matrix of its next run, on a cache line of its own. */
struct turn {
    _Alignas(LINE) int matrix;
};

struct kernel_buffers {
    uint8_t *w;        /* the weights, or K; V behind it; of struct kernel_weights */
    size_t w_bytes;    /* that a run reads */
    struct turn *turn; /* [threads] */
    float *x, *x2;     /* [rows or columns][k], and the second operand of an op */
    float *y;
    uint8_t *room; /* of the activations, and one per thread for those that round */
    uint8_t *scratch;
    size_t each_room, each_scratch; /* bytes of a thread */
    struct act act;
    struct kv_layout kv;
};

static int is_attention(const struct kernel_case *c)
{
    return c->kind == KERNEL_ATTENTION || c->kind == KERNEL_ATTENTION_MANY;
}

/* Of a matrix and columns. */
static int is_product(const struct kernel_case *c)
{
    return c->kind == KERNEL_MATVEC || c->kind == KERNEL_MATMUL || c->kind == KERNEL_MATMUL_PACKED;
}

/* KV heads: each thread's own. */
static int heads(const struct kernel_work *w)
{
    return w->c->kind == KERNEL_VECMAT || is_attention(w->c) ? w->threads : 1;
}

static void *lines(size_t bytes)
{
    bytes = (bytes + LINE) / LINE * LINE;
    void *p = aligned_alloc(LINE, bytes);
    if (p)
        memset(p, 0, bytes);
    return p;
}

/* The buffers that this kind needs; 0, or -1 when memory is out. */
static int allocate(struct kernel_work *w, struct kernel_buffers *b, struct kernel_weights *weights, uint64_t seed)
{
    const struct kernel_case *c = w->c;
    const size_t rows = (size_t)w->rows, k = (size_t)w->k, threads = (size_t)w->threads;
    const int over_rows = !c->format; /* act and the ops: x is as long as there are rows */
    const size_t n_x = over_rows ? rows : (size_t)w->columns;

    if (c->format) {
        const size_t needed = rows * (size_t)heads(w) * (is_attention(c) ? 2 : 1);
        b->w_bytes = needed * format_row_bytes(c->format, w->k);
        if (kernel_weights_make(weights, c->format, w->k, (long)needed * w->matrices, seed))
            return -1;
        b->w = weights->data;
        b->each_scratch = matmul_scratch(c->format, w->k);
        if (is_attention(c)) {
            if (kv_layout(&b->kv, c->format, c->format, 1, w->threads, w->k, w->rows))
                return -1;
            b->each_scratch = attention_scratch(&b->kv, w->columns, 1);
        }
        b->each_scratch = (b->each_scratch / LINE + 2) * LINE; /* a line between threads */
    }
    b->each_room = (act_bytes(c->act, (int)n_x, w->k) / LINE + 2) * LINE;
    b->x = lines(n_x * k * sizeof(float));
    b->x2 = lines(n_x * k * sizeof(float) + rows * sizeof(float));
    b->y = lines((is_product(c) ? rows * n_x : over_rows ? rows * k : threads * n_x * k) * sizeof(float));
    b->room = lines(threads * b->each_room);
    b->scratch = lines(threads * b->each_scratch);
    b->turn = lines(threads * sizeof *b->turn);
    return b->turn && b->x && b->x2 && b->y && b->room && b->scratch ? 0 : -1;
}

int kernel_work_open(struct kernel_work *w, const struct kernel_case *c, int rows, int k, int columns, int matrices, int threads,
                     struct kernel_weights *weights, uint64_t seed, struct err *e)
{
    *w = (struct kernel_work){.c = c, .rows = rows, .k = k, .columns = columns, .matrices = matrices, .threads = threads};
    if (rows < 1 || k < 1 || columns < 1 || matrices < 1 || threads < 1)
        return err_set(e, ERR_USAGE, "%s: %d matrices of %d x %d, %d columns, %d threads is no shape: each has to be 1 or more",
                       c->name, matrices, rows, k, columns, threads);
    if ((c->format && !format_row_bytes(c->format, k)) || (c->act == ACT_Q8 && k % ACT_GROUP))
        return err_set(e, ERR_USAGE, "%s: rows of %d do not divide into its blocks; take a multiple of %d", c->name, k,
                       c->format && c->format->block > ACT_GROUP ? c->format->block : ACT_GROUP);
    struct kernel_buffers *b = w->buffers = calloc(1, sizeof *b);
    if (!b || allocate(w, b, weights, seed)) {
        kernel_work_close(w);
        return err_set(e, ERR_ENV, "%s: no memory for %d x %d weights and %d columns; try a smaller shape", c->name, rows, k,
                       columns);
    }

    struct rng rng;
    rng_seed(&rng, seed);
    const size_t n_x = (size_t)(c->format ? columns : rows) * (size_t)k;
    for (size_t i = 0; i < n_x; i++) {
        b->x[i] = i < RANDOM ? (float)rng_normal(&rng) : b->x[i - RANDOM];
        b->x2[i] = i < RANDOM ? (float)rng_normal(&rng) : b->x2[i - RANDOM];
    }
    for (size_t i = 0; (c->kind == KERNEL_ROPE || c->kind == KERNEL_ROPE_HALVES) && i + 1 < n_x;
         i += 2) { /* cosine and sine of an angle: y must not grow from run to run */
        b->x2[i] = cosf(b->x[i]);
        b->x2[i + 1] = sinf(b->x[i]);
    }
    for (int r = 0; r < rows; r++)
        b->x2[n_x + (size_t)r] = (float)rng_unit(&rng); /* what vecmat weighs rows by */
    const int pack = c->kind == KERNEL_MATMUL_PACKED ? pack_run(k) : 0;
    if (is_product(c) || is_attention(c))
        act_fill(&b->act, c->act, b->x, columns, k, pack ? pack : ACT_RUN, b->room, c->isa);
    b->act.pack = pack;

    const double products = (double)rows * heads(w) * k;
    w->bytes = c->format ? (double)b->w_bytes : (double)n_x * sizeof(float);
    switch (c->kind) {
    case KERNEL_MATVEC:
    case KERNEL_VECMAT: w->operations = 2 * products; break;
    case KERNEL_MATMUL:
    case KERNEL_MATMUL_PACKED: w->operations = 2 * products * columns; break;
    case KERNEL_ATTENTION:
    case KERNEL_ATTENTION_MANY: w->operations = 4 * products * columns; break;
    default: break;
    }
    return 0;
}

void kernel_work_close(struct kernel_work *w)
{
    struct kernel_buffers *b = w->buffers;
    if (!b)
        return;
    free(b->turn);
    free(b->x);
    free(b->x2);
    free(b->y);
    free(b->room);
    free(b->scratch);
    free(b);
    w->buffers = NULL;
}

static void run_op(const struct kernel_case *c, float *y, const float *x, const float *x2, int k)
{
    switch (c->kind) {
    case KERNEL_RMSNORM: c->ops->rmsnorm(y, x, x2, k, 1e-5f); break;
    case KERNEL_ROPE: c->ops->rope(y, x2, k / 2); break;
    case KERNEL_SOFTMAX: c->ops->softmax(y, k); break;
    case KERNEL_ROPE_HALVES: c->ops->rope_halves(y, x2, k / 2); break;
    case KERNEL_SILU_GATE: c->ops->silu_gate(y, x, x2, k); break;
    case KERNEL_GELU_GATE: c->ops->gelu_gate(y, x, x2, k); break;
    case KERNEL_SOFTCAP: c->ops->softcap(y, k, 30); break;
    default: c->ops->add(y, x, k); break;
    }
}

/* The matrix whose turn it is on this thread. */
static const uint8_t *next_matrix(struct kernel_work *w, int thread)
{
    struct kernel_buffers *b = w->buffers;
    const uint8_t *matrix = b->w + (size_t)b->turn[thread].matrix * b->w_bytes;
    b->turn[thread].matrix = (b->turn[thread].matrix + 1) % w->matrices;
    return matrix;
}

void kernel_work_run(struct kernel_work *w, int thread)
{
    const struct kernel_case *c = w->c;
    struct kernel_buffers *b = w->buffers;
    uint8_t *scratch = b->scratch + (size_t)thread * b->each_scratch;
    const size_t k = (size_t)w->k, row_bytes = c->format ? format_row_bytes(c->format, w->k) : 0;
    const struct format_kernels f = c->format ? format_kernels(c->format, c->isa) : (struct format_kernels){0};
    /* Whole panels to a thread, so that none is unpacked twice. */
    const long panels = (w->rows + PANEL_ROWS - 1) / PANEL_ROWS;
    const int unit = c->format ? PANEL_ROWS : 1, units = c->format ? (int)panels : w->rows;
    const int row0 = (int)((long)units * thread / w->threads) * unit, end = (int)((long)units * (thread + 1) / w->threads) * unit;
    const int row1 = end < w->rows ? end : w->rows;
    struct act rounded;

    switch (c->kind) {
    case KERNEL_MATVEC:
        (c->act == ACT_F32 ? f.matvec_f32 : f.matvec_act)(b->y + row0, next_matrix(w, thread) + (size_t)row0 * row_bytes, &b->act,
                                                          row1 - row0);
        break;
    case KERNEL_MATMUL:
    case KERNEL_MATMUL_PACKED:
        matmul(b->y, (size_t)w->rows, &(struct matrix){c->format, next_matrix(w, thread), w->rows, w->k}, &b->act, row0, row1,
               c->isa, scratch);
        break;
    case KERNEL_VECMAT:
        f.vecmat(b->y + (size_t)thread * k, b->w + (size_t)thread * (size_t)w->rows * row_bytes, b->x2 + (size_t)w->columns * k,
                 w->k, w->rows);
        break;
    case KERNEL_UNPACK_F32:
    case KERNEL_UNPACK_Q8:
    case KERNEL_PACK:
        for (int r = row0; r < row1; r += PANEL_ROWS) {
            const uint8_t *rows = b->w + (size_t)r * row_bytes;
            int n = row1 - r < PANEL_ROWS ? row1 - r : PANEL_ROWS;
            if (c->kind == KERNEL_UNPACK_F32) {
                f.unpack_f32((float *)scratch, rows, row_bytes, n, 0, w->k);
            } else {
                const struct panel_q8 panel = panel_q8_in(scratch, c->format, w->k);
                if (c->kind == KERNEL_UNPACK_Q8)
                    f.unpack_q8(&panel, rows, row_bytes, n, 0, w->k);
                else /* what an earlier turn left there: any bytes do */
                    pack_q8_best(c->isa)(&panel, &panel, c->format->group, c->format->offset, PACK_RUN, w->k);
            }
        }
        break;
    case KERNEL_ATTENTION:
    case KERNEL_ATTENTION_MANY:
        attention(b->y + (size_t)thread * (size_t)w->columns * k, b->x,
                  &(struct attention){.layout = &b->kv,
                                      .k_rows = kv_k(&b->kv, b->w, 0, thread, 0),
                                      .v_rows = kv_v(&b->kv, b->w + b->kv.k_bytes, 0, thread, 0),
                                      .heads = w->columns,
                                      .scale = 1 / sqrtf((float)w->k),
                                      .exact = c->act == ACT_F32,
                                      .many = c->kind == KERNEL_ATTENTION_MANY && w->columns >= ATTENTION_MANY,
                                      .isa = c->isa},
                  &(struct kv_view){1, {{0, w->rows}}}, 1, scratch);
        break;
    case KERNEL_ACT:
    case KERNEL_ACT_TOKEN:
        act_fill(&rounded, c->act, b->x + (size_t)row0 * k, row1 - row0, w->k, c->kind == KERNEL_ACT ? ACT_RUN : w->k,
                 b->room + (size_t)thread * b->each_room, c->isa);
        break;
    default:
        for (int r = row0; r < row1; r++)
            run_op(c, b->y + (size_t)r * k, b->x + (size_t)r * k, b->x2 + (size_t)r * k, w->k);
        break;
    }
}
