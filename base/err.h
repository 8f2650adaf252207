/* err.h - how a function says that it failed, and why.
 *
 * A function that can fail takes a struct err * last and returns err_set(...), which is -1, or 0 when it did not fail.
 * The message is made where the fact is known (what, where, why, what to do next) and printed by bench/cmd alone.
 * The codes are the exit codes of the program. */
/* SPDX-License-Identifier: MIT */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_code {
    ERR_NONE = 0,
    ERR_ANSWER_NO = 1,    /* the answer is no: a regression, a kernel that failed its check */
    ERR_USAGE = 2,        /* wrong usage: an option, a value, a combination */
    ERR_INCONCLUSIVE = 3, /* the data do not decide */
    ERR_INVALID = 4,      /* a control failed, nothing was measured */
    ERR_ENV = 5,          /* the environment: disk, permission, corrupt file, no memory */
};

struct err {
    enum err_code code;
    char msg[640];
};

/* Fills e (which may be NULL) and returns -1. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "where: " in front of the message that e holds; returns -1, so that a caller can return it. */
int err_where(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
