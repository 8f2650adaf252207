/* SPDX-License-Identifier: MIT */
#include "bench/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define MOST (1 << 24) /* tokens: the longest context there is */

int policy_parse(const char *policy, int *sinks, int *window)
{
    static const char window_is[] = "window:", sinks_are[] = "sinks:";
    char first[16];
    int64_t s = 0, w = 0;
    if (!strncmp(policy, window_is, sizeof window_is - 1)) {
        if (text_int(policy + sizeof window_is - 1, 1, MOST, &w))
            return -1;
    } else if (!strncmp(policy, sinks_are, sizeof sinks_are - 1)) {
        const char *p = policy + sizeof sinks_are - 1, *plus = strchr(p, '+');
        snprintf(first, sizeof first, "%.*s", plus ? (int)(plus - p) : 0, p);
        if (!plus || text_int(first, 1, MOST, &s) || text_int(plus + 1, 1, MOST, &w))
            return -1;
    } else if (strcmp(policy, "full") != 0) {
        return -1;
    }
    *sinks = (int)s;
    *window = (int)w;
    return 0;
}
