/* SPDX-License-Identifier: MIT */
#include "bench/cmd/gate_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cmd/rows.h"
#include "bench/cmd/task_args.h"
#include "eval/scorer.h"

void gate_options_default(struct gate_options *o)
{
    struct gate_config *g = &o->gate;
    *o = (struct gate_options){.gate = {.metric = o->metric, .score = o->score, .own = o->own}};
    for (int i = 0; i < gate_n_metrics; i++)
        g->metric[i] = (struct gate_setting){.on = 1, .gates = gate_metrics[i].gates, .tolerance = gate_metrics[i].tolerance};
    for (int i = 0; scorers[i]; i++)
        g->score[i] = gate_score_default(scorers[i]);
}

/* Of TASK:SCORER, which begins as any score of this scorer would; NULL: there is no such scorer, or no room for more. */
static struct gate_setting *own_setting(struct gate_config *g, const char *name)
{
    const struct scorer *s = scorer_by_name(strrchr(name, ':') + 1);
    for (int i = 0; i < g->n_own; i++)
        if (!strcmp(g->own[i].name, name))
            return &g->own[i].set;
    if (!s || g->n_own == GATE_MAX_METRICS || strlen(name) >= sizeof g->own[0].name)
        return NULL;
    struct gate_own *own = &g->own[g->n_own++];
    snprintf(own->name, sizeof own->name, "%s", name);
    own->set = gate_score_default(s);
    return &own->set;
}

/* Of a metric, a scorer, or a scorer on one task; NULL: there is none of this name. */
static struct gate_setting *find_setting(struct gate_config *g, const char *name)
{
    if (strchr(name, ':'))
        return own_setting(g, name);
    int metric = gate_metric_index(name);
    for (int i = 0; metric < 0 && scorers[i]; i++)
        if (!strcmp(scorers[i]->name, name))
            return &g->score[i];
    return metric < 0 ? NULL : &g->metric[metric];
}

static int unknown_metric(const char *name, struct err *e)
{
    const char *names[GATE_MAX_METRICS], *near;
    int n = 0;
    for (int i = 0; i < gate_n_metrics; i++)
        names[n++] = gate_metrics[i].name;
    for (int i = 0; scorers[i] && n < GATE_MAX_METRICS; i++)
        names[n++] = scorers[i]->name;
    near = text_nearest(name, names, n);
    return err_set(e, ERR_USAGE, "there is no metric \"%s\"%s%s%s; bench help gate lists them", name,
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* [metric NAME]: tolerance = 5%, gate = yes | no | off. */
int gate_options_take(void *ctx, const char *section, const char *key, const char *value, struct err *e)
{
    static const char *const words[] = {"off", "no", "yes"};
    if (strncmp(section, "metric ", 7) != 0)
        return err_set(e, ERR_USAGE, "section [%s]: there are [gate] and [metric NAME]", section);
    struct gate_options *o = ctx;
    struct gate_setting *set = find_setting(&o->gate, section + 7);
    int metric = gate_metric_index(section + 7), word = 0;
    if (!set)
        return unknown_metric(section + 7, e);
    if (!strcmp(key, "tolerance")) {
        char number[32];
        snprintf(number, sizeof number, "%.*s", (int)strcspn(value, "%"), value);
        if (metric >= 0 && gate_metrics[metric].fact)
            return err_set(e, ERR_USAGE, "%s is exact and has no tolerance; gate = no tells it without deciding", section + 7);
        if (!strchr(value, '%') || text_double(number, 0.01, 1000, &set->tolerance))
            return err_set(e, ERR_USAGE, "tolerance = %s: must be a percentage from 0.01%% to 1000%%, such as 5%%", value);
        set->tolerance /= 100;
        return 0;
    }
    while (!strcmp(key, "gate") && word < 3 && strcmp(value, words[word]) != 0)
        word++;
    if (strcmp(key, "gate") != 0 || word == 3)
        return err_set(e, ERR_USAGE, "%s = %s: a metric has tolerance = 5%% and gate = yes, no (told only) or off", key, value);
    set->on = word > 0;
    set->gates = set->required = word == 2;
    return 0;
}

/* --metric: these gate and must be measurable, all others are off. */
static int only_metrics(struct gate_options *o, const char *list, struct err *e)
{
    struct list l = list_split(list);
    int failed = 0;
    for (int i = 0; i < GATE_MAX_METRICS; i++)
        o->metric[i].on = o->metric[i].gates = o->score[i].on = o->score[i].gates = o->own[i].set.on = o->own[i].set.gates = 0;
    for (int i = 0; i < l.n && !failed; i++) {
        char section[96], *equals = strchr(l.v[i], '=');
        if (equals)
            *equals = '\0';
        snprintf(section, sizeof section, "metric %s", l.v[i]);
        failed = gate_options_take(o, section, "gate", "yes", e) ||
                 (equals && gate_options_take(o, section, "tolerance", equals + 1, e));
    }
    if (!failed && !l.n)
        failed = err_set(e, ERR_USAGE, "--metric: name one at least; bench help gate lists them");
    free(l.v);
    return failed;
}

static int read_looks(const char *list, struct gate_rule *r, struct err *e)
{
    struct list l = list_split(list);
    int64_t before = 5, at = 0;
    int failed = l.n < 1 || l.n > GATE_MAX_LOOKS;
    for (int i = 0; i < l.n && !failed; i++) {
        failed = text_int(l.v[i], before + 1, 10000, &at);
        r->look[i] = (int)(before = at);
    }
    r->n_looks = l.n;
    free(l.v);
    return failed ? err_set(e, ERR_USAGE, "--looks %s: must be 1 to %d numbers of units, rising, the first 6 at least", list,
                            GATE_MAX_LOOKS)
                  : 0;
}

/* What is held against what. */
static int read_sides(const struct settings *s, struct gate_options *o, struct err *e)
{
    struct gate_config *g = &o->gate;
    const char *base_model = setting(s, "base-model");
    o->head_model = setting(s, "head-model");
    o->base_run = setting(s, "base-run"), o->head_run = setting(s, "head-run");
    g->base = setting(s, "base"), g->head = setting(s, "head"), g->null = setting(s, "null");
    g->base_commit = setting(s, "base-commit"), g->head_commit = setting(s, "head-commit");
    int live = g->base || g->head || base_model || o->head_model;
    if (!g->base != !g->head || !base_model != !o->head_model || !o->base_run != !o->head_run || live == !!o->base_run)
        return err_set(e, ERR_USAGE,
                       "gate: needs --base BENCH and --head BENCH, the programs of two builds, or --base-model FILE and "
                       "--head-model FILE, or all four; or --base-run RUN and --head-run RUN alone");
    if (base_model && args_get(s->args, "model"))
        return err_set(e, ERR_USAGE,
                       "gate: --model names the model of both sides; with --base-model and --head-model leave it out");
    for (int i = 0; base_model && i < 2; i++) {
        const char *path = i ? o->head_model : base_model;
        if (access(path, R_OK)) /* with a model that is not there nothing was compared */
            return err_set(e, ERR_INVALID, "%s: %s: name the GGUF file of a model", path, strerror(errno));
    }
    if (base_model) /* instead of the file's model, so that one gate.ini serves both */
        o->sweep.axis[AXIS_model] = base_model;
    return 0;
}

static int read_quality(const struct settings *s, struct sweep_config *c, struct err *e)
{
    int64_t window, task_context;
    if (setting_int(s, "window", 4, 1 << 20, 128, &window, e) ||
        setting_int(s, "task-context", 4, 1 << 20, 512, &task_context, e) || task_chat(setting(s, "chat"), &c->chat, e))
        return -1;
    c->reference = setting(s, "reference");
    c->tasks = setting(s, "tasks");
    c->task_folder = task_folder(setting(s, "prompts"));
    c->window = (int)window;
    c->task_context = (int)task_context;
    return 0;
}

int gate_options_read(const struct settings *s, struct gate_options *o, struct err *e)
{
    struct sweep_config *c = &o->sweep;
    struct gate_config *g = &o->gate;
    int64_t decode, batch, seed, rounds;
    const char *looks = setting(s, "looks"), *how = setting(s, "inconclusive"), *score = setting(s, "score");
    g->rule = gate_rule_default;
    if (setting_int(s, "decode", 1, 1 << 20, 8, &decode, e) || setting_int(s, "batch", 1, 1 << 20, 512, &batch, e) ||
        setting_int(s, "rounds", 2, 1000, 16, &rounds, e) || setting_int(s, "seed", 0, INT64_MAX, 1, &seed, e) ||
        setting_double(s, "alpha", 1e-9, 0.5, g->rule.alpha, &g->rule.alpha, e) ||
        setting_double(s, "beta", 1e-9, 0.5, g->rule.beta, &g->rule.beta, e) ||
        setting_double(s, "budget", 0, 1e9, 600, &g->budget_s, e) ||
        setting_double(s, "timeout", 0.001, 1e9, 600, &c->timeout_s, e) || (looks && read_looks(looks, &g->rule, e)))
        return -1;
    if (args_has(s->args, "json") && setting(s, "annotations"))
        return err_set(e, ERR_USAGE, "gate: --json and --annotations both print to stdout: choose one");
    if (rounds % 2)
        return err_set(e, ERR_USAGE, "--rounds %d: must be even, so that each program comes first equally often", (int)rounds);
    if (how && strcmp(how, "fail") != 0 && strcmp(how, "pass") != 0)
        return err_set(e, ERR_USAGE, "--inconclusive %s: must be fail or pass", how);
    if (score && strcmp(score, "differ") != 0 && strcmp(score, "always") != 0)
        return err_set(e, ERR_USAGE, "--score %s: must be differ or always", score);
    g->always_score = score && !strcmp(score, "always");
    o->lenient = how && !strcmp(how, "pass");
    g->rounds = (int)rounds;
    c->exclude = setting(s, "exclude");
    c->text = setting(s, "text");
    c->decode = (int)decode;
    c->batch = (int)batch;
    c->seed = (uint64_t)seed;
    for (int i = 0; i < AXES; i++)
        c->axis[i] = setting(s, axes[i].name);
    if (setting(s, "metric") && only_metrics(o, setting(s, "metric"), e))
        return -1;
    return read_sides(s, o, e) || read_quality(s, c, e) ? -1 : 0;
}
