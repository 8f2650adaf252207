/* `bench show`: one run.  The numbers come from the views, so that text, JSON and CSV say the same. */
/* SPDX-License-Identifier: MIT */
#include "bench/cmd/show.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "bench/cmd/cmd.h"
#include "bench/cmd/rows.h"
#include "bench/cmd/show_parts.h"

int show_find_run(struct store *s, const char *name, int64_t *run, struct err *e)
{
    struct rows r;
    int last = !strcmp(name, "last");
    if (!last && text_int(name, 1, INT64_MAX, run))
        return err_set(e, ERR_USAGE, "\"%s\" is not a run: give its number, or last; bench list shows the runs", name);
    if (rows_load(&r, s,
                  last ? "SELECT max(id) AS id FROM run WHERE id NOT IN (SELECT run FROM gate) AND "
                         "NOT EXISTS (SELECT 1 FROM gate WHERE run.id IN (base_run, head_run) AND run.id > gate.run)"
                       : "SELECT id FROM run WHERE id = CAST(?1 AS INTEGER)",
                  (const char *const[]){last ? NULL : name, NULL}, e))
        return -1;
    const char *id = r.n ? rows_get(&r, 0, "id") : NULL;
    int found = id && !text_int(id, 1, INT64_MAX, run);
    rows_free(&r);
    if (!found)
        return err_set(e, ERR_USAGE,
                       last ? "there is no run of bench sweep in this database yet: bench sweep makes one; a gate's run goes by "
                              "its number in bench list"
                            : "there is no run %s in this database; bench list shows the runs",
                       name);
    return 0;
}

int show_run(struct store *s, int64_t run, enum show_format format, struct err *e)
{
    static int (*const shows[])(struct store *, const char *, struct err *) = {[SHOW_TEXT] = show_text,
                                                                               [SHOW_JSON] = show_json,
                                                                               [SHOW_CSV] = show_csv,
                                                                               [SHOW_SCORES_CSV] = show_scores_csv,
                                                                               [SHOW_MARKDOWN] = show_markdown};
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)run);
    return shows[format](s, number, e);
}

static const struct option_spec options[] = {
    {"db", 0, "FILE", "the database ($BENCH_DB, else results/bench.db)"},
    {"csv", 0, NULL, "print the cells as comma-separated values"},
    {"scores", 0, NULL, "with --csv: print the scores instead of the cells"},
    {"markdown", 0, NULL, "print the quality of each variant as a table in Markdown, held against the first"},
    {0},
};

static int run(const struct args *a, struct err *e)
{
    struct store *s;
    int64_t id;
    if (args_has(a, "csv") + args_has(a, "json") + args_has(a, "markdown") > 1)
        return err_set(e, ERR_USAGE, "show: --csv, --json, --markdown: choose one");
    if (args_has(a, "scores") && !args_has(a, "csv"))
        return err_set(e, ERR_USAGE, "show: --scores goes with --csv; the text and --json have the scores anyway");
    if (store_open_existing(&s, args_db(a), e))
        return -1;
    int rc = show_find_run(s, a->n_positional ? a->positional[0] : "last", &id, e);
    if (!rc)
        rc = show_run(s, id,
                      args_has(a, "json")       ? SHOW_JSON
                      : args_has(a, "scores")   ? SHOW_SCORES_CSV
                      : args_has(a, "csv")      ? SHOW_CSV
                      : args_has(a, "markdown") ? SHOW_MARKDOWN
                                                : SHOW_TEXT,
                      e);
    store_close(s);
    return rc;
}

const struct command command_show = {
    .name = "show",
    .summary = "one run as a table: what each cell measured, what failed and why",
    .positional = "[RUN]",
    .max_positional = 1,
    .options = options,
    .json = 1,
    .about =
        "RUN is a number from bench list, or last (the default: the last sweep).  A row is a cell; axes with one value stand above\n"
        "the table.  ms/token is the median over trials of the median time of a decoded token; prefill, tok/s (of prefill), TTFT\n"
        "(prefill and the first decoded token) and the memory of the process are medians over trials too.  start MiB is the program\n"
        "before it loaded anything, plan MiB what the cell was expected to add to that.  A dash is a value that was not\n"
        "measured; the reasons stand below.  docs/method.md says more.\n"
        "\n"
        "A run that scored more than the perplexity of a text has a second table: a row per task and scorer, for each variant\n"
        "the value and its 95% bootstrap interval over the items (1,000 resamples, seeded), three variants beside each other.\n"
        "With --markdown a row is a variant instead, with its size and the first scorer of each task, and each value is held\n"
        "against that of the first variant as bench compare does it.",
    .examples = "  bench show\n"
                "  bench show 3 --csv >run3.csv\n"
                "  bench show 3 --csv --scores >scores3.csv\n"
                "  bench show last --markdown >quality.md\n"
                "  bench show last --json | jq '.cells[] | [.format, .context, .ms_per_token]'",
    .run = run,
};
