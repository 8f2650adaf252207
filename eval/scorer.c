/* SPDX-License-Identifier: MIT */
#include "eval/scorer.h"

#include <math.h>
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

double scorer_value(const struct scorer *s, const double *sums, size_t n)
{
    double total[SCORER_MAX_SUMS] = {0};
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < s->sums; k++)
            total[k] += sums[i * (size_t)s->sums + (size_t)k];
    return s->value(total, n);
}

double scorer_percent(const struct scorer *s, double value)
{
    return s->scale == SCORER_PERCENT ? 1 : s->scale == SCORER_RATIO ? fabs(value) / 100 : 0.01;
}
