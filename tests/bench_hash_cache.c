/* The cache of hashes: what is found again, what is not, and that describing a model uses it.
 *
 * An entry that is planted with a hash of the test's own shows whether the cache was asked.  Age is not waited for: seen_ns is set
 * as if the file had been opened later. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "bench/hash_cache.h"
#include "bench/runtime/runtime.h"
#include "tests/toy.h"

#define SECOND INT64_C(1000000000)

static const char planted[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char other[] = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

static void put(const char *path, const char *text)
{
    struct err e = {0};
    if (file_write(path, text, strlen(text), &e))
        fail_msg("%s", e.msg);
}

/* The file as it is now, opened `age` after its last change. */
static struct file_id id_of(const char *path, int64_t age)
{
    struct map m;
    struct err e = {0};
    if (file_map(&m, path, 0, &e))
        fail_msg("%s", e.msg);
    struct file_id id = m.id;
    file_unmap(&m);
    id.seen_ns = id.ctime_ns + age;
    return id;
}

/* An empty folder for the entries of one test. */
static const char *folder(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s", test_file(name));
    assert_int_equal(mkdir(path, 0777), 0);
    return path;
}

static int entries(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;
    assert_non_null(d);
    for (struct dirent *at; (at = readdir(d));)
        n += *at->d_name != '.';
    closedir(d);
    return n;
}

static const char *entry_of(const char *dir, const struct file_id *id)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%" PRIu64 "-%" PRIu64 ".sha256", dir, id->device, id->inode);
    return path;
}

static void a_kept_hash_is_found(void **state)
{
    (void)state;
    char hex[65];
    struct err e = {0};
    const char *dir = folder("kept");
    put(test_file("a"), "one");
    put(test_file("b"), "two");
    struct file_id id[2] = {id_of(test_file("a"), 10 * SECOND), id_of(test_file("b"), 10 * SECOND)};
    assert_int_equal(hash_cache_find(dir, id, 1, hex), 0);
    hash_cache_keep(dir, id, 1, planted);
    assert_int_equal(hash_cache_find(dir, id, 1, hex), 1);
    assert_string_equal(hex, planted);
    assert_int_equal(hash_cache_find(dir, id + 1, 1, hex), 0);
    /* Of a model in two files it is another, and each of them counts. */
    assert_int_equal(hash_cache_find(dir, id, 2, hex), 0);
    hash_cache_keep(dir, id, 2, other);
    assert_int_equal(hash_cache_find(dir, id, 2, hex), 1);
    assert_string_equal(hex, other);
    id[1].ctime_ns++;
    assert_int_equal(hash_cache_find(dir, id, 2, hex), 0);
    /* One text a model, as the header says. */
    assert_int_equal(entries(dir), 1);
    char *text = file_read(entry_of(dir, id), NULL, &e);
    assert_non_null(text);
    assert_int_equal(strncmp(text, "device ", 7), 0);
    free(text);
}

static void every_part_of_the_key_counts(void **state)
{
    (void)state;
    char hex[65];
    const char *dir = folder("key");
    put(test_file("k"), "one");
    const struct file_id id = id_of(test_file("k"), 10 * SECOND);
    hash_cache_keep(dir, &id, 1, planted);
    struct file_id x[] = {id, id, id, id, id, id};
    x[0].device++;
    x[1].inode++;
    x[2].bytes++;
    x[3].mtime_ns++;
    x[4].ctime_ns++;
    x[5].seen_ns += SECOND; /* when it was looked at does not */
    for (int i = 0; i < 6; i++)
        assert_int_equal(hash_cache_find(dir, &x[i], 1, hex), i == 5);
}

/* Same size, same mtime: only ctime tells. */
static void a_file_changed_in_place_is_noticed(void **state)
{
    (void)state;
    char hex[65];
    struct stat was, is;
    const char *dir = folder("changed"), *path = test_file("model");
    put(path, "the weights");
    const struct file_id before = id_of(path, 10 * SECOND);
    hash_cache_keep(dir, &before, 1, planted);
    assert_int_equal(stat(path, &was), 0);
    do { /* until the clock of the file system has moved on */
        int fd = open(path, O_WRONLY);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "THE WEIGHTS", 11), 11);
        close(fd);
        assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){was.st_atim, was.st_mtim}, 0), 0);
        assert_int_equal(stat(path, &is), 0);
    } while (is.st_ctim.tv_sec == was.st_ctim.tv_sec && is.st_ctim.tv_nsec == was.st_ctim.tv_nsec);
    const struct file_id after = id_of(path, 10 * SECOND);
    assert_int_equal(after.inode, before.inode);
    assert_int_equal(after.bytes, before.bytes);
    assert_int_equal(after.mtime_ns, before.mtime_ns);
    assert_int_equal(hash_cache_find(dir, &after, 1, hex), 0);
    hash_cache_keep(dir, &after, 1, other); /* takes the place of the old one */
    assert_int_equal(hash_cache_find(dir, &after, 1, hex), 1);
    assert_string_equal(hex, other);
    assert_int_equal(hash_cache_find(dir, &before, 1, hex), 0);
    assert_int_equal(entries(dir), 1);
}

static void a_file_that_was_just_changed_is_not_remembered(void **state)
{
    (void)state;
    char hex[65];
    const char *dir = folder("racy");
    put(test_file("young"), "one");
    put(test_file("old"), "two");
    const int64_t ages[] = {0, SECOND, 2 * SECOND, -10 * SECOND}; /* the last: by a clock that was set back */
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
        struct file_id id[2] = {id_of(test_file("old"), 10 * SECOND), id_of(test_file("young"), ages[i])};
        hash_cache_keep(dir, id + 1, 1, planted);
        assert_int_equal(hash_cache_find(dir, id + 1, 1, hex), 0);
        hash_cache_keep(dir, id, 2, planted); /* one file of two is enough */
        assert_int_equal(hash_cache_find(dir, id, 2, hex), 0);
    }
    assert_int_equal(entries(dir), 0);
    const struct file_id id = id_of(test_file("young"), 3 * SECOND);
    hash_cache_keep(dir, &id, 1, planted);
    assert_int_equal(hash_cache_find(dir, &id, 1, hex), 1);
}

static void a_damaged_entry_is_ignored(void **state)
{
    (void)state;
    char hex[65] = "untouched", check[65];
    struct err e = {0};
    const char *dir = folder("damaged");
    size_t n;
    put(test_file("d"), "one");
    const struct file_id id = id_of(test_file("d"), 10 * SECOND);
    hash_cache_keep(dir, &id, 1, planted);
    char *good = file_read(entry_of(dir, &id), &n, &e), *bad = malloc(n + 2);
    assert_non_null(good);
    assert_non_null(bad);
    for (size_t cut = 0; cut < n; cut++) { /* truncated anywhere */
        assert_int_equal(file_write(entry_of(dir, &id), good, cut, &e), 0);
        assert_int_equal(hash_cache_find(dir, &id, 1, hex), 0);
    }
    for (size_t at = 0; at < n; at++) { /* any byte another one: of the hash too, which is still one then */
        memcpy(bad, good, n);
        bad[at] = bad[at] == '1' ? '2' : '1';
        assert_int_equal(file_write(entry_of(dir, &id), bad, n, &e), 0);
        assert_int_equal(hash_cache_find(dir, &id, 1, hex), 0);
        bad[at] = '\0';
        assert_int_equal(file_write(entry_of(dir, &id), bad, n, &e), 0);
        assert_int_equal(hash_cache_find(dir, &id, 1, hex), 0);
    }
    memcpy(bad, good, n); /* more behind it */
    bad[n] = '\n';
    assert_int_equal(file_write(entry_of(dir, &id), bad, n + 1, &e), 0);
    assert_int_equal(hash_cache_find(dir, &id, 1, hex), 0);
    assert_string_equal(hex, "untouched");
    /* What the check is of: with one computed here the same edit is believed, so it was the check that refused it. */
    memcpy(bad, good, n + 1);
    memcpy(strstr(bad, "sha256 ") + 7, other, 64);
    sha256_bytes(bad, (size_t)(strstr(bad, "check ") - bad), check);
    memcpy(strstr(bad, "check ") + 6, check, 64);
    assert_int_equal(file_write(entry_of(dir, &id), bad, n, &e), 0);
    assert_int_equal(hash_cache_find(dir, &id, 1, hex), 1);
    assert_string_equal(hex, other);
    /* The next hash puts it right. */
    put(entry_of(dir, &id), "");
    hash_cache_keep(dir, &id, 1, planted);
    assert_int_equal(hash_cache_find(dir, &id, 1, hex), 1);
    assert_string_equal(hex, planted);
    free(bad);
    free(good);
}

/* Whoever looks while others write sees a whole entry, of the one or of the other. */
static void two_programs_share_a_folder(void **state)
{
    (void)state;
    char hex[65] = "";
    int status, found = 0, is_one = 0;
    pid_t pid[2];
    const char *dir = folder("shared");
    put(test_file("s"), "one");
    const struct file_id id = id_of(test_file("s"), 10 * SECOND);
    hash_cache_keep(dir, &id, 1, planted);
    for (int p = 0; p < 2; p++) {
        pid[p] = fork();
        assert_true(pid[p] >= 0);
        for (int i = 0; pid[p] == 0 && i < 500; i++)
            hash_cache_keep(dir, &id, 1, p ? other : planted);
        if (pid[p] == 0)
            _exit(0);
    }
    for (int i = 0; i < 2000; i++) {
        found += hash_cache_find(dir, &id, 1, hex);
        is_one += !strcmp(hex, planted) || !strcmp(hex, other);
    }
    for (int p = 0; p < 2; p++) {
        assert_int_equal(waitpid(pid[p], &status, 0), pid[p]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(found, 2000);
    assert_int_equal(is_one, 2000);
    assert_int_equal(entries(dir), 1);
}

static const char *describe(const char *path, const char *cache)
{
    static struct model_facts m;
    struct err e = {0};
    if (runtime_by_name("reference")->describe(path, NULL, 0, cache, &m, &e))
        fail_msg("%s", e.msg);
    free(m.metadata);
    return m.sha256;
}

static void describing_a_model_uses_it(void **state)
{
    (void)state;
    static const struct toy shape = {TOY_BLOCKS, .format = "f32"};
    struct toy_weights w;
    struct err e = {0};
    char truth[65];
    const char *dir = folder("described"), *path = test_file("toy.gguf"), *none = test_file("none");
    toy_weights(&w, &shape, 1);
    if (toy_write(path, &shape, &w, &e))
        fail_msg("%s", e.msg);
    toy_free(&w);
    assert_int_equal(file_sha256(path, truth, &e), 0);
    assert_string_equal(describe(path, dir), truth);
    const struct file_id id = id_of(path, 10 * SECOND);
    hash_cache_keep(dir, &id, 1, planted);
    assert_string_equal(describe(path, dir), planted);
    put(entry_of(dir, &id), "damaged");
    assert_string_equal(describe(path, dir), truth);
    assert_string_equal(describe(path, NULL), ""); /* nobody asks for it */
    /* A folder that is not there is not made, and one that is a file or takes no file is no error. */
    assert_string_equal(describe(path, none), truth);
    assert_int_not_equal(access(none, F_OK), 0);
    assert_string_equal(describe(path, path), truth);
}

/* A model that has lain there for a while is remembered without further ado. */
static void describing_a_model_remembers_it(void **state)
{
    (void)state;
    struct map m;
    struct err e = {0};
    char hex[65];
    const char *dir = folder("remembered"), *path = "models/home.gguf";
    assert_int_equal(file_map(&m, path, 0, &e), 0);
    const struct file_id id = m.id;
    file_unmap(&m);
    const char *said = describe(path, dir);
    if (id.seen_ns - id.ctime_ns < 3 * SECOND)
        skip(); /* the tree was only just checked out */
    assert_int_equal(hash_cache_find(dir, &id, 1, hex), 1);
    assert_string_equal(hex, said);
    assert_int_equal(file_sha256(path, hex, &e), 0);
    assert_string_equal(hex, said);
    hash_cache_keep(dir, &id, 1, other);
    assert_string_equal(describe(path, dir), other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_hash_is_found),
        cmocka_unit_test(every_part_of_the_key_counts),
        cmocka_unit_test(a_file_changed_in_place_is_noticed),
        cmocka_unit_test(a_file_that_was_just_changed_is_not_remembered),
        cmocka_unit_test(a_damaged_entry_is_ignored),
        cmocka_unit_test(two_programs_share_a_folder),
        cmocka_unit_test(describing_a_model_uses_it),
        cmocka_unit_test(describing_a_model_remembers_it),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
