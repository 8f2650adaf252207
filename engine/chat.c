/* The published chat templates.
 *
 * Each row was held against what Jinja makes of the published template (trim_blocks and lstrip_blocks on, as transformers has
 * them) for one user message and add_generation_prompt; tests/engine_chat.c has those strings and their sources. */
/* SPDX-License-Identifier: MIT */
#include "engine/chat.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define KEY "tokenizer.chat_template"
#define EOS "{eos}" /* in a row: the name of the vocabulary's EOS token */

enum { MARKS = 6 };

struct row {
    const char *name;
    /* All of has and none of lacks stand in the template, where "\n" may be a line end or the two characters, and " is '. */
    const char *has[MARKS], *lacks[MARKS];
    const char *before, *after; /* the user's text; after ends where the answer begins */
    const char *end;    /* of the answer's turn; NULL: EOS */
    const char *system; /* a literal in the template that begins so and ends with `end` is a turn of its own in front */
    int trim;           /* white space around the user's text is dropped */
    int swallow;        /* its control tokens swallow the white space behind them (rstrip in the published tokenizer) */
};

#define HEADER(role) "<|start_header_id|>" role "<|end_header_id|>\n\n"

static const struct row rows[] = {
    {.name = "phi-4",
     .has = {"<|im_start|>user<|im_sep|>", "<|im_start|>assistant<|im_sep|>"},
     .before = "<|im_start|>user<|im_sep|>",
     .after = "<|im_end|><|im_start|>assistant<|im_sep|>",
     .end = "<|im_end|>"},
    /* Whose default system turn is computed is not known here: it would be left out. */
    {.name = "chatml",
     .has = {"<|im_start|>", "<|im_end|>", "<|im_start|>assistant\n"},
     .lacks = {"<|im_sep|>", "<end_of_utterance>", "strftime_now", "default_system", "standard_prompt"},
     .before = "<|im_start|>user\n",
     .after = "<|im_end|>\n<|im_start|>assistant\n",
     .end = "<|im_end|>",
     .system = "<|im_start|>system\n"},
    /* The date is the template's own for where there is no clock, so that a prompt is the same tomorrow. */
    {.name = "llama3.1",
     .has = {"<|start_header_id|>system<|end_header_id|>\n\n", "'Cutting Knowledge Date: December 2023\n'", "'26 Jul 2024'",
             "message['content'] | trim + '<|eot_id|>'"},
     .before = HEADER("system") "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n<|eot_id|>" HEADER("user"),
     .after = "<|eot_id|>" HEADER("assistant"),
     .end = "<|eot_id|>",
     .trim = 1},
    {.name = "llama3",
     .has = {"'<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'", "message['content'] | trim + '<|eot_id|>'"},
     .lacks = {"Cutting Knowledge Date"},
     .before = HEADER("user"),
     .after = "<|eot_id|>" HEADER("assistant"),
     .end = "<|eot_id|>",
     .trim = 1},
    {.name = "gemma",
     .has = {"'<start_of_turn>' + role + '\n'", "message['content'] | trim", "<start_of_turn>model\n", "<end_of_turn>\n"},
     .before = "<start_of_turn>user\n",
     .after = "<end_of_turn>\n<start_of_turn>model\n",
     .end = "<end_of_turn>",
     .trim = 1},
    {.name = "phi-4-mini",
     .has = {"'|>' + message['content'] + '<|end|>'", "<|tool|>", "'<|assistant|>'"},
     .before = "<|user|>",
     .after = "<|end|><|assistant|>",
     .end = "<|end|>"},
    {.name = "phi-3",
     .has = {"message['content'] + '<|end|>", "<|assistant|>", "\n'"},
     .lacks = {"<|tool|>"},
     .before = "<|user|>\n",
     .after = "<|end|>\n<|assistant|>\n",
     .end = "<|end|>",
     .swallow = 1},
    {.name = "mistral-v0", .has = {"'[INST] ' + message['content'] + ' [/INST]'"}, .before = "[INST] ", .after = " [/INST]"},
    {.name = "mistral-v1", .has = {"' [INST] ' + message['content'] + ' [/INST]'"}, .before = " [INST] ", .after = " [/INST]"},
    {.name = "mistral-v3",
     .has = {"'[INST] ' + message['content'] + '[/INST]'"},
     .lacks = {"[SYSTEM_PROMPT]"},
     .before = "[INST] ",
     .after = "[/INST]"},
    {.name = "mistral-v3-tekken",
     .has = {"'[INST]' + message['content'] + '[/INST]'"},
     .lacks = {"[SYSTEM_PROMPT]"},
     .before = "[INST]",
     .after = "[/INST]"},
    /* "true == true" is how its default system message is switched on. */
    {.name = "llama2",
     .has = {"'[INST] ' + content.strip() + ' [/INST]'", "<<SYS>>"},
     .lacks = {"true == true"},
     .before = "[INST] ",
     .after = " [/INST]",
     .trim = 1},
    {.name = "zephyr",
     .has = {"'<|user|>\n' + message['content'] + eos_token", "'<|assistant|>' }}\n"},
     .lacks = {"system_message"},
     .before = "<|user|>\n",
     .after = EOS "\n<|assistant|>\n"},
};

struct chat {
    const struct tokenizer *t;
    const struct row *row;
    struct text before, after;
    int end, bos;
};

/* The template as the rows' marks are written. */
static struct text normal(struct gguf_str s)
{
    struct text out = {0};
    text_add(&out, "", 0);
    for (uint64_t i = 0; i < s.n; i++) {
        int line_end = s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == 'n';
        text_add(&out, line_end ? "\n" : s.p[i] == '"' ? "'" : s.p + i, 1);
        i += (uint64_t)line_end;
    }
    return out;
}

static int fits(const struct row *r, const char *template)
{
    for (int i = 0; i < MARKS && r->has[i]; i++)
        if (!strstr(template, r->has[i]))
            return 0;
    for (int i = 0; i < MARKS && r->lacks[i]; i++)
        if (strstr(template, r->lacks[i]))
            return 0;
    return 1;
}

static const struct row *recognise(const char *template)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (fits(&rows[i], template))
            return &rows[i];
    return NULL;
}

const char *chat_name(const struct gguf *g)
{
    struct gguf_str s;
    if (gguf_string(g, KEY, &s, NULL) || !s.p)
        return NULL;
    struct text template = normal(s);
    const struct row *r = recognise(template.p);
    text_free(&template);
    return r ? r->name : CHAT_UNKNOWN;
}

/* A row's text with EOS spelt out. */
static void add_piece(struct text *out, const char *piece, const struct tokenizer *t)
{
    const char *at = strstr(piece, EOS);
    int n;
    if (!at) {
        text_printf(out, "%s", piece);
        return;
    }
    const char *name = tokenizer_name(t, tokenizer_eos(t), &n);
    text_printf(out, "%.*s%.*s%s", (int)(at - piece), piece, n, name, at + strlen(EOS));
}

/* The default system turn, where the template writes one as a literal: the quotes do not end before the turn does. */
static void add_system(struct text *out, const struct row *r, const char *template)
{
    for (const char *at = template; r->system && (at = strstr(at, r->system));) {
        const char *text = at + strlen(r->system), *end = strstr(text, r->end);
        if (end && *text != '\'' && !memmem(text, (size_t)(end - text), "' +", 3)) {
            text_printf(out, "%.*s\n", (int)(end + strlen(r->end) - at), at);
            return;
        }
        at = text;
    }
}

int chat_open(struct chat **out, const struct gguf *g, const struct tokenizer *t, struct err *e)
{
    struct gguf_str s;
    *out = NULL;
    if (gguf_string(g, KEY, &s, e))
        return -1;
    if (!s.p)
        return 0;
    struct text template = normal(s);
    const struct row *r = recognise(template.p);
    struct chat *c = r ? calloc(1, sizeof *c) : NULL;
    if (r && !c)
        abort();
    if (c) {
        c->t = t;
        c->row = r;
        c->bos = tokenizer_add_bos(t) || strstr(template.p, "bos_token");
        add_system(&c->before, r, template.p);
        add_piece(&c->before, r->before, t);
        add_piece(&c->after, r->after, t);
        c->end = r->end ? tokenizer_special(t, r->end) : -1;
        if (c->end < 0)
            c->end = tokenizer_eos(t);
    }
    text_free(&template);
    *out = c;
    return 0;
}

void chat_close(struct chat *c)
{
    if (!c)
        return;
    text_free(&c->before);
    text_free(&c->after);
    free(c);
}

static int is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void chat_parts(const struct chat *c, const char *user, size_t len, struct tokenizer_part parts[CHAT_PARTS])
{
    if (c->row->trim) {
        while (len && is_space(user[len - 1]))
            len--;
        while (len && is_space(*user)) {
            user++;
            len--;
        }
    }
    enum tokenizer_part_kind kind = c->row->swallow ? PART_SWALLOWING : PART_SPECIAL;
    parts[0] = (struct tokenizer_part){c->before.p, c->before.n, kind};
    parts[1] = (struct tokenizer_part){user, len, PART_TEXT};
    parts[2] = (struct tokenizer_part){c->after.p, c->after.n, kind};
}

int chat_encode(const struct chat *c, const char *user, size_t len, const char *answer, size_t answer_len, int **ids, int *n,
                struct err *e)
{
    struct tokenizer_part parts[CHAT_PARTS + 1];
    chat_parts(c, user, len, parts);
    parts[CHAT_PARTS] = (struct tokenizer_part){answer, answer_len, PART_TEXT};
    return tokenizer_encode_parts(c->t, parts, CHAT_PARTS + 1, c->bos, ids, n, e);
}

int chat_end(const struct chat *c)
{
    return c->end;
}
