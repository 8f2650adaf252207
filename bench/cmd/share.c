/* SPDX-License-Identifier: MIT */
#include "bench/cmd/share.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

static const char *const installed[] = {SHAREDIR "/plots", SHAREDIR "/prompts"};

static int has(const char *folder, const char *mark)
{
    struct text path = {0};
    text_printf(&path, "%s/%s", folder, mark);
    int there = !access(path.p, R_OK);
    text_free(&path);
    return there;
}

const char *share_folder(const char *name, const char *variable, const char *mark)
{
    const char *named = getenv(variable);
    if (named && *named)
        return named;
    if (has(name, mark))
        return name;
    for (size_t i = 0; i < sizeof installed / sizeof *installed; i++)
        if (!strcmp(installed[i] + sizeof SHAREDIR, name) && has(installed[i], mark))
            return installed[i];
    return name;
}
