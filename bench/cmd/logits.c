/* The raw logits of every position of a given list of ids, as a file of float32: to compare engines, builds and options.
 *
 * The rows go into a file beside the place, which is moved there when it is complete: nobody ever reads half of one. */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cmd/engine_args.h"
#include "bench/runtime/cell_session.h"

static const struct option_spec options[] = {
    {"model", 'm', "FILE", "the GGUF file to run"},
    {"tokens", 0, "FILE", "the ids: a JSON array of whole numbers, taken as they are (nothing is added in front)"},
    {"out", 'o', "FILE", "where the logits go: float32, little-endian, [tokens][vocabulary], no header"},
    {"context", 0, "N", "positions in the KV cache (as many as there are tokens)"},
    {"batch", 0, "N", "most tokens evaluated at once (512)"},
    ENGINE_OPTIONS,
    {NULL, 0, NULL, NULL},
};

enum { MAX_TOKENS = 1 << 24 };

struct job {
    struct model *model;
    struct session *session;
    int *ids, n;
    FILE *file;
    char tmp[PATH_MAX]; /* the file that is being written; "" when there is none */
    size_t row;         /* bytes of a row */
    int why;            /* errno of the first write that failed */
};

static int read_ids(struct job *j, const char *path, struct err *e)
{
    json_error_t where;
    json_t *list = json_load_file(path, 0, &where);
    int rc = -1;
    if (!list) {
        err_set(e, ERR_ENV, "%s: line %d: %s; it must be a JSON array of token ids, such as [1, 403, 407]", path, where.line,
                where.text);
        goto out;
    }
    size_t n = json_array_size(list); /* 0 for what is no array */
    if (n < 1 || n > MAX_TOKENS) {
        err_set(e, ERR_ENV, "%s: it holds %s; it must be a JSON array of 1 to %d token ids, such as [1, 403, 407]", path,
                !json_is_array(list) ? "no array"
                : n                  ? "too many elements"
                                     : "an empty array",
                MAX_TOKENS);
        goto out;
    }
    j->ids = malloc(n * sizeof *j->ids);
    if (!j->ids) {
        err_set(e, ERR_ENV, "%s: no memory for %zu token ids", path, n);
        goto out;
    }
    for (j->n = 0; j->n < (int)n; j->n++) {
        const json_t *id = json_array_get(list, (size_t)j->n);
        json_int_t v = json_is_integer(id) ? json_integer_value(id) : -1;
        if (v < 0 || v >= j->model->n_vocab) {
            char *shown = json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT);
            err_set(e, ERR_ENV, "%s: element %d of %zu is %.40s, but the vocabulary of this model has the ids 0 to %d", path,
                    j->n + 1, n, shown ? shown : "no number", j->model->n_vocab - 1);
            free(shown);
            goto out;
        }
        j->ids[j->n] = (int)v;
    }
    rc = 0;
out:
    json_decref(list);
    return rc;
}

static void write_row(void *job, int i, const float *logits)
{
    struct job *j = job;
    (void)i;
    if (!j->why && fwrite(logits, j->row, 1, j->file) != 1)
        j->why = errno ? errno : EIO;
}

static int open_file(struct job *j, const char *path, struct err *e)
{
    int n = snprintf(j->tmp, sizeof j->tmp, "%s.tmp.%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof j->tmp) {
        j->tmp[0] = '\0';
        return err_set(e, ERR_ENV, "%.200s...: the path is too long; choose a shorter one", path);
    }
    j->file = fopen(j->tmp, "wbe");
    if (j->file)
        return 0;
    err_set(e, ERR_ENV, "%s: cannot create %s: %s; is the folder there and writable?", path, j->tmp, strerror(errno));
    j->tmp[0] = '\0';
    return -1;
}

static int finish_file(struct job *j, const char *path, struct err *e)
{
    if (!j->why && (fflush(j->file) || fsync(fileno(j->file))))
        j->why = errno;
    if (fclose(j->file) && !j->why)
        j->why = errno;
    j->file = NULL;
    if (!j->why && rename(j->tmp, path))
        j->why = errno;
    if (j->why)
        return err_set(e, ERR_ENV, "%s: cannot write %.1f MiB of logits: %s; free some space or choose another place", path,
                       (double)j->row * j->n / 1048576, strerror(j->why));
    j->tmp[0] = '\0';
    return 0;
}

static int open_all(const struct args *a, struct job *j, struct err *e)
{
    static int cpus[TOPOLOGY_MAX_CPUS];
    struct cell c = {0};
    struct session_options o;
    int64_t n_ctx, batch;
    const char *model = args_need(a, "model", e), *tokens = model ? args_need(a, "tokens", e) : NULL;
    if (!tokens || !args_need(a, "out", e) || args_int(a, "batch", 1, 1 << 20, 512, &batch, e) || engine_args(a, &c, cpus, e) ||
        model_open(&j->model, model, 1, e) || read_ids(j, tokens, e) || args_int(a, "context", 1, MAX_TOKENS, j->n, &n_ctx, e))
        return -1;
    if (j->n > n_ctx)
        return err_set(e, ERR_USAGE, "%s: it holds %d tokens, --context %d has no room for them", tokens, j->n, (int)n_ctx);
    c.batch = (int)batch;
    cell_session(&c, (int)n_ctx, cpus, &o);
    j->row = (size_t)j->model->n_vocab * sizeof(float);
    return session_open(&j->session, j->model, &o, e);
}

static int run(const struct args *a, struct err *e)
{
    struct job j = {0};
    const char *out = args_get(a, "out");
    int rc = open_all(a, &j, e) || open_file(&j, out, e) || session_eval(j.session, j.ids, j.n, LOGITS_ALL, write_row, &j, e) ||
                     finish_file(&j, out, e)
                 ? -1
                 : 0;
    if (!rc && args_has(a, "json"))
        print_json(json_pack("{s:s, s:i, s:i, s:I}", "out", out, "tokens", j.n, "vocabulary", j.model->n_vocab, "bytes",
                             (json_int_t)j.row * j.n));
    else if (!rc)
        printf("%s: %d tokens x %d logits, %.1f MiB\n", out, j.n, j.model->n_vocab, (double)j.row * j.n / 1048576);
    if (j.file)
        fclose(j.file);
    if (j.tmp[0])
        unlink(j.tmp);
    session_close(j.session);
    model_close(j.model);
    free(j.ids);
    return rc;
}

const struct command command_logits = {
    .name = "logits",
    .summary = "the raw logits of every position of a list of token ids",
    .options = options,
    .json = 1,
    .about =
        "Evaluates the ids from position 0 on and writes one row of logits for each: row i is the prediction of token i + 1, as\n"
        "the model's head gives it (no softmax, no temperature).  With --compute exact and --kv f32 two engines that do the\n"
        "same maths agree to about 1e-6 of the logits' range, and the rows do not depend on --batch, --threads or --isa.",
    .examples = "  bench logits --model m.gguf --tokens ids.json -o out.f32\n"
                "  bench logits --model m.gguf --tokens ids.json -o out.f32 --compute exact --kv f32 --batch 7",
    .run = run,
};
