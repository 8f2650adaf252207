/* The kinds of vocabulary, and what all of them share: special tokens are cut out of a text, the kind encodes what lies between. */
/* SPDX-License-Identifier: MIT */
#include "engine/tokenizer.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/merge.h"
#include "engine/vocabulary.h"

#define KEY_MODEL "tokenizer.ggml.model"

#define UNKNOWN_TEXT "\xef\xbf\xbd" /* U+FFFD, what Unicode writes for a character that could not be represented */

static const struct tokenizer_kind *const kinds[] = {&tokenizer_spm, &tokenizer_bpe, &tokenizer_wordpiece, NULL};

static const struct tokenizer_kind *find_kind(const struct gguf *g, struct err *e)
{
    struct gguf_str model;
    struct text known = {0};
    char name[40];
    if (gguf_string(g, KEY_MODEL, &model, e))
        return NULL;
    if (!model.p) {
        err_set(e, ERR_ENV, "key \"" KEY_MODEL "\" is missing: the file has no vocabulary; convert the model with its tokenizer");
        return NULL;
    }
    for (int i = 0; kinds[i]; i++) {
        if (model.n == strlen(kinds[i]->name) && !memcmp(model.p, kinds[i]->name, model.n)) {
            text_free(&known);
            return kinds[i];
        }
        text_printf(&known, "%s\"%s\" (%s)", i ? ", " : "", kinds[i]->name, kinds[i]->about);
    }
    err_set(e, ERR_ENV,
            "key \"" KEY_MODEL "\" is \"%s\": a vocabulary of that kind is not supported, only %s; choose another model",
            gguf_printable(model, name, sizeof name), known.p);
    text_free(&known);
    return NULL;
}

int tokenizer_open(struct tokenizer **out, const struct gguf *g, struct err *e)
{
    *out = NULL;
    const struct tokenizer_kind *k = find_kind(g, e);
    if (!k)
        return -1;
    struct tokenizer *t = calloc(1, sizeof *t);
    if (!t)
        return err_set(e, ERR_ENV, "tokenizer: out of memory");
    t->kind = k;
    t->own = calloc(1, k->size);
    t->add_bos = k->add_bos;
    t->add_eos = k->add_eos;
    int failed = t->own ? 0 : err_set(e, ERR_ENV, "tokenizer: out of memory");
    if (failed || vocabulary_open(t, g, e) || vocabulary_id(t, g, "tokenizer.ggml.unknown_token_id", k->unk, &t->unk, e) ||
        vocabulary_id(t, g, "tokenizer.ggml.bos_token_id", k->bos, &t->bos, e) ||
        vocabulary_id(t, g, "tokenizer.ggml.eos_token_id", k->eos, &t->eos, e) || k->open(t, g, e) ||
        gguf_bool(g, "tokenizer.ggml.add_bos_token", t->add_bos, &t->add_bos, e) ||
        gguf_bool(g, "tokenizer.ggml.add_eos_token", t->add_eos, &t->add_eos, e)) {
        tokenizer_close(t);
        return -1;
    }
    *out = t;
    return 0;
}

void tokenizer_close(struct tokenizer *t)
{
    if (!t)
        return;
    if (t->kind->close && t->own)
        t->kind->close(t);
    free(t->own);
    vocabulary_close(t);
    free(t);
}

int ids_add(struct ids *l, int id, struct err *e)
{
    int *v = merge_grow(l->v, &l->cap, l->n + 1, sizeof *v, e);
    if (!v)
        return -1;
    l->v = v;
    v[l->n++] = id;
    return 0;
}

/* text[0..n) are the parts, one after the other. */
static int encode_text(const struct tokenizer *t, char *text, size_t n, const struct tokenizer_part *part, struct ids *out,
                       struct err *e)
{
    size_t from = 0, at = 0, end = part->n, len = 0; /* end: of the part that `at` lies in */
    while (at < n) {
        while (at >= end)
            end += (++part)->n;
        int id = vocabulary_special(t, text + at, n - at, part->kind == PART_TEXT ? 0 : end - at, &len);
        if (id < 0) {
            at++;
            continue;
        }
        if ((at > from && t->kind->encode(t, text + from, at - from, out, e)) || ids_add(out, id, e))
            return -1;
        at += len;
        while (part->kind == PART_SWALLOWING && at < n && strchr(" \t\n\v\f\r", text[at]) && text[at])
            at++;
        from = at;
    }
    return n > from ? t->kind->encode(t, text + from, n - from, out, e) : 0;
}

int tokenizer_encode_parts(const struct tokenizer *t, const struct tokenizer_part *parts, int n_parts, int bos, int **ids, int *n,
                           struct err *e)
{
    struct ids out = {0};
    size_t len = 0;
    *ids = NULL;
    *n = 0;
    for (int i = 0; i < n_parts; i++) {
        if (parts[i].n > INT_MAX / 4 || len + parts[i].n > INT_MAX / 4) /* a byte becomes at most 3 ids */
            return err_set(e, ERR_ENV, "tokenizer: a text of %zu bytes is too long; give it in parts of at most %d",
                           len + parts[i].n, INT_MAX / 4);
        len += parts[i].n;
    }
    char *copy = malloc(len + 2); /* a byte in front, for the kind's use */
    if (!copy)
        return err_set(e, ERR_ENV, "tokenizer: out of memory for a text of %zu bytes", len);
    char *to = copy + 1;
    for (int i = 0; i < n_parts; i++) {
        if (parts[i].n)
            memcpy(to, parts[i].p, parts[i].n);
        to += parts[i].n;
    }
    int failed = bos && t->bos >= 0 ? ids_add(&out, t->bos, e) : 0;
    if (!failed && len)
        failed = encode_text(t, copy + 1, len, parts, &out, e);
    free(copy);
    if (failed) {
        free(out.v);
        return -1;
    }
    *ids = out.v;
    *n = (int)out.n;
    return 0;
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, int bos, int **ids, int *n, struct err *e)
{
    return tokenizer_encode_parts(t, &(struct tokenizer_part){.p = text, .n = len}, 1, bos, ids, n, e);
}

const char *tokenizer_name(const struct tokenizer *t, int id, int *n)
{
    *n = 0;
    if (id < 0 || id >= t->n) /* some models have more rows in their head than pieces */
        return "";
    *n = (int)(t->at[id + 1] - t->at[id]);
    return t->text + t->at[id];
}

const char *tokenizer_piece(const struct tokenizer *t, int id, int *n)
{
    enum token_type type = id >= 0 && id < t->n ? vocabulary_type(t, id) : TOKEN_CONTROL;
    *n = type == TOKEN_UNKNOWN ? (int)strlen(UNKNOWN_TEXT) : 0;
    return type == TOKEN_UNKNOWN ? UNKNOWN_TEXT : type == TOKEN_CONTROL ? "" : tokenizer_name(t, id, n);
}

int tokenizer_special(const struct tokenizer *t, const char *name)
{
    size_t n = strlen(name), found = 0;
    int id = vocabulary_special(t, name, n, n, &found);
    return found == n ? id : -1;
}

int tokenizer_size(const struct tokenizer *t)
{
    return t->n;
}

int tokenizer_bos(const struct tokenizer *t)
{
    return t->bos;
}

int tokenizer_eos(const struct tokenizer *t)
{
    return t->eos;
}

int tokenizer_add_bos(const struct tokenizer *t)
{
    return t->add_bos;
}

int tokenizer_add_eos(const struct tokenizer *t)
{
    return t->add_eos;
}

size_t tokenizer_bytes(const struct tokenizer *t)
{
    return sizeof *t + t->kind->size + (t->kind->bytes ? t->kind->bytes(t) : 0) +
           ((size_t)t->plain.mask + t->special.mask + 2) * sizeof *t->plain.slots + ((size_t)t->n + 1) * sizeof *t->at +
           t->at[t->n];
}
