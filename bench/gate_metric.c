/* SPDX-License-Identifier: MIT */
#include "bench/gate_metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/stats.h"

#define DISTURBED 0.03 /* of the time: the pilot's limit for a clean round */

/* -- values of one process ------------------------------------------------------------------------------------------------- */

/* The mean of the quarter of the rounds that has the smallest values: the four of sixteen.  NaN as soon as one has none. */
static double undisturbed(const struct gate_process *p, double (*f)(const struct gate_sample *))
{
    double *v = calloc((size_t)p->n + 1, sizeof *v), x = NAN;
    size_t n = 0;
    if (!v)
        abort();
    while (n < (size_t)p->n && !isnan(v[n] = f(&p->sample[n])))
        n++;
    if (n && n == (size_t)p->n) {
        stats_sort(v, n);
        size_t quarter = n < 4 ? 1 : n / 4;
        x = 0;
        for (size_t i = 0; i < quarter; i++)
            x += v[i] / (double)quarter;
    }
    free(v);
    return x;
}

/* Quantile q of the times of the decoded tokens of n samples. */
static double token_quantile(const struct gate_sample *s, int n, double q)
{
    size_t tokens = 0, at = 0;
    for (int k = 0; k < n; k++)
        tokens += (size_t)s[k].part[PART_DECODE].tokens;
    double *v = calloc(tokens + 1, sizeof *v);
    if (!v)
        abort();
    for (int k = 0; k < n; k++)
        for (int i = 0; i < s[k].part[PART_DECODE].tokens; i++)
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
    return token_quantile(s, 1, 0.5);
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

#define UNDISTURBED(f)                                                                                                           \
    static double f##_undisturbed(const struct gate_process *p)                                                                  \
    {                                                                                                                            \
        return undisturbed(p, f);                                                                                                \
    }
UNDISTURBED(token_ns)
UNDISTURBED(token_cpu)
UNDISTURBED(token_instructions)
UNDISTURBED(prefill_ns)
UNDISTURBED(prefill_cpu)
UNDISTURBED(first_token)

static double token_p99(const struct gate_process *p)
{
    return token_quantile(p->sample, p->n, 0.99);
}

/* Over all rounds at once, because the meters advance in steps of a millisecond. */
static double token_energy(const struct gate_process *p)
{
    double sum = 0, tokens = 0;
    for (int k = 0; k < p->n; k++) {
        sum += or_nan(p->sample[k].part[PART_DECODE].energy_uj);
        tokens += p->sample[k].part[PART_DECODE].tokens;
    }
    return sum / tokens;
}

static double peak(const struct gate_process *p)
{
    return or_nan(p->peak_bytes);
}

/* -- the table ------------------------------------------------------------------------------------------------------------- */

#define MS 1e-6
#define MIB (1 / 1048576.0)

/* clang-format off */
const struct gate_metric gate_metrics[] = {
    {.name = "ms_per_token", .about = "time of a decoded token", .unit = "ms", .scale = MS, .tolerance = 0.05, .gates = 1,
     .value = token_ns_undisturbed},
    {.name = "cpu_per_token", .about = "CPU time of a decoded token, all threads", .unit = "ms", .scale = MS, .tolerance = 0.05,
     .gates = 1, .value = token_cpu_undisturbed},
    {.name = "prefill_ms", .about = "time of the prefill", .unit = "ms", .scale = MS, .tolerance = 0.05, .gates = 1,
     .value = prefill_ns_undisturbed},
    {.name = "prefill_cpu", .about = "CPU time of the prefill, all threads", .unit = "ms", .scale = MS, .tolerance = 0.05, .gates = 1,
     .value = prefill_cpu_undisturbed},
    {.name = "ttft_ms", .about = "prefill and the first decoded token", .unit = "ms", .scale = MS, .tolerance = 0.05,
     .value = first_token_undisturbed},
    {.name = "p99_ms", .about = "99% of the decoded tokens of a process take less", .unit = "ms", .scale = MS, .tolerance = 0.10,
     .value = token_p99},
    {.name = "instructions", .about = "instructions of a decoded token", .unit = "", .scale = 1, .tolerance = 0.005, .gates = 1,
     .may_be_absent = 1, .value = token_instructions_undisturbed},
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

/* -- waiting for a CPU --------------------------------------------------------------------------------------------------- */

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
