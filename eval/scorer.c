/* SPDX-License-Identifier: MIT */
#include "eval/scorer.h"

#include <string.h>

#define SCORER(name) extern const struct scorer scorer_##name;
#include "eval/scorers.def"
#undef SCORER

const struct scorer *const scorers[] = {
#define SCORER(name) &scorer_##name,
#include "eval/scorers.def"
#undef SCORER
    NULL,
};

const struct scorer *scorer_by_name(const char *name)
{
    for (int i = 0; scorers[i]; i++)
        if (!strcmp(scorers[i]->name, name))
            return scorers[i];
    return NULL;
}
