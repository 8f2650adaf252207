/* SPDX-License-Identifier: MIT */
#include "engine/tokenizer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "bench/cmd/cmd.h"

static const struct option_spec options[] = {
    {"model", 'm', "FILE", "the GGUF file with the vocabulary (it may have no weights)"},
    {"text", 0, "TEXT", "the input"},
    {"file", 0, "FILE", "the input is the whole file"},
    {"lines", 0, "FILE", "every line of the file is an input (without its newline)"},
    {"bos", 0, NULL, "begin each input with the BOS token"},
    {NULL, 0, NULL, NULL},
};

struct job {
    struct gguf g;
    struct tokenizer *t;
    char *contents; /* of --file or --lines */
    int bos;
    int64_t tokens; /* so far */
    json_t *inputs; /* NULL: ids are printed as they come */
};

static int tokenize(struct job *j, const char *p, size_t n, struct err *e)
{
    int *ids, count;
    if (tokenizer_encode(j->t, p, n, j->bos, &ids, &count, e))
        return -1;
    json_t *list = j->inputs ? json_array() : NULL;
    for (int i = 0; i < count; i++)
        if (list)
            json_array_append_new(list, json_integer(ids[i]));
        else
            printf("%s%d", i ? " " : "", ids[i]);
    if (list)
        json_array_append_new(j->inputs, json_pack("{s:i, s:o}", "tokens", count, "ids", list));
    else
        putchar('\n');
    j->tokens += count;
    free(ids);
    return 0;
}

static int tokenize_lines(struct job *j, size_t n, struct err *e)
{
    for (char *p = j->contents, *end = p + n; p < end;) {
        char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((newline ? newline : end) - p);
        if (tokenize(j, p, len, e))
            return -1;
        p += len + 1;
    }
    return 0;
}

static int tokenize_all(struct job *j, const struct args *a, struct err *e)
{
    const char *text = args_get(a, "text"), *file = args_get(a, "file"), *lines = args_get(a, "lines");
    size_t n;
    if (!!text + !!file + !!lines != 1)
        return err_set(e, ERR_USAGE, "tokenize: needs one input: --text TEXT, --file FILE or --lines FILE");
    if (text)
        return tokenize(j, text, strlen(text), e);
    j->contents = file_read(file ? file : lines, &n, e);
    if (!j->contents)
        return -1;
    return file ? tokenize(j, j->contents, n, e) : tokenize_lines(j, n, e);
}

static int run(const struct args *a, struct err *e)
{
    struct job j = {.bos = args_has(a, "bos"), .inputs = args_has(a, "json") ? json_array() : NULL};
    const char *model = args_need(a, "model", e);
    int rc = -1;
    if (!model || gguf_open(&j.g, model, 0, e))
        goto out;
    if (tokenizer_open(&j.t, &j.g, e)) {
        err_where(e, "%s", model);
        goto out;
    }
    if (j.bos && tokenizer_bos(j.t) < 0) {
        err_set(e, ERR_USAGE, "%s: --bos: this vocabulary has no BOS token; leave the option out", model);
        goto out;
    }
    rc = tokenize_all(&j, a, e);
    if (!rc && j.inputs)
        print_json(json_pack("{s:s, s:I, s:O}", "model", model, "tokens", (json_int_t)j.tokens, "inputs", j.inputs));
out:
    json_decref(j.inputs);
    free(j.contents);
    tokenizer_close(j.t);
    gguf_close(&j.g);
    return rc;
}

const struct command command_tokenize = {
    .name = "tokenize",
    .summary = "print the token ids of a text",
    .options = options,
    .json = 1,
    .about =
        "One line of ids for each input, by the vocabulary in the model file.  Text that looks like a control token is text.",
    .examples = "  bench tokenize --model model.gguf --text 'Once upon a time' --bos\n"
                "  bench tokenize --model vocabulary.gguf --lines inputs.txt --json",
    .run = run,
};
