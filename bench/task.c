/* Perplexity over windows.
 *
 * The ids of the whole text, BOS in front, are cut into windows of W tokens without overlap; the last, partial one is dropped.
 * In each window the first token is replaced by BOS (where there is one) and the window runs from an empty KV cache.  The first
 * half is context only: the logits at positions W/2 .. W-2 score the tokens at W/2+1 .. W-1, so that every scored token has
 * seen at least half a window.  It is the method of llama.cpp's perplexity program. */
/* SPDX-License-Identifier: MIT */
#include "bench/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int score_window(void *self, task_nll_fn *nll, const int *ids, int n, double *each, double sums[2], struct err *e)
{
    int from = n / 2 + 1;
    if (nll(self, ids, n, from, each, e))
        return -1;
    sums[0] = 0;
    sums[1] = n - from;
    for (int i = 0; i < n - from; i++) {
        if (!isfinite(each[i]))
            return err_set(e, ERR_INVALID,
                           "the model's log-probability of token %d is not a number; its weights or the KV format "
                           "overflow: try --compute exact --kv f32",
                           from + i);
        sums[0] += each[i];
    }
    return 0;
}

int task_perplexity(void *self, task_nll_fn *nll, int bos, const int *ids, int n_ids, int window, double **sums, int *n,
                    struct err *e)
{
    *sums = NULL;
    *n = 0;
    if (window < TASK_MIN_WINDOW)
        return err_set(e, ERR_USAGE, "--window %d: it must be at least %d, or no token is scored", window, TASK_MIN_WINDOW);
    int windows = n_ids / window;
    if (!windows)
        return err_set(e, ERR_USAGE, "the text has %d tokens, one window needs %d: give a longer --text or a smaller --window",
                       n_ids, window);
    int rc = -1;
    int *part = malloc((size_t)window * sizeof *part);
    double *each = malloc((size_t)window * sizeof *each);
    double *out = calloc((size_t)windows, 2 * sizeof *out);
    if (!part || !each || !out) {
        err_set(e, ERR_ENV, "perplexity: out of memory for %d windows of %d tokens", windows, window);
        goto out;
    }
    for (int w = 0; w < windows; w++) {
        memcpy(part, ids + (size_t)w * (size_t)window, (size_t)window * sizeof *part);
        if (bos >= 0)
            part[0] = bos;
        if (score_window(self, nll, part, window, each, out + 2 * (size_t)w, e)) {
            err_where(e, "window %d of %d", w + 1, windows);
            goto out;
        }
    }
    *sums = out;
    *n = windows;
    out = NULL;
    rc = 0;
out:
    free(part);
    free(each);
    free(out);
    return rc;
}
