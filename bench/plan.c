/* Expected time of a trial, only ever shown as "about": loading reads the file once, a decoded token reads the weights and the
 * KV cache once, a prefilled token costs an eighth of a decoded one (the bar of the kernels is a quarter), and a process costs
 * 0.02 s to start.  While a sweep runs, its remaining time comes from the trials that were measured. */
/* SPDX-License-Identifier: MIT */
#include "bench/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static void *grow(void *array, int n, size_t size)
{
    if (n & (n - 1)) /* room for a power of two is there */
        return array;
    void *p = realloc(array, (size_t)(n ? 2 * n : 1) * size);
    if (!p)
        abort();
    return p;
}

/* *index: of the model, -1 for a runtime without one. */
static int find_model(struct plan *p, const struct sweep_config *c, const struct runtime *r, const char *path, int *index,
                      struct err *e)
{
    *index = -1;
    if (!r->has_model)
        return 0;
    for (int i = 0; i < p->n_models; i++)
        if (!strcmp(p->models[i].path, path)) {
            *index = i;
            return 0;
        }
    if (!*path)
        return err_set(e, ERR_USAGE,
                       "--model FILE is needed: the %s runtime runs a GGUF file; bench synth makes one of a known shape",
                       r->name);
    p->models = grow(p->models, p->n_models, sizeof *p->models);
    struct plan_model *m = &p->models[p->n_models];
    *m = (struct plan_model){.path = path};
    if (r->describe(path, p->text, p->text_len, c->cache, &m->facts, e))
        return -1;
    *index = p->n_models++;
    if (!c->text && m->facts.text_tokens != INT_MAX)
        return err_set(e, ERR_USAGE, "--text FILE is needed: %s has a vocabulary, so its context is filled with real text", path);
    return 0;
}

/* How the tasks are asked of this model, where that is up to its chat template. */
static void note_chat(const struct plan *p, struct plan_file *f)
{
    const char *chat = f->model < 0 ? "" : p->models[f->model].facts.chat;
    size_t n = strlen(f->prepared.note);
    int asked = 0;
    for (int i = 0; i < p->n_tasks; i++)
        asked |= p->tasks[i].chat;
    if (asked && *chat)
        snprintf(f->prepared.note + n, sizeof f->prepared.note - n, "%s%s%s", n ? "; " : "",
                 "chat template: ", strcmp(chat, "unknown") != 0 ? chat : "not one that is known, tasks are asked without");
}

static int find_file(struct plan *p, const struct sweep_config *c, const struct runtime *r, const struct cell *cell, int make,
                     void (*say)(const char *), struct err *e)
{
    int model;
    if (find_model(p, c, r, cell->model, &model, e))
        return -1;
    for (int i = 0; i < p->n_files; i++)
        if (p->files[i].model == model && p->files[i].runtime == r && !strcmp(p->files[i].asked, cell->format))
            return i;
    p->files = grow(p->files, p->n_files, sizeof *p->files);
    struct plan_file *f = &p->files[p->n_files];
    *f = (struct plan_file){.model = model, .runtime = r, .asked = cell->format};
    const char *sha256 = model < 0 ? "" : p->models[model].facts.sha256;
    struct err why = {0};
    int failed = r->prepare(cell, sha256, c->cache, 0, &f->prepared, &why);
    if (!failed && make && f->prepared.missing) {
        char what[256];
        snprintf(what, sizeof what, "deriving %s of %s", cell->format, cell->model);
        if (say)
            say(what);
        failed = r->prepare(cell, sha256, c->cache, 1, &f->prepared, &why);
    }
    if (failed && why.code == ERR_ENV) { /* a full disk is not a property of the cell */
        *e = why;
        return -1;
    }
    if (failed)
        snprintf(f->why, sizeof f->why, "%.*s", (int)sizeof f->why - 1, why.msg);
    note_chat(p, f);
    return p->n_files++;
}

static int find_variant(struct plan *p, int file, const struct cell *cell)
{
    for (int i = 0; i < p->n_variants; i++) {
        const struct plan_variant *v = &p->variants[i];
        if (v->file == file && !strcmp(v->kv, cell->kv) && !strcmp(v->policy, cell->policy) && !strcmp(v->compute, cell->compute))
            return i;
    }
    p->variants = grow(p->variants, p->n_variants, sizeof *p->variants);
    p->variants[p->n_variants] =
        (struct plan_variant){.file = file, .kv = cell->kv, .policy = cell->policy, .compute = cell->compute, .scored_by = -1};
    return p->n_variants++;
}

static void close_file(struct plan_file *f)
{
    if (f->runtime->planned)
        f->runtime->planned(&f->prepared);
}

/* Why the cell cannot run on this machine; e is left empty when it can. */
static void check_cell(struct plan *p, struct plan_cell *pc, int64_t available, struct err *e)
{
    const struct cell *c = pc->cell;
    struct plan_file *f = &p->files[p->variants[pc->variant].file];
    const struct plan_model *m = f->model < 0 ? NULL : &p->models[f->model];
    int cpus[TOPOLOGY_MAX_CPUS];
    if (*f->why) {
        err_set(e, ERR_INVALID, "%s", f->why);
        return;
    }
    if (m && p->text && m->facts.text_tokens < c->context) {
        err_set(e, ERR_INVALID, "the text has %d tokens, a context of %d needs more; give a longer --text", m->facts.text_tokens,
                c->context);
        return;
    }
    if (topology_pick(p->topology, c->threads, cpus, e) || f->runtime->plan(c, &f->prepared, &pc->expected, e))
        return;
    int distinct = topology_distinct(cpus, c->threads);
    pc->on_cpus = distinct < c->threads ? distinct : 0;
    int64_t need = pc->expected.weights + pc->expected.kv + pc->expected.arena + pc->expected.tables;
    if (available > 0 && need > available)
        err_set(e, ERR_INVALID, "needs %.0f MiB, %.0f are free", (double)need / 1048576, (double)available / 1048576);
}

static double expected_seconds(const struct plan_cell *pc, double bytes_per_s)
{
    const struct cell *c = pc->cell;
    if (bytes_per_s <= 0 || pc->expected.weights <= 0)
        return -1;
    double token = (double)(pc->expected.weights + pc->expected.kv / 2) / bytes_per_s;
    return 0.02 + (double)pc->expected.weights / bytes_per_s + token * c->decode + token / 8 * c->context;
}

/* Of two cells of a variant, does a score it sooner?  Quality does not depend on threads; more of them are quicker, until they
 * share CPUs. */
static int scores_sooner(const struct plan_cell *a, const struct plan_cell *b)
{
    if (!a->on_cpus != !b->on_cpus)
        return !a->on_cpus;
    return a->on_cpus ? a->cell->threads < b->cell->threads : a->cell->threads > b->cell->threads;
}

static void make_key(struct plan *p, const struct sweep_config *c, const char *build)
{
    struct text t = {0};
    text_printf(&t, "%s|%d|%d|%d|%d|%llu|%s|%s", build, c->decode, c->batch, c->trials, c->window, (unsigned long long)c->seed,
                p->text_sha256, c->exclude ? c->exclude : "");
    text_printf(&t, "|%s", c->reference ? c->reference : "");
    for (int i = 0; i < AXES; i++)
        for (int k = 0; k < p->matrix.values[i].n; k++)
            text_printf(&t, "|%s=%s", axes[i].name, p->matrix.values[i].v[k]);
    for (int i = 0; i < p->n_models; i++)
        text_printf(&t, "|%s", p->models[i].facts.sha256);
    for (int i = 0; i < p->n_tasks; i++)
        text_printf(&t, "|%s %s %d", p->tasks[i].name, p->tasks[i].sha256, c->task_context);
    for (int i = 0; i < p->matrix.n; i++) /* what shares CPUs is not gone on with on another number of them */
        if (p->cells[i].on_cpus)
            text_printf(&t, "|%d on %d", i, p->cells[i].on_cpus);
    sha256_bytes(t.p, t.n, p->key);
    text_free(&t);
}

/* The reference must be one of the formats that are measured: its weights are there then. */
static int check_reference(const struct plan *p, const struct sweep_config *c, struct err *e)
{
    const struct list *formats_asked = &p->matrix.values[AXIS_format];
    for (int i = 0; c->reference && i < formats_asked->n; i++)
        if (!strcmp(formats_asked->v[i], c->reference))
            return 0;
    return c->reference ? err_set(e, ERR_USAGE, "--reference %s: must be one of the formats of --format", c->reference) : 0;
}

int plan_open(struct plan *p, const struct sweep_config *c, int make, double bytes_per_s, const char *build,
              void (*say)(const char *what), struct err *e)
{
    *p = (struct plan){0};
    if (matrix_open(&p->matrix, c->axis, c->exclude, e))
        return -1;
    if (topology_open(&p->topology, e))
        goto failed;
    if (c->text) {
        p->text = file_read(c->text, &p->text_len, e);
        if (!p->text)
            goto failed;
        sha256_bytes(p->text, p->text_len, p->text_sha256);
    }
    if (c->tasks && task_list_open(&p->tasks, &p->n_tasks, c->tasks, c->task_folder, e))
        goto failed;
    if (c->chat)
        task_list_chat(p->tasks, p->n_tasks);
    p->cells = calloc((size_t)p->matrix.n, sizeof *p->cells);
    if (!p->cells)
        abort();
    int64_t available = file_field("/proc/meminfo", "MemAvailable:") * 1024; /* negative where the kernel does not say */
    int at_hand = -1; /* the one file that is kept open while its cells, which follow each other, are planned */
    for (int i = 0; i < p->matrix.n; i++) {
        struct cell *cell = &p->matrix.cells[i];
        struct plan_cell *pc = &p->cells[i];
        cell->decode = c->decode;
        cell->batch = c->batch;
        int file = find_file(p, c, runtime_by_name(cell->runtime), cell, make, say, e);
        if (file < 0)
            goto failed;
        if (at_hand >= 0 && at_hand != file)
            close_file(&p->files[at_hand]);
        at_hand = file;
        *pc = (struct plan_cell){.cell = cell, .variant = find_variant(p, file, cell), .expected = {-1, -1, -1, -1}};
        struct err why = {0};
        check_cell(p, pc, available, &why);
        snprintf(pc->why, sizeof pc->why, "%.*s", (int)sizeof pc->why - 1, why.msg);
        pc->seconds = expected_seconds(pc, bytes_per_s);
        p->n_feasible += !*pc->why;
        struct plan_variant *v = &p->variants[pc->variant];
        if (!*pc->why && (v->scored_by < 0 || scores_sooner(pc, &p->cells[v->scored_by])))
            v->scored_by = i;
    }
    if (at_hand >= 0)
        close_file(&p->files[at_hand]);
    if (check_reference(p, c, e))
        goto failed;
    make_key(p, c, build);
    return 0;
failed:
    plan_close(p);
    return -1;
}

void plan_close(struct plan *p)
{
    for (int i = 0; i < p->n_models; i++)
        free(p->models[i].facts.metadata);
    for (int i = 0; i < p->n_files; i++)
        close_file(&p->files[i]);
    task_list_close(p->tasks, p->n_tasks);
    free(p->models);
    free(p->files);
    free(p->variants);
    free(p->cells);
    free(p->text);
    topology_close(p->topology);
    matrix_close(&p->matrix);
    *p = (struct plan){0};
}
