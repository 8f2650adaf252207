/* test.h - cmocka with what it needs before it, and the few helpers that every test shares.
 *
 * Tests run with the repository's root as working directory (make test sees to that).  They use no clock: a test that fails
 * on a busy machine tests the machine.  A test that needs data which the repository does not carry skips, by name:
 *
 *     const char *path = testdata("models/stories260K.gguf");
 *     TEST_SKIP_WITHOUT(path, "models/stories260K.gguf"); */
/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h must come after these four. */
#include <cmocka.h>

/* 1 in a build with sanitizers, which have an allocator and memory of their own: what counts allocations or bytes skips there. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define TEST_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SANITIZED 1
#endif
#ifndef TEST_SANITIZED
#define TEST_SANITIZED 0
#endif

/* Path of a file or folder below $BENCH_TESTDATA, or below ../shared/data where that is not set; NULL when it is not there.
 * The text stays valid for the next 7 calls. */
const char *testdata(const char *relative);

/* Makes a fresh folder below $TMPDIR, else /tmp, and puts its path into buf; 0, or -1 with errno set. */
int test_tmp(char *buf, size_t size);

/* Removes such a folder with everything in it.  Anything that is not below the temporary folder is left alone. */
void test_rm(const char *dir);

/* One such folder for a whole group of tests: give both to cmocka_run_group_tests.  test_dir is its path, test_file that of a
 * file in it, valid for the next 7 calls. */
extern char test_dir[200];
int test_dir_make(void **state);
int test_dir_remove(void **state);
const char *test_file(const char *name);

/* Ends the test as skipped, naming the data that it could not run without. */
#define TEST_SKIP_WITHOUT(path, name)                                                                                            \
    do {                                                                                                                         \
        if (!(path)) {                                                                                                           \
            print_message("[  NEEDS   ] %s (set BENCH_TESTDATA to the folder that has it)\n", (name));                           \
            skip();                                                                                                              \
        }                                                                                                                        \
    } while (0)

#endif
