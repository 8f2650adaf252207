/* Put in front of every file by ci/lint: the analyzer reads one file at a time and cannot see that err_set and err_where return
 * -1, so it would follow paths on which a function failed and its caller did not notice. */
/* SPDX-License-Identifier: MIT */
#ifndef CI_ANALYZER_H
#define CI_ANALYZER_H

#include "base/err.h"

#define err_set(...) (err_set(__VA_ARGS__), -1)
#define err_where(...) (err_where(__VA_ARGS__), -1)

#endif
