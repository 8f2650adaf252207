/* The project's own engine as a runtime.
 *
 * Derived weight files are kept in the cache folder as SOURCEHASH-FORMAT-vVERSION.gguf, so a file is made once per source and
 * version of the quantizer.  A file that is quantized already is taken as it is and has only the format that it has. */
/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "bench/hash_cache.h"
#include "bench/runtime/cell_session.h"
#include "bench/runtime/runtime.h"
#include "engine/chat.h"
#include "engine/model.h"
#include "engine/quantize.h"
#include "engine/sampler.h"

struct reference {
    struct model *model;
    struct session *session;
    struct chat *chat; /* NULL: none that is known */
    struct sampler sampler;
    struct footprint footprint; /* of this session */
};

/* -- in the parent: which file, how large ------------------------------------------------------------------------------- */

/* A file whose matrices all have a format of one's own choosing; quantized ones cannot become another format. */
static int is_source(const struct format *f)
{
    return f && f->act != ACT_Q8;
}

static void note_stand_ins(const struct recipe *r, int n, const char *names, struct prepared *p)
{
    if (n > 0)
        snprintf(p->note, sizeof p->note,
                 "%d matrices have another format than %s wants, because their rows do not divide into "
                 "its blocks: %.*s%s",
                 n, r->word, (int)strcspn(names, ","), names, n > 1 ? " ..." : "");
}

/* Where the cache keeps what a recipe makes of a source; a word with exceptions is no name for a file. */
static void cache_path(const struct recipe *r, const char *source_sha256, const char *cache, struct prepared *p)
{
    char hash[65];
    sha256_bytes(r->word, strlen(r->word), hash);
    snprintf(p->path, sizeof p->path, "%s/%.16s-%s-v%d.gguf", cache, source_sha256, r->n_exceptions ? hash : r->word,
             recipe_version(r));
}

static int prepare(const struct cell *c, const char *source_sha256, const char *cache, int make, struct prepared *p,
                   struct err *e)
{
    struct gguf g;
    struct recipe want;
    struct text stand_ins = {0};
    int as_it_is = !strcmp(c->format, "file"), failed = 0;
    *p = (struct prepared){0};
    if ((!as_it_is && recipe_parse(&want, c->format, e)) || gguf_open(&g, c->model, 0, e))
        return -1;
    const struct format *has = quantize_format_of(&g);
    const char *made_by = has ? has->name : recipe_of_file(&g) ? recipe_of_file(&g) : "mixed";
    as_it_is = as_it_is || !strcmp(want.word, made_by);
    snprintf(p->format, sizeof p->format, "%s", as_it_is ? made_by : want.word);
    if (as_it_is) {
        snprintf(p->path, sizeof p->path, "%s", c->model);
    } else if (!is_source(has)) {
        failed =
            err_set(e, ERR_INVALID, "%s is quantized already (%s), %s cannot be made of it; use --format file, or an f16 source",
                    c->model, made_by, want.word);
    } else {
        const struct format **target = calloc((size_t)g.n_tensor + 1, sizeof *target);
        if (!target)
            abort();
        cache_path(&want, source_sha256, cache, p);
        p->missing = access(p->path, R_OK) != 0;
        int n = recipe_apply(&want, &g, target, &stand_ins, e);
        failed = n < 0 ? -1 : 0;
        note_stand_ins(&want, n, stand_ins.p ? stand_ins.p : "", p);
        free(target);
    }
    text_free(&stand_ins);
    gguf_close(&g);
    if (failed || !make || !p->missing)
        return failed;
    p->missing = 0;
    return quantize_file(c->model, p->path, &want, NULL, NULL, NULL, e);
}

static void add_scalar(json_t *j, const struct gguf *g, const struct gguf_kv *kv)
{
    struct err ignored;
    char key[128];
    int64_t i;
    float f;
    int b;
    struct gguf_str s;
    snprintf(key, sizeof key, "%.*s", (int)(kv->key.n < sizeof key ? kv->key.n : sizeof key - 1), kv->key.p);
    json_t *value = NULL;
    if (kv->kind == GGUF_STRING && kv->bytes < 4096 && !gguf_string(g, key, &s, &ignored))
        value = json_stringn(s.p, s.n); /* NULL where it is not UTF-8 */
    else if (kv->kind == GGUF_F32 && !gguf_float(g, key, 0, &f, &ignored) && isfinite(f))
        value = json_real((double)f);
    else if (kv->kind == GGUF_BOOL && !gguf_bool(g, key, 0, &b, &ignored))
        value = json_boolean(b);
    else if (kv->kind != GGUF_ARRAY && !gguf_int(g, key, INT64_MIN, INT64_MAX, 0, &i, &ignored))
        value = json_integer(i);
    if (value)
        json_object_set_new_nocheck(j, key, value);
}

static int is_synthetic(const struct gguf *g)
{
    int yes = 0;
    return !gguf_bool(g, "bench.synthetic", 0, &yes, NULL) && yes;
}

static void hash(const struct gguf *g, const char *cache, char hex[65])
{
    int n = g->n_more + 1;
    struct file_id *id = calloc((size_t)n, sizeof *id);
    if (!id)
        abort();
    id[0] = g->map.id;
    for (int i = 1; i < n; i++)
        id[i] = g->more[i - 1].id;
    if (!hash_cache_find(cache, id, n, hex)) {
        gguf_sha256(g, hex);
        hash_cache_keep(cache, id, n, hex);
    }
    free(id);
}

static int describe(const char *path, const char *text, size_t text_len, const char *cache, struct model_facts *m, struct err *e)
{
    struct model *model;
    *m = (struct model_facts){.text_tokens = INT_MAX};
    if (model_open(&model, path, 0, e))
        return -1;
    const struct gguf *g = &model->gguf;
    struct gguf_str s = {0};
    if (!gguf_string(g, "general.name", &s, NULL) && s.p)
        snprintf(m->name, sizeof m->name, "%.*s", (int)(s.n < 100 ? s.n : 100), s.p);
    if (!gguf_string(g, "general.architecture", &s, NULL) && s.p)
        snprintf(m->arch, sizeof m->arch, "%.*s", (int)(s.n < 31 ? s.n : 31), s.p);
    m->parameters = model_parameters(model);
    if (chat_name(g))
        snprintf(m->chat, sizeof m->chat, "%s", chat_name(g));
    m->file_bytes = (int64_t)g->bytes;
    if (cache)
        hash(g, cache, m->sha256);
    json_t *j = json_object();
    for (uint64_t i = 0; i < g->n_kv; i++)
        add_scalar(j, g, &g->kv[i]);
    m->metadata = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(j);
    int failed = 0;
    if (!is_synthetic(g))
        m->text_tokens = 0;
    if (!is_synthetic(g) && text) {
        int *ids = NULL;
        failed =
            tokenizer_encode(model->tokenizer, text, text_len, tokenizer_add_bos(model->tokenizer), &ids, &m->text_tokens, e);
        free(ids);
    }
    model_close(model);
    if (failed)
        free(m->metadata);
    return failed;
}

/* Indexing a large vocabulary takes some ms, planning a cell with it some microseconds: the model stays open for the next one. */
static int plan(const struct cell *c, struct prepared *p, struct expected *x, struct err *e)
{
    struct model *model = p->open;
    struct session_options o;
    struct footprint f;
    if (!model && model_open(&model, p->missing ? c->model : p->path, 0, e))
        return -1;
    p->open = model;
    cell_session(c, c->context + c->decode, NULL, &o);
    struct recipe r;
    int64_t more = 0;
    int failed = session_plan(model, &o, &f, e);
    if (!failed && p->missing)
        failed = recipe_parse(&r, c->format, e) || quantize_difference(&model->gguf, &r, &more, e);
    if (!failed) {
        *x = (struct expected){.weights = f.weights + more, .kv = f.kv, .arena = f.arena, .tables = f.tables};
    }
    return failed;
}

static void planned(struct prepared *p)
{
    model_close(p->open);
    p->open = NULL;
}

/* -- in the trial's process --------------------------------------------------------------------------------------------- */

static int load(void *self, const struct cell *c, const char *path, const int *cpus, struct err *e)
{
    struct reference *r = self;
    struct session_options o;
    cell_session(c, c->context + c->decode, cpus, &o);
    if (model_open(&r->model, path, 1, e))
        return -1;
    if (chat_open(&r->chat, &r->model->gguf, r->model->tokenizer, e) || session_plan(r->model, &o, &r->footprint, e) ||
        session_open(&r->session, r->model, &o, e)) {
        chat_close(r->chat);
        model_close(r->model);
        *r = (struct reference){0};
        return -1;
    }
    return 0;
}

static int encode(void *self, const char *text, size_t len, int **ids, int *n, struct err *e)
{
    const struct tokenizer *t = ((struct reference *)self)->model->tokenizer;
    return tokenizer_encode(t, text, len, tokenizer_add_bos(t), ids, n, e);
}

static int ask(void *self, const char *prompt, const char *answer, int **ids, int *n, int *end, struct err *e)
{
    struct reference *r = self;
    const struct tokenizer *t = r->model->tokenizer;
    struct tokenizer_part parts[] = {{prompt, strlen(prompt), PART_TEXT}, {answer, strlen(answer), PART_TEXT}};
    *end = r->chat ? chat_end(r->chat) : -1;
    if (r->chat)
        return chat_encode(r->chat, prompt, strlen(prompt), answer, strlen(answer), ids, n, e);
    return tokenizer_encode_parts(t, parts, 2, tokenizer_add_bos(t), ids, n, e);
}

static int made_up(void *self, int *ids, int n, unsigned long seed)
{
    struct reference *r = self;
    struct rng rng;
    if (!is_synthetic(&r->model->gguf))
        return -1;
    rng_seed(&rng, seed);
    for (int i = 0; i < n; i++)
        ids[i] = (int)rng_below(&rng, (uint64_t)r->model->n_vocab);
    return 0;
}

static int prefill(void *self, const int *ids, int n, struct err *e)
{
    struct reference *r = self;
    session_rewind(r->session, 0, NULL);
    return session_eval(r->session, ids, n, LOGITS_LAST, NULL, NULL, e);
}

static int decode(void *self, int *id, struct err *e)
{
    struct reference *r = self;
    *id = sampler_pick(&r->sampler, session_logits(r->session), r->model->n_vocab, NULL);
    return session_eval(r->session, id, 1, LOGITS_LAST, NULL, NULL, e);
}

struct nll_job {
    const int *next; /* the token that row i predicts */
    int n_vocab;
    double *nll;
};

/* -log softmax(logits)[next], in double, with the largest logit taken out first. */
static void nll_row(void *ctx, int i, const float *logits)
{
    const struct nll_job *j = ctx;
    float top = logits[0];
    for (int v = 1; v < j->n_vocab; v++)
        top = logits[v] > top ? logits[v] : top;
    double sum = 0;
    for (int v = 0; v < j->n_vocab; v++)
        sum += exp((double)logits[v] - (double)top);
    j->nll[i] = log(sum) + (double)top - (double)logits[j->next[i]];
}

static int nll(void *self, const int *ids, int n, int from, double *out, struct err *e)
{
    struct reference *r = self;
    session_rewind(r->session, 0, NULL);
    /* Positions before from - 1 predict nothing that is asked for: their logits are not computed. */
    if (from > 1 && session_eval(r->session, ids, from - 1, LOGITS_NONE, NULL, NULL, e))
        return -1;
    struct nll_job job = {.next = ids + from, .n_vocab = r->model->n_vocab, .nll = out};
    return session_eval(r->session, ids + from - 1, n - from, LOGITS_ALL, nll_row, &job, e);
}

static int rows(void *self, const int *ids, int n, int fresh, runtime_row_fn *fn, void *ctx, struct err *e)
{
    struct reference *r = self;
    if (fresh)
        session_rewind(r->session, 0, NULL);
    int failed = session_eval(r->session, ids, n, fn ? LOGITS_ALL : LOGITS_NONE, fn, ctx, e);
    session_park(r->session); /* the other model's threads run on the same CPUs */
    return failed;
}

static int vocabulary(void *self)
{
    return ((struct reference *)self)->model->n_vocab;
}

static int bos(void *self)
{
    return tokenizer_bos(((struct reference *)self)->model->tokenizer);
}

static int eos(void *self)
{
    return tokenizer_eos(((struct reference *)self)->model->tokenizer);
}

static const char *piece(void *self, int id, int *n)
{
    return tokenizer_piece(((struct reference *)self)->model->tokenizer, id, n);
}

static void facts(void *self, struct readings *out)
{
    const struct footprint *f = &((struct reference *)self)->footprint;
    readings_add(out, "weights", "B", f->weights);
    readings_add(out, "kv", "B", f->kv);
    readings_add(out, "arena", "B", f->arena);
    readings_add(out, "tables", "B", f->tables);
}

static void close_reference(void *self)
{
    struct reference *r = self;
    session_close(r->session);
    chat_close(r->chat);
    model_close(r->model);
}

const struct runtime runtime_reference = {
    .name = "reference",
    .about = "the engine and kernels of this program",
    .size = sizeof(struct reference),
    .has_model = 1,
    .prepare = prepare,
    .plan = plan,
    .planned = planned,
    .describe = describe,
    .load = load,
    .encode = encode,
    .ask = ask,
    .made_up = made_up,
    .prefill = prefill,
    .decode = decode,
    .nll = nll,
    .rows = rows,
    .vocabulary = vocabulary,
    .bos = bos,
    .eos = eos,
    .piece = piece,
    .facts = facts,
    .close = close_reference,
};
