/* SPDX-License-Identifier: MIT */
#include "bench/runtime/runtime.h"

#include <string.h>

#define RUNTIME(name) extern const struct runtime runtime_##name;
#include "bench/runtime/runtimes.def"
#undef RUNTIME

const struct runtime *const runtimes[] = {
#define RUNTIME(name) &runtime_##name,
#include "bench/runtime/runtimes.def"
#undef RUNTIME
    NULL,
};

const struct runtime *runtime_by_name(const char *name)
{
    for (int i = 0; runtimes[i]; i++)
        if (!strcmp(runtimes[i]->name, name))
            return runtimes[i];
    return NULL;
}
