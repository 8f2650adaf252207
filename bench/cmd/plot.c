/* `bench plot`: the figures of a run.
 *
 * A figure is a view fig_NAME (results/views.sql) and a script plots/NAME.gp.  The view's rows, with the intervals of scores
 * where it has columns for them, become DIR/NAME.tsv, a table with the names of the columns in its first line that any program can
 * read; gnuplot draws it with the script. */
/* SPDX-License-Identifier: MIT */
#include "bench/cmd/plot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "bench/cmd/cmd.h"
#include "bench/cmd/gnuplot.h"
#include "bench/cmd/rows.h"
#include "bench/cmd/share.h"
#include "bench/cmd/show.h"
#include "bench/cmd/stored_scores.h"

static const char *const known_formats[] = {"png", "svg"};
#define N_FORMATS ((int)(sizeof known_formats / sizeof *known_formats))

/* -- which figures, from where --------------------------------------------------------------------------------------------- */

/* The folder that has style.gp, or NULL. */
static const char *find_scripts(const struct plot_job *job, struct err *e)
{
    const char *place = job->scripts ? job->scripts : share_folder("plots", "BENCH_PLOTS", "style.gp");
    struct text style = {0};
    text_printf(&style, "%s/style.gp", place);
    if (access(style.p, R_OK)) {
        err_set(e, ERR_ENV,
                "%s: cannot read: %s; bench's gnuplot scripts are looked for in $BENCH_PLOTS, ./plots and " SHAREDIR "/plots",
                style.p, strerror(errno));
        place = NULL;
    }
    text_free(&style);
    return place;
}

/* Names of the figures that there are, or the one asked for. */
static int find_figures(struct store *s, const char *only, struct rows *names, struct err *e)
{
    if (rows_load(names, s,
                  "SELECT substr(name, 5) AS name FROM sqlite_temp_schema WHERE type = 'view' AND name GLOB 'fig_*' "
                  "ORDER BY rowid",
                  NULL, e))
        return -1;
    if (!only)
        return 0;
    struct text all = {0};
    int found = 0;
    for (int i = 0; i < names->n; i++) {
        text_printf(&all, "%s%s", i ? ", " : "", rows_get(names, i, "name"));
        found |= !strcmp(rows_get(names, i, "name"), only);
    }
    int rc = found ? 0 : err_set(e, ERR_USAGE, "plot: there is no figure \"%s\"; there are: %s", only, all.p);
    text_free(&all);
    return rc;
}

static int check_formats(const struct list *formats, struct err *e)
{
    for (int i = 0; i < formats->n; i++) {
        int known = 0;
        for (int k = 0; k < N_FORMATS; k++)
            known |= !strcmp(formats->v[i], known_formats[k]);
        if (!known)
            return err_set(e, ERR_USAGE, "plot: --format %s: not one of png, svg", formats->v[i]);
    }
    return formats->n ? 0 : err_set(e, ERR_USAGE, "plot: --format: name png, svg or both");
}

/* -- one figure ------------------------------------------------------------------------------------------------------------ */

/* Tab-separated; NULL is NaN, which gnuplot and most other readers take for a missing number.  A tab or line end in a text would
 * break the table and becomes a space. */
static void write_field(const char *s, FILE *f)
{
    for (s = s ? s : "NaN"; *s; s++)
        putc((unsigned char)*s < ' ' ? ' ' : *s, f);
}

static int write_tsv(const struct rows *r, const char *path, struct err *e)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return err_set(e, ERR_ENV, "%s: cannot write: %s", path, strerror(errno));
    for (int i = 0; i < (r->n + 1) * r->columns; i++) {
        write_field(r->cell[i], f);
        putc((i + 1) % r->columns ? '\t' : '\n', f);
    }
    int failed = ferror(f);
    if (fclose(f) || failed)
        return err_set(e, ERR_ENV, "%s: cannot write all of it: %s; is the disk full?", path, strerror(errno));
    return 0;
}

/* What a script says about an empty view, in its line "# Empty when ...". */
static int say_empty(const char *name, const char *script, struct err *e)
{
    static const char mark[] = "# Empty when ";
    char *text = file_read(script, NULL, e);
    if (!text)
        return -1;
    char *words = strstr(text, mark);
    if (words)
        words += sizeof mark - 1;
    printf("%s: not drawn: %.*s\n", name, words ? (int)strcspn(words, "\n") : 0, words ? words : "");
    free(text);
    return 0;
}

struct figure {
    const char *name, *scripts, *title, *fixed;
    const struct plot_job *job;
    const struct list *formats;
};

static int draw(const struct figure *g, const char *tsv, const char *script, struct err *e)
{
    int rc = 0;
    for (int i = 0; !rc && i < g->formats->n; i++) {
        struct text out = {0};
        text_printf(&out, "%s/%s.%s", g->job->dir, g->name, g->formats->v[i]);
        const struct gnuplot_variable variables[] = {{"data", tsv},
                                                     {"output", out.p},
                                                     {"format", g->formats->v[i]},
                                                     {"scripts", g->scripts},
                                                     {"title", g->title},
                                                     {"fixed", g->fixed},
                                                     {0}};
        rc = gnuplot_run(script, variables, e);
        if (!rc && access(out.p, R_OK))
            rc = err_set(e, ERR_ENV, "%s: gnuplot ended well but did not make it; is the %s terminal built into gnuplot?", out.p,
                         g->formats->v[i]);
        if (!rc)
            printf("%s\n", out.p);
        text_free(&out);
    }
    return rc;
}

/* *drawn is counted up when the figure has something to show. */
static int one_figure(struct store *s, const struct figure *g, const char *run, int *drawn, struct err *e)
{
    struct text tsv = {0}, script = {0}, sql = {0};
    struct rows r;
    text_printf(&tsv, "%s/%s.tsv", g->job->dir, g->name);
    text_printf(&script, "%s/%s.gp", g->scripts, g->name);
    text_printf(&sql, "SELECT * FROM fig_%s WHERE run = CAST(?1 AS INTEGER)", g->name);
    int rc = rows_load(&r, s, sql.p, (const char *const[]){run, NULL}, e);
    if (!rc && r.n && rows_has(&r, "no_interval"))
        rc = stored_intervals(&r, s, e);
    if (!rc && !r.n) {
        rc = say_empty(g->name, script.p, e);
    } else if (!rc) {
        rc = write_tsv(&r, tsv.p, e) || draw(g, tsv.p, script.p, e) ? -1 : 0;
        if (!rc)
            printf("%s\n", tsv.p);
        *drawn += !rc;
    }
    rows_free(&r);
    text_free(&sql);
    text_free(&script);
    text_free(&tsv);
    return rc;
}

int plot_run(struct store *s, int64_t run, const struct plot_job *job, struct err *e)
{
    char number[24];
    struct rows names = {0}, about = {0};
    struct list formats = list_split(job->formats);
    int drawn = 0;
    snprintf(number, sizeof number, "%lld", (long long)run);
    int rc = -1;
    const char *scripts = find_scripts(job, e);
    if (!scripts || check_formats(&formats, e) || find_figures(s, job->figure, &names, e) || file_mkdirs(job->dir, e) ||
        rows_load(&about, s,
                  "SELECT 'run ' || run || ', ' || substr(started, 1, 10) || coalesce(', ' || cpu, '') AS title, "
                  "coalesce(shared, '') AS fixed FROM v_run WHERE run = CAST(?1 AS INTEGER)",
                  (const char *const[]){number, NULL}, e))
        goto out;
    struct figure g = {.scripts = scripts,
                       .title = rows_get(&about, 0, "title"),
                       .fixed = rows_get(&about, 0, "fixed"),
                       .job = job,
                       .formats = &formats};
    for (int i = 0; i < names.n; i++) {
        g.name = rows_get(&names, i, "name");
        if ((!job->figure || !strcmp(job->figure, g.name)) && one_figure(s, &g, number, &drawn, e))
            goto out;
    }
    rc = 0;
    if (!drawn)
        rc = err_set(e, ERR_INVALID, "plot: run %s has nothing to draw; bench show %s says what it holds", number, number);
out:
    rows_free(&about);
    rows_free(&names);
    free(formats.v);
    return rc;
}

/* -- the command ----------------------------------------------------------------------------------------------------------- */

static const struct option_spec options[] = {
    {"out", 'o', "DIR", "where the files go (plots/out)"},
    {"figure", 0, "NAME", "draw one figure (all of them)"},
    {"format", 0, "LIST", "png, svg or both (png,svg)"},
    {"db", 0, "FILE", "the database ($BENCH_DB, else results/bench.db)"},
    {0},
};

static int run(const struct args *a, struct err *e)
{
    struct store *s;
    int64_t id;
    const char *dir = args_get(a, "out"), *formats = args_get(a, "format");
    const struct plot_job job = {
        .dir = dir ? dir : "plots/out", .figure = args_get(a, "figure"), .formats = formats ? formats : "png,svg"};
    if (store_open_existing(&s, args_db(a), e))
        return -1;
    int rc = show_find_run(s, a->n_positional ? a->positional[0] : "last", &id, e);
    if (!rc)
        rc = plot_run(s, id, &job, e);
    store_close(s);
    return rc;
}

const struct command command_plot = {
    .name = "plot",
    .summary = "the figures of a run, as PNG and SVG with their data as text",
    .positional = "[RUN]",
    .max_positional = 1,
    .options = options,
    .about =
        "RUN is a number from bench list, or last (the default: the last sweep).  The figures: latency (ms/token against\n"
        "context), heatmap (ms/token by format and context), pareto (quality against speed, the front marked), memory (what was\n"
        "planned beside the peak), gate (of a gate: the change of each metric, with its interval),\n"
        "roofline (not of the run: what bench kernels, best with --model, measured last on its machine, against the ceilings).\n"
        "Quality is KL divergence where the run was held against a reference (sweep --reference), else perplexity, each with\n"
        "the 95% interval that bench show gives; a run of several models, KV formats, policies or compute paths has no one\n"
        "reference and shows perplexity.\n"
        "Each is a script that gnuplot runs, in ./plots, $BENCH_PLOTS or " SHAREDIR "/plots, over DIR/NAME.tsv.",
    .examples = "  bench plot last -o plots/out\n"
                "  bench plot 3 --figure pareto --format svg -o /tmp",
    .run = run,
};
