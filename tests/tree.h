/* tree.h - a folder that stands for the /proc and /sys of a machine, written by a test file by file. */
/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TREE_H
#define TESTS_TREE_H

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/test.h"

/* Writes root/path with these contents, making the folders above it; a file that is there keeps its inode, so that a program
 * which holds it open reads the new contents, as it does with a counter of the kernel. */
static inline void tree_write(const char *root, const char *path, const char *contents)
{
    char full[PATH_MAX], folder[PATH_MAX];
    struct err e;
    int n = snprintf(full, sizeof full, "%s/%s", root, path);
    assert_true(n > 0 && (size_t)n < sizeof full);
    memcpy(folder, full, sizeof folder);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(file_mkdirs(folder, &e), 0);
    int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, contents, strlen(contents)), (ssize_t)strlen(contents));
    close(fd);
}

#endif
