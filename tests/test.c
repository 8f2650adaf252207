/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *testdata(const char *relative)
{
    static char ring[8][PATH_MAX]; /* one test often holds the paths of a model and of its reference at once */
    static unsigned next;
    char *path = ring[next++ % 8];
    const char *root = getenv("BENCH_TESTDATA");
    int n = snprintf(path, PATH_MAX, "%s/%s", root && *root ? root : "../shared/data", relative);
    return n > 0 && n < PATH_MAX && access(path, R_OK) == 0 ? path : NULL;
}

static const char *tmp_root(void)
{
    const char *root = getenv("TMPDIR");
    return root && *root ? root : "/tmp";
}

int test_tmp(char *buf, size_t size)
{
    int n = snprintf(buf, size, "%s/bench-test-XXXXXX", tmp_root());
    if (n < 0 || (size_t)n >= size) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return mkdtemp(buf) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

void test_rm(const char *dir)
{
    size_t n = strlen(tmp_root());
    if (strncmp(dir, tmp_root(), n) || strncmp(dir + n, "/bench-test-", 12))
        return;
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

char test_dir[200];

int test_dir_make(void **state)
{
    (void)state;
    return test_tmp(test_dir, sizeof test_dir);
}

int test_dir_remove(void **state)
{
    (void)state;
    test_rm(test_dir);
    return 0;
}

const char *test_file(const char *name)
{
    static char path[8][300];
    static unsigned next;
    char *p = path[next++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", test_dir, name);
    return p;
}
