/* format.h - what a weight format is.
 *
 * A format is one file in this folder: its block layout, its encoder, and how 32 weights are read, by plain C (the definition)
 * and by each instruction set that is faster; rows.h makes the kernels from that.  It exports one struct format and is listed
 * once, in formats.def.  Nothing here allocates, prints or fails.
 *
 * A matrix is stored row by row, a row is cols / block blocks without padding, behind a header in formats whose scale is that of
 * a row.  The same formats store the KV cache.
 *
 * The formats with blocks are all of one shape: int8 numbers in groups that share a scale and, in some formats, an offset,
 *     weight = d * q + m      16 or 32 weights to a group; the product is exact in float32, the sum is rounded once
 * with d and m made of whatever the block stores them in (fp16, a power of two, a product of two scales, ...).
 *
 * Compute paths, told apart by the kind of the activations:
 *   exact  Activations F32.  Bit-identical on every instruction set and for every batch size: the products of a row are summed
 *          in 16 lanes (element i goes to lane i % 16, in ascending order, each step one fused multiply-add of the dequantized
 *          weight and the activation; a last piece of fewer than 16 counts as padded with zeros), and the lanes are added
 *          pairwise: l += l+8, l += l+4, l += l+2, l += l+1.
 *   int8   Activations are rounded to what format->act says: int8 in runs of 64 that share a scale for the
 *          quantized formats (integer sums match exactly, float sums within eps * sum |w a|), bf16 for bf16, F32 for f32 and
 *          f16.  Matvec takes a scale for every 32 as well, and everything takes runs that are longer.
 *   packed  the default of the engine: int8, but many columns at once meet weights that were rounded once more (matmul.h). */
/* SPDX-License-Identifier: MIT */
#ifndef KERNELS_FORMAT_H
#define KERNELS_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"

enum act_kind { ACT_F32, ACT_BF16, ACT_Q8, ACT_COUNT };

#define ACT_GROUP 32 /* int8 activations: elements that have an entry in d */
#define ACT_RUN 64   /* ... elements that share a scale in a matmul: a multiplication by it costs as much as a dot product */
#define SUM_GROUP 16 /* ... and elements that are summed, for weights with an offset */

/* Type ids of tensors in formats that are ours alone.  A GGUF file that has them says so in its key FORMATS_KEY, an array of
 * their names, and only then are they read: another program's file may mean something else by the same number. */
#define FORMAT_OWN 1000
#define FORMATS_KEY "bench.formats"

/* Activations as the kernels read them: n columns of k elements, column c of an array at c * k (or that over ACT_GROUP,
 * SUM_GROUP).  Which arrays are there depends on kind; the others are NULL.  Filled by act_fill. */
struct act {
    enum act_kind kind;
    int n, k;
    int pack;             /* ACT_Q8: 0, or how many weights matmul rounds to one scale (pack_run); a run of q is as long then */
    const float *f32;     /* ACT_F32:  [n][k] */
    const uint16_t *bf16; /* ACT_BF16: [n][k], rounded to nearest even */
    const int8_t *q;      /* ACT_Q8:   [n][k], -127 .. 127, k a multiple of ACT_GROUP */
    const float *d;       /* ACT_Q8:   [n][k / 32], scale of a group: x = d * q; the same for all groups of a run */
    const int32_t *sum;   /* ACT_Q8:   [n][k / 16], sums of q */
};

/* Bytes that act_fill needs in `room` for up to n columns of k elements. */
size_t act_bytes(enum act_kind kind, int n, int k);

/* Rounds x ([n][k]) to `kind`.  ACT_F32 points at x itself; the others lie in `room`.  ACT_Q8: each `run` elements of a column
 * share a scale, from its begin on; a multiple of ACT_GROUP, and one of ACT_RUN or k ("int8 per token") where matmul reads them. */
void act_fill(struct act *a, enum act_kind kind, const float *x, int n, int k, int run, void *room, enum isa isa);

/* Column c of a anew, from the k elements at x; not of ACT_F32.  The arrays that a points to have to be writable. */
void act_fill_column(struct act *a, int c, const float *x, int run, enum isa isa);

/* Columns from .. from + n of a, as columns of their own. */
struct act act_columns(const struct act *a, int from, int n);

/* y[r] = sum over i of w[r][i] * x[i], for `rows` consecutive rows; x has one column; w points at the first row. */
typedef void format_matvec(float *y, const void *w, const struct act *x, int rows);

/* The same for a few columns of x, FEW_COLUMNS at most: y[c * ldy + r]. */
#define FEW_COLUMNS 8
typedef void format_few(float *y, size_t ldy, const void *w, const struct act *x, int rows);

/* y[c][r] = scale * sum over i of w[r][i] * x[c][i], for the columns of x and `rows` consecutive rows (attention: the scores of
 * the queries that share a KV head).  Each sum is that of the matvec for the same kind of activations. */
typedef void format_scores(float *const y[], const void *w, const struct act *x, float scale, int rows);

/* y[i] += sum over r of a[r] * w[r][i], for `rows` consecutive rows of k elements (attention: the values of a head weighed by
 * the softmax).  Every element is summed in ascending r with one fused multiply-add each: bit-identical everywhere. */
typedef void format_vecmat(float *y, const void *w, const float *a, int k, int rows);

/* The same for n queries: y[c][i] += sum over r of a[c][r] * w[r][i]. */
typedef void format_mix(float *const y[], const void *w, const float *const a[], int n, int k, int rows);

/* One row of k weights, to the bits of format->quantize. */
typedef void format_store(void *dst, const float *src, int k);

/* Rows unpacked for many columns; see matmul.h for the layouts. */
struct panel_q8 {
    uint8_t *q;
    float *d, *m; /* m is not touched by formats without an offset */
};

/* What matmul needs of a format for many columns: `rows` rows (1 .. PANEL_ROWS, the missing ones are filled with zeros), weights
 * col .. col + cols of each. */
typedef void format_unpack_f32(float *panel, const void *w, size_t row_bytes, int rows, int col, int cols);
typedef void format_unpack_q8(const struct panel_q8 *panel, const void *w, size_t row_bytes, int rows, int col, int cols);

/* The kernels of one format at one instruction set; NULL where the level below serves. */
struct format_kernels {
    format_matvec *matvec_f32; /* the exact path; x.kind == ACT_F32 */
    format_matvec *matvec_act; /* the default path; x.kind == format->act; NULL everywhere when act is ACT_F32 */
    format_few *few_act;       /* ... of up to `few` columns: from there on panels are faster (matmul.h); NULL: from FEW_Q8 on */
    long few; /* as wide as a pointer: no padding */
    format_vecmat *vecmat;
    /* Several queries at once; where there is none up to the machine's level, the kernels of one serve, query by query. */
    format_scores *scores_f32, *scores_act;
    format_mix *mix;
    format_mix *mix_act; /* the default path's, where it may round otherwise; else mix */
    format_store *store; /* the new rows of a KV cache; where there is none, format->quantize serves */
    format_unpack_f32 *unpack_f32;
    format_unpack_q8 *unpack_q8; /* formats with act == ACT_Q8 */
};

struct format {
    const char *name;   /* "q4_0", as in options, database and legends */
    uint32_t gguf_type; /* the tensor type id in a GGUF file */
    int block;          /* weights per block; a row must be a multiple of it */
    int bytes;          /* per block */
    int row_header;     /* bytes in front of the first block of each row; 0 for all formats but those with a scale for a row */
    int group;          /* weights that share d and m: 16 or 32; 0 for formats without blocks */
    int offset;         /* 1 when there is an m */
    int version;        /* of quantize: a derived file made by another version is made again */
    enum act_kind act;  /* activations of the default path: ACT_Q8 for all formats with blocks */
    void (*quantize)(void *dst, const float *src, int k); /* one row of k weights; NULL: no row is written by itself */
    /* One row of a matrix whose smallest and largest weights are min and max, or 0 where that is beyond them; instead of
     * quantize, in formats that have one scale for a matrix. */
    void (*quantize_within)(void *dst, const float *src, int k, float min, float max);
    void (*dequantize)(float *dst, const void *src, int k);
    struct format_kernels isa[ISA_COUNT]; /* [ISA_SCALAR] is complete */
};

#define FORMAT(name) extern const struct format format_##name;
#include "kernels/formats.def"
#undef FORMAT

/* Every format, in the order of formats.def; NULL ends the list. */
extern const struct format *const formats[];
const struct format *format_by_name(const char *name);
const struct format *format_by_type(uint32_t gguf_type);

/* Bytes of a row of k weights; 0 when k does not divide into blocks. */
size_t format_row_bytes(const struct format *f, int64_t k);

/* Each kernel of f at the highest level <= isa that has it. */
struct format_kernels format_kernels(const struct format *f, enum isa isa);

#endif
