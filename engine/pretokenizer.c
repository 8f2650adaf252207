/* Pre-tokenizers by name.
 *
 * The patterns are those of the models' tokenizer.json; names that share one share a row.  GPT-2: Radford et al. 2019, encoder.py.
 * \s is PCRE2's under UCP, which counts U+180E in and Unicode (since 6.3) does not: the one character where the two differ.
 * Normalisation is not done (Qwen's tokenizer.json asks for NFC): the GGUF does not carry it, and ids must give the bytes back. */
/* SPDX-License-Identifier: MIT */
#include "engine/pretokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "engine/utf8.h"

/* English contractions, then words with their space; digits and the rest by kind. */
#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
/* ... any case, one sign in front of a word, `digits` at a time, line ends apart. */
#define ANY_CASE "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define LLAMA3(digits) ANY_CASE "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" SPACES
/* ... and a word ends where small letters do (tiktoken's o200k_base). */
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define O200K(contraction, digits)                                                                                               \
    "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" contraction "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER "*" contraction           \
    "|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SPACES

static const struct rule {
    const char *names; /* between spaces */
    const char *pattern[2];
    int ignore_merges, add_bos;
} rules[] = {
    {.names = "gpt-2 phi-2 olmo mpt jais trillion granite-docling exaone4 gigachat a.x-4.0 mellum modern-bert jina-es jina-de "
              "jina-v2-es jina-v2-de",
     .pattern = {GPT2}},
    {.names = "smollm starcoder refact command-r codeshell exaone minerva-7b mellum2", .pattern = {"\\p{N}", GPT2}},
    {.names = "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     .pattern = {LLAMA3("\\p{N}{1,3}")},
     .ignore_merges = 1,
     .add_bos = 1},
    {.names = "dbrx smaug-bpe", .pattern = {LLAMA3("\\p{N}{1,3}")}},
    {.names = "qwen2 deepseek-r1-qwen megrez stablelm2 hunyuan solar-open grok-2 kormo f2llmv2", .pattern = {LLAMA3("\\p{N}")}},
    {.names = "qwen35",
     .pattern = {ANY_CASE "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" SPACES}},
    {.names = "gpt-4o llama4 kanana2", .pattern = {O200K(ANY_CASE "?", "\\p{N}{1,3}")}},
    {.names = "tekken", .pattern = {O200K("", "\\p{N}")}, .ignore_merges = 1, .add_bos = 1},
};

enum { RULES = sizeof rules / sizeof *rules };

static int has_name(const struct rule *r, struct gguf_str name)
{
    for (const char *at = r->names; *at;) {
        size_t n = strcspn(at, " ");
        if (n == name.n && !memcmp(at, name.p, n))
            return 1;
        at += n + (at[n] == ' ');
    }
    return 0;
}

static int refuse(struct gguf_str name, struct err *e)
{
    struct text known = {0};
    char plain[64];
    for (int i = 0; i < RULES; i++)
        text_printf(&known, "%s%s", i ? " " : "", rules[i].names);
    err_set(e, ERR_ENV,
            "key \"tokenizer.ggml.pre\" is \"%s\": how that one cuts a text is not known here, only: %s; choose another model",
            gguf_printable(name, plain, sizeof plain), known.p);
    text_free(&known);
    return -1;
}

int pretokenizer_open(struct pretokenizer *s, struct gguf_str name, struct err *e)
{
    const struct rule *r = NULL;
    *s = (struct pretokenizer){0};
    for (int i = 0; i < RULES && !r; i++)
        r = has_name(&rules[i], name) ? &rules[i] : NULL;
    if (!r)
        return refuse(name, e);
    s->ignore_merges = r->ignore_merges;
    s->add_bos = r->add_bos;
    for (; s->n < 2 && r->pattern[s->n]; s->n++) {
        int code;
        size_t at;
        pcre2_code *c =
            pcre2_compile((PCRE2_SPTR)r->pattern[s->n], PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &code, &at, NULL);
        if (!c)
            return err_set(e, ERR_ENV, "tokenizer: PCRE2 refuses the pattern of %.*s (error %d at %zu); install a newer libpcre2",
                           (int)name.n, name.p, code, at);
        pcre2_jit_compile(c, PCRE2_JIT_COMPLETE); /* without it (no executable memory) a match is slower, and the same */
        s->code[s->n] = c;
    }
    return 0;
}

void pretokenizer_close(struct pretokenizer *s)
{
    for (int i = 0; i < 2; i++)
        pcre2_code_free(s->code[i]);
}

size_t pretokenizer_bytes(const struct pretokenizer *s)
{
    size_t sum = 0;
    for (int i = 0; i < s->n; i++) {
        size_t code = 0, jit = 0;
        pcre2_pattern_info(s->code[i], PCRE2_INFO_SIZE, &code);
        pcre2_pattern_info(s->code[i], PCRE2_INFO_JITSIZE, &jit);
        sum += code + jit;
    }
    return sum;
}

struct cutting {
    const struct pretokenizer *s;
    pcre2_match_data *match[2];
    pretokenizer_word_fn *word;
    void *ctx;
    struct err *e;
};

/* Cuts p[0..n), which is UTF-8, by the patterns from i on. */
static int cut(const struct cutting *x, int i, const char *p, size_t n)
{
    if (i == x->s->n)
        return n ? x->word(x->ctx, p, n, x->e) : 0;
    size_t at = 0;
    while (at < n) {
        int found = pcre2_match(x->s->code[i], (PCRE2_SPTR)p, n, at, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, x->match[i], NULL);
        if (found == PCRE2_ERROR_NOMATCH)
            break;
        if (found < 0)
            return err_set(x->e, ERR_ENV, "tokenizer: PCRE2 gave up on a text (error %d); give it in smaller parts", found);
        const size_t *range = pcre2_get_ovector_pointer(x->match[i]);
        size_t from = range[0], to = range[1];
        if (cut(x, i + 1, p + at, from - at) || cut(x, i + 1, p + from, to - from))
            return -1;
        at = to;
    }
    return cut(x, i + 1, p + at, n - at);
}

static size_t utf8_run(const char *p, size_t n)
{
    size_t i = 0;
    for (int len; (len = utf8_length(p + i, n - i)) > 0;)
        i += (size_t)len;
    return i;
}

int pretokenizer_cut(const struct pretokenizer *s, const char *p, size_t n, pretokenizer_word_fn *word, void *ctx, struct err *e)
{
    struct cutting x = {.s = s, .word = word, .ctx = ctx, .e = e};
    int rc = 0;
    for (int i = 0; i < s->n && !rc; i++) {
        x.match[i] = pcre2_match_data_create(1, NULL);
        if (!x.match[i])
            rc = err_set(e, ERR_ENV, "tokenizer: out of memory");
    }
    while (n && !rc) { /* PCRE2 is given UTF-8 only, so it need not look at all of the text again for each word */
        size_t run = utf8_run(p, n);
        rc = cut(&x, 0, p, run);
        if (!rc && run < n)
            rc = word(ctx, p + run++, 1, e);
        p += run;
        n -= run;
    }
    for (int i = 0; i < s->n; i++)
        pcre2_match_data_free(x.match[i]);
    return rc;
}
