/* kv.c - attention of several queries over the same rows.
 *
 * The queries of a group, the heads of a few tokens, are columns.  What all tokens of the group see is gone over once for all of
 * them; what only some see, at the ends of their windows, token by token.  Each column meets its rows in the order of
 * positions either way.  Scores are kept whole, so the softmax is that of one query alone. */
/* SPDX-License-Identifier: MIT */
#include "kernels/kv.h"

#include <math.h>
#include <string.h>

#include "kernels/kv_many.h"
#include "kernels/matmul.h"

int kv_layout(struct kv_layout *l, const struct format *k, const struct format *v, int n_layer, int n_kv, int head_dim, int n_ctx)
{
    const size_t rows = (size_t)n_layer * (size_t)n_kv * (size_t)n_ctx;
    *l = (struct kv_layout){
        .k = k,
        .v = v,
        .n_layer = n_layer,
        .n_kv = n_kv,
        .head_dim = head_dim,
        .n_ctx = n_ctx,
        .k_row = format_row_bytes(k, head_dim),
        .v_row = format_row_bytes(v, head_dim),
    };
    l->k_bytes = rows * l->k_row;
    l->v_bytes = rows * l->v_row;
    return l->k_row && l->v_row ? 0 : -1;
}

static size_t row_index(const struct kv_layout *l, int layer, int head, int pos)
{
    return ((size_t)layer * (size_t)l->n_kv + (size_t)head) * (size_t)l->n_ctx + (size_t)pos;
}

uint8_t *kv_k(const struct kv_layout *l, void *base, int layer, int head, int pos)
{
    return (uint8_t *)base + row_index(l, layer, head, pos) * l->k_row;
}

uint8_t *kv_v(const struct kv_layout *l, void *base, int layer, int head, int pos)
{
    return (uint8_t *)base + row_index(l, layer, head, pos) * l->v_row;
}

/* -- views ------------------------------------------------------------------------------------------------------------------ */

int kv_seen(const struct kv_view *v)
{
    int n = 0;
    for (int i = 0; i < v->n; i++)
        n += v->span[i].n;
    return n;
}

/* How many rows a view lists before `row`, which it has. */
static int rows_before(const struct kv_view *v, int row)
{
    int n = 0;
    for (int i = 0; i < v->n; n += v->span[i++].n)
        if (row >= v->span[i].row && row < v->span[i].row + v->span[i].n)
            return n + row - v->span[i].row;
    return n;
}

/* The rows that all of them have.  Should there be more pieces than a view has room for, what is left out is only slower. */
static struct kv_view common_rows(const struct kv_view *view, int tokens, int n_ctx)
{
    struct kv_view all = {1, {{0, n_ctx}}};
    for (int t = 0; t < tokens; t++) {
        struct kv_view both = {0};
        for (int i = 0; i < all.n; i++)
            for (int j = 0; j < view[t].n; j++) {
                const struct kv_span *a = &all.span[i], *b = &view[t].span[j];
                int from = a->row > b->row ? a->row : b->row;
                int to = a->row + a->n < b->row + b->n ? a->row + a->n : b->row + b->n;
                if (from < to && both.n < 3)
                    both.span[both.n++] = (struct kv_span){from, to - from};
            }
        all = both;
    }
    return all;
}

/* -- groups of queries ----------------------------------------------------------------------------------------------------- */

/* Columns of a group at most: enough that a row is used often, few enough that the scores of long contexts stay near. */
#define COLUMNS ATTENTION_TOKENS
#define TILE 64 /* rows that stay in the L1 cache while every column uses them */
#define LINE 64

struct group {
    const struct attention *a;
    const struct kv_view *view; /* [tokens] */
    int tokens, heads, columns; /* columns: tokens * heads */
    struct format_kernels k, v;
    struct act query;
    float *score[COLUMNS], *out[COLUMNS];
};

/* Works on `rows` rows from `row` on for n columns from `column` on; at[t]: how many rows token t has had before. */
typedef void over_rows(const struct group *g, int column, int n, int row, int rows, const int *at);

/* The rows of token t's view from its at[t]-th to its `to`-th, for its heads alone. */
static void over_own(const struct group *g, int t, int *at, int to, over_rows *fn)
{
    const struct kv_view *v = &g->view[t];
    for (int i = 0, first = 0; i < v->n; first += v->span[i++].n) {
        const int end = first + v->span[i].n < to ? first + v->span[i].n : to;
        if (at[t] < first || at[t] >= end)
            continue;
        fn(g, t * g->heads, g->heads, v->span[i].row + at[t] - first, end - at[t], at);
        at[t] = end;
    }
}

static void over_views(const struct group *g, over_rows *fn)
{
    const struct kv_view all = common_rows(g->view, g->tokens, g->a->layout->n_ctx);
    int at[COLUMNS] = {0};
    for (int i = 0; i <= all.n; i++) {
        for (int t = 0; t < g->tokens; t++)
            over_own(g, t, at, i < all.n ? rows_before(&g->view[t], all.span[i].row) : kv_seen(&g->view[t]), fn);
        if (i < all.n)
            fn(g, 0, g->columns, all.span[i].row, all.span[i].n, at);
        for (int t = 0; i < all.n && t < g->tokens; t++)
            at[t] += all.span[i].n;
    }
}

static void score_rows(const struct group *g, int column, int n, int row, int rows, const int *at)
{
    const struct kv_layout *l = g->a->layout;
    const struct act q = act_columns(&g->query, column, n);
    format_scores *scores = q.kind == ACT_F32 ? g->k.scores_f32 : g->k.scores_act;
    format_matvec *matvec = q.kind == ACT_F32 ? g->k.matvec_f32 : g->k.matvec_act;
    for (int r = 0; r < rows; r += TILE) {
        const uint8_t *k = g->a->k_rows + (size_t)(row + r) * l->k_row;
        const int m = rows - r < TILE ? rows - r : TILE;
        float *y[COLUMNS];
        for (int c = 0; c < n; c++)
            y[c] = g->score[column + c] + at[(column + c) / g->heads] + r;
        if (scores) {
            scores(y, k, &q, g->a->scale, m);
            continue;
        }
        for (int c = 0; c < n; c++) {
            const struct act one = act_columns(&q, c, 1);
            matvec(y[c], k, &one, m);
            for (int i = 0; i < m; i++)
                y[c][i] *= g->a->scale;
        }
    }
}

static void mix_rows(const struct group *g, int column, int n, int row, int rows, const int *at)
{
    const struct kv_layout *l = g->a->layout;
    format_mix *mix = g->v.mix_act && !g->a->exact ? g->v.mix_act : g->v.mix;
    for (int r = 0; r < rows; r += TILE) {
        const uint8_t *v = g->a->v_rows + (size_t)(row + r) * l->v_row;
        const int m = rows - r < TILE ? rows - r : TILE;
        const float *weight[COLUMNS];
        for (int c = 0; c < n; c++)
            weight[c] = g->score[column + c] + at[(column + c) / g->heads] + r;
        if (mix)
            mix(g->out + column, v, weight, n, l->head_dim, m);
        for (int c = 0; !mix && c < n; c++)
            g->v.vecmat(g->out[column + c], v, weight[c], l->head_dim, m);
    }
}

/* -- attention ------------------------------------------------------------------------------------------------------------- */

/* Floats from the scores of one column to those of the next: not a power of two, which would crowd few sets of the cache. */
static size_t score_pitch(const struct kv_layout *l)
{
    return ((size_t)l->n_ctx + 15) / 16 * 16 + 16;
}

static size_t lines(size_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

int attention_tokens(int heads)
{
    return heads < COLUMNS ? COLUMNS / heads : 1;
}

static int group_columns(int heads, int tokens)
{
    const int t = attention_tokens(heads) < tokens ? attention_tokens(heads) : tokens;
    return heads < COLUMNS ? t * heads : COLUMNS;
}

/* The queries one after the other, rounded behind them, then the scores; or the queries side by side, rows as floats, and the
 * scores of whole panels of rows. */
size_t attention_scratch(const struct kv_layout *l, int heads, int tokens)
{
    const int n = group_columns(heads, tokens);
    const size_t few = lines((size_t)n * (size_t)l->head_dim * sizeof(float)) + lines(act_bytes(l->k->act, n, l->head_dim)) +
                       (size_t)n * score_pitch(l) * sizeof(float);
    const size_t many =
        ((size_t)(QUERIES + PANEL_ROWS) * (size_t)l->head_dim + ((size_t)l->n_ctx + PANEL_ROWS) * QUERIES) * sizeof(float);
    return (int64_t)tokens * heads >= ATTENTION_MANY && many > few ? many : few;
}

/* Some tokens and heads that fit in a group. */
static void attend_group(float *out, const float *q, const struct attention *a, const struct kv_view *view, int tokens, int heads,
                         void *scratch)
{
    const struct kv_layout *l = a->layout;
    const size_t dim = (size_t)l->head_dim;
    struct group g = {.a = a,
                      .view = view,
                      .tokens = tokens,
                      .heads = heads,
                      .columns = tokens * heads,
                      .k = format_kernels(l->k, a->isa),
                      .v = format_kernels(l->v, a->isa)};
    const enum act_kind kind = a->exact ? ACT_F32 : l->k->act;
    const struct ops *ops = ops_at(a->isa);
    float *queries = scratch, inverse[COLUMNS] = {0};
    uint8_t *rounded = (uint8_t *)scratch + lines((size_t)g.columns * dim * sizeof *queries);
    float *scores = (float *)(void *)(rounded + lines(act_bytes(l->k->act, g.columns, l->head_dim)));

    for (int t = 0; t < tokens; t++)
        memcpy(queries + (size_t)(t * heads) * dim, q + (size_t)t * a->stride, (size_t)heads * dim * sizeof *queries);
    act_fill(&g.query, kind, queries, g.columns, l->head_dim, ACT_GROUP, rounded, a->isa);
    for (int c = 0; c < g.columns; c++) {
        g.score[c] = scores + (size_t)c * score_pitch(l);
        g.out[c] = out + (size_t)(c / heads) * a->stride + (size_t)(c % heads) * dim;
        memset(g.out[c], 0, dim * sizeof *out);
    }
    over_views(&g, score_rows);
    for (int c = 0; c < g.columns; c++) {
        const int n = kv_seen(&view[c / heads]);
        if (a->cap > 0)
            ops->softcap(g.score[c], n, a->cap);
        inverse[c] = 1 / ops->softmax(g.score[c], n);
    }
    over_views(&g, mix_rows);
    for (int c = 0; c < g.columns; c++)
        for (size_t i = 0; i < dim; i++)
            g.out[c][i] *= inverse[c];
}

/* -- many queries ---------------------------------------------------------------------------------------------------------- */

/* Whether no view has a gap; then *from .. *end are the rows that any of them has. */
static int in_one_piece(const struct kv_view *view, int tokens, int *from, int *end)
{
    *from = view[0].span[0].row;
    *end = *from;
    for (int t = 0; t < tokens; t++) {
        const struct kv_span *v = &view[t].span[0];
        if (view[t].n != 1)
            return 0;
        *from = v->row < *from ? v->row : *from;
        *end = v->row + v->n > *end ? v->row + v->n : *end;
    }
    return 1;
}

/* Of the rows from .. end, whose scores these are, those that a query does not see count as infinitely unlikely. */
static void hide(float *scores, const struct kv_view *view, int tokens, int heads, int from, int end)
{
    for (int c = 0; c < tokens * heads; c++) {
        const struct kv_span *v = &view[c / heads].span[0];
        for (int r = from; r < v->row; r++)
            scores[(r - from) * QUERIES + c] = -INFINITY;
        for (int r = v->row + v->n; r < end; r++)
            scores[(r - from) * QUERIES + c] = -INFINITY;
    }
}

/* Adds rows r .. r + m of V, as floats, to those that see them: at once where all do, else token by token, for a probability of 0
 * does not hide what is not a number.  Each token meets its rows in their order. */
static void mix_seen(const struct kv_many *kernels, float *const to[], const float *rows, const float *scores,
                     const struct kv_view *view, int tokens, int heads, int dim, int r, int m)
{
    int common[2] = {r, r + m};
    for (int t = 0; t < tokens; t++) {
        const int first = view[t].span[0].row, last = first + view[t].span[0].n;
        common[0] = first > common[0] ? first : common[0];
        common[1] = last < common[1] ? last : common[1];
    }
    if (common[0] >= common[1])
        common[0] = common[1] = r + m;
    for (int part = 0; part < 3; part++) {
        const int from = part ? common[part - 1] : r, end = part < 2 ? common[part] : r + m, all = part == 1;
        for (int t = 0; t < (all ? 1 : tokens); t++) {
            const int first = view[t].span[0].row, last = first + view[t].span[0].n;
            const int a = !all && first > from ? first : from, b = !all && last < end ? last : end;
            if (a < b)
                kernels->mix(to + t * heads, rows + (size_t)(a - r) * (size_t)dim, scores + (a - r) * QUERIES + t * heads,
                             all ? tokens * heads : heads, dim, b - a);
        }
    }
}

/* Some tokens and heads that fit in the lanes, over rows from .. end. */
static void attend_many(float *out, const float *q, const struct attention *a, const struct kv_view *view, int tokens, int heads,
                        int from, int end, void *scratch)
{
    const struct kv_layout *l = a->layout;
    const size_t dim = (size_t)l->head_dim;
    const struct kv_many *kernels = kv_many_at(a->isa);
    const struct ops *ops = ops_at(a->isa);
    format_unpack_f32 *k_rows = format_kernels(l->k, a->isa).unpack_f32, *v_rows = format_kernels(l->v, a->isa).unpack_f32;
    float *queries = scratch, *rows = queries + QUERIES * dim, *scores = rows + PANEL_ROWS * dim, sum[QUERIES], *to[QUERIES];
    const float *of[QUERIES];
    /* Whole fours of rows, counted from row 0: where a row is added does not depend on what others see. */
    const int n = tokens * heads, four = from / 4 * 4, last = (end + 3) / 4 * 4;
    float *first = scores + (size_t)(from - four) * QUERIES;

    for (int c = 0; c < n; c++) {
        const size_t at = (size_t)(c / heads) * a->stride + (size_t)(c % heads) * dim;
        of[c] = q + at;
        to[c] = memset(out + at, 0, dim * sizeof *out);
    }
    kernels->side_by_side(queries, of, n, l->head_dim, a->scale);
    for (int r = from; r < end; r += PANEL_ROWS) {
        const int m = end - r < PANEL_ROWS ? end - r : PANEL_ROWS;
        k_rows(rows, a->k_rows + (size_t)r * l->k_row, l->k_row, m, 0, l->head_dim);
        kernels->scores(first + (size_t)(r - from) * QUERIES, rows, queries, n, l->head_dim, m);
    }
    if (a->cap > 0)
        ops->softcap(first, (end - from) * QUERIES, a->cap);
    hide(scores, view, tokens, heads, four, last);
    for (int c = 0; c < n; c += 16)
        ops->softmax_lanes(scores + c, last - four, QUERIES, sum + c);
    for (int r = from; r < end; r += PANEL_ROWS) {
        const int m = end - r < PANEL_ROWS ? end - r : PANEL_ROWS;
        v_rows(rows, a->v_rows + (size_t)r * l->v_row, l->v_row, m, 0, l->head_dim);
        mix_seen(kernels, to, rows, first + (size_t)(r - from) * QUERIES, view, tokens, heads, l->head_dim, r, m);
    }
    kernels->divide(to, sum, n, l->head_dim);
}

void attention(float *out, const float *q, const struct attention *a, const struct kv_view *view, int tokens, void *scratch)
{
    const int step = attention_tokens(a->heads);
    for (int t = 0; t < tokens; t += step)
        for (int h = 0; h < a->heads; h += COLUMNS) {
            const size_t at = (size_t)t * a->stride + (size_t)h * (size_t)a->layout->head_dim;
            const int heads = a->heads - h < COLUMNS ? a->heads - h : COLUMNS, n = tokens - t < step ? tokens - t : step;
            int from, end;
            if (a->many && in_one_piece(view + t, n, &from, &end))
                attend_many(out + at, q + at, a, view + t, n, heads, from, end, scratch);
            else
                attend_group(out + at, q + at, a, view + t, n, heads, scratch);
        }
}
