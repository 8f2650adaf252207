/* quantize.c - the same model in another weight format, one row at a time.
 *
 * A row is read from the mapped source, widened to F32, and rounded by the format's own quantize; so memory is bounded by the
 * longest row and the result is what kernels/ defines.  A format with one scale for a matrix reads its rows twice, first for their
 * range.  Norms and other vectors stay as they are: they are small and precise. */
/* SPDX-License-Identifier: MIT */
#include "engine/quantize.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/gguf_write.h"
#include "kernels/half.h"

enum { QUANTIZATION_VERSION = 2 }; /* general.quantization_version: the block layouts since 2023 */

/* F32, F16, BF16: formats that hold each weight by itself. */
static int is_plain(const struct format *f)
{
    return f->block == 1;
}

const struct format *quantize_format_of(const struct gguf *g)
{
    const struct format *shared = NULL, *plain = NULL;
    for (uint64_t i = 0; i < g->n_tensor; i++)
        if (recipe_is_matrix(&g->tensor[i])) {
            const struct format *f = g->tensor[i].format;
            if (is_plain(f))
                plain = plain ? plain : f;
            else
                shared = shared ? shared : f;
        }
    if (!shared)
        shared = plain;
    for (uint64_t i = 0; i < g->n_tensor; i++) {
        const struct gguf_tensor *t = &g->tensor[i];
        int excused = shared && !format_row_bytes(shared, t->dim[0]) &&
                      (is_plain(t->format) || t->format == recipe_stand_in(shared, t->dim[0]));
        if (recipe_is_matrix(t) && t->format != shared && !excused)
            return NULL;
    }
    return shared;
}

static int check_source(const struct gguf *g, const char *in, struct err *e)
{
    char name[100];
    int matrices = 0;
    for (uint64_t i = 0; i < g->n_tensor; i++) {
        const struct gguf_tensor *t = &g->tensor[i];
        if (recipe_is_matrix(t) && !is_plain(t->format))
            return err_set(
                e, ERR_ENV,
                "%s: tensor \"%s\" is already %s: rounding it a second time adds a second error, and the result would not "
                "be what the new format does to the model; begin with the F32, F16 or BF16 file of this model",
                in, gguf_printable(t->name, name, sizeof name), t->format->name);
        matrices += recipe_is_matrix(t);
    }
    return matrices ? 0
                    : err_set(e, ERR_ENV, "%s: there is no weight matrix to convert; is it a file with a vocabulary only?", in);
}

static int check_places(const char *in, const char *out, struct err *e)
{
    struct stat a, b;
    if (stat(in, &a) == 0 && stat(out, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
        return err_set(e, ERR_USAGE,
                       "%s: source and result are the same file (%s); name another result, the source is the better one", out,
                       in);
    return 0;
}

static void write_keys(struct gguf_writer *w, const struct gguf *g, const struct recipe *recipe)
{
    static const char *const own[] = {"general.file_type", "general.quantization_version"};
    const struct gguf_kv *old[] = {gguf_find(g, own[0]), gguf_find(g, own[1])};
    int file_type = recipe_file_type(recipe);
    for (const struct gguf_kv *kv = g->kv; kv < g->kv + g->n_kv; kv++)
        if (kv != old[0] && kv != old[1] && (kv->key.n < 6 || memcmp(kv->key.p, "split.", 6) != 0)) /* the result is one file */
            gguf_write_copy(w, kv);
    if (file_type >= 0)
        gguf_write_u32(w, own[0], (uint32_t)file_type);
    if (!is_plain(recipe->base))
        gguf_write_u32(w, own[1], QUANTIZATION_VERSION);
}

static void announce(struct gguf_writer *w, const struct gguf *g, const struct format *const *target, struct quantize_report *r)
{
    for (uint64_t i = 0; i < g->n_tensor; i++) {
        const struct gguf_tensor *t = &g->tensor[i];
        gguf_write_tensor(w, t->name, t->n_dim, t->dim, target[i]);
        r->converted += recipe_is_matrix(t);
        r->copied += !recipe_is_matrix(t);
    }
}

/* What is told to whom while it is done. */
struct telling {
    quantize_progress *progress;
    void *ctx;
    int64_t done, total; /* bytes of the source's matrices */
};

struct row {
    const char *in; /* path of the source */
    const struct gguf_tensor *t;
    const struct format *to;
    int k;
    int64_t index;
    float min, max; /* of the whole matrix, where the format asks for them; 0 is between them */
    float *f32;     /* [k] */
    void *packed;   /* in the new format */
};

/* The largest magnitude, by its bits: without the sign they are in the order of the numbers, infinity and what is no number last. */
static int all_finite(const float *v, int k, float *largest)
{
    uint32_t max = 0;
    for (int i = 0; i < k; i++) {
        const uint32_t bits = float_bits(v[i]) & 0x7fffffff;
        max = bits > max ? bits : max;
    }
    *largest = bits_float(max);
    return max < float_bits(INFINITY);
}

/* Infinite and undefined weights have no meaning in any format; large ones may have none in one that stores FP16, so a row with
 * such is read back to see. */
static int convert_row(struct row *r, struct err *e)
{
    char name[100];
    float largest;
    int good = all_finite(r->f32, r->k, &largest);
    if (good && r->to->quantize_within)
        r->to->quantize_within(r->packed, r->f32, r->k, r->min, r->max);
    else if (good)
        r->to->quantize(r->packed, r->f32, r->k);
    if (good && largest > HALF_MAX) {
        r->to->dequantize(r->f32, r->packed, r->k);
        good = all_finite(r->f32, r->k, &largest);
    }
    if (good)
        return 0;
    return err_set(e, ERR_ENV,
                   "%s: tensor \"%s\", row %" PRId64
                   ": a weight is infinite, not a number, or too large for %s; check the source, or "
                   "choose bf16",
                   r->in, gguf_printable(r->t->name, name, sizeof name), r->index, r->to->name);
}

/* What is no number is left to convert_row, which refuses it. */
static void find_range(struct row *r, int64_t rows)
{
    const size_t row_bytes = format_row_bytes(r->t->format, r->k);
    for (int64_t i = 0; i < rows; i++) {
        r->t->format->dequantize(r->f32, (const uint8_t *)r->t->data + (size_t)i * row_bytes, r->k);
        for (int j = 0; j < r->k; j++) {
            r->min = fminf(r->min, r->f32[j]);
            r->max = fmaxf(r->max, r->f32[j]);
        }
    }
}

static int write_matrix(struct gguf_writer *w, const char *in, const struct gguf_tensor *t, const struct format *to,
                        struct telling *tell, struct err *e)
{
    enum { PIECE = 1 << 20 }; /* bytes between two tellings */
    struct row r = {.in = in, .t = t, .to = to, .k = (int)t->dim[0]};
    const uint8_t *from = t->data;
    size_t in_row = format_row_bytes(t->format, t->dim[0]), out_row = format_row_bytes(to, t->dim[0]);
    int64_t rows = t->dim[1] * t->dim[2] * t->dim[3], told = tell->done;
    int failed = 0;
    r.f32 = malloc((size_t)r.k * sizeof *r.f32);
    r.packed = malloc(out_row);
    if (!r.f32 || !r.packed)
        failed = err_set(e, ERR_ENV, "%s: out of memory for a row of %d weights", in, r.k);
    if (!failed && to->quantize_within)
        find_range(&r, rows);
    for (; r.index < rows && !failed; r.index++) {
        t->format->dequantize(r.f32, from + (size_t)r.index * in_row, r.k);
        failed = convert_row(&r, e) || gguf_write_data(w, r.packed, out_row, e);
        tell->done += (int64_t)in_row;
        if (tell->progress && (tell->done - told >= PIECE || tell->done == tell->total)) {
            tell->progress(tell->ctx, tell->done, tell->total);
            told = tell->done;
        }
    }
    free(r.f32);
    free(r.packed);
    return failed ? -1 : 0;
}

static int write_tensors(struct gguf_writer *w, const struct gguf *g, const struct format *const *target, const char *in,
                         struct telling *tell, struct err *e)
{
    for (uint64_t i = 0; i < g->n_tensor; i++)
        tell->total += target[i] != g->tensor[i].format ? (int64_t)g->tensor[i].bytes : 0;
    for (uint64_t i = 0; i < g->n_tensor; i++) {
        const struct gguf_tensor *t = &g->tensor[i];
        if (t->dim[0] > INT32_MAX)
            return err_set(e, ERR_ENV, "%s: a row of %" PRId64 " weights is too long to convert", in, t->dim[0]);
        if (target[i] == t->format ? gguf_write_data(w, t->data, t->bytes, e) : write_matrix(w, in, t, target[i], tell, e))
            return -1;
    }
    return 0;
}

int quantize_file(const char *in, const char *out, const struct recipe *recipe, quantize_progress *progress, void *ctx,
                  struct quantize_report *report, struct err *e)
{
    struct gguf g;
    struct gguf_writer *w = NULL;
    struct quantize_report r = {0};
    struct telling tell = {.progress = progress, .ctx = ctx};
    struct text stand_ins = {0};
    struct stat st;
    if (check_places(in, out, e) || gguf_open(&g, in, 0, e))
        return -1;
    int rc = -1;
    const struct format **target = calloc((size_t)g.n_tensor + 1, sizeof *target);
    if (!target)
        abort();
    if (check_source(&g, in, e))
        goto out;
    r.stand_ins = recipe_apply(recipe, &g, target, &stand_ins, e);
    if (r.stand_ins < 0 || gguf_write_open(&w, out, e))
        goto out;
    write_keys(w, &g, recipe);
    announce(w, &g, target, &r);
    if (write_tensors(w, &g, target, in, &tell, e))
        goto out;
    rc = gguf_write_finish(w, e);
    w = NULL;
    r.bytes_in = (int64_t)g.bytes;
    r.bytes_out = rc == 0 && stat(out, &st) == 0 ? (int64_t)st.st_size : 0;
    snprintf(r.stand_in_names, sizeof r.stand_in_names, "%s", stand_ins.p ? stand_ins.p : "");
    if (rc == 0 && report)
        *report = r;
out:
    gguf_write_abort(w);
    gguf_close(&g);
    text_free(&stand_ins);
    free(target);
    return rc;
}

int quantize_difference(const struct gguf *g, const struct recipe *recipe, int64_t *bytes, struct err *e)
{
    const struct format **target = calloc((size_t)g->n_tensor + 1, sizeof *target);
    if (!target)
        abort();
    int rc = recipe_apply(recipe, g, target, NULL, e) < 0 ? -1 : 0;
    *bytes = 0;
    for (uint64_t i = 0; i < g->n_tensor && !rc; i++) {
        const struct gguf_tensor *t = &g->tensor[i];
        *bytes += (int64_t)format_row_bytes(target[i], t->dim[0]) * t->dim[1] * t->dim[2] * t->dim[3] - (int64_t)t->bytes;
    }
    free(target);
    return rc;
}
