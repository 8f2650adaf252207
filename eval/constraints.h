/* constraints.h - the "check" of an item: what an answer must look like, whatever it says.  prompts/README.md lists the kinds. */
/* SPDX-License-Identifier: MIT */
#ifndef EVAL_CONSTRAINTS_H
#define EVAL_CONSTRAINTS_H

struct json_t;

/* The first member of a check that is of no known kind or has a value of the wrong type; NULL when all are well formed. */
const char *constraints_malformed(const struct json_t *check);

#endif
