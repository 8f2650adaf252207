/* tokenizer_wordpiece.c - WordPiece as BERT has it (Devlin et al. 2019; tokenization.py of google-research/bert).
 *
 * The text is cleaned of control characters, folded (small letters, no accents) unless the file says it is cased, and cut into
 * words: at white space, at each punctuation mark and around each Han character.  A word becomes the longest piece it begins with,
 * then the longest continuation, and so on; the unknown token where that does not work out, or where it is very long.
 * GGUF marks a piece that begins a word by U+2581 in front; it is kept as a space, so a piece decodes as it continues a text. */
/* SPDX-License-Identifier: MIT */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "engine/fold.h"
#include "engine/utf8.h"
#include "engine/vocabulary.h"

#define KEY_LOWERCASE "tokenizer.ggml.normalizer.lowercase"
#define KEY_ACCENTS "tokenizer.ggml.normalizer.strip_accents"

enum { LONGEST_WORD = 100 }; /* characters; longer ones are unknown */

/* Han as BERT counts it, and BERT's punctuation: Unicode's and all signs of ASCII. */
#define HAN                                                                                                                      \
    "\\x{4e00}-\\x{9fff}\\x{3400}-\\x{4dbf}\\x{20000}-\\x{2a6df}\\x{2a700}-\\x{2b73f}\\x{2b740}-\\x{2b81f}\\x{2b820}-\\x{2ceaf}" \
    "\\x{f900}-\\x{faff}\\x{2f800}-\\x{2fa1f}"
#define PUNCTUATION "\\p{P}!-\\/:-@\\[-`{-~"
#define SPACE " \\t\\n\\r\\p{Z}"

/* The groups of a match: white space, what is dropped, a word by itself, a stretch of a word. */
#define PATTERN(dropped) "([" SPACE "]+)|([" dropped "]+)|([" HAN PUNCTUATION "])|([^" SPACE HAN PUNCTUATION dropped "]+)"
enum group { GROUP_SPACE = 1, GROUP_DROPPED, GROUP_SINGLE, GROUP_LETTERS };

struct wordpiece {
    pcre2_code *code;
    int uncased;
};

static size_t write_piece(char *to, const char *p, size_t n, enum token_type type)
{
    size_t mark = strlen(SPACE_SYMBOL);
    if (type == TOKEN_USER_DEFINED || n < mark || memcmp(p, SPACE_SYMBOL, mark) != 0) {
        memcpy(to, p, n);
        return n;
    }
    *to = ' ';
    memcpy(to + 1, p + mark, n - mark);
    return n - mark + 1;
}

static int open_wordpiece(struct tokenizer *t, const struct gguf *g, struct err *e)
{
    struct wordpiece *w = t->own;
    int accents, words = 0, code;
    size_t at;
    if (gguf_bool(g, KEY_LOWERCASE, 1, &w->uncased, e) || gguf_bool(g, KEY_ACCENTS, w->uncased, &accents, e) ||
        vocabulary_id(t, g, "tokenizer.ggml.cls_token_id", t->bos, &t->bos, e) ||
        vocabulary_id(t, g, "tokenizer.ggml.seperator_token_id", t->eos, &t->eos, e)) /* spelt so in the format */
        return -1;
    if (accents != w->uncased)
        return err_set(e, ERR_ENV,
                       "key \"" KEY_ACCENTS "\" is %s and \"" KEY_LOWERCASE "\" %s: only both or neither is supported",
                       accents ? "true" : "false", w->uncased ? "true" : "false");
    for (int id = 0; id < t->n && !words; id++)
        words = t->at[id + 1] > t->at[id] && t->text[t->at[id]] == ' ';
    if (!words)
        return err_set(e, ERR_ENV,
                       "key \"" KEY_TOKENS "\": no piece begins with U+2581, so none begins a word; convert the model again");
    const char *pattern = w->uncased ? PATTERN("\\p{C}\\x{fffd}\\p{Mn}") : PATTERN("\\p{C}\\x{fffd}");
    w->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &code, &at, NULL);
    if (!w->code)
        return err_set(e, ERR_ENV, "tokenizer: PCRE2 refuses WordPiece's pattern (error %d at %zu); install a newer libpcre2",
                       code, at);
    pcre2_jit_compile(w->code, PCRE2_JIT_COMPLETE);
    return 0;
}

static void close_wordpiece(struct tokenizer *t)
{
    pcre2_code_free(((struct wordpiece *)t->own)->code);
}

static size_t bytes_wordpiece(const struct tokenizer *t)
{
    size_t code = 0, jit = 0;
    pcre2_pattern_info(((struct wordpiece *)t->own)->code, PCRE2_INFO_SIZE, &code);
    pcre2_pattern_info(((struct wordpiece *)t->own)->code, PCRE2_INFO_JITSIZE, &jit);
    return code + jit;
}

/* The word with a space in front: p[0..n).  Ids that were added are taken back when it does not work out. */
static int add_word(const struct tokenizer *t, const char *p, size_t n, struct ids *out, struct err *e)
{
    size_t before = out->n, characters = 0;
    for (size_t i = 1; i < n; i++)
        characters += (p[i] & 0xc0) != 0x80;
    for (size_t at = 0; at < n && characters <= LONGEST_WORD;) {
        size_t len = n - at < t->plain.longest ? n - at : t->plain.longest;
        int id = -1;
        for (; len > (at == 0) && id < 0; len -= id < 0) /* the first piece is more than the space */
            id = vocabulary_find(t, p + at, len);
        if (id < 0)
            break;
        if (ids_add(out, id, e))
            return -1;
        at += len;
        if (at == n)
            return 0;
    }
    out->n = before;
    if (t->unk < 0)
        return err_set(e, ERR_ENV, "tokenizer: the word \"%.*s\" has no tokens, and the vocabulary has no unknown token",
                       (int)n - 1, p + 1);
    return ids_add(out, t->unk, e);
}

struct word {
    char *p; /* [n], a space in front */
    size_t n;
};

static int end_word(const struct tokenizer *t, struct word *w, struct ids *out, struct err *e)
{
    int rc = w->n > 1 ? add_word(t, w->p, w->n, out, e) : 0;
    w->n = 1;
    return rc;
}

/* p[0..n) is UTF-8 and folded.  w has room for all of it. */
static int cut(const struct tokenizer *t, const char *p, size_t n, pcre2_match_data *match, struct word *w, struct ids *out,
               struct err *e)
{
    const struct wordpiece *own = t->own;
    for (size_t at = 0; at < n;) {
        int group = pcre2_match(own->code, (PCRE2_SPTR)p, n, at, PCRE2_NO_UTF_CHECK, match, NULL) - 1;
        if (group < GROUP_SPACE) /* every character is in one of the groups */
            return err_set(e, ERR_ENV, "tokenizer: PCRE2 gave up on a text (error %d); give it in smaller parts", group + 1);
        size_t to = pcre2_get_ovector_pointer(match)[1];
        int alone = group == GROUP_SINGLE;
        if ((group == GROUP_SPACE || alone) && end_word(t, w, out, e))
            return -1;
        if (group == GROUP_LETTERS || alone) {
            memcpy(w->p + w->n, p + at, to - at);
            w->n += to - at;
        }
        if (alone && end_word(t, w, out, e))
            return -1;
        at = to;
    }
    return 0;
}

static int encode_wordpiece(const struct tokenizer *t, char *text, size_t n, struct ids *out, struct err *e)
{
    const struct wordpiece *own = t->own;
    struct word w = {.p = malloc(3 * n + 1), .n = 1};
    char *folded = malloc(3 * n + 1);
    pcre2_match_data *match = pcre2_match_data_create(GROUP_LETTERS + 1, NULL);
    int rc = w.p && folded && match ? 0 : err_set(e, ERR_ENV, "tokenizer: out of memory for a text of %zu bytes", n);
    if (!rc)
        *w.p = ' ';
    for (size_t at = 0; at < n && !rc;) { /* a byte that is not UTF-8 reads as U+FFFD, which is dropped */
        size_t run = 0;
        for (int len; (len = utf8_length(text + at + run, n - at - run)) > 0;)
            run += (size_t)len;
        size_t bytes = own->uncased ? fold_text(folded, text + at, run) : run;
        rc = cut(t, own->uncased ? folded : text + at, bytes, match, &w, out, e);
        at += run + 1;
    }
    if (!rc)
        rc = end_word(t, &w, out, e);
    pcre2_match_data_free(match);
    free(folded);
    free(w.p);
    return rc;
}

const struct tokenizer_kind tokenizer_wordpiece = {
    .name = "bert",
    .about = "WordPiece",
    .size = sizeof(struct wordpiece),
    /* BERT's own: [UNK] 100, [CLS] 101, [SEP] 102. */
    .bos = 101,
    .eos = 102,
    .unk = 100,
    .add_bos = 1,
    .add_eos = 1,
    .write_piece = write_piece,
    .open = open_wordpiece,
    .encode = encode_wordpiece,
    .close = close_wordpiece,
    .bytes = bytes_wordpiece,
};
