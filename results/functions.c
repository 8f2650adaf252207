/* The SQL functions behind results/views.sql.  The statistics are base/stats.c's; here values are only collected for it. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/stats.h"
#include "results/db.h"

/* -- values of tokens: times as stretch.token_ns keeps them, int64 little-endian ns; float64 as score.token_values does ------ */

typedef double at_fn(const unsigned char *p);

static double time_at(const unsigned char *p)
{
    uint64_t v = 0;
    for (int byte = 7; byte >= 0; byte--)
        v = v << 8 | p[byte];
    return (double)(int64_t)v;
}

static double real_at(const unsigned char *p)
{
    double v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* The values as a malloc'ed array.  NULL: the result of the SQL function is set already (NULL for no values, or an error). */
static double *values(sqlite3_context *c, sqlite3_value *blob, at_fn *at, size_t *n)
{
    if (sqlite3_value_type(blob) == SQLITE_NULL)
        return NULL;
    const unsigned char *p = sqlite3_value_blob(blob);
    size_t bytes = (size_t)sqlite3_value_bytes(blob);
    *n = bytes / 8;
    if (bytes % 8) {
        sqlite3_result_error(c, "values of tokens: not a whole number of 8 bytes", -1);
        return NULL;
    }
    if (!*n)
        return NULL;
    double *v = malloc(*n * sizeof *v);
    if (!v) {
        sqlite3_result_error_nomem(c);
        return NULL;
    }
    for (size_t i = 0; i < *n; i++)
        v[i] = at(p + 8 * i);
    return v;
}

static void quantile(sqlite3_context *c, sqlite3_value *blob, at_fn *at, double p)
{
    size_t n;
    if (!(p >= 0 && p <= 1)) {
        sqlite3_result_error(c, "the quantile is not in 0 .. 1", -1);
        return;
    }
    double *v = values(c, blob, at, &n);
    if (!v)
        return;
    stats_sort(v, n);
    sqlite3_result_double(c, stats_quantile(v, n, p));
    free(v);
}

static void blob_median_ns(sqlite3_context *c, int n, sqlite3_value **arg)
{
    (void)n;
    quantile(c, arg[0], time_at, 0.5);
}

static void blob_quantile_ns(sqlite3_context *c, int n, sqlite3_value **arg)
{
    (void)n;
    quantile(c, arg[0], time_at, sqlite3_value_double(arg[1]));
}

static void blob_quantile_real(sqlite3_context *c, int n, sqlite3_value **arg)
{
    (void)n;
    quantile(c, arg[0], real_at, sqlite3_value_double(arg[1]));
}

static void blob_mean_ns(sqlite3_context *c, int n_arg, sqlite3_value **arg)
{
    (void)n_arg;
    size_t n;
    double *v = values(c, arg[0], time_at, &n);
    if (!v)
        return;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    sqlite3_result_double(c, sum / (double)n);
    free(v);
}

/* NULL past the end. */
static void blob_at_ns(sqlite3_context *c, int n_arg, sqlite3_value **arg)
{
    (void)n_arg;
    size_t n;
    double *v = values(c, arg[0], time_at, &n);
    if (!v)
        return;
    int64_t i = sqlite3_value_int64(arg[1]);
    if (i >= 0 && (uint64_t)i < n)
        sqlite3_result_double(c, v[i]);
    free(v);
}

/* The i-th float64 of a blob; NULL past the end. */
static void blob_real(sqlite3_context *c, int n_arg, sqlite3_value **arg)
{
    (void)n_arg;
    const unsigned char *p = sqlite3_value_blob(arg[0]);
    int64_t n = sqlite3_value_bytes(arg[0]) / 8, i = sqlite3_value_int64(arg[1]);
    if (p && i >= 0 && i < n)
        sqlite3_result_double(c, real_at(p + 8 * i));
}

/* -- the median over trials and its interval ------------------------------------------------------------------------------- */

struct sample {
    double *v;
    size_t n, cap;
};

static void collect(sqlite3_context *c, int n_arg, sqlite3_value **arg)
{
    (void)n_arg;
    struct sample *s = sqlite3_aggregate_context(c, sizeof *s);
    if (!s || sqlite3_value_type(arg[0]) == SQLITE_NULL)
        return;
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 16;
        double *v = realloc(s->v, cap * sizeof *v);
        if (!v) {
            sqlite3_result_error_nomem(c);
            return;
        }
        s->v = v;
        s->cap = cap;
    }
    s->v[s->n++] = sqlite3_value_double(arg[0]);
}

enum part { MEDIAN, LOW, HIGH, COVERAGE };

static void finish(sqlite3_context *c, enum part part)
{
    struct sample *s = sqlite3_aggregate_context(c, 0);
    if (!s || !s->n) /* the result stays NULL */
        return;
    stats_sort(s->v, s->n);
    struct interval i = stats_median_interval(s->v, s->n, 0.95);
    double result[] = {[MEDIAN] = i.median, [LOW] = i.low, [HIGH] = i.high, [COVERAGE] = i.coverage};
    if (part == MEDIAN || s->n > 1) /* one value says nothing about the spread */
        sqlite3_result_double(c, result[part]);
    free(s->v);
}

static void finish_median(sqlite3_context *c)
{
    finish(c, MEDIAN);
}

static void finish_low(sqlite3_context *c)
{
    finish(c, LOW);
}

static void finish_high(sqlite3_context *c)
{
    finish(c, HIGH);
}

static void finish_coverage(sqlite3_context *c)
{
    finish(c, COVERAGE);
}

typedef void call_fn(sqlite3_context *c, int n, sqlite3_value **arg);
typedef void finish_fn(sqlite3_context *c);

static const struct {
    const char *name;
    int args;
    call_fn *scalar, *step;
    finish_fn *final;
} functions[] = {
    {"blob_median_ns", 1, blob_median_ns, NULL, NULL},
    {"blob_mean_ns", 1, blob_mean_ns, NULL, NULL},
    {"blob_quantile_ns", 2, blob_quantile_ns, NULL, NULL},
    {"blob_at_ns", 2, blob_at_ns, NULL, NULL},
    {"blob_real", 2, blob_real, NULL, NULL},
    {"blob_quantile_real", 2, blob_quantile_real, NULL, NULL},
    {"median", 1, NULL, collect, finish_median},
    {"median_low", 1, NULL, collect, finish_low},
    {"median_high", 1, NULL, collect, finish_high},
    {"median_coverage", 1, NULL, collect, finish_coverage},
};

int db_functions(sqlite3 *db)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; !rc && i < sizeof functions / sizeof *functions; i++)
        rc = sqlite3_create_function(db, functions[i].name, functions[i].args, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
                                     functions[i].scalar, functions[i].step, functions[i].final);
    return rc;
}
