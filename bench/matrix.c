/* SPDX-License-Identifier: MIT */
#include "bench/matrix.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

static void drop_repeats(struct list *l)
{
    int n = 0;
    for (int i = 0; i < l->n; i++) {
        int seen = 0;
        for (int j = 0; j < n && !seen; j++)
            seen = !strcmp(l->v[j], l->v[i]);
        if (!seen)
            l->v[n++] = l->v[i];
    }
    l->n = n;
}

/* Does the cell match "axis=value axis=value"?  -1 when the line is malformed. */
static int matches(const char *line, size_t len, const struct cell *c, struct err *e)
{
    char copy[512];
    if (len >= sizeof copy)
        return err_set(e, ERR_USAGE, "exclude: a line of more than %zu characters", sizeof copy - 1);
    memcpy(copy, line, len);
    copy[len] = '\0';
    int pairs = 0, equal = 0;
    char *save = NULL;
    for (char *pair = strtok_r(copy, " \t", &save); pair; pair = strtok_r(NULL, " \t", &save)) {
        char *eq = strchr(pair, '=');
        if (!eq)
            return err_set(e, ERR_USAGE, "exclude: \"%s\" is not axis=value; an example: exclude = format=f16 context=4096",
                           pair);
        *eq = '\0';
        const struct axis *a = axis_by_name(pair);
        if (!a)
            return err_set(e, ERR_USAGE, "exclude: there is no axis \"%s\"", pair);
        char buf[16];
        equal += !strcmp(axis_get(a, c, buf), eq + 1);
        pairs++;
    }
    return pairs > 0 && equal == pairs;
}

static int is_excluded(const char *exclude, const struct cell *c, struct err *e)
{
    for (const char *line = exclude; line && *line;) {
        size_t len = strcspn(line, "\n;");
        int yes = matches(line, len, c, e);
        if (yes)
            return yes;
        line += len + (line[len] != '\0');
    }
    return 0;
}

int matrix_open(struct cell_matrix *m, const char *const list[AXES], const char *exclude, struct err *e)
{
    *m = (struct cell_matrix){0};
    int64_t product = 1;
    for (int i = 0; i < AXES; i++) {
        const char *given = list[i] ? list[i] : axes[i].otherwise ? axes[i].otherwise : "";
        m->values[i] = list_split(given);
        drop_repeats(&m->values[i]);
        if (!m->values[i].n) { /* an axis without a value (no model for the null runtime) has one empty value */
            free(m->values[i].v);
            m->values[i] = (struct list){.v = calloc(2, sizeof(char *)), .n = 1};
            if (!m->values[i].v)
                abort();
            m->values[i].v[0] = (char *)(uintptr_t) "";
        }
        product *= m->values[i].n;
        if (product > MATRIX_MAX_CELLS) {
            matrix_close(m);
            return err_set(e, ERR_USAGE, "the matrix has more than %d cells; shorten a list, or use exclude", MATRIX_MAX_CELLS);
        }
    }
    m->cells = calloc((size_t)product, sizeof *m->cells);
    if (!m->cells)
        abort();
    for (int64_t index = 0; index < product; index++) {
        struct cell *c = &m->cells[m->n];
        int64_t rest = index;
        for (int i = AXES - 1; i >= 0; i--) { /* the last axis varies fastest */
            const char *value = m->values[i].v[rest % m->values[i].n];
            rest /= m->values[i].n;
            if (axis_set(&axes[i], c, value, e)) {
                matrix_close(m);
                return -1;
            }
        }
        int out = is_excluded(exclude, c, e);
        if (out < 0) {
            matrix_close(m);
            return -1;
        }
        m->excluded += out;
        m->n += !out;
    }
    if (m->n)
        return 0;
    matrix_close(m);
    return err_set(e, ERR_USAGE, "exclude leaves no cell of %lld", (long long)product);
}

void matrix_close(struct cell_matrix *m)
{
    for (int i = 0; i < AXES; i++)
        free(m->values[i].v);
    free(m->cells);
    *m = (struct cell_matrix){0};
}

void matrix_order(int *order, int n, uint64_t seed, int round)
{
    struct rng r;
    rng_seed(&r, seed * 1000003u + (uint64_t)round);
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int i = n - 1; i > 0; i--) {
        int j = (int)rng_below(&r, (uint64_t)i + 1);
        int swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}
