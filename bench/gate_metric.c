/* SPDX-License-Identifier: MIT */
#include "bench/gate_metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/stats.h"

#define DISTURBED 0.03 /* of the time: the pilot's limit for a clean round */

/* -- values of one process ------------------------------------------------------------------------------------------------- */

/* Median of f over the rounds that count; NaN as soon as one has no value. */
static double median_of(const struct gate_process *p, const unsigned char *keep, double (*f)(const struct gate_sample *))
{
    double *v = calloc((size_t)p->n + 1, sizeof *v), median = NAN;
    size_t n = 0;
    if (!v)
        abort();
    for (int k = 0; k < p->n; k++)
        if (keep[k])
            v[n++] = f(&p->sample[k]);
    for (size_t k = 0; k < n; k++)
        if (isnan(v[k]))
            n = 0;
    if (n) {
        stats_sort(v, n);
        median = stats_quantile(v, n, 0.5);
    }
    free(v);
    return median;
}

/* Quantile q of the times of the decoded tokens of the samples from .. to - 1 that count. */
static double token_quantile(const struct gate_sample *s, int n, const unsigned char *keep, double q)
{
    size_t tokens = 0, at = 0;
    for (int k = 0; k < n; k++)
        tokens += keep[k] ? (size_t)s[k].part[PART_DECODE].tokens : 0;
    double *v = calloc(tokens + 1, sizeof *v);
    if (!v)
        abort();
    for (int k = 0; k < n; k++)
        for (int i = 0; keep[k] && i < s[k].part[PART_DECODE].tokens; i++)
            v[at++] = (double)s[k].part[PART_DECODE].token_ns[i];
    stats_sort(v, tokens);
    double x = tokens ? stats_quantile(v, tokens, q) : NAN;
    free(v);
    return x;
}

static double or_nan(int64_t x)
{
    return x < 0 ? NAN : (double)x;
}

static double token_ns(const struct gate_sample *s)
{
    return token_quantile(s, 1, (const unsigned char[]){1}, 0.5);
}

static double token_cpu(const struct gate_sample *s)
{
    return or_nan(s->part[PART_DECODE].cpu_ns) / s->part[PART_DECODE].tokens;
}

static double token_instructions(const struct gate_sample *s)
{
    return or_nan(s->part[PART_DECODE].instructions) / s->part[PART_DECODE].tokens;
}

static double prefill_ns(const struct gate_sample *s)
{
    return (double)s->part[PART_PREFILL].ns;
}

static double prefill_cpu(const struct gate_sample *s)
{
    return or_nan(s->part[PART_PREFILL].cpu_ns);
}

static double first_token(const struct gate_sample *s)
{
    return (double)(s->part[PART_PREFILL].ns + s->part[PART_DECODE].token_ns[0]);
}

#define MEDIAN(f)                                                                                                                \
    static double f##_median(const struct gate_process *p, const unsigned char *keep)                                            \
    {                                                                                                                            \
        return median_of(p, keep, f);                                                                                            \
    }
MEDIAN(token_ns)
MEDIAN(token_cpu)
MEDIAN(token_instructions)
MEDIAN(prefill_ns)
MEDIAN(prefill_cpu)
MEDIAN(first_token)

static double token_p99(const struct gate_process *p, const unsigned char *keep)
{
    return token_quantile(p->sample, p->n, keep, 0.99);
}

/* Over all rounds at once, because the meters advance in steps of a millisecond. */
static double token_energy(const struct gate_process *p, const unsigned char *keep)
{
    double sum = 0, tokens = 0;
    for (int k = 0; k < p->n; k++) {
        sum += keep[k] ? or_nan(p->sample[k].part[PART_DECODE].energy_uj) : 0;
        tokens += keep[k] ? p->sample[k].part[PART_DECODE].tokens : 0;
    }
    return sum / tokens;
}

static double peak(const struct gate_process *p, const unsigned char *keep)
{
    (void)keep;
    return or_nan(p->peak_bytes);
}

/* -- the table ------------------------------------------------------------------------------------------------------------- */

#define MS 1e-6
#define MIB (1 / 1048576.0)

/* clang-format off */
const struct gate_metric gate_metrics[] = {
    {.name = "ms_per_token", .about = "median time of a decoded token", .unit = "ms", .scale = MS, .tolerance = 0.05, .gates = 1,
     .value = token_ns_median, .wall = 1},
    {.name = "cpu_per_token", .about = "CPU time of a decoded token, all threads", .unit = "ms", .scale = MS, .tolerance = 0.05,
     .gates = 1, .value = token_cpu_median},
    {.name = "prefill_ms", .about = "time of the prefill", .unit = "ms", .scale = MS, .tolerance = 0.05, .gates = 1,
     .value = prefill_ns_median, .wall = 1},
    {.name = "prefill_cpu", .about = "CPU time of the prefill, all threads", .unit = "ms", .scale = MS, .tolerance = 0.05, .gates = 1,
     .value = prefill_cpu_median},
    {.name = "ttft_ms", .about = "prefill and the first decoded token", .unit = "ms", .scale = MS, .tolerance = 0.05,
     .value = first_token_median, .wall = 1},
    {.name = "p99_ms", .about = "99% of the decoded tokens of a process take less", .unit = "ms", .scale = MS, .tolerance = 0.10,
     .value = token_p99, .wall = 1},
    {.name = "instructions", .about = "instructions of a decoded token", .unit = "", .scale = 1, .tolerance = 0.005, .gates = 1,
     .may_be_absent = 1, .value = token_instructions_median},
    /* Of all packages, whoever used it meanwhile: told, because a unit cannot tell its own from others'. */
    {.name = "joules_per_token", .about = "energy of a decoded token, of all packages", .unit = "J", .scale = 1e-6, .tolerance = 0.05,
     .may_be_absent = 1, .value = token_energy},
    /* The kernel counts resident pages in batches, so a peak is never exact. */
    {.name = "peak_memory", .about = "peak resident memory of the process", .unit = "MiB", .scale = MIB, .tolerance = 0.02,
     .floor = 4 << 20, .gates = 1, .may_be_absent = 1, .value = peak},
    {.name = "arena", .about = "bytes of activations and scratch", .unit = "MiB", .scale = MIB, .gates = 1, .fact = "arena"},
    {.name = "kv", .about = "bytes of the KV cache", .unit = "MiB", .scale = MIB, .gates = 1, .fact = "kv"},
    {.name = "weights", .about = "bytes of the mapped model", .unit = "MiB", .scale = MIB, .gates = 1, .fact = "weights"},
    {.name = "tables", .about = "bytes of tokenizer and tensor index", .unit = "MiB", .scale = MIB, .gates = 1, .fact = "tables"},
    {.name = "file_size", .about = "bytes of the model's file", .unit = "MiB", .scale = MIB, .gates = 1, .fact = "file_size",
     .of_model = 1},
    /* A faster kernel may round otherwise: whether that is worse is a question of quality, not of bits. */
    {.name = "logits", .about = "hash of the logits of the context's first tokens", .unit = "", .scale = 1, .fact = "logits",
     .must_equal = 1},
};
/* clang-format on */
const int gate_n_metrics = sizeof gate_metrics / sizeof *gate_metrics;

int gate_metric_index(const char *name)
{
    for (int i = 0; i < gate_n_metrics; i++)
        if (!strcmp(gate_metrics[i].name, name))
            return i;
    return -1;
}

/* -- rounds that count ----------------------------------------------------------------------------------------------------- */

/* 1 disturbed, 0 not, -1 when the kernel does not tell. */
static int is_disturbed(const struct gate_unit *u, int round)
{
    int yes = 0;
    for (int i = 0; i < GATE_ARMS; i++)
        for (int part = 0; part < GATE_PARTS; part++) {
            int64_t delay = u->arm[i].sample[round].part[part].run_delay_ns, ns = u->arm[i].sample[round].part[part].ns;
            if (delay < 0)
                return -1;
            yes |= (double)delay > DISTURBED * (double)ns * u->threads;
        }
    return yes;
}

double gate_disturbed(const struct gate_unit *u)
{
    int n = 0;
    for (int k = 0; k < u->rounds; k++) {
        int one = is_disturbed(u, k);
        if (one < 0)
            return NAN;
        n += one;
    }
    return (double)n / u->rounds;
}

double gate_metric_value(const struct gate_metric *m, const struct gate_unit *u, enum gate_arm arm)
{
    unsigned char *keep = calloc((size_t)u->rounds + 1, 1);
    int kept = 0;
    if (!keep)
        abort();
    for (int k = 0; m->wall && k < u->rounds; k++)
        kept += keep[k] = is_disturbed(u, k) <= 0;
    if (kept < 2)
        memset(keep, 1, (size_t)u->rounds);
    double x = m->value(&u->arm[arm], keep);
    free(keep);
    return x;
}
