/* policy.h - what of the context a token sees: the axis `policy`.
 *
 *     full            everything before it
 *     window:W        itself and the W - 1 tokens before it
 *     sinks:S+W       the same, and the first S tokens of the text
 *
 * What that means in the engine, and what it promises, is in engine/session.h. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_POLICY_H
#define BENCH_POLICY_H

/* Full is a window of 0.  -1 when it is none of the three, or a number is not 1 to 16777216. */
int policy_parse(const char *policy, int *sinks, int *window);

#endif
