/* SPDX-License-Identifier: MIT */
#include "bench/gate_past.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *zeroed(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);
    if (!p)
        abort();
    return p;
}

static int64_t whole_number(const char *s)
{
    return s ? strtoll(s, NULL, 10) : -1;
}

static double real(const char *s)
{
    return s ? strtod(s, NULL) : NAN;
}

/* -- the gate, its cells and verdicts ---------------------------------------------------------------------------------------- */

static int read_rule(struct gate_past *p, const char *text)
{
    json_t *j = json_loads(text, 0, NULL), *looks = NULL;
    struct gate_rule *r = &p->rule;
    int bad = !j || json_unpack(j, "{s:F, s:F, s:F, s:F, s:o, s:i}", "alpha", &r->alpha, "beta", &r->beta, "confirm", &r->confirm,
                                "q", &r->q, "looks", &looks, "rounds", &p->rounds);
    size_t n = bad ? 0 : json_array_size(looks);
    bad |= n < 1 || n > GATE_MAX_LOOKS || p->rounds < 2 || p->rounds > 1000;
    r->n_looks = bad ? 0 : (int)n;
    for (int i = 0; i < r->n_looks; i++)
        r->look[i] = (int)json_integer_value(json_array_get(looks, (size_t)i));
    json_decref(j);
    return bad;
}

static int take_gate(void *ctx, int n, const char *const *column, const char *const *value)
{
    struct gate_past *p = ctx;
    (void)n, (void)column;
    p->rule_version = read_rule(p, value[1]) ? 0 : (int)whole_number(value[0]);
    snprintf(p->outcome, sizeof p->outcome, "%s", value[2] ? value[2] : "");
    p->seconds = real(value[3]);
    return 0;
}

static int take_cell(void *ctx, int n, const char *const *column, const char *const *value)
{
    struct gate_past *p = ctx;
    (void)n, (void)column;
    p->cell = realloc(p->cell, (size_t)(p->n + 1) * sizeof *p->cell);
    if (!p->cell)
        abort();
    struct gate_past_cell *c = &p->cell[p->n++];
    *c = (struct gate_past_cell){.id = whole_number(value[0]), .label = strdup(value[1]), .threads = (int)whole_number(value[2])};
    if (!c->label)
        abort();
    c->metric = zeroed((size_t)gate_n_metrics, sizeof *c->metric);
    return 0;
}

static int take_verdict(void *ctx, int n, const char *const *column, const char *const *value)
{
    struct gate_past *p = ctx;
    int64_t cell = whole_number(value[0]);
    int metric = gate_metric_index(value[1]);
    (void)n, (void)column;
    for (int i = 0; i < p->n && metric >= 0 && gate_metrics[metric].value; i++) {
        struct gate_past_metric *m = &p->cell[i].metric[metric];
        if (p->cell[i].id != cell)
            continue;
        *m = (struct gate_past_metric){.on = 1,
                                       .gates = (int)whole_number(value[2]),
                                       .units = (int)whole_number(value[4]),
                                       .confirm_units = value[5] ? (int)whole_number(value[5]) : 0,
                                       .tolerance = real(value[6]),
                                       .estimate = real(value[7])};
        snprintf(m->outcome, sizeof m->outcome, "%s", value[3]);
    }
    return 0;
}

/* -- units ------------------------------------------------------------------------------------------------------------------- */

struct reader {
    const struct gate_past *past;
    struct gate_past_cell *cell;
    int64_t number;
    int confirm;
};

/* Times of tokens as SQL's hex() gives them: 8 bytes each, little-endian. */
static int64_t *times(const char *hex, int n)
{
    if (strlen(hex) != (size_t)n * 16)
        return NULL;
    int64_t *out = zeroed((size_t)n, sizeof *out);
    for (int i = 0; i < n; i++) {
        uint64_t v = 0;
        for (int byte = 7; byte >= 0; byte--) {
            const char pair[3] = {hex[16 * i + 2 * byte], hex[16 * i + 2 * byte + 1], 0};
            v = v << 8 | strtoul(pair, NULL, 16);
        }
        out[i] = (int64_t)v;
    }
    return out;
}

static struct gate_unit *unit_of(struct reader *r, int64_t number, int confirm)
{
    struct gate_past_cell *c = r->cell;
    if (c->n && r->number == number && r->confirm == confirm)
        return &c->unit[c->n - 1];
    r->number = number, r->confirm = confirm;
    c->unit = realloc(c->unit, (size_t)(c->n + 1) * sizeof *c->unit);
    if (!c->unit)
        abort();
    struct gate_unit *u = &c->unit[c->n++];
    c->first += !confirm;
    *u = (struct gate_unit){.rounds = r->past->rounds, .threads = c->threads};
    for (int i = 0; i < GATE_ARMS; i++) {
        u->arm[i].outcome.state = "failed"; /* until its row comes */
        u->arm[i].peak_bytes = -1;
        u->arm[i].sample = zeroed((size_t)u->rounds, sizeof *u->arm[i].sample);
    }
    return u;
}

static int index_of(const char *name, const char *const *names, int n)
{
    int i = 0;
    while (i < n && strcmp(name, names[i]) != 0)
        i++;
    return i;
}

/* A sample of a process, or a process without any. */
static int take_sample(void *ctx, int n, const char *const *column, const char *const *value)
{
    struct reader *r = ctx;
    struct gate_unit *u = unit_of(r, whole_number(value[1]), !strcmp(value[0], "confirm"));
    struct gate_process *p = &u->arm[index_of(value[2], gate_arm_names, GATE_ARMS) % GATE_ARMS];
    (void)n, (void)column;
    p->outcome.state = strcmp(value[3], "ok") != 0 ? "failed" : "ok";
    p->peak_bytes = whole_number(value[4]);
    if (!value[5])
        return 0;
    int64_t round = whole_number(value[5]);
    int part = index_of(value[6], gate_part_names, GATE_PARTS);
    if (round < 0 || round >= u->rounds || part == GATE_PARTS) {
        p->outcome.state = "failed";
        return 0;
    }
    struct gate_sample *s = &p->sample[round];
    s->place = (int)whole_number(value[7]);
    s->part[part].ns = whole_number(value[8]);
    s->part[part].tokens = (int)whole_number(value[9]);
    s->part[part].token_ns = value[10] && *value[10] ? times(value[10], s->part[part].tokens) : NULL;
    s->part[part].cpu_ns = whole_number(value[11]);
    s->part[part].run_delay_ns = whole_number(value[12]);
    s->part[part].nivcsw = whole_number(value[13]);
    s->part[part].instructions = whole_number(value[14]);
    s->part[part].energy_uj = whole_number(value[15]);
    p->n += part == PART_DECODE;
    return 0;
}

static void take_values(struct gate_past_cell *c)
{
    c->whole = zeroed((size_t)c->n, 1);
    for (int i = 0; i < c->n; i++) {
        struct err why;
        c->whole[i] = !gate_unit_check(&c->unit[i], &why);
    }
    for (int k = 0; k < gate_n_metrics; k++) {
        double *v = c->metric[k].on ? zeroed((size_t)c->n * GATE_ARMS, sizeof *v) : NULL;
        for (int i = 0; v && i < c->n; i++)
            for (int arm = 0; arm < GATE_ARMS; arm++)
                v[i * GATE_ARMS + arm] = c->whole[i] ? gate_metrics[k].value(&c->unit[i].arm[arm]) : NAN;
        c->metric[k].value = v;
    }
}

int gate_past_load(struct gate_past *p, struct store *s, int64_t run, struct err *e)
{
    char id[24];
    const char *const params[] = {id, NULL};
    snprintf(id, sizeof id, "%lld", (long long)run);
    *p = (struct gate_past){.run = run};
    if (store_query(
            s,
            "SELECT g.rule_version, g.rule, g.outcome, (r.ended_ns - r.started_ns) / 1e9 FROM gate g JOIN run r ON r.id = g.run "
            "WHERE g.run = CAST(?1 AS INTEGER)",
            params, take_gate, p, e))
        return -1;
    if (!p->rule_version)
        return err_set(e, ERR_ENV, "gate %lld: there is none, or the numbers of its rule cannot be read", (long long)run);
    if (store_query(s, "SELECT cell, label, threads FROM v_place WHERE run = CAST(?1 AS INTEGER) ORDER BY cell", params,
                    take_cell, p, e) ||
        store_query(
            s,
            "SELECT v.cell, v.metric, v.gates, v.outcome, v.units, v.confirm_units, v.tolerance, v.estimate FROM verdict v "
            "JOIN cell c ON c.id = v.cell WHERE c.run = CAST(?1 AS INTEGER)",
            params, take_verdict, p, e))
        return -1;
    for (int i = 0; i < p->n; i++) {
        struct reader r = {.past = p, .cell = &p->cell[i]};
        snprintf(id, sizeof id, "%lld", (long long)p->cell[i].id);
        if (store_query(s,
                        "SELECT u.phase, u.number, u.arm, u.state, u.peak_bytes, s.round, s.kind, s.place, s.ns, s.tokens, "
                        "hex(s.token_ns), s.cpu_ns, s.run_delay_ns, s.nivcsw, s.instructions, s.energy_uj FROM unit u "
                        "LEFT JOIN sample s ON s.unit = u.id WHERE u.cell = CAST(?1 AS INTEGER) "
                        "ORDER BY u.phase = 'confirm', u.number, u.arm, s.round, s.kind",
                        params, take_sample, &r, e))
            return -1;
        take_values(&p->cell[i]);
    }
    return 0;
}

void gate_past_free(struct gate_past *p)
{
    for (int i = 0; i < p->n; i++) {
        struct gate_past_cell *c = &p->cell[i];
        for (int k = 0; k < c->n; k++)
            gate_unit_free(&c->unit[k]);
        for (int k = 0; k < gate_n_metrics; k++)
            free(c->metric[k].value);
        free(c->unit);
        free(c->whole);
        free(c->metric);
        free(c->label);
    }
    free(p->cell);
    *p = (struct gate_past){0};
}

/* -- replay ------------------------------------------------------------------------------------------------------------------ */

struct replay {
    const struct gate_past *past;
    struct gate_member *member, *fresh; /* [cells][gate_n_metrics] */
    unsigned char *absent;              /* likewise */
    unsigned char *invalid;             /* [cells] */
};

static void take_unit(struct replay *r, int cell, int unit, int confirm)
{
    const struct gate_past_cell *c = &r->past->cell[cell];
    r->invalid[cell] |= !c->whole[unit];
    for (int k = 0; k < gate_n_metrics && !r->invalid[cell]; k++) {
        struct gate_member *m = &r->member[cell * gate_n_metrics + k];
        const double *v = c->metric[k].value ? c->metric[k].value + (size_t)unit * GATE_ARMS : NULL;
        if (!v || r->absent[cell * gate_n_metrics + k])
            continue;
        int missing = !(v[ARM_BASE] > 0) + !(v[ARM_HEAD] > 0) + !(v[ARM_NULL] > 0);
        if (missing && !strcmp(c->metric[k].outcome, "absent")) {
            r->absent[cell * gate_n_metrics + k] = 1;
            m->gates = 0;
            m->outcome = GATE_PASS;
        } else if (missing) {
            r->invalid[cell] = 1;
        } else {
            gate_member_add(confirm ? &r->fresh[cell * gate_n_metrics + k] : m, log(v[ARM_HEAD] / v[ARM_BASE]),
                            log(v[ARM_NULL] / v[ARM_BASE]));
        }
    }
}

static void measure(struct replay *r)
{
    const struct gate_past *p = r->past;
    int most = 0;
    for (int i = 0; i < p->n; i++)
        most = p->cell[i].first > most ? p->cell[i].first : most;
    for (int unit = 0; unit < most; unit++) {
        for (int i = 0; i < p->n; i++)
            if (unit < p->cell[i].first)
                take_unit(r, i, unit, 0);
        gate_decide(&p->rule, r->member, p->n * gate_n_metrics);
    }
}

static void confirm(struct replay *r)
{
    for (int i = 0; i < r->past->n; i++)
        for (int unit = r->past->cell[i].first; unit < r->past->cell[i].n; unit++)
            take_unit(r, i, unit, 1);
    for (int i = 0; i < r->past->n * gate_n_metrics; i++) {
        struct gate_judgement j;
        if (r->member[i].outcome == GATE_SUSPECT && r->fresh[i].n)
            gate_confirm(&r->past->rule, &r->member[i], r->fresh[i].head, r->fresh[i].null, r->fresh[i].n, &j);
    }
}

static const char *outcome_of(const struct replay *r, int cell, int metric)
{
    int i = cell * gate_n_metrics + metric;
    enum gate_outcome o = r->member[i].outcome;
    if (!r->past->cell[cell].metric[metric].on || !r->past->cell[cell].n)
        return NULL;
    if (r->invalid[cell])
        return gate_outcome_name(GATE_INVALID);
    return r->absent[i] ? "absent" : gate_outcome_name(o == GATE_OPEN || o == GATE_SUSPECT ? GATE_INCONCLUSIVE : o);
}

void gate_past_replay(const struct gate_past *p, struct gate_replayed *out)
{
    int n = p->n * gate_n_metrics;
    struct replay r = {.past = p,
                       .member = zeroed((size_t)n, sizeof *r.member),
                       .fresh = zeroed((size_t)n, sizeof *r.fresh),
                       .absent = zeroed((size_t)n, 1),
                       .invalid = zeroed((size_t)p->n, 1)};
    for (int i = 0; i < n; i++) {
        const struct gate_past_metric *m = &p->cell[i / gate_n_metrics].metric[i % gate_n_metrics];
        r.member[i] = (struct gate_member){
            .tolerance = m->tolerance, .gates = m->on && m->gates, .p_looks = 1, .outcome = m->on ? GATE_OPEN : GATE_PASS};
    }
    measure(&r);
    confirm(&r);
    for (int i = 0; i < n; i++) {
        struct gate_member *m = &r.member[i];
        if (m->outcome == GATE_OPEN) /* between two looks, as bench/gate_verdict.c tells it */
            gate_judge(&m->now, m->head, m->null, m->n, m->tolerance, p->rule.alpha / p->rule.n_looks,
                       p->rule.beta / p->rule.n_looks, p->rule.alpha / p->rule.n_looks);
        out[i] = (struct gate_replayed){outcome_of(&r, i / gate_n_metrics, i % gate_n_metrics), m->now.estimate,
                                        r.absent[i] ? 0 : m->now.n};
        gate_member_free(m);
        gate_member_free(&r.fresh[i]);
    }
    free(r.member);
    free(r.fresh);
    free(r.absent);
    free(r.invalid);
}
