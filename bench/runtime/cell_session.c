/* SPDX-License-Identifier: MIT */
#include "bench/runtime/cell_session.h"

#include <stdio.h>
#include <string.h>

#include "bench/policy.h"

void cell_session(const struct cell *c, int n_ctx, const int *cpus, struct session_options *o)
{
    char k[32];
    int sinks = 0, window = 0;
    const char *colon = strchr(c->kv, ':');
    policy_parse(c->policy, &sinks, &window);
    snprintf(k, sizeof k, "%.*s", (int)strcspn(c->kv, ":"), c->kv);
    *o = (struct session_options){.n_ctx = n_ctx,
                                  .batch = c->batch,
                                  .threads = c->threads,
                                  .cpus = cpus,
                                  .kv_k = format_by_name(k),
                                  .kv_v = format_by_name(colon ? colon + 1 : k),
                                  .window = window,
                                  .sinks = sinks,
                                  .isa = isa_best()};
    for (int i = 0; i < COMPUTES; i++)
        if (!strcmp(c->compute, compute_names[i]))
            o->compute = (enum compute)i;
    if (c->isa && strcmp(c->isa, "auto") != 0)
        isa_parse(c->isa, &o->isa);
}
