/* SPDX-License-Identifier: MIT */
#include "bench/bisect.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "bench/gate_build.h"
#include "bench/process.h"

#define MORE_UNITS 2 /* times the usual ones, for what was undecided */

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

struct bisect {
    const struct bisect_config *c;
    char dir[PATH_MAX / 2]; /* ours; empty: not made yet */
    char tree[PATH_MAX], good[PATH_MAX], head[PATH_MAX];
    int has_tree;
};

const char *bisect_is_name(enum bisect_is is)
{
    static const char *const names[] = {[BISECT_GOOD] = "good", [BISECT_BAD] = "bad", [BISECT_SKIPPED] = "skipped"};
    return names[is];
}

/* -- commits --------------------------------------------------------------------------------------------------------------- */

/* The first line that git says. */
static int ask_git(const char *dir, const char *const *words, char *line, size_t n, struct err *e)
{
    struct text out = {0};
    int rc = git_run(dir, words, &out, e);
    snprintf(line, n, "%.*s", out.p ? (int)strcspn(out.p, "\n") : 0, out.p ? out.p : "");
    text_free(&out);
    return rc;
}

static int describe(const char *dir, const char *name, struct bisect_step *s, struct err *e)
{
    char peeled[300];
    struct err why;
    *s = (struct bisect_step){.verdict = {.ratio = NAN, .low = NAN, .high = NAN}};
    snprintf(peeled, sizeof peeled, "%s^{commit}", name);
    if (ask_git(dir, WORDS("rev-parse", "--verify", "--quiet", "--end-of-options", peeled), s->commit, sizeof s->commit, &why))
        return err_set(e, ERR_USAGE, "%s: no commit of the repository at %s", name, dir);
    return ask_git(dir, WORDS("log", "-1", "--format=%s", s->commit), s->subject, sizeof s->subject, e);
}

static int find_ends(const struct bisect_config *c, struct bisect_result *r, struct err *e)
{
    char base[65];
    struct err why;
    if (ask_git(c->repo, WORDS("rev-parse", "--git-dir"), base, sizeof base, e))
        return -1;
    if (describe(c->repo, c->good, &r->good, e) || describe(c->repo, c->bad, &r->bad, e))
        return -1;
    if (!strcmp(r->good.commit, r->bad.commit))
        return err_set(e, ERR_USAGE, "%s and %s are one commit, %.12s: name two", c->good, c->bad, r->good.commit);
    if (!ask_git(c->repo, WORDS("merge-base", "--is-ancestor", r->good.commit, r->bad.commit), base, sizeof base, &why))
        return 0;
    if (ask_git(c->repo, WORDS("merge-base", r->good.commit, r->bad.commit), base, sizeof base, &why))
        return err_set(
            e, ERR_USAGE,
            "%s is not an ancestor of %s, and they have none in common here: fetch more of the history, or name others", c->good,
            c->bad);
    return err_set(
        e, ERR_USAGE,
        "%s is not an ancestor of %s, so nothing leads from one to the other; they part at %.12s: take that one as GOOD", c->good,
        c->bad, base);
}

/* -- the worktree ---------------------------------------------------------------------------------------------------------- */

static int open_tree(struct bisect *b, const char *commit, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    struct text out = {0};
    snprintf(b->dir, sizeof b->dir, "%s/bench-bisect-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(b->dir)) {
        int rc =
            err_set(e, ERR_ENV, "%s: cannot make a folder: %s; set TMPDIR to one that can be written", b->dir, strerror(errno));
        *b->dir = '\0';
        return rc;
    }
    snprintf(b->tree, sizeof b->tree, "%s/tree", b->dir);
    snprintf(b->good, sizeof b->good, "%s/good", b->dir); /* names of one length: it moves the stack */
    snprintf(b->head, sizeof b->head, "%s/head", b->dir);
    b->has_tree = 1;
    int rc = git_run(b->c->repo, WORDS("worktree", "add", "--quiet", "--detach", b->tree, commit), &out, e);
    text_free(&out);
    return rc;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

/* Also after an interruption: then nothing stops it. */
static void close_tree(struct bisect *b)
{
    struct text out = {0};
    if (b->has_tree)
        git_run(b->c->repo, WORDS("worktree", "remove", "--force", "--force", b->tree), &out, NULL);
    if (*b->dir)
        nftw(b->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (b->has_tree) /* forgets the worktree even where git could not remove it */
        git_run(b->c->repo, WORDS("worktree", "prune"), &out, NULL);
    text_free(&out);
}

/* -- building -------------------------------------------------------------------------------------------------------------- */

/* Builds what is checked out and copies its program to `to`: 0, 1 with why it cannot be built, or -1. */
static int build(struct bisect *b, const char *to, char why[300], struct err *e)
{
    char path[PATH_MAX + 300], line[200];
    struct text said = {0}, out = {0};
    int status;
    snprintf(path, sizeof path, "%s/%s", b->tree, b->c->program);
    unlink(path); /* that of another commit is not this one's */
    int rc = process_run(&(struct process){b->tree, b->c->build, b->c->stop}, &said, &said, &status, e);
    process_last_line(&said, line, sizeof line);
    if (!rc && status) {
        snprintf(why, 300, "cannot be built (exit status %d): %s", status, line);
        rc = 1;
    } else if (!rc && access(path, R_OK)) {
        snprintf(why, 300, "cannot be built: the command ended well, but made no %.150s", b->c->program);
        rc = 1;
    } else if (!rc) {
        rc = gate_build_copy(path, to, e);
    }
    /* What the build changed in the files of the commit would stand in the way of the next one. */
    if (rc >= 0 && git_run(b->tree, WORDS("reset", "--quiet", "--hard"), &out, e))
        rc = -1;
    text_free(&said);
    text_free(&out);
    return rc;
}

/* -- one commit ------------------------------------------------------------------------------------------------------------ */

/* Builds and compares what is checked out. */
static int judge(struct bisect *b, const char *good, struct bisect_step *s, double tolerance, struct err *e)
{
    const char *const commit[2] = {good, s->commit};
    struct bisect_verdict *v = &s->verdict;
    int rc = build(b, b->head, v->why, e);
    if (rc) {
        v->is = BISECT_SKIPPED;
        return rc < 0 ? -1 : 0;
    }
    for (int more = 1; more <= MORE_UNITS; more++) {
        *v = (struct bisect_verdict){.ratio = NAN, .low = NAN, .high = NAN};
        if (b->c->compare(b->c->ctx, b->good, b->head, commit, tolerance, more, v, e))
            return -1;
        if (!v->undecided)
            break;
    }
    return 0;
}

static int judge_ends(struct bisect *b, struct bisect_result *r, struct err *e)
{
    struct text out = {0};
    char why[300];
    int rc = open_tree(b, r->good.commit, e) ? -1 : build(b, b->good, why, e);
    if (rc > 0)
        rc = err_set(e, ERR_INVALID, "%s %s; name a GOOD that can, or another build command", b->c->good, why);
    if (!rc)
        rc = git_run(b->tree, WORDS("checkout", "--quiet", "--force", "--detach", r->bad.commit), &out, e) ||
             judge(b, r->good.commit, &r->bad, 0, e);
    text_free(&out);
    if (rc)
        return -1;
    const struct bisect_verdict *v = &r->bad.verdict;
    if (b->c->step)
        b->c->step(b->c->ctx, &r->bad);
    if (v->is == BISECT_GOOD)
        return err_set(e, ERR_ANSWER_NO, "%s is not worse than %s (%+.1f%%): there is no commit to be found", b->c->bad,
                       b->c->good, 100 * (v->ratio - 1));
    if (v->is == BISECT_SKIPPED)
        return err_set(e, v->undecided ? ERR_INCONCLUSIVE : ERR_INVALID, "whether %s is worse than %s could not be told: %s",
                       b->c->bad, b->c->good, v->why);
    return 0;
}

/* -- git bisect ------------------------------------------------------------------------------------------------------------ */

/* Reads what git's log of the bisection says of its end: 1 it has ended, 0 not yet. */
static int has_ended(const char *log, struct bisect_result *r)
{
    static const char found[] = "\n# first bad commit: [", left[] = "# only skipped commits left to test",
                      one[] = "\n# possible first bad commit: [";
    const char *at = strstr(log, found);
    if (at) {
        at += sizeof found - 1;
        snprintf(r->first, sizeof r->first, "%.*s", (int)strcspn(at, "]"), at);
        return 1;
    }
    if (!(at = strstr(log, left)))
        return 0;
    while ((at = strstr(at, one))) {
        at += sizeof one - 1;
        text_printf(&r->possible, "%.*s\n", (int)strcspn(at, "]"), at);
    }
    return 1;
}

/* Tells git; 1: the bisection has ended.  When only skipped commits are left git ends badly, which is no error here. */
static int tell_git(struct bisect *b, const char *const *words, struct bisect_result *r, struct err *e)
{
    struct text out = {0}, log = {0};
    struct err why = {0};
    int failed = git_run(b->tree, words, &out, &why), rc = git_run(b->tree, WORDS("bisect", "log"), &log, e);
    if (!rc)
        rc = has_ended(log.p ? log.p : "", r);
    if (rc < 1 && failed)
        rc = err_set(e, why.code, "%s", why.msg);
    text_free(&out);
    text_free(&log);
    return rc;
}

static int search(struct bisect *b, struct bisect_result *r, struct err *e)
{
    double tolerance = r->bad.verdict.ratio - 1;
    int ended = tell_git(b, WORDS("bisect", "start", r->bad.commit, r->good.commit), r, e);
    while (!ended) {
        r->step = realloc(r->step, (size_t)(r->n + 1) * sizeof *r->step);
        if (!r->step)
            abort();
        struct bisect_step *s = &r->step[r->n];
        if (describe(b->tree, "HEAD", s, e) || judge(b, r->good.commit, s, tolerance, e)) {
            ended = -1;
            break;
        }
        r->n++;
        if (b->c->step)
            b->c->step(b->c->ctx, s);
        ended = tell_git(b, WORDS("bisect", s->verdict.is == BISECT_SKIPPED ? "skip" : bisect_is_name(s->verdict.is)), r, e);
    }
    return ended < 0 ? -1 : 0;
}

int bisect_run(const struct bisect_config *c, struct bisect_result *r, struct err *e)
{
    struct bisect *b = calloc(1, sizeof *b);
    if (!b)
        abort();
    *r = (struct bisect_result){0};
    b->c = c;
    int rc = find_ends(c, r, e) || judge_ends(b, r, e) || search(b, r, e) ? -1 : 0;
    close_tree(b);
    free(b);
    return rc;
}

void bisect_free(struct bisect_result *r)
{
    free(r->step);
    text_free(&r->possible);
    *r = (struct bisect_result){0};
}
