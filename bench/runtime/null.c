/* The runtime that runs nothing: prefill is instant and every token takes exactly 1 ms.
 *
 * It measures the harness.  A token ends at an absolute deadline (start of decoding + i ms) that the thread spins for, so that
 * what the harness adds between two tokens is absorbed and a figure other than 1.00 ms/token is the harness's fault. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bench/runtime/runtime.h"

#define TOKEN_NS 1000000

struct null_state {
    int64_t deadline; /* end of the current token; 0 before the first */
};

static int prepare(const struct cell *c, const char *source_sha256, const char *cache, int make, struct prepared *p,
                   struct err *e)
{
    (void)source_sha256, (void)cache, (void)make, (void)e;
    *p = (struct prepared){0};
    snprintf(p->format, sizeof p->format, "%s", c->format);
    return 0;
}

static int plan(const struct cell *c, struct prepared *p, struct expected *x, struct err *e)
{
    (void)c, (void)p, (void)e;
    *x = (struct expected){0};
    return 0;
}

static int load(void *self, const struct cell *c, const char *path, const int *cpus, struct err *e)
{
    (void)self, (void)c, (void)path, (void)cpus, (void)e;
    return 0;
}

static int encode(void *self, const char *text, size_t len, int **ids, int *n, struct err *e)
{
    (void)self;
    *ids = malloc((len + 1) * sizeof **ids);
    if (!*ids)
        return err_set(e, ERR_ENV, "null runtime: out of memory for %zu ids", len);
    for (size_t i = 0; i < len; i++)
        (*ids)[i] = (unsigned char)text[i];
    *n = (int)len;
    return 0;
}

static int made_up(void *self, int *ids, int n, unsigned long seed)
{
    (void)self, (void)seed;
    for (int i = 0; i < n; i++)
        ids[i] = i & 255;
    return 0;
}

static int prefill(void *self, const int *ids, int n, struct err *e)
{
    (void)ids, (void)n, (void)e;
    ((struct null_state *)self)->deadline = 0;
    return 0;
}

static int decode(void *self, int *id, struct err *e)
{
    (void)e;
    struct null_state *s = self;
    s->deadline = (s->deadline ? s->deadline : clock_ns()) + TOKEN_NS;
    while (clock_ns() < s->deadline)
        ;
    *id = 0;
    return 0;
}

static int nll(void *self, const int *ids, int n, int from, double *out, struct err *e)
{
    (void)self, (void)ids, (void)n, (void)from, (void)out;
    return err_set(e, ERR_USAGE, "null runtime: it has no model whose answers could be scored; leave --text out");
}

/* It has neither BOS nor EOS. */
static int bos(void *self)
{
    (void)self;
    return -1;
}

static const char *piece(void *self, int id, int *n)
{
    (void)self, (void)id;
    *n = 0;
    return "";
}

static void close_null(void *self)
{
    (void)self;
}

const struct runtime runtime_null = {
    .name = "null",
    .about = "runs nothing: instant prefill, 1 ms a token; measures the harness",
    .size = sizeof(struct null_state),
    .prepare = prepare,
    .plan = plan,
    .load = load,
    .encode = encode,
    .made_up = made_up,
    .prefill = prefill,
    .decode = decode,
    .nll = nll,
    .bos = bos,
    .eos = bos,
    .piece = piece,
    .close = close_null,
};
