/* Planning a session and handing it tokens.
 *
 * lay_out is the only place that knows what lies in the arena.  It runs over an arena without memory to plan and over the
 * mapped one to open, so that the plan is the size. */
/* SPDX-License-Identifier: MIT */
#include "engine/session.h"

#include <math.h>
#include <stdlib.h>

#define DEFAULT_BATCH 512
#define MAX_CONTEXT (1 << 24)

/* What the sizes depend on, over all matrices: the widest columns of each kind, and the largest scratch. */
struct needs {
    int widest[ACT_COUNT];
    size_t matmul;
};

static void add_need(struct needs *need, const struct session *s, const struct matrix *w)
{
    enum act_kind kind = session_kind(s, w);
    size_t scratch = matmul_scratch(w->format, w->cols);
    if (w->cols > need->widest[kind])
        need->widest[kind] = w->cols;
    if (scratch > need->matmul)
        need->matmul = scratch;
}

static struct needs needs_of(const struct session *s)
{
    struct needs need = {0};
    const struct model *m = s->model;
    for (int i = 0; i < m->n_layer; i++) {
        const struct layer *l = &m->layers[i];
        const struct matrix *w[] = {&l->q, &l->k, &l->v, &l->o, &l->gate, &l->up, &l->down};
        for (size_t j = 0; j < sizeof w / sizeof *w; j++)
            add_need(&need, s, w[j]);
    }
    add_need(&need, s, &m->head);
    return need;
}

static float *take_floats(struct arena *a, int rows, int cols)
{
    return arena_take(a, (size_t)rows * (size_t)cols * sizeof(float));
}

/* Returns the bytes of the KV cache. */
static size_t lay_out(struct session *s, struct arena *a)
{
    const struct model *m = s->model;
    struct needs need = needs_of(s);
    int b = s->batch, n_q = m->n_head * m->head_dim, n_kv = m->n_kv * m->head_dim;

    s->keys = arena_take(a, s->kv.k_bytes);
    s->values = arena_take(a, s->kv.v_bytes);
    size_t kv = a->used;
    s->frequency = arena_take(a, (size_t)m->n_rot / 2 * sizeof *s->frequency);
    s->angle = take_floats(a, b, m->n_rot);
    s->x = take_floats(a, b, m->d);
    s->norm = take_floats(a, b, m->d);
    s->q = take_floats(a, b, n_q);
    s->attended = take_floats(a, b, n_q);
    s->k = take_floats(a, b, n_kv);
    s->v = take_floats(a, b, n_kv);
    s->gate = take_floats(a, b, m->n_ff);
    s->up = take_floats(a, b, m->n_ff);
    s->logits = take_floats(a, b < HEAD_SLICE ? b : HEAD_SLICE, m->n_vocab);

    size_t many = b > 1 ? (size_t)b : 0; /* a single column is rounded into the scratch of each thread */
    size_t bf16 = many * (size_t)need.widest[ACT_BF16], q8 = many * (size_t)need.widest[ACT_Q8];
    s->bf16 = arena_take(a, bf16 * sizeof *s->bf16);
    s->q8 = arena_take(a, q8 * sizeof *s->q8);
    s->q8_d = arena_take(a, q8 / ACT_GROUP * sizeof *s->q8_d);
    s->q8_sum = arena_take(a, q8 / SUM_GROUP * sizeof *s->q8_sum);

    s->scratch = arena_take(a, (size_t)s->threads * sizeof *s->scratch);
    for (int t = 0; t < s->threads; t++) {
        struct scratch own = {.norm = take_floats(a, 1, m->d)};
        for (int kind = 0; kind < ACT_COUNT; kind++)
            if (need.widest[kind])
                own.room[kind] = arena_take(a, act_bytes((enum act_kind)kind, 1, need.widest[kind]));
        own.matmul = arena_take(a, need.matmul);
        own.attention = arena_take(a, attention_scratch(&s->kv));
        if (s->scratch)
            s->scratch[t] = own;
    }
    return kv;
}

/* Everything of a session that needs no memory. */
static int describe(struct session *s, const struct model *m, const struct session_options *o, struct err *e)
{
    if (o->n_ctx < 1 || o->n_ctx > MAX_CONTEXT)
        return err_set(e, ERR_USAGE, "context of %d tokens: it must be 1 to %d", o->n_ctx, MAX_CONTEXT);
    if (o->batch < 0)
        return err_set(e, ERR_USAGE, "batch of %d tokens: it must be 1 or more, or 0 for %d", o->batch, DEFAULT_BATCH);
    if (o->threads < 1)
        return err_set(e, ERR_USAGE, "%d threads: at least 1 is needed", o->threads);
    if (!isa_has(o->isa))
        return err_set(e, ERR_USAGE, "instruction set %s: this machine does not run it; its best is %s", isa_name(o->isa),
                       isa_name(isa_best()));
    *s = (struct session){.model = m, .isa = o->isa, .ops = ops_at(o->isa), .exact = o->exact, .threads = o->threads};
    s->batch = o->batch ? o->batch : DEFAULT_BATCH;
    if (s->batch > o->n_ctx)
        s->batch = o->n_ctx;
    if (kv_layout(&s->kv, o->kv_k, o->kv_v, m->n_layer, m->n_kv, m->head_dim, o->n_ctx)) {
        const struct format *f = m->head_dim % o->kv_k->block ? o->kv_k : o->kv_v;
        return err_set(e, ERR_USAGE, "KV cache in %s: blocks of %d do not divide this model's head length of %d; use f16 or f32",
                       f->name, f->block, m->head_dim);
    }
    return 0;
}

int session_plan(const struct model *m, const struct session_options *o, struct footprint *f, struct err *e)
{
    struct session s;
    struct arena counting = {0};
    if (describe(&s, m, o, e))
        return -1;
    size_t kv = lay_out(&s, &counting);
    *f = (struct footprint){
        .weights = (int64_t)m->gguf.map.n,
        .kv = (int64_t)kv,
        .arena = (int64_t)(counting.used - kv),
        .tables = (int64_t)(tokenizer_bytes(m->tokenizer) + m->gguf.n_kv * sizeof *m->gguf.kv +
                            m->gguf.n_tensor * sizeof *m->gguf.tensor + (size_t)m->n_layer * sizeof *m->layers),
    };
    return 0;
}

int session_open(struct session **out, const struct model *m, const struct session_options *o, struct err *e)
{
    *out = NULL;
    struct session *s = malloc(sizeof *s);
    struct arena counting = {0};
    if (!s)
        return err_set(e, ERR_ENV, "session: no memory for its description");
    if (describe(s, m, o, e)) {
        free(s);
        return -1;
    }
    lay_out(s, &counting);
    if (arena_map(&s->arena, counting.used, e) || pool_open(&s->pool, o->threads, o->cpus, e)) {
        session_close(s);
        return -1;
    }
    lay_out(s, &s->arena);
    for (int i = 0; i < m->n_rot / 2; i++) {
        double divisor = (double)m->rope_scale * (m->rope_freqs ? (double)m->rope_freqs[i] : 1);
        s->frequency[i] = pow((double)m->rope_base, -2.0 * i / m->n_rot) / divisor;
    }
    *out = s;
    return 0;
}

void session_close(struct session *s)
{
    if (!s)
        return;
    pool_close(s->pool);
    arena_unmap(&s->arena);
    free(s);
}

int session_eval(struct session *s, const int *ids, int n, enum logits want, logits_fn *fn, void *ctx, struct err *e)
{
    if (n < 1)
        return err_set(e, ERR_USAGE, "evaluation of %d tokens: at least 1 is needed", n);
    if (n > s->kv.n_ctx - s->pos)
        return err_set(e, ERR_USAGE, "%d tokens do not fit: %d of the context's %d positions are taken; use a longer --context",
                       n, s->pos, s->kv.n_ctx);
    for (int i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= s->model->n_vocab)
            return err_set(e, ERR_USAGE, "token %d of %d has the id %d, but the vocabulary has ids 0 to %d", i + 1, n, ids[i],
                           s->model->n_vocab - 1);

    for (int done = 0; done < n; done += s->n) {
        s->ids = ids + done;
        s->n = n - done < s->batch ? n - done : s->batch;
        s->head_from = s->n - 1;
        s->head_n = want == LOGITS_LAST && done + s->n == n;
        pool_run(s->pool, eval_pass, s);
        s->pos += s->n;
        for (int from = 0; want == LOGITS_ALL && from < s->n; from += s->head_n) {
            s->head_from = from;
            s->head_n = s->n - from < HEAD_SLICE ? s->n - from : HEAD_SLICE;
            pool_run(s->pool, eval_head, s);
            for (int i = 0; fn && i < s->head_n; i++)
                fn(ctx, done + from + i, s->logits + (size_t)i * (size_t)s->model->n_vocab);
        }
    }
    if (fn && want == LOGITS_LAST)
        fn(ctx, n - 1, s->logits);
    return 0;
}

const float *session_logits(const struct session *s)
{
    return s->logits;
}

int session_position(const struct session *s)
{
    return s->pos;
}

void session_rewind(struct session *s, int pos)
{
    if (pos >= 0 && pos < s->pos)
        s->pos = pos;
}

void session_park(struct session *s)
{
    pool_park(s->pool);
}
