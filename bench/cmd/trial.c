/* The process of a trial.  Not for typing: a sweep starts it and speaks bench/protocol.h with it. */
/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "bench/cmd/cmd.h"
#include "bench/trial.h"

static int run(const struct args *a, struct err *e)
{
    (void)a;
    /* The answers go where stdout went; whatever a library prints there must not fall between them. */
    int out = dup(STDOUT_FILENO);
    if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return err_set(e, ERR_ENV, "trial: cannot duplicate its output");
    return trial_serve(dup(STDIN_FILENO), out, e);
}

const struct command command_trial = {
    .name = "trial",
    .about = "Runs one trial for a sweep, which speaks to it in JSON lines on stdin and stdout (bench/protocol.h).",
    .examples = "  echo '{\"v\":1,\"do\":\"exit\"}' | bench trial",
    .run = run,
};
