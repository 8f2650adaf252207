/* recipe.c - mixtures and exceptions.
 *
 * The rules are llama-quantize's (src/llama-quant.cpp, llama_tensor_get_type): more bits for the head, and for the matrices whose
 * error hurts most, attn_v and ffn_down, in the layers where it hurts most.  A layer counts among those that have such a matrix. */
/* SPDX-License-Identifier: MIT */
#include "engine/recipe.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* -- rules ---------------------------------------------------------------------------------------------------------------- */

enum part { OTHER, HEAD, EMBEDDING, ATTN_V, ATTN_QKV, ATTN_OUTPUT, FFN_DOWN };

enum where { EVERY, MORE_BITS, FIRST_2, FIRST_4, FIRST_8TH, FIRST_16TH, SHARED_4 }; /* SHARED_4: 4 queries to a key, or more */

struct rule {
    enum part part;
    enum where where;
    const char *format;
};

struct mixture {
    const char *name, *base;
    int file_type;
    struct rule rule[8]; /* the first that fits counts; else base */
};

/* clang-format off */
static const struct mixture mixtures[] = {
    {"q2_k_mix", "q2_k", 10, {{HEAD, EVERY, "q6_k"}, {ATTN_V, SHARED_4, "q4_k"}, {ATTN_V, EVERY, "q3_k"},
                              {FFN_DOWN, EVERY, "q3_k"}, {ATTN_OUTPUT, EVERY, "q3_k"}}},
    {"q2_k_s", "q2_k", 21, {{HEAD, EVERY, "q6_k"}, {ATTN_V, SHARED_4, "q4_k"}, {FFN_DOWN, FIRST_8TH, "q4_k"}}},
    {"q3_k_s", "q3_k", 11, {{HEAD, EVERY, "q6_k"}}},
    {"q3_k_m", "q3_k", 12, {{HEAD, EVERY, "q6_k"}, {ATTN_V, FIRST_2, "q5_k"}, {ATTN_V, EVERY, "q4_k"},
                            {FFN_DOWN, FIRST_16TH, "q5_k"}, {FFN_DOWN, EVERY, "q4_k"}, {ATTN_OUTPUT, EVERY, "q4_k"},
                            {ATTN_QKV, EVERY, "q4_k"}}},
    {"q3_k_l", "q3_k", 13, {{HEAD, EVERY, "q6_k"}, {ATTN_V, EVERY, "q5_k"}, {FFN_DOWN, EVERY, "q5_k"},
                            {ATTN_OUTPUT, EVERY, "q5_k"}, {ATTN_QKV, EVERY, "q4_k"}}},
    {"q4_k_s", "q4_k", 14, {{HEAD, EVERY, "q6_k"}, {ATTN_V, FIRST_4, "q5_k"}, {FFN_DOWN, FIRST_8TH, "q5_k"}}},
    {"q4_k_m", "q4_k", 15, {{HEAD, EVERY, "q6_k"}, {ATTN_V, MORE_BITS, "q6_k"}, {FFN_DOWN, MORE_BITS, "q6_k"},
                            {ATTN_QKV, EVERY, "q5_k"}}},
    {"q5_k_s", "q5_k", 16, {{HEAD, EVERY, "q6_k"}}},
    {"q5_k_m", "q5_k", 17, {{HEAD, EVERY, "q6_k"}, {ATTN_V, MORE_BITS, "q6_k"}, {FFN_DOWN, MORE_BITS, "q6_k"},
                            {ATTN_QKV, EVERY, "q6_k"}}},
    {"q4_0_mix", "q4_0", 2, {{HEAD, EVERY, "q6_k"}}},
    {"q4_1_mix", "q4_1", 3, {{HEAD, EVERY, "q6_k"}}},
    {"q5_0_mix", "q5_0", 8, {{HEAD, EVERY, "q6_k"}}},
    {"q5_1_mix", "q5_1", 9, {{HEAD, EVERY, "q6_k"}}},
    {"iq4_nl_mix", "iq4_nl", 25, {{HEAD, EVERY, "q6_k"}, {ATTN_V, SHARED_4, "q5_k"}, {FFN_DOWN, FIRST_8TH, "q5_k"}}},
    {"iq4_xs_mix", "iq4_xs", 30, {{HEAD, EVERY, "q6_k"}, {ATTN_V, SHARED_4, "q5_k"}, {FFN_DOWN, FIRST_8TH, "q5_k"}}},
    {"tq1_0_mix", "tq1_0", 36, {{HEAD, EVERY, "q6_k"}, {EMBEDDING, EVERY, "q4_k"}}},
    {"tq2_0_mix", "tq2_0", 37, {{HEAD, EVERY, "q6_k"}, {EMBEDDING, EVERY, "q4_k"}}},
};
/* clang-format on */
#define N_MIXTURES ((int)(sizeof mixtures / sizeof *mixtures))

/* What a matrix gets whose rows a format's blocks do not divide. */
static const struct {
    const char *format, *instead;
} stand_ins_of[] = {{"q2_k", "iq4_nl"}, {"q3_k", "iq4_nl"}, {"q4_k", "q5_0"},  {"q5_k", "q5_1"},
                    {"q6_k", "q8_0"},   {"tq1_0", "q4_0"},  {"tq2_0", "q4_0"}, {"iq4_xs", "iq4_nl"}};

/* File types of formats alone, as llama.h numbers them. */
static const struct {
    const char *format;
    int file_type;
} plain_types[] = {{"f32", 0},     {"f16", 1},     {"q4_0", 2},  {"q4_1", 3},   {"q8_0", 7},  {"q5_0", 8},
                   {"q5_1", 9},    {"q2_k", 10},   {"q3_k", 12}, {"q4_k", 15},  {"q5_k", 17}, {"q6_k", 18},
                   {"iq4_nl", 25}, {"iq4_xs", 30}, {"bf16", 32}, {"tq1_0", 36}, {"tq2_0", 37}};

/* -- names ---------------------------------------------------------------------------------------------------------------- */

static int ends_in(struct gguf_str s, const char *end)
{
    size_t n = strlen(end);
    return s.n >= n && !memcmp(s.p + s.n - n, end, n);
}

/* The taps of a short convolution are two-dimensional, but one vector for each position. */
int recipe_is_matrix(const struct gguf_tensor *t)
{
    return t->n_dim >= 2 && ends_in(t->name, ".weight") && !ends_in(t->name, "shortconv.conv.weight");
}

/* The name without ".weight" in *whole and, without "blk.N." too, in *part; the layer, or -1. */
static int name_of(const struct gguf_tensor *t, char whole[128], const char **part)
{
    int layer = -1, n = 0;
    snprintf(whole, 128, "%.*s", (int)(t->name.n - 7 < 127 ? t->name.n - 7 : 127), t->name.p);
    if (sscanf(whole, "blk.%d.%n", &layer, &n) != 1 || !n)
        layer = -1, n = 0;
    *part = whole + n;
    return layer;
}

static enum part part_of(const char *part, int layer, int tied)
{
    static const struct {
        const char *name;
        enum part part;
    } parts[] = {{"attn_v", ATTN_V}, {"attn_qkv", ATTN_QKV}, {"attn_output", ATTN_OUTPUT}, {"ffn_down", FFN_DOWN}};
    if (layer < 0)
        return !strcmp(part, tied ? "token_embd" : "output") ? HEAD : !strcmp(part, "token_embd") ? EMBEDDING : OTHER;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strcmp(parts[i].name, part))
            return parts[i].part;
    return OTHER;
}

static int has_encoder(const struct format *f)
{
    return f->quantize || f->quantize_within;
}

const char *recipe_name(int i)
{
    for (int k = 0; formats[k]; k++)
        if (has_encoder(formats[k]) && i-- == 0)
            return formats[k]->name;
    return i >= 0 && i < N_MIXTURES ? mixtures[i].name : NULL;
}

/* -- words ---------------------------------------------------------------------------------------------------------------- */

static int unknown(const char *word, struct err *e)
{
    const char *names[128];
    struct text all = {0};
    int n = 0;
    const struct format *f = format_by_name(word);
    if (f)
        return err_set(e, ERR_USAGE, "format %s: this program reads it and has no encoder for it; take a file that has it, with --format file",
                       word);
    for (; n < 127 && recipe_name(n); n++) {
        names[n] = recipe_name(n);
        text_printf(&all, "%s%s", n ? ", " : "", names[n]);
    }
    const char *near = text_nearest(word, names, n);
    err_set(e, ERR_USAGE, "format %s: unknown%s%s%s (it can be %s, or mixed:FORMAT+NAMES=FORMAT)", word,
            near ? "; did you mean " : "", near ? near : "", near ? "?" : "", all.p);
    text_free(&all);
    return -1;
}

static const struct format *writable(const char *name)
{
    const struct format *f = format_by_name(name);
    return f && has_encoder(f) ? f : NULL;
}

/* "glob=format" */
static int take_exception(struct recipe *r, const char *word, struct err *e)
{
    const char *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : 0;
    if (!n || n >= sizeof r->exception[0].glob || strcspn(word, "/,") < n)
        return err_set(e, ERR_USAGE, "\"%s\" is not NAMES=FORMAT, such as attn_v=q6_k or blk.0.*=q8_0", word);
    if (r->n_exceptions == RECIPE_EXCEPTIONS)
        return err_set(e, ERR_USAGE, "%s: more than %d exceptions", r->word, RECIPE_EXCEPTIONS);
    const struct format *f = writable(equals + 1);
    if (!f)
        return unknown(equals + 1, e);
    snprintf(r->exception[r->n_exceptions].glob, sizeof r->exception[0].glob, "%.*s", (int)n, word);
    r->exception[r->n_exceptions++].format = f;
    return 0;
}

/* `list` split at `separator`, each an exception. */
static int take_exceptions(struct recipe *r, const char *list, int separator, struct err *e)
{
    char word[128];
    while (*list) {
        size_t n = strcspn(list, (const char[]){(char)separator, '\0'});
        snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), list);
        if (n >= sizeof word || take_exception(r, word, e))
            return n >= sizeof word ? err_set(e, ERR_USAGE, "\"%s...\" is too long for an exception", word) : -1;
        list += n + (list[n] != '\0');
    }
    return 0;
}

static int take_base(struct recipe *r, const char *name, struct err *e)
{
    for (int i = 0; i < N_MIXTURES; i++)
        if (!strcmp(mixtures[i].name, name))
            r->mixture = &mixtures[i];
    r->base = writable(r->mixture ? r->mixture->base : name);
    return r->base ? 0 : unknown(name, e);
}

int recipe_parse(struct recipe *r, const char *word, struct err *e)
{
    static const char mixed[] = "mixed:";
    char base[64];
    *r = (struct recipe){0};
    if (strlen(word) >= sizeof r->word)
        return err_set(e, ERR_USAGE, "format %.40s...: longer than %d characters", word, RECIPE_MAX - 1);
    snprintf(r->word, sizeof r->word, "%s", word);
    if (strncmp(word, mixed, sizeof mixed - 1) != 0)
        return take_base(r, word, e);
    word += sizeof mixed - 1;
    size_t n = strcspn(word, "+");
    snprintf(base, sizeof base, "%.*s", (int)(n < sizeof base ? n : sizeof base - 1), word);
    if (take_base(r, base, e))
        return -1;
    if (!word[n] || !word[n + 1])
        return err_set(e, ERR_USAGE, "format %s: an exception is missing, such as mixed:%s+attn_v=q8_0", r->word, base);
    return take_exceptions(r, word + n + 1, '+', e);
}

int recipe_add(struct recipe *r, const char *exceptions, struct err *e)
{
    struct text word = {0};
    int rc = take_exceptions(r, exceptions, ',', e);
    if (rc || !r->n_exceptions)
        return rc;
    text_printf(&word, "mixed:%s", r->mixture ? r->mixture->name : r->base->name);
    for (int i = 0; i < r->n_exceptions; i++)
        text_printf(&word, "+%s=%s", r->exception[i].glob, r->exception[i].format->name);
    if (word.n >= sizeof r->word)
        rc = err_set(e, ERR_USAGE, "--keep: together longer than %d characters; use fewer, wider names", RECIPE_MAX - 1);
    else
        memcpy(r->word, word.p, word.n + 1);
    text_free(&word);
    return rc;
}

/* -- a file --------------------------------------------------------------------------------------------------------------- */

/* What the rules ask of a file as a whole. */
struct shape {
    const struct gguf *g;
    int tied;        /* no head of its own */
    int layers;      /* number of the last layer + 1 */
    int64_t sharing; /* queries to a key */
};

/* A count in the metadata; of an array, one number a layer, the largest. */
static int64_t count_of(const struct gguf *g, const char *arch, const char *what)
{
    char key[128];
    int64_t n = 0;
    snprintf(key, sizeof key, "%s.attention.%s", arch, what);
    const struct gguf_kv *kv = gguf_find(g, key);
    if (!kv || kv->kind != GGUF_ARRAY)
        return gguf_int(g, key, 0, INT32_MAX, 0, &n, NULL) ? 0 : n;
    for (uint64_t i = 0; i < kv->count && gguf_kind_bytes(kv->element) == 4; i++) {
        int32_t v;
        memcpy(&v, kv->data + 4 * i, sizeof v);
        n = v > n ? v : n;
    }
    return n;
}

static struct shape look(const struct gguf *g)
{
    struct shape s = {.g = g, .tied = !gguf_find_tensor(g, "output.weight")};
    struct gguf_str arch = {0};
    char name[128];
    const char *part;
    for (uint64_t i = 0; i < g->n_tensor; i++)
        if (recipe_is_matrix(&g->tensor[i])) {
            int layer = name_of(&g->tensor[i], name, &part);
            s.layers = layer >= s.layers ? layer + 1 : s.layers;
        }
    if (gguf_string(g, "general.architecture", &arch, NULL) || !arch.p)
        return s;
    snprintf(name, sizeof name, "%.*s", (int)(arch.n < 64 ? arch.n : 64), arch.p);
    int64_t heads = count_of(g, name, "head_count"), keys = count_of(g, name, "head_count_kv");
    s.sharing = keys ? heads / keys : 1;
    return s;
}

/* Which of the layers that have such a matrix this one is, and how many there are. */
static int rank(const struct gguf *g, const char *part, int layer, int *of)
{
    int before = 0;
    *of = 0;
    for (uint64_t i = 0; i < g->n_tensor; i++) {
        char name[128];
        const char *its_part;
        if (!recipe_is_matrix(&g->tensor[i]))
            continue;
        int its_layer = name_of(&g->tensor[i], name, &its_part);
        if (its_layer >= 0 && !strcmp(part, its_part)) {
            ++*of;
            before += its_layer < layer;
        }
    }
    return before;
}

static int is_there(const struct shape *s, enum where where, const char *part, int layer)
{
    int n = 0, i = layer < 0 || where == EVERY || where == SHARED_4 ? 0 : rank(s->g, part, layer, &n);
    switch (where) {
    case EVERY: return 1;
    case MORE_BITS: return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
    case FIRST_2: return i < 2;
    case FIRST_4: return i < 4;
    case FIRST_8TH: return i < n / 8;
    case FIRST_16TH: return i < n / 16;
    case SHARED_4: return s->sharing >= 4;
    }
    return 0;
}

static int fits(const char *glob, const struct shape *s, const char *whole, const char *part, int layer)
{
    if (!strcmp(glob, "first") || !strcmp(glob, "last"))
        return layer >= 0 && layer == (*glob == 'f' ? 0 : s->layers - 1);
    return !fnmatch(glob, whole, 0) || !fnmatch(glob, part, 0);
}

/* The format that the recipe wants for a matrix; used[k] counts the matrices that exception k fits. */
static const struct format *wanted(const struct recipe *r, const struct shape *s, const struct gguf_tensor *t, int *used)
{
    char whole[128];
    const char *part;
    int layer = name_of(t, whole, &part);
    const struct format *f = r->base;
    enum part is = part_of(part, layer, s->tied);
    for (const struct rule *rule = r->mixture ? r->mixture->rule : NULL; rule && rule->format; rule++)
        if (rule->part == is && is_there(s, rule->where, part, layer)) {
            f = format_by_name(rule->format);
            break;
        }
    for (int k = 0; k < r->n_exceptions; k++)
        if (fits(r->exception[k].glob, s, whole, part, layer)) {
            f = r->exception[k].format;
            used[k]++;
        }
    return f;
}

const struct format *recipe_stand_in(const struct format *f, int64_t row)
{
    for (size_t i = 0; i < sizeof stand_ins_of / sizeof *stand_ins_of; i++) {
        const struct format *g = strcmp(stand_ins_of[i].format, f->name) == 0 ? format_by_name(stand_ins_of[i].instead) : NULL;
        if (g && format_row_bytes(g, row))
            return g;
    }
    return format_by_name("f16");
}

int recipe_apply(const struct recipe *r, const struct gguf *g, const struct format **target, struct text *stand_ins,
                 struct err *e)
{
    struct shape s = look(g);
    int used[RECIPE_EXCEPTIONS] = {0}, n = 0;
    char name[100];
    for (uint64_t i = 0; i < g->n_tensor; i++) {
        const struct gguf_tensor *t = &g->tensor[i];
        target[i] = t->format;
        if (!recipe_is_matrix(t))
            continue;
        target[i] = wanted(r, &s, t, used);
        if (format_row_bytes(target[i], t->dim[0]))
            continue;
        target[i] = recipe_stand_in(target[i], t->dim[0]);
        if (stand_ins)
            text_printf(stand_ins, "%s%s", n ? "," : "", gguf_printable(t->name, name, sizeof name));
        n++;
    }
    for (int k = 0; k < r->n_exceptions; k++)
        if (!used[k])
            return err_set(e, ERR_USAGE, "format %s: \"%s\" fits no matrix of the model; bench inspect lists their names",
                           r->word, r->exception[k].glob);
    return n;
}

int recipe_file_type(const struct recipe *r)
{
    if (r->mixture)
        return r->mixture->file_type;
    for (size_t i = 0; i < sizeof plain_types / sizeof *plain_types; i++)
        if (!strcmp(plain_types[i].format, r->base->name))
            return plain_types[i].file_type;
    return -1;
}

const char *recipe_of_file(const struct gguf *g)
{
    int64_t type = -1;
    if (gguf_int(g, "general.file_type", 0, 1 << 16, -1, &type, NULL))
        return NULL;
    for (int i = 0; i < N_MIXTURES; i++)
        if (mixtures[i].file_type == type)
            return mixtures[i].name;
    return NULL;
}

/* Every format's version only ever grows, so their sum does. */
int recipe_version(const struct recipe *r)
{
    int sum = r->base->version;
    for (const struct rule *rule = r->mixture ? r->mixture->rule : NULL; rule && rule->format; rule++)
        sum += format_by_name(rule->format)->version;
    for (int k = 0; k < r->n_exceptions; k++)
        sum += r->exception[k].format->version;
    return sum;
}
