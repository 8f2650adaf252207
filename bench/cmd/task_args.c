/* SPDX-License-Identifier: MIT */
#include "bench/cmd/task_args.h"

#include <string.h>

#include "bench/cmd/share.h"

const char *task_folder(const char *given)
{
    return given ? given : share_folder("prompts", "BENCH_PROMPTS", "tasks.ini");
}

int task_chat(const char *how, int *on, struct err *e)
{
    *on = !how || !strcmp(how, "auto");
    return *on || !strcmp(how, "off") ? 0 : err_set(e, ERR_USAGE, "--chat %s: must be auto or off", how);
}
