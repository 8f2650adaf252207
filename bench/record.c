/* SPDX-License-Identifier: MIT */
#include "bench/record.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

int record_run(struct store *s, const struct store_run *r, const struct probe_env *env, int64_t *run, char skip[RECORD_SKIP],
               struct err *e)
{
    struct probe_set *set = probe_set_open(env, "");
    if (!set)
        return err_set(e, ERR_ENV, "out of memory for the probes");
    struct store_probe *states = calloc((size_t)probe_set_count(set) + 1, sizeof *states);
    struct text names = {0};
    if (!states)
        abort();
    for (int i = 0; i < probe_set_count(set); i++) {
        states[i].state = probe_set_state(set, i, &states[i].name, &states[i].reason);
        if (states[i].state != STATE_OK && states[i].state != STATE_SUSPECT)
            text_printf(&names, "%s%s", names.n ? "," : "", states[i].name);
    }
    snprintf(skip, RECORD_SKIP, "%s", names.p ? names.p : "");
    text_free(&names);
    int failed = *run ? store_run_end(s, *run, "running", e) : store_run_begin(s, r, states, probe_set_count(set), run, e);
    free(states);
    probe_set_close(set);
    return failed;
}

int record_variants(struct store *s, struct plan *p, struct err *e)
{
    for (int i = 0; i < p->n_models; i++) {
        struct plan_model *m = &p->models[i];
        struct store_model row = {.path = m->path,
                                  .sha256 = m->facts.sha256,
                                  .name = m->facts.name,
                                  .arch = m->facts.arch,
                                  .file_bytes = m->facts.file_bytes,
                                  .parameters = m->facts.parameters,
                                  .metadata = m->facts.metadata};
        if (store_model(s, &row, &m->id, e))
            return -1;
    }
    for (int i = 0; i < p->n_variants; i++) {
        struct plan_variant *v = &p->variants[i];
        const struct plan_file *f = &p->files[v->file];
        struct store_variant row = {.format = *f->prepared.format ? f->prepared.format : f->asked,
                                    .kv = v->kv,
                                    .policy = v->policy,
                                    .compute = v->compute,
                                    .note = *f->prepared.note ? f->prepared.note : NULL};
        if (store_variant(s, f->model < 0 ? 0 : p->models[f->model].id, &row, &v->id, e))
            return -1;
    }
    return 0;
}

int record_cell(struct store *s, int64_t run, const struct plan *p, struct plan_cell *pc, struct err *e)
{
    struct store_cell row = {.variant = p->variants[pc->variant].id,
                             .runtime = pc->cell->runtime,
                             .isa = pc->cell->isa,
                             .compute = pc->cell->compute,
                             .context = pc->cell->context,
                             .threads = pc->cell->threads,
                             .decode = pc->cell->decode,
                             .batch = pc->cell->batch,
                             .weights_bytes = pc->expected.weights,
                             .kv_bytes = pc->expected.kv,
                             .arena_bytes = pc->expected.arena,
                             .tables_bytes = pc->expected.tables,
                             .infeasible = *pc->why ? pc->why : NULL};
    return store_cell(s, run, &row, &pc->id, e);
}
