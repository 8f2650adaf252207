/* Planning a session and handing it tokens.
 *
 * lay_out is the only place that knows what lies in the arena.  It runs over an arena without memory to plan and over the
 * mapped one to open, so that the plan is the size. */
/* SPDX-License-Identifier: MIT */
#include "engine/session.h"

#include <stdlib.h>

#include "engine/families.h"
#include "engine/inject.h"
#include "engine/rope.h"

#define DEFAULT_BATCH 512
#define MAX_CONTEXT (1 << 24)

const char *const compute_names[COMPUTES] = {
    [COMPUTE_PACKED] = "packed",
    [COMPUTE_INT8] = "int8",
    [COMPUTE_INT8_TOKEN] = "int8_token",
    [COMPUTE_EXACT] = "exact",
};

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
        const struct matrix *w[LAYER_MATRICES];
        for (int j = layer_matrices(&m->layers[i], w) - 1; j >= 0; j--)
            add_need(&need, s, w[j]);
    }
    add_need(&need, s, &m->head);
    return need;
}

static float *take_floats(struct arena *a, int rows, int cols)
{
    return arena_take(a, (size_t)rows * (size_t)cols * sizeof(float));
}

/* How many rows a layer's cache has: see session.h.  A policy that a whole context cannot fill is none. */
static void plan_memory(const struct session *s, const struct layer *l, struct memory *mem)
{
    int W = s->window, S = s->sinks, rows = s->n_ctx;
    *mem = (struct memory){.window = l->window && (!W || l->window <= W) ? l->window : W};
    mem->sinks = mem->window == l->window ? 0 : S; /* within the layer's own window, sinks are seen anyway or not at all */
    if (mem->window && mem->window < rows - mem->sinks - s->batch + 1)
        rows = mem->sinks + mem->window + s->batch - 1;
    kv_layout(&mem->kv, s->kv_k, s->kv_v, 1, s->model->n_kv, s->model->head_dim, rows); /* describe knows that it fits */
}

/* Every layer's cache or state; returns their bytes, and the largest scratch of attention. */
static size_t lay_out_memory(struct session *s, struct arena *a, size_t *attention)
{
    const struct model *m = s->model;
    size_t bytes = 0;
    *attention = 0;
    s->memory = arena_take(a, (size_t)m->n_layer * sizeof *s->memory);
    for (int i = 0; i < m->n_layer; i++) {
        struct memory mem = {0};
        if (m->layers[i].mixer == MIXER_SHORT_CONV) {
            size_t inputs = (size_t)(m->n_taps - 1) * (size_t)m->d * sizeof *mem.inputs;
            mem.inputs = arena_take(a, inputs);
            bytes += inputs;
        } else {
            plan_memory(s, &m->layers[i], &mem);
            mem.keys = arena_take(a, mem.kv.k_bytes);
            mem.values = arena_take(a, mem.kv.v_bytes);
            bytes += mem.kv.k_bytes + mem.kv.v_bytes;
            size_t scratch = attention_scratch(&mem.kv, m->n_head / m->n_kv, s->batch);
            *attention = scratch > *attention ? scratch : *attention;
        }
        if (s->memory)
            s->memory[i] = mem;
    }
    return bytes;
}

/* Returns the bytes of the KV cache. */
static size_t lay_out(struct session *s, struct arena *a)
{
    const struct model *m = s->model;
    struct needs need = needs_of(s);
    int b = s->batch, n_q = m->n_head * m->head_dim, n_kv = m->n_kv * m->head_dim;
    int conv = m->family->flags & SHORT_CONV ? m->d : 0;
    size_t attention, kv = lay_out_memory(s, a, &attention);

    for (int set = 0; set < ROPE_SETS; set++) {
        int used = 0;
        for (int i = 0; i < m->n_layer; i++)
            used |= m->layers[i].mixer == MIXER_ATTENTION && (int)m->layers[i].rope == set;
        s->frequency[set] = used ? arena_take(a, (size_t)m->n_rot / 2 * sizeof *s->frequency[set]) : NULL;
        s->angle[set] = used ? take_floats(a, b, m->n_rot) : NULL;
    }
    s->x = take_floats(a, b, m->d);
    s->norm = take_floats(a, b, m->d);
    s->q = take_floats(a, b, n_q);
    s->mixed = take_floats(a, b, n_q > conv ? n_q : conv);
    s->conv_x = take_floats(a, b, conv);
    s->conv_c = take_floats(a, b, conv);
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
        struct scratch own = {.x = take_floats(a, 1, m->d), .norm = take_floats(a, 1, m->d)};
        for (int kind = 0; kind < ACT_COUNT; kind++)
            if (need.widest[kind])
                own.room[kind] = arena_take(a, act_bytes((enum act_kind)kind, 1, need.widest[kind]));
        own.matmul = arena_take(a, need.matmul);
        own.attention = arena_take(a, attention);
        own.clock = arena_take(a, sizeof *own.clock);
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
    if (o->window < 0 || o->sinks < 0 || (o->sinks && !o->window))
        return err_set(e, ERR_USAGE, "a window of %d tokens after %d sinks: the window must be 1 or more, or both 0", o->window,
                       o->sinks);
    int gelu = (m->family->flags & GELU) != 0, halves = (m->family->flags & ROPE_HALVES) != 0;
    *s = (struct session){.model = m,
                          .ops = ops_at(o->isa),
                          .kv_k = o->kv_k,
                          .kv_v = o->kv_v,
                          .isa = o->isa,
                          .compute = o->compute,
                          .threads = o->threads,
                          .n_ctx = o->n_ctx,
                          .batch = o->batch ? o->batch : DEFAULT_BATCH};
    s->rope = halves ? s->ops->rope_halves : s->ops->rope;
    s->gate_op = gelu ? s->ops->gelu_gate : s->ops->silu_gate;
    if (s->batch > o->n_ctx)
        s->batch = o->n_ctx;
    if (o->window < o->n_ctx - o->sinks) { /* else it never slides */
        s->window = o->window;
        s->sinks = o->sinks;
    }
    const struct format *unwritable = !o->kv_k->quantize ? o->kv_k : !o->kv_v->quantize ? o->kv_v : NULL;
    if (unwritable)
        return err_set(e, ERR_USAGE, "KV cache in %s: every token writes to it, and %s; use f16", unwritable->name,
                       unwritable->quantize_within ? "that format has one scale for a whole matrix"
                                                   : "this program only reads that format");
    struct kv_layout row;
    if (kv_layout(&row, o->kv_k, o->kv_v, 1, m->n_kv, m->head_dim, 1)) {
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
        .weights = (int64_t)m->gguf.bytes,
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
    for (int set = 0; set < ROPE_SETS; set++)
        if (s->frequency[set])
            s->magnitude[set] = rope_frequencies(m, (enum rope_set)set, s->n_ctx, s->frequency[set]);
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
    if (n > s->n_ctx - s->pos)
        return err_set(e, ERR_USAGE, "%d tokens do not fit: %d of the context's %d positions are taken; use a longer --context",
                       n, s->pos, s->n_ctx);
    for (int i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= s->model->n_vocab)
            return err_set(e, ERR_USAGE, "token %d of %d has the id %d, but the vocabulary has ids 0 to %d", i + 1, n, ids[i],
                           s->model->n_vocab - 1);

    int wrong = INJECT_WRONG_PPM && inject_wrong(ids, n, s->pos);
    for (int done = 0; done < n; done += s->n) {
        s->ids = ids + done;
        s->n = n - done < s->batch ? n - done : s->batch;
        s->head_from = s->n - 1;
        s->head_n = want == LOGITS_LAST && done + s->n == n;
        profile_pass(s, eval_pass);
        s->pos += s->n;
        s->high = s->pos > s->high ? s->pos : s->high;
        for (int from = 0; want == LOGITS_ALL && from < s->n; from += s->head_n) {
            s->head_from = from;
            s->head_n = s->n - from < HEAD_SLICE ? s->n - from : HEAD_SLICE;
            profile_pass(s, eval_head);
            for (int i = 0; fn && i < s->head_n; i++) {
                float *logits = s->logits + (size_t)i * (size_t)s->model->n_vocab;
                inject_logits(logits, s->model->n_vocab, wrong);
                fn(ctx, done + from + i, logits);
            }
        }
    }
    if (want == LOGITS_LAST)
        inject_logits(s->logits, s->model->n_vocab, wrong);
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

int session_rewind(struct session *s, int pos, struct err *e)
{
    if (pos < 0 || pos >= s->pos)
        return 0;
    for (int i = 0; pos > 0 && i < s->model->n_layer; i++) {
        const struct memory *mem = &s->memory[i];
        if (s->model->layers[i].mixer == MIXER_SHORT_CONV)
            return err_set(e, ERR_USAGE, "position %d of %d: the short convolution of layer %d has gone on; go back to 0", pos,
                           s->pos, i);
        int lost = s->high - (mem->kv.n_ctx - mem->sinks); /* positions from the sinks to this one are overwritten */
        int oldest = mem->window ? pos - mem->window + 1 : 0;
        oldest = oldest > mem->sinks ? oldest : mem->sinks;
        if (oldest < pos && oldest < lost)
            return err_set(e, ERR_USAGE,
                           "position %d of %d: the window of %d tokens of layer %d has slid over what it sees; go "
                           "back to 0",
                           pos, s->pos, mem->window, i);
    }
    s->pos = pos;
    if (!pos)
        s->high = 0;
    return 0;
}

void session_park(struct session *s)
{
    pool_park(s->pool);
}
