/* capture.h - what a function of bench/cmd prints, as a text. */
/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CAPTURE_H
#define TESTS_CAPTURE_H

#include <stdio.h>
#include <unistd.h>

#include "tests/test.h"

struct capture {
    FILE *file;
    int was;
};

/* From here to capture_end stdout is a file. */
static inline void capture_begin(struct capture *c)
{
    c->file = tmpfile();
    assert_non_null(c->file);
    fflush(stdout);
    c->was = dup(1);
    dup2(fileno(c->file), 1);
}

static inline void capture_end(struct capture *c, char *said, size_t size)
{
    fflush(stdout);
    dup2(c->was, 1);
    close(c->was);
    rewind(c->file);
    said[fread(said, 1, size - 1, c->file)] = '\0';
    fclose(c->file);
}

#endif
