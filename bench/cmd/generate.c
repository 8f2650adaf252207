/* Text from a model.
 *
 * Prefill is the evaluation of the prompt; the first token is picked from its logits.  ms/token is decode alone: the mean over
 * the tokens after the first, each of them one evaluation and one pick. */
/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "bench/cmd/engine_args.h"
#include "bench/runtime/cell_session.h"
#include "engine/chat.h"
#include "engine/sampler.h"

static const struct option_spec options[] = {
    {"model", 'm', "FILE", "the GGUF file to run"},
    {"prompt", 'p', "TEXT", "the text to go on from (empty: from BOS)"},
    {"chat", 0, NULL, "ask by the model's chat template: the prompt is what a user says"},
    {"decode", 'n', "N", "tokens to generate at most (64)"},
    {"temp", 0, "T", "temperature; 0: greedy (0)"},
    {"top-k", 0, "K", "pick among the K most probable; 0: among all (0)"},
    {"top-p", 0, "P", "... and the fewest that reach this probability together (1)"},
    {"seed", 0, "N", "of the picks (1)"},
    {"ignore-eos", 0, NULL, "go on after the end of the text"},
    ENGINE_OPTIONS,
    {"context", 0, "N", "positions in the KV cache (the prompt's tokens and --decode)"},
    {NULL, 0, NULL, NULL},
};

enum stop { STOP_LENGTH, STOP_EOS, STOP_CONTEXT };

static const struct {
    const char *name, *meaning;
} stops[] = {
    [STOP_LENGTH] = {"length", "as many as asked for"},
    [STOP_EOS] = {"eos", "the model ended the text"},
    [STOP_CONTEXT] = {"context", "the context is full"},
};

struct generation {
    struct model *model;
    struct chat *chat; /* NULL: the prompt as it is */
    struct session *session;
    struct sampler sampler;
    void *room;
    int quiet; /* collect the text, do not stream it */
    int n_prompt, most, n, n_ctx;
    int *prompt, *ids;
    struct text text;
    enum stop stop;
    int64_t prefill_ns, decode_ns;
};

static int read_sampler(const struct args *a, struct sampler *s, struct err *e)
{
    double temperature, top_p;
    int64_t top_k, seed;
    if (args_double(a, "temp", 0, 1000, 0, &temperature, e) || args_int(a, "top-k", 0, INT32_MAX, 0, &top_k, e) ||
        args_double(a, "top-p", 0, 1, 1, &top_p, e) || args_int(a, "seed", 0, INT64_MAX, 1, &seed, e))
        return -1;
    if (temperature == 0 && (args_has(a, "top-k") || args_has(a, "top-p")))
        return err_set(e, ERR_USAGE,
                       "generate: --top-k and --top-p do nothing at temperature 0; give --temp as well, such as 0.8");
    *s = (struct sampler){.temperature = (float)temperature, .top_k = (int)top_k, .top_p = (float)top_p};
    rng_seed(&s->rng, (uint64_t)seed);
    return 0;
}

static int open_session(const struct args *a, struct generation *g, struct err *e)
{
    static int cpus[TOPOLOGY_MAX_CPUS];
    struct cell c = {0};
    struct session_options o;
    if (engine_args(a, &c, cpus, e))
        return -1;
    cell_session(&c, g->n_ctx, cpus, &o);
    return session_open(&g->session, g->model, &o, e);
}

static int open_all(const struct args *a, struct generation *g, struct err *e)
{
    int64_t most, n_ctx;
    const char *path = args_need(a, "model", e), *prompt = path ? args_need(a, "prompt", e) : NULL;
    if (!prompt || args_int(a, "decode", 1, 1 << 23, 64, &most, e) || read_sampler(a, &g->sampler, e) ||
        model_open(&g->model, path, 1, e))
        return -1;
    const struct tokenizer *t = g->model->tokenizer;
    size_t len = strlen(prompt);
    if (args_has(a, "chat") && chat_open(&g->chat, &g->model->gguf, t, e))
        return -1;
    if (g->chat ? chat_encode(g->chat, prompt, len, "", 0, &g->prompt, &g->n_prompt, e)
                : tokenizer_encode(t, prompt, len, tokenizer_add_bos(t), &g->prompt, &g->n_prompt, e))
        return -1;
    if (g->n_prompt < 1)
        return err_set(e, ERR_USAGE, "generate: the prompt is empty and this model has no BOS to start from; give a --prompt");
    g->most = (int)most;
    if (args_int(a, "context", 1, 1 << 24, g->n_prompt + most, &n_ctx, e))
        return -1;
    g->n_ctx = (int)n_ctx;
    if (g->n_prompt > g->n_ctx)
        return err_set(e, ERR_USAGE, "generate: the prompt has %d tokens, --context %d has no room for them", g->n_prompt,
                       g->n_ctx);
    g->ids = malloc((size_t)g->most * sizeof *g->ids);
    g->room = malloc(sampler_room(g->model->n_vocab));
    if (!g->ids || !g->room)
        return err_set(e, ERR_ENV, "generate: out of memory for %d tokens", g->most);
    return open_session(a, g, e);
}

static void add_piece(struct generation *g, int id)
{
    int n;
    const char *piece = tokenizer_piece(g->model->tokenizer, id, &n);
    g->ids[g->n++] = id;
    text_add(&g->text, piece, (size_t)n);
    if (!g->quiet) {
        fwrite(piece, 1, (size_t)n, stdout);
        fflush(stdout);
    }
}

static int generate(struct generation *g, int ignore_eos, struct err *e)
{
    int eos = tokenizer_eos(g->model->tokenizer), turn = g->chat ? chat_end(g->chat) : eos;
    int64_t begin = clock_ns();
    if (session_eval(g->session, g->prompt, g->n_prompt, LOGITS_LAST, NULL, NULL, e))
        return -1;
    int64_t first = 0;
    g->prefill_ns = clock_ns() - begin;
    g->stop = STOP_LENGTH;
    for (;;) {
        int id = sampler_pick(&g->sampler, session_logits(g->session), g->model->n_vocab, g->room);
        int64_t end = clock_ns();
        if (g->n == 0)
            first = end; /* the first token comes of the prompt's evaluation */
        if ((id == eos || id == turn) && !ignore_eos) {
            g->stop = STOP_EOS;
            break;
        }
        g->decode_ns = end - first;
        add_piece(g, id);
        if (g->n == g->most)
            break;
        if (session_position(g->session) == g->n_ctx) {
            g->stop = STOP_CONTEXT;
            break;
        }
        if (session_eval(g->session, &id, 1, LOGITS_LAST, NULL, NULL, e))
            return -1;
    }
    return 0;
}

static json_t *json_ids(const int *ids, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_integer(ids[i]));
    return list;
}

static void print_result(const struct generation *g)
{
    double prefill_ms = (double)g->prefill_ns / 1e6, per_token = g->n > 1 ? (double)g->decode_ns / 1e6 / (g->n - 1) : 0;
    if (!g->quiet) {
        putchar('\n');
        fflush(stdout);
        fprintf(stderr, "%d tokens (%s)", g->n, stops[g->stop].meaning);
        if (g->n > 1)
            fprintf(stderr, ", %.3f ms/token", per_token);
        fprintf(stderr, "; prompt of %d tokens in %.2f ms, %.0f tok/s\n", g->n_prompt, prefill_ms,
                g->n_prompt / prefill_ms * 1e3);
        return;
    }
    json_t *j = json_object();
    json_object_set_new(j, "prompt_tokens", json_integer(g->n_prompt));
    json_object_set_new(j, "tokens", json_integer(g->n));
    json_object_set_new(j, "stopped", json_string(stops[g->stop].name));
    json_object_set_new(j, "text", json_any_text(g->text.p, g->text.n));
    json_object_set_new(j, "chat_template", g->chat ? json_string(chat_name(&g->model->gguf)) : json_null());
    json_object_set_new(j, "prompt_ids", json_ids(g->prompt, g->n_prompt));
    json_object_set_new(j, "ids", json_ids(g->ids, g->n));
    json_object_set_new(j, "prefill_ms", json_real(prefill_ms));
    json_object_set_new(j, "ms_per_token", g->n > 1 ? json_real(per_token) : json_null());
    print_json(j);
}

static int run(const struct args *a, struct err *e)
{
    struct generation g = {.quiet = args_has(a, "json")};
    int rc = open_all(a, &g, e);
    if (!rc && args_has(a, "chat") && !g.chat)
        fprintf(stderr, "note: %s; the prompt is put as it is\n",
                chat_name(&g.model->gguf) ? "the chat template of this file is not one that is known"
                                          : "this file carries no chat template");
    if (!rc && g.n_ctx > g.model->n_ctx_train)
        fprintf(stderr, "note: a context of %d tokens is longer than the %d that the model was trained for\n", g.n_ctx,
                g.model->n_ctx_train);
    if (!rc)
        rc = generate(&g, args_has(a, "ignore-eos"), e);
    if (!rc)
        print_result(&g);
    session_close(g.session);
    chat_close(g.chat);
    model_close(g.model);
    text_free(&g.text);
    free(g.prompt);
    free(g.ids);
    free(g.room);
    return rc;
}

const struct command command_generate = {
    .name = "generate",
    .summary = "go on from a prompt, token by token",
    .options = options,
    .json = 1,
    .about =
        "Writes what the model adds to the prompt, as it is made, to stdout, and the times to stderr.  It stops at the end of\n"
        "the text (EOS), after --decode tokens, or when --context is full.  With --json: text and ids are the added ones,\n"
        "prompt_ids those of the prompt; prefill_ms is the evaluation of the prompt, ms_per_token the mean of decoding one\n"
        "token after the first.  The same seed gives the same text.  With --chat the answer also ends at the template's end of "
        "turn.",
    .examples = "  bench generate --model m.gguf --prompt \"Once upon\" -n 64\n"
                "  bench generate --model m.gguf --prompt \"Once upon\" --temp 0.8 --top-k 40 --top-p 0.9 --seed 7",
    .run = run,
};
