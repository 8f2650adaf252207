/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void files_are_read_mapped_and_hashed(void **state)
{
    (void)state;
    char hex[65], line[8];
    const char *path = test_file("abc");
    struct err e;
    struct map m;
    put(path, "abc");
    size_t n;
    char *text = file_read(path, &n, &e);
    assert_string_equal(text, "abc");
    assert_int_equal(n, 3);
    free(text);
    assert_int_equal(file_map(&m, path, 1, &e), 0);
    assert_memory_equal(m.p, "abc", 3);
    file_unmap(&m);
    /* FIPS 180-2, appendix B.1 */
    assert_int_equal(file_sha256(path, hex, &e), 0);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    put(path, "a long line\n");
    assert_int_equal(file_read_line(path, line, sizeof line), 7);
    assert_string_equal(line, "a long ");
    put(path, "");
    assert_int_equal(file_map(&m, path, 1, &e), 0);
    assert_int_equal(m.n, 0);
    file_unmap(&m);
}

static void a_field_is_the_number_behind_its_name(void **state)
{
    (void)state;
    put(test_file("status"), "Name:\tx\nVmHWMx:\t7 kB\nVmHWM:\t  1234 kB\nEmpty:\n");
    assert_int_equal(file_field(test_file("status"), "VmHWM:"), 1234);
    assert_int_equal(file_field(test_file("status"), "Empty:"), -1);
    assert_int_equal(file_field(test_file("status"), "VmPeak:"), -1);
    assert_int_equal(file_field(test_file("none"), "VmHWM:"), -1);
}

/* Faulted in when it is mapped, not when it is read.  The kernel counts resident pages in batches. */
static void a_populated_map_is_resident(void **state)
{
    (void)state;
    enum { BYTES = 8 << 20, SLACK = 1 << 20 };
    char *text = malloc(BYTES + 1);
    assert_non_null(text);
    memset(text, 'x', BYTES);
    text[BYTES] = '\0';
    put(test_file("large"), text);
    free(text);
    struct map m;
    struct err e = {0};
    const int64_t before = file_field("/proc/self/status", "RssFile:") * 1024;
    assert_int_equal(file_map(&m, test_file("large"), 1, &e), 0);
    assert_true(file_field("/proc/self/status", "RssFile:") * 1024 - before >= BYTES - SLACK);
    assert_int_equal(m.p[BYTES - 1], 'x');
    file_unmap(&m);
}

static void what_cannot_be_read_says_why(void **state)
{
    (void)state;
    struct err e = {0};
    struct map m;
    assert_int_equal(file_map(&m, "/nowhere/x", 0, &e), -1);
    assert_int_equal(e.code, ERR_ENV);
    assert_non_null(strstr(e.msg, "/nowhere/x"));
    assert_non_null(strstr(e.msg, "No such file"));
    assert_null(file_read("/", NULL, &e));
    assert_non_null(strstr(e.msg, "not a regular file"));
    assert_int_equal(file_mkdirs("/dev/null/x", &e), -1);
    assert_non_null(strstr(e.msg, "/dev/null"));
}

static void folders_are_made_with_their_parents(void **state)
{
    (void)state;
    const char *path = test_file("a/b//c");
    struct err e;
    assert_int_equal(file_mkdirs(path, &e), 0);
    assert_int_equal(access(path, W_OK), 0);
    assert_int_equal(file_mkdirs(path, &e), 0); /* again is fine */
}

static void a_file_is_written_whole_or_not_at_all(void **state)
{
    (void)state;
    struct err e = {0};
    struct map before, m;
    assert_int_equal(file_mkdirs(test_file("w"), &e), 0);
    const char *path = test_file("w/f");
    assert_int_equal(file_write(path, "old", 3, &e), 0);
    assert_int_equal(file_map(&before, path, 0, &e), 0);
    assert_int_equal(file_write(path, "new text", 8, &e), 0);
    assert_memory_equal(before.p, "old", 3); /* whoever has the old one open keeps it */
    assert_int_equal(file_map(&m, path, 0, &e), 0);
    assert_int_equal(m.n, 8);
    assert_memory_equal(m.p, "new text", 8);
    assert_int_equal(m.id.bytes, 8);
    assert_true(m.id.inode != before.id.inode);
    file_unmap(&before);
    file_unmap(&m);
    assert_int_equal(remove(path), 0);
    assert_int_equal(rmdir(test_file("w")), 0); /* nothing else was left there */
    assert_int_equal(file_write(path, "x", 1, &e), -1);
    assert_int_equal(e.code, ERR_ENV);
    assert_non_null(strstr(e.msg, "is the folder there"));
    assert_int_equal(file_mkdirs(test_file("w/f/x"), &e), 0); /* a folder stands in its place */
    assert_int_equal(file_write(path, "x", 1, &e), -1);
    assert_non_null(strstr(e.msg, "cannot write"));
    assert_int_equal(rmdir(test_file("w/f/x")), 0);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(test_file("w")), 0);
}

static void arena_counts_what_it_takes(void **state)
{
    (void)state;
    struct arena a = {0};
    struct err e;
    assert_null(arena_take(&a, 1));
    assert_null(arena_take(&a, 100));
    assert_int_equal(a.used, 64 + 128);
    size_t size = a.used;
    assert_int_equal(arena_map(&a, size, &e), 0);
    unsigned char *p = arena_take(&a, 1), *q = arena_take(&a, 100);
    assert_ptr_equal(q, p + 64);
    assert_int_equal((uintptr_t)p % ARENA_ALIGN, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(q[i], 0);
    arena_unmap(&a);
    assert_int_equal(arena_map(&a, (size_t)1 << 62, &e), -1);
    assert_non_null(strstr(e.msg, "--context"));
}

static void errors_carry_their_place(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(err_set(&e, ERR_USAGE, "threads %d", 3), -1);
    assert_int_equal(err_where(&e, "line %d", 7), -1);
    assert_string_equal(e.msg, "line 7: threads 3");
    assert_int_equal(err_set(NULL, ERR_ENV, "nobody listens"), -1);
    char long_text[2000];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    err_set(&e, ERR_ENV, "%s", long_text);
    err_where(&e, "%s", long_text);
    assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_mapped_and_hashed),    cmocka_unit_test(a_field_is_the_number_behind_its_name),
        cmocka_unit_test(a_populated_map_is_resident),         cmocka_unit_test(what_cannot_be_read_says_why),
        cmocka_unit_test(folders_are_made_with_their_parents), cmocka_unit_test(a_file_is_written_whole_or_not_at_all),
        cmocka_unit_test(arena_counts_what_it_takes),          cmocka_unit_test(errors_carry_their_place),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
