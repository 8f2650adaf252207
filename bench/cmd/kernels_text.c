/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "bench/cmd/kernels.h"
#include "bench/cmd/table.h"

void kernels_print_check(const struct kernel_job *j)
{
    int n[ISA_COUNT] = {0};
    for (const struct kernel_result *r = j->v; r < j->v + j->n; r++) {
        const int checked = r->wanted && r == &j->v[r->first];
        n[r->c.isa] += checked;
        if (checked && !r->passed)
            printf("FAILED %s: %s\n", r->c.name, r->why);
    }
    for (int i = 0; i < ISA_COUNT; i++)
        if (n[i])
            printf("%-12s %3d kernels checked\n", isa_name((enum isa)i), n[i]);
    printf("%d failed; seed %llu (--seed repeats exactly this check)\n", j->failed, (unsigned long long)j->seed);
}

void kernels_print_peak(const struct peak *p)
{
    printf("\nRead bandwidth, GB/s, of %zu MiB", p->buffer_bytes >> 20);
    if (p->of_l3 > 0)
        printf(" (%.0f times the largest cache)", p->of_l3);
    putchar('\n');
    struct table t = {0};
    table_column(&t, "", TABLE_LEFT);
    table_column(&t, "4 KB pages", TABLE_RIGHT);
    table_column(&t, "huge pages", TABLE_RIGHT);
    for (int all = 0; all < (p->threads > 1 ? 2 : 1); all++) {
        const struct peak_read *r = all ? &p->all : &p->one;
        table_add(&t, all ? "%d threads" : "%d thread", all ? p->threads : 1);
        table_add(&t, "%.1f", r->small_pages / 1e9);
        table_add(&t, "%.1f", r->huge_pages / 1e9);
    }
    table_print(&t, stdout);
    table_free(&t);
    if (p->huge_share >= 0 && p->huge_share < 0.99)
        printf("Only %.0f%% of the buffer was given huge pages.\n", p->huge_share * 100);
    if (p->threads > 1)
        printf("Round trip between two threads: %.0f ns\n", p->round_trip_ns);

    puts("\nPeak arithmetic, Gop/s");
    t = (struct table){0};
    table_column(&t, "", TABLE_LEFT);
    table_column(&t, "1 thread", TABLE_RIGHT);
    table_column(&t, "all threads", TABLE_RIGHT);
    table_column(&t, "instruction", TABLE_LEFT);
    for (int u = 0; u < PEAK_UNITS; u++) {
        const struct peak_arithmetic *a = &p->unit[u];
        table_add(&t, "%s", a->name);
        table_add(&t, a->instruction ? "%.0f" : "-", a->one / 1e9);
        table_add(&t, a->instruction ? "%.0f" : "-", a->all / 1e9);
        table_add(&t, "%s", a->instruction ? a->instruction : "none at this level");
    }
    table_print(&t, stdout);
    table_free(&t);
    putchar('\n');
}

/* "-" for what says nothing. */
static void add_or_dash(struct table *t, const char *fmt, double v)
{
    if (v >= 0)
        table_add(t, fmt, v);
    else
        table_add(t, "-");
}

static void add_percent(struct table *t, const char *fmt, double fraction)
{
    add_or_dash(t, fmt, fraction < 0 ? -1 : fraction * 100);
}

static void print_kernels(const struct kernel_job *j)
{
    struct table t = {0};
    static const char *const titles[] = {"us", "GB/s", "of read", "Gop/s", "of peak", "x scalar"};
    table_column(&t, "kernel", TABLE_LEFT);
    for (int i = 0; i < 6; i++)
        table_column(&t, titles[i], TABLE_RIGHT);
    for (const struct kernel_result *r = j->v; r < j->v + j->n; r++) {
        if (!r->timed)
            continue;
        table_add(&t, "%s", r->c.name);
        table_add(&t, "%.1f", r->ns / 1e3);
        add_or_dash(&t, "%.1f", r->bytes > 0 ? r->bytes / r->ns : -1);
        add_percent(&t, "%.0f%%", kernel_of_bandwidth(j, r));
        add_or_dash(&t, "%.1f", r->operations > 0 ? r->operations / r->ns : -1);
        add_percent(&t, "%.1f%%", kernel_of_peak(j, r));
        add_or_dash(&t, "%.2f", kernel_speedup(j, r));
    }
    table_print(&t, stdout);
    table_free(&t);
}

/* Which kernels for an instruction set do not earn their place. */
static void print_slow(const struct kernel_job *j)
{
    int compared = 0, slow = 0;
    for (const struct kernel_result *r = j->v; r < j->v + j->n; r++) {
        compared += r->timed && r->c.isa != ISA_SCALAR && kernel_speedup(j, r) >= 0;
        slow += kernel_is_slow(j, r);
    }
    printf("%d of %d SIMD kernels are less than %g times as fast as scalar%s", slow, compared, KERNEL_WORTH, slow ? ":" : "");
    for (const struct kernel_result *r = j->v; r < j->v + j->n; r++)
        if (kernel_is_slow(j, r))
            printf(" %s (%.2f)", r->c.name, kernel_speedup(j, r));
    putchar('\n');
}

static void print_shapes(const struct kernel_job *j)
{
    struct table t = {0};
    static const char *const titles[] = {"rows", "k", "matrices", "columns", "us", "GB/s", "Gop/s", "of roof"};
    for (int i = 0; i < 8; i++)
        table_column(&t, titles[i], TABLE_RIGHT);
    table_column(&t, "binds", TABLE_LEFT);
    table_column(&t, "kernel", TABLE_LEFT);
    for (const struct kernel_result *r = j->v; r < j->v + j->n; r++) {
        if (!r->timed)
            continue;
        table_add(&t, "%d", r->rows);
        table_add(&t, "%d", r->k);
        if (r->shape->layers)
            table_add(&t, r->shape->head ? "%d + head" : "%d", r->shape->layers);
        else
            table_add(&t, "head");
        table_add(&t, "%d", r->columns);
        table_add(&t, "%.1f", r->ns / 1e3);
        table_add(&t, "%.1f", r->bytes / r->ns);
        table_add(&t, "%.1f", r->operations / r->ns);
        add_percent(&t, "%.0f%%", kernel_of_roof(j, r));
        table_add(&t, "%s", kernel_bound(j, r) ? kernel_bound(j, r) : "-");
        table_add(&t, "%s", r->c.name);
    }
    table_print(&t, stdout);
    table_free(&t);
}

static void print_totals(const struct kernel_job *j)
{
    static const char *const titles[] = {"columns", "ms", "ms/token", "x 1 column", "GB/s", "Gop/s", "of roof"};
    struct kernel_total one, t;
    struct table table = {0};
    if (kernel_total(j, 1, &one)) {
        puts("\nNo total: not every matrix was timed.");
        return;
    }
    puts("\nAll matrices once, those of the layers for every column, the head for the last:");
    for (int i = 0; i < 7; i++)
        table_column(&table, titles[i], TABLE_RIGHT);
    for (int i = 0; i < j->n_columns; i++) {
        if (kernel_total(j, j->columns[i], &t))
            continue;
        table_add(&table, "%d", j->columns[i]);
        table_add(&table, "%.3f", t.ns / 1e6);
        table_add(&table, "%.3f", t.ns / 1e6 / j->columns[i]);
        table_add(&table, "%.2f", t.ns / one.ns);
        table_add(&table, "%.1f", t.bytes / t.ns);
        table_add(&table, "%.1f", t.operations / t.ns);
        add_percent(&table, "%.1f%%", t.of_roof);
    }
    table_print(&table, stdout);
    table_free(&table);
}

static double change(double before, double after)
{
    return 100 * (after / before - 1);
}

static void print_drift(const struct peak *before, const struct peak *after)
{
    const double read = peak_bandwidth(&after->all);
    printf("Measured again behind them: read %.1f GB/s (%+.1f%%)", read / 1e9, change(peak_bandwidth(&before->all), read));
    for (int u = 0; u < PEAK_UNITS; u++)
        if (after->unit[u].instruction)
            printf(", %s %.0f Gop/s (%+.1f%%)", after->unit[u].name, after->unit[u].all / 1e9,
                   change(before->unit[u].all, after->unit[u].all));
    if (after->threads > 1)
        printf(", round trip %.0f ns", after->round_trip_ns);
    puts("; fractions are of the better of both");
}

void kernels_print_times(const struct kernels *k)
{
    const struct kernel_job *j = &k->job;
    (j->shapes ? print_shapes : print_kernels)(j);
    print_drift(&k->before, &k->after);
    (j->shapes ? print_totals : print_slow)(j);
}
