/* SPDX-License-Identifier: MIT */
#include "bench/cmd/spread.h"

const struct spread spreads[] = {
    {"median", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}, {0},
};

void spread_columns(struct text *sql, const char *blob)
{
    for (const struct spread *q = spreads; q->name; q++)
        text_printf(sql, ", blob_quantile_real(%s, %g) AS %s", blob, q->p, q->name);
}
