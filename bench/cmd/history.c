/* `bench history`: drift over commits against a pinned build. */
/* SPDX-License-Identifier: MIT */
#include "bench/cmd/history.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd/cmd.h"
#include "bench/gate_build.h"
#include "results/store_gate.h"

static const struct option_spec options[] = {
    {"cell", 0, "CELL", "only cells of these values: format=f16,context=64 (all)"},
    {"metric", 0, "LIST", "only these metrics (all)"},
    {"anchor", 0, "BENCH", "make this program the anchor from now on"},
    {"reason", 0, "TEXT", "why, which is kept"},
    {"repo", 0, "DIR", "git repository whose commits give the order (.)"},
    {"db", 0, "FILE", "the database ($BENCH_DB, else results/bench.db)"},
    {0},
};

/* What an anchor must be: a build that can be made again. */
static int move_anchor(const struct args *a, const char *path, struct err *e)
{
    const char *reason = args_get(a, "reason");
    struct store *s = NULL;
    struct gate_build *b = calloc(1, sizeof *b);
    int rc = -1;
    if (!b)
        abort();
    if (!reason || !*reason) {
        err_set(e, ERR_USAGE, "history: --anchor moves what everything is held against: say why with --reason TEXT");
        goto out;
    }
    if (gate_build_open(b, path, NULL, e))
        goto out;
    if (strstr(b->build.commit, "-dirty") || !strcmp(b->build.commit, "unknown")) {
        err_set(e, ERR_USAGE, "%s: built from %s, which nobody can build again: build a commit, with nothing changed", path,
                b->build.commit);
        goto out;
    }
    struct store_anchor row = {b->build, b->path, b->sha256, reason};
    if (store_open(&s, args_db(a), e) || store_anchor(s, &row, e))
        goto out;
    printf("the anchor is now bench %s (%s): %s\nkeep %s: bench gate --base with it gives the points\n", b->build.version,
           b->build.commit, reason, path);
    rc = 0;
out:
    store_close(s);
    free(b);
    return rc;
}

static int report(const struct args *a, struct err *e)
{
    struct store *s;
    struct histories h;
    const char *repo = args_get(a, "repo"), *cell = args_get(a, "cell"), *metric = args_get(a, "metric");
    struct history_request q = {repo ? repo : ".", list_split(cell ? cell : ""), list_split(metric ? metric : "")};
    int rc = store_open_existing(&s, args_db(a), e);
    if (!rc) {
        rc = histories_load(&h, s, &q, e);
        store_close(s);
    }
    if (!rc) {
        if (args_has(a, "json"))
            print_json(history_json(&h));
        else
            history_print_text(&h, stdout);
        if (h.stands)
            rc = err_set(e, ERR_ANSWER_NO, "history: %d findings stand; mend them, or move the anchor with a reason", h.stands);
        histories_free(&h);
    }
    free(q.cell.v);
    free(q.metric.v);
    return rc;
}

static int run(const struct args *a, struct err *e)
{
    const char *anchor = args_get(a, "anchor");
    if (!anchor && args_has(a, "reason"))
        return err_set(e, ERR_USAGE, "history: --reason says why the anchor moves: name a program with --anchor BENCH too");
    return anchor ? move_anchor(a, anchor, e) : report(a, e);
}

const struct command command_history = {
    .name = "history",
    .summary = "what many commits together made slower, against a pinned build",
    .options = options,
    .json = 1,
    .about =
        "The anchor is one build, such as the last release, and stays until --anchor moves it, with a reason.  Every bench gate\n"
        "whose --base is the anchor's program (or the same commit built again, with the same compiler and flags) gives a point\n"
        "for each metric of each cell: the ratio head / anchor.  Points stand in the order of the commits that HEAD comes from;\n"
        "where git knows none of them, in the order of time.\n"
        "\n"
        "What is found: a shift (a CUSUM raises the alarm, E-divisive names the commit), the budget of 3% exceeded by three\n"
        "points on end, and each change of an exact metric.  It stands until a later commit mends it or the anchor moves.\n"
        "docs/gate.md has the rule and its errors.  With one series (--cell and --metric) its points are listed too.\n"
        "\n"
        "exit code: 0 nothing stands; 1 something does; 4 there is no anchor, or no point.",
    .examples = "  bench history --anchor release/bench --reason 'release 1.2'\n"
                "  bench gate ci/gate.ini --base release/bench --head build/bench   # on each commit of main: a point\n"
                "  bench history\n"
                "  bench history --cell format=q4_0,context=128,threads=1 --metric ms_per_token",
    .run = run,
};
