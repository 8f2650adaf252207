/* audit.h - runs of the gate of which somebody else knows what was to be found: read back, replayed, and held against the truth.
 *
 * ci/gate_trial draws and records them (results/audit.sql).  What a build really is slower by is measured too: runs of the kind
 * `calibrate` have nothing to decide, and the median ratio of all their units, per cell and metric and under the same condition, is
 * the achieved effect. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_AUDIT_H
#define BENCH_CMD_AUDIT_H

#include <stdio.h>

#include "base/err.h"
#include "results/store.h"

#define AUDIT_LEVEL 0.95
#define AUDIT_CONDITION 32 /* bytes of a word for what else the machine did */

enum audit_kind { AUDIT_TUNE, AUDIT_CALIBRATE, AUDIT_EQUAL, AUDIT_EFFECT, AUDIT_KINDS };
extern const char *const audit_kind_names[AUDIT_KINDS];
int audit_kind_of(const char *name); /* AUDIT_KINDS: there is no such */

/* In which order other rules see the samples: base from the first half of the units and head from the second, as when one build is
 * measured after the other; or both from all units, which were measured in turns. */
enum audit_order { IN_SEQUENCE, IN_TURNS, AUDIT_ORDERS };

struct audit_run {
    int64_t run;
    enum audit_kind kind;
    double effect; /* percent that its build was made for */
    char condition[AUDIT_CONDITION];
    char programs[129]; /* the hashes of both */
    char outcome[16];
    double seconds;
};

/* A cell and metric of a run of the kinds `equal` and `effect`. */
struct audit_row {
    int run; /* index */
    char *label;
    int metric;
    int gates, timed;              /* timed: a time, which other rules judge and an effect moves */
    char outcome[16];              /* as stored */
    const char *replayed;          /* NULL: nothing to judge */
    int same;                      /* replayed and stored agree in outcome, estimate and units */
    int units;                     /* of this verdict, with those of its confirmation */
    double low, high, coverage;    /* 95% interval of the first look's units, and what it covers; NaN: fewer units than that */
    double achieved, from, to;     /* log ratio, its interval; 0 for equal builds, NaN where nothing was calibrated */
    unsigned slower[AUDIT_ORDERS]; /* bit by rival */
    int judged;                    /* by rivals */
};

struct audit_effect { /* what was calibrated */
    double effect;
    char *condition, *label;
    int metric, n, cap;
    double *ratio; /* [n], ascending after loading */
};

struct audit {
    struct audit_run *run;
    struct audit_row *row;
    struct audit_effect *effect;
    int n_runs, n_rows, n_effects;
    int other_rule; /* runs of another version of the rule: replayed, but not held against what is stored */
};

/* rivals: judge the rows by other rules too, which takes a while.  Also when it fails, audit_free gives back what there is. */
int audit_load(struct audit *a, struct store *s, int rivals, struct err *e);
void audit_free(struct audit *a);

#define AUDIT_MAX_EFFECTS 16
/* The percentages that builds were made for, ascending; their number. */
int audit_effects(const struct audit *a, double effect[AUDIT_MAX_EFFECTS]);

/* "12.3%" of k in n, "-" for n = 0; and with the exact interval: "12.3% [1.5%, 40.0%]". */
void audit_share(char buf[48], long k, long n);
void audit_share_interval(char buf[48], long k, long n);

int audit_report(const struct audit *a, int cells, FILE *out); /* number of rows whose replay is not what is stored */
void audit_rules(const struct audit *a, FILE *out);            /* Markdown */

#define AUDIT_MAX_ITEMS 16
/* The rule for scores on items drawn from those of the newest gate that scored both of its sides: a table.  items: how many at a
 * time; none: as many as there are. */
int audit_scores(struct store *s, const int *items, int n_items, int draws, FILE *out, struct err *e);

/* What to run next, as one line for ci/gate_trial. */
struct audit_wish {
    int64_t equal, effect, calibrate; /* runs: of equal builds; of each effect; of each effect and condition */
    const char *effects, *conditions; /* lists */
    uint64_t seed;
};
int audit_draw(struct store *s, const struct audit_wish *w, FILE *out, struct err *e);

/* Compiler options that make a build slower by `percent`, from what the runs of the kind `tune` achieved. */
int audit_inject(struct store *s, double percent, FILE *out, struct err *e);

#endif
