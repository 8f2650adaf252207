/* SPDX-License-Identifier: MIT */
#include "bench/cmd/show_plan.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd/cmd.h"
#include "bench/cmd/table.h"

void describe_cell(const struct cell *c, char *buf, size_t size)
{
    const char *slash = strrchr(c->model, '/');
    snprintf(buf, size, "%s %s kv %s%s%s context %d threads %d%s%s%s%s%s%s", slash ? slash + 1 : c->model, c->format, c->kv,
             strcmp(c->policy, "full") ? " " : "", strcmp(c->policy, "full") ? c->policy : "", c->context, c->threads,
             strcmp(c->isa, "auto") ? " isa " : "", strcmp(c->isa, "auto") ? c->isa : "", strcmp(c->compute, "packed") ? " " : "",
             strcmp(c->compute, "packed") ? c->compute : "", strcmp(c->runtime, "reference") ? " " : "",
             strcmp(c->runtime, "reference") ? c->runtime : "");
}

void describe_seconds(double s, char buf[32])
{
    if (s < 0)
        snprintf(buf, 32, "an unknown time");
    else if (s < 90)
        snprintf(buf, 32, s < 10 ? "%.1f s" : "%.0f s", s);
    else if (s < 5400)
        snprintf(buf, 32, "%.0f min", s / 60);
    else
        snprintf(buf, 32, "%.1f h", s / 3600);
}

static void add_mib(struct table *t, int64_t bytes)
{
    if (bytes < 0)
        table_add(t, "-");
    else
        table_add(t, "%.1f", (double)bytes / 1048576);
}

static int64_t expected_total(const struct expected *x)
{
    return x->weights < 0 ? -1 : x->weights + x->kv + x->arena + x->tables;
}

/* Seconds of all trials; < 0: not known. */
static double expected_seconds(const struct plan *p, const struct sweep_config *c)
{
    double seconds = 0;
    for (int i = 0; i < p->matrix.n; i++)
        if (!*p->cells[i].why && p->cells[i].seconds < 0)
            return -1;
        else if (!*p->cells[i].why)
            seconds += p->cells[i].seconds * c->trials;
    return seconds;
}

static void print_runnable(const struct plan *p)
{
    struct table t = {0};
    static const char *const left[] = {"model", "format", "kv", "policy"};
    static const char *const right[] = {"context",   "threads",    "weights MiB", "KV MiB",
                                        "arena MiB", "tables MiB", "total MiB",   "s/trial"};
    for (int i = 0; i < 4; i++)
        table_column(&t, left[i], TABLE_LEFT);
    for (int i = 0; i < 8; i++)
        table_column(&t, right[i], TABLE_RIGHT);
    for (int i = 0; i < p->matrix.n; i++) {
        const struct plan_cell *pc = &p->cells[i];
        const char *slash = strrchr(pc->cell->model, '/');
        if (*pc->why)
            continue;
        table_add(&t, "%s", slash ? slash + 1 : pc->cell->model);
        table_add(&t, "%s", pc->cell->format);
        table_add(&t, "%s", pc->cell->kv);
        table_add(&t, "%s", pc->cell->policy);
        table_add(&t, "%d", pc->cell->context);
        if (pc->on_cpus)
            table_add(&t, "%d on %d CPU%s", pc->cell->threads, pc->on_cpus, pc->on_cpus > 1 ? "s" : "");
        else
            table_add(&t, "%d", pc->cell->threads);
        add_mib(&t, pc->expected.weights);
        add_mib(&t, pc->expected.kv);
        add_mib(&t, pc->expected.arena);
        add_mib(&t, pc->expected.tables);
        add_mib(&t, expected_total(&pc->expected));
        if (pc->seconds < 0)
            table_add(&t, "-");
        else
            table_add(&t, "%.2f", pc->seconds);
    }
    table_print(&t, stdout);
    table_free(&t);
}

/* Each reason once, with the cells that it holds for. */
static void print_reasons(const struct plan *p)
{
    for (int i = 0; i < p->matrix.n; i++) {
        const char *why = p->cells[i].why;
        int first = i, n = 0;
        for (int k = 0; k < p->matrix.n; k++)
            if (!strcmp(p->cells[k].why, why)) {
                first = k < first ? k : first;
                n++;
            }
        if (!*why || first != i)
            continue;
        char cell[200];
        describe_cell(p->cells[i].cell, cell, sizeof cell);
        printf("\n%d %s cannot run: %s\n  %s%s\n", n, n > 1 ? "cells" : "cell", why, n > 1 ? "the first: " : "", cell);
    }
}

void plan_print_text(const struct plan *p, const struct sweep_config *c)
{
    char time[32];
    if (p->n_feasible)
        print_runnable(p);
    print_reasons(p);
    for (int i = 0; i < p->n_files; i++) {
        const struct plan_file *f = &p->files[i];
        if (f->prepared.missing)
            printf("\nto be derived: %s\n", f->prepared.path);
        if (*f->prepared.note)
            printf("%s: %s\n", f->asked, f->prepared.note);
    }
    describe_seconds(expected_seconds(p, c), time);
    printf("\n%d cells (%d cannot run, %d excluded), %d trials each: about %s without deriving and scoring\n", p->matrix.n,
           p->matrix.n - p->n_feasible, p->matrix.excluded, c->trials, time);
}

static json_t *bytes_or_null(int64_t v)
{
    return v < 0 ? json_null() : json_integer(v);
}

void plan_print_json(const struct plan *p, const struct sweep_config *c)
{
    json_t *cells = json_array();
    for (int i = 0; i < p->matrix.n; i++) {
        const struct plan_cell *pc = &p->cells[i];
        json_t *j = json_object();
        for (int k = 0; k < AXES; k++) {
            char buf[16];
            const char *value = axis_get(&axes[k], pc->cell, buf);
            json_object_set_new(j, axes[k].name, axes[k].is_number ? json_integer(atoi(value)) : json_string(value));
        }
        json_object_set_new(j, "on_cpus", pc->on_cpus ? json_integer(pc->on_cpus) : json_null());
        json_object_set_new(j, "weights_bytes", bytes_or_null(pc->expected.weights));
        json_object_set_new(j, "kv_bytes", bytes_or_null(pc->expected.kv));
        json_object_set_new(j, "arena_bytes", bytes_or_null(pc->expected.arena));
        json_object_set_new(j, "tables_bytes", bytes_or_null(pc->expected.tables));
        json_object_set_new(j, "expected_seconds", pc->seconds < 0 ? json_null() : json_real(pc->seconds));
        json_object_set_new(j, "infeasible", *pc->why ? json_string(pc->why) : json_null());
        json_array_append_new(cells, j);
    }
    double seconds = expected_seconds(p, c);
    print_json(json_pack("{s:o, s:i, s:i, s:o}", "cells", cells, "trials", c->trials, "feasible", p->n_feasible,
                         "expected_seconds", seconds < 0 ? json_null() : json_real(seconds)));
}
