/* SPDX-License-Identifier: MIT */
#include "bench/kernel_shapes.h"

#include <stdlib.h>

/* The entry of this matrix; made where there is none. */
static struct kernel_shape *entry(struct kernel_shape *v, int *n, const struct matrix *w)
{
    for (int i = 0; i < *n; i++)
        if (v[i].format == w->format && v[i].rows == w->rows && v[i].k == w->cols)
            return &v[i];
    v[*n] = (struct kernel_shape){.format = w->format, .rows = w->rows, .k = w->cols};
    return &v[(*n)++];
}

int kernel_shapes(const struct model *m, struct kernel_shape **out, struct err *e)
{
    const int most = m->n_layer * LAYER_MATRICES + 1;
    int n = 0;
    struct kernel_shape *v = calloc((size_t)most, sizeof *v);
    if (!v)
        return err_set(e, ERR_ENV, "kernels: no memory for the shapes of %d matrices", most);
    for (int i = 0; i < m->n_layer; i++) {
        const struct matrix *w[LAYER_MATRICES];
        const int matrices = layer_matrices(&m->layers[i], w);
        for (int j = 0; j < matrices; j++)
            entry(v, &n, w[j])->layers++;
    }
    entry(v, &n, &m->head)->head = 1;
    *out = v;
    return n;
}
