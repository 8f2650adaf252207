/* What is written is read again, and every way in which a file can lie is refused by name. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/gguf.h"
#include "engine/gguf_write.h"

static struct gguf_str str(const char *s)
{
    return (struct gguf_str){s, strlen(s)};
}

static int entries(void)
{
    int n = 0;
    DIR *d = opendir(test_dir);
    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d));)
        n += f->d_name[0] != '.';
    closedir(d);
    return n;
}

static void write_sample(struct gguf_writer *w)
{
    static const struct gguf_str words[] = {{"one", 3}, {"", 0}, {"tw\0o", 4}};
    static const uint16_t numbers[] = {1, 2, 65535};
    const struct format *f32 = format_by_name("f32"), *f16 = format_by_name("f16");
    gguf_write_string(w, "general.architecture", "llama");
    gguf_write_u32(w, "a.u32", 4000000000u);
    gguf_write_f32(w, "a.f32", 0.25f);
    gguf_write_bool(w, "a.bool", 1);
    gguf_write_strings(w, "a.words", words, 3);
    gguf_write_array(w, "a.numbers", GGUF_U16, numbers, 3);
    gguf_write_array(w, "a.empty", GGUF_F64, NULL, 0);
    gguf_write_tensor(w, str("vector"), 1, (int64_t[]){5}, f32);
    gguf_write_tensor(w, str("matrix.weight"), 2, (int64_t[]){3, 2}, f16);
}

static const float vector[5] = {1, 2, 3, 4, 5};
static const uint16_t matrix[6] = {10, 11, 12, 13, 14, 15};

static void write_file(const char *path)
{
    struct gguf_writer *w;
    struct err e;
    assert_int_equal(gguf_write_open(&w, path, &e), 0);
    write_sample(w);
    assert_int_equal(gguf_write_data(w, vector, sizeof vector, &e), 0);
    assert_int_equal(gguf_write_data(w, matrix, 4, &e), 0); /* in pieces */
    assert_int_equal(gguf_write_data(w, matrix + 2, 8, &e), 0);
    assert_int_equal(gguf_write_finish(w, &e), 0);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct gguf g;
    struct err e;
    write_file(test_file("a.gguf"));
    if (gguf_open(&g, test_file("a.gguf"), 1, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(g.version, 3);
    assert_int_equal(g.n_kv, 7);
    assert_int_equal(g.n_tensor, 2);
    const struct gguf_kv *kv = gguf_find(&g, "a.words");
    assert_int_equal(kv->kind, GGUF_ARRAY);
    assert_int_equal(kv->element, GGUF_STRING);
    assert_int_equal(kv->count, 3);
    const uint8_t *at = kv->data;
    assert_memory_equal(gguf_next_string(&at).p, "one", 3);
    assert_int_equal(gguf_next_string(&at).n, 0);
    assert_int_equal(gguf_next_string(&at).n, 4);
    assert_ptr_equal(at, kv->data + kv->bytes);
    kv = gguf_find(&g, "a.numbers");
    assert_int_equal(kv->element, GGUF_U16);
    assert_int_equal(kv->bytes, 6);
    assert_int_equal(gguf_find(&g, "a.empty")->count, 0);
    assert_null(gguf_find(&g, "a.word"));

    const struct gguf_tensor *t = gguf_find_tensor(&g, "vector");
    assert_int_equal(t->n_dim, 1);
    assert_string_equal(t->format->name, "f32");
    assert_memory_equal(t->data, vector, sizeof vector);
    t = gguf_find_tensor(&g, "matrix.weight");
    assert_int_equal(t->dim[0], 3);
    assert_int_equal(t->dim[1], 2);
    assert_int_equal(t->dim[2], 1);
    assert_int_equal(t->bytes, 12);
    assert_int_equal(((uintptr_t)t->data - (uintptr_t)g.map.p) % g.alignment, 0);
    assert_memory_equal(t->data, matrix, sizeof matrix);
    assert_null(gguf_find_tensor(&g, "matrix"));
    gguf_close(&g);
    gguf_close(NULL);
}

static void test_copied_keys_are_the_same_bytes(void **state)
{
    (void)state;
    struct gguf g;
    struct gguf_writer *w;
    struct err e;
    write_file(test_file("a.gguf"));
    assert_int_equal(gguf_open(&g, test_file("a.gguf"), 0, &e), 0);
    assert_int_equal(gguf_write_open(&w, test_file("b.gguf"), &e), 0);
    for (uint64_t i = 0; i < g.n_kv; i++)
        gguf_write_copy(w, &g.kv[i]);
    for (uint64_t i = 0; i < g.n_tensor; i++)
        gguf_write_tensor(w, g.tensor[i].name, g.tensor[i].n_dim, g.tensor[i].dim, g.tensor[i].format);
    for (uint64_t i = 0; i < g.n_tensor; i++)
        assert_int_equal(gguf_write_data(w, g.tensor[i].data, g.tensor[i].bytes, &e), 0);
    assert_int_equal(gguf_write_finish(w, &e), 0);
    gguf_close(&g);
    char a[65], b[65];
    assert_int_equal(file_sha256(test_file("a.gguf"), a, &e), 0);
    assert_int_equal(file_sha256(test_file("b.gguf"), b, &e), 0);
    assert_string_equal(a, b);
}

static void test_values(void **state)
{
    (void)state;
    struct gguf g;
    struct err e = {0};
    int64_t i;
    float f;
    int b;
    struct gguf_str s;
    write_file(test_file("a.gguf"));
    assert_int_equal(gguf_open(&g, test_file("a.gguf"), 0, &e), 0);
    assert_int_equal(gguf_int(&g, "a.u32", 0, UINT32_MAX, -1, &i, &e), 0);
    assert_int_equal(i, 4000000000);
    assert_int_equal(gguf_int(&g, "missing", 0, 10, -1, &i, &e), 0);
    assert_int_equal(i, -1);
    assert_int_equal(gguf_int(&g, "a.u32", 0, 10, -1, &i, &e), -1);
    assert_non_null(strstr(e.msg, "\"a.u32\" is 4000000000, but must be 0 to 10"));
    assert_int_equal(gguf_int(&g, "a.f32", 0, 10, -1, &i, &e), -1);
    assert_non_null(strstr(e.msg, "\"a.f32\" is of kind f32"));
    assert_int_equal(gguf_float(&g, "a.f32", 1, &f, &e), 0);
    assert_true(f == 0.25f);
    assert_int_equal(gguf_float(&g, "missing", 1.5f, &f, &e), 0);
    assert_true(f == 1.5f);
    assert_int_equal(gguf_float(&g, "a.bool", 1, &f, &e), -1);
    assert_int_equal(gguf_bool(&g, "a.bool", 0, &b, &e), 0);
    assert_int_equal(b, 1);
    assert_int_equal(gguf_bool(&g, "a.u32", 0, &b, &e), -1);
    assert_int_equal(gguf_string(&g, "general.architecture", &s, &e), 0);
    assert_int_equal(s.n, 5);
    assert_int_equal(gguf_string(&g, "missing", &s, &e), 0);
    assert_null(s.p);
    assert_int_equal(gguf_string(&g, "a.words", &s, &e), -1);
    gguf_close(&g);
}

static void test_printable(void **state)
{
    (void)state;
    char buf[16];
    assert_string_equal(gguf_printable(str("abc"), buf, sizeof buf), "abc");
    assert_string_equal(gguf_printable(str("a\n\xc3\xa9\xff"), buf, sizeof buf), "a\\x0a\xc3\xa9\\xff");
    assert_string_equal(gguf_printable((struct gguf_str){"a\0b", 3}, buf, sizeof buf), "a\\x00b");
    assert_string_equal(gguf_printable(str("123456789012345"), buf, sizeof buf), "123456789012345");
    assert_string_equal(gguf_printable(str("1234567890123456"), buf, sizeof buf), "123456789012...");
    assert_string_equal(gguf_printable(str("12345678901\xc3\xa9zzzz"), buf, sizeof buf), "12345678901...");
    assert_string_equal(gguf_printable(str("\xed\xa0\x80"), buf, sizeof buf), "\\xed\\xa0\\x80"); /* a surrogate */
    assert_string_equal(gguf_printable(str(""), buf, sizeof buf), "");
}

/* ---- files made byte by byte, to lie ---- */

static struct text image;

static void u32(uint32_t v)
{
    text_add(&image, (const char *)&v, sizeof v);
}

static void u64(uint64_t v)
{
    text_add(&image, (const char *)&v, sizeof v);
}

static void string(const char *s)
{
    u64(strlen(s));
    text_add(&image, s, strlen(s));
}

static void head(uint32_t version, uint64_t n_tensor, uint64_t n_kv)
{
    text_add(&image, "GGUF", 4);
    u32(version);
    u64(n_tensor);
    u64(n_kv);
}

static void key(const char *name, enum gguf_kind kind)
{
    string(name);
    u32((uint32_t)kind);
}

static void array(const char *name, uint32_t element, uint64_t count)
{
    key(name, GGUF_ARRAY);
    u32(element);
    u64(count);
}

static void tensor(const char *name, uint32_t n_dim, uint64_t d0, uint64_t d1, uint32_t type, uint64_t offset)
{
    string(name);
    u32(n_dim);
    u64(d0);
    if (n_dim > 1)
        u64(d1);
    u32(type);
    u64(offset);
}

static void zeros(size_t n)
{
    for (size_t i = 0; i < n; i++)
        text_add(&image, "", 1);
}

/* Writes the image out and clears it; NULL: it must open, otherwise it must be refused with a message that has both texts. */
static void expect(const char *named, const char *problem)
{
    struct gguf g;
    struct err e = {0};
    FILE *f = fopen(test_file("lie.gguf"), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(image.p ? image.p : "", 1, image.n, f), image.n);
    fclose(f);
    text_free(&image);
    int rc = gguf_open(&g, test_file("lie.gguf"), 0, &e);
    if (rc && !named)
        fail_msg("refused: %s", e.msg);
    if (!rc && named)
        fail_msg("accepted a file whose %s is wrong", named);
    if (!rc) {
        gguf_close(&g);
        return;
    }
    assert_int_equal(e.code, ERR_ENV);
    if (!strstr(e.msg, named) || !strstr(e.msg, problem) || !strstr(e.msg, "lie.gguf"))
        fail_msg("\"%s\" does not say %s, %s and the file", e.msg, named, problem);
}

static void test_headers(void **state)
{
    (void)state;
    expect("magic number", "cut short");
    text_add(&image, "GGML", 4);
    zeros(40);
    expect("not a GGUF file", "convert");
    head(1, 0, 0);
    expect("version 1", "2 and 3");
    head(4, 0, 0);
    expect("version 4", "2 and 3");
    head(3u << 24, 0, 0);
    expect("big-endian", "convert");
    head(3, 0, 0);
    expect(NULL, NULL); /* a vocabulary may be all there is; so may nothing */
    head(2, 0, 0);
    expect(NULL, NULL);
    head(3, UINT64_MAX, 0);
    expect("number of tensors", "18446744073709551615");
    head(3, 0, UINT64_MAX / 2);
    expect("number of keys", "cannot fit");
    head(3, 0, 1);
    zeros(13);
    expect("number of keys", "cannot fit");
}

static void test_keys(void **state)
{
    (void)state;
    head(3, 0, 1);
    string("");
    u32(GGUF_U32);
    u32(7);
    expect("key number 0", "name is empty");
    head(3, 0, 1);
    u64(UINT64_MAX - 3);
    zeros(16);
    expect("key number 0", "its name takes 18446744073709551612 bytes");
    head(3, 0, 1);
    key("k", (enum gguf_kind)13);
    u32(7);
    expect("\"k\"", "kind is 13");
    head(3, 0, 1);
    key("k", GGUF_U64);
    u32(7);
    expect("\"k\"", "cannot fit into the 4 bytes left");
    head(3, 0, 1);
    array("k", GGUF_U32, UINT64_MAX / 4 + 2); /* the bytes would wrap around to 4 */
    zeros(64);
    expect("\"k\"", "cannot fit");
    head(3, 0, 1);
    array("k", GGUF_STRING, 2);
    string("x");
    u64(100);
    expect("\"k\"", "a string of its value takes 100 bytes");
    head(3, 0, 1);
    array("k", GGUF_ARRAY, 1);
    zeros(64);
    expect("\"k\"", "array of arrays");
    head(3, 0, 2);
    key("twice", GGUF_U32);
    u32(1);
    key("twice", GGUF_BOOL);
    zeros(1);
    expect("\"twice\"", "there twice");
    head(3, 0, 1);
    string("bad\xff");
    u32(99);
    expect("bad\\xff", "kind is 99");
}

static void test_tensors(void **state)
{
    (void)state;
    head(3, 1, 0);
    tensor("t", 0, 0, 0, 0, 0);
    expect("\"t\"", "0 dimensions");
    head(3, 1, 0);
    tensor("t", 5, 1, 1, 0, 0);
    expect("\"t\"", "5 dimensions");
    head(3, 1, 0);
    tensor("t", 2, 4, 0, 0, 0);
    expect("\"t\"", "dimension 1 is 0");
    head(3, 1, 0);
    tensor("t", 1, 1ull << 63, 0, 0, 0);
    expect("\"t\"", "dimension 0 is 9223372036854775808");
    head(3, 1, 0);
    tensor("t", 2, 1ull << 32, 1ull << 32, 0, 0);
    zeros(64);
    expect("\"t\"", "more than the whole file");
    head(3, 1, 0);
    tensor("t", 2, (1ull << 62) + 1, 1, 0, 0); /* 4 bytes each would wrap around to 4 */
    zeros(64);
    expect("\"t\"", "more than the whole file");
    head(3, 1, 0);
    tensor("blk.0.ffn_up.weight", 1, 256, 0, 9999, 0);
    expect("\"blk.0.ffn_up.weight\"", "type 9999 (unknown)");
    head(3, 1, 0);
    tensor("t", 1, 256, 0, 15, 0);
    expect("\"t\"", "type 15 (q8_k) is not supported by this build, which reads f32");
    head(3, 1, 0);
    tensor("t", 1, 33, 0, 8, 0);
    zeros(100);
    expect("\"t\"", "rows of 33 weights");
    head(3, 1, 0);
    tensor("t", 1, 4, 0, 0, 4);
    zeros(100);
    expect("\"t\"", "offset 4 is not a multiple of the alignment 32");
    head(3, 1, 0);
    tensor("t", 1, 4, 0, 0, 1ull << 62);
    zeros(100);
    expect("\"t\"", "outside the data part");
    head(3, 2, 0);
    tensor("t", 1, 4, 0, 0, 0);
    tensor("t", 1, 4, 0, 0, 0);
    zeros(100);
    expect("tensor \"t\"", "there twice");
    for (int last = 0; last < 2; last++) { /* header 24 + tensor 33 = 57 bytes; data at 64, 16 of them */
        head(3, 1, 0);
        tensor("t", 1, 4, 0, 0, 0);
        zeros(7 + 15 + (size_t)last);
        expect(last ? NULL : "\"t\"", "outside the data part");
    }
}

static void test_alignment(void **state)
{
    (void)state;
    static const struct {
        uint32_t alignment;
        const char *problem;
    } cases[] = {{8, NULL},        {64, NULL},           {0, "must be 8"},
                 {4, "must be 8"}, {48, "power of two"}, {1u << 31, "outside the data part"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        head(3, 1, 1);
        key("general.alignment", GGUF_U32);
        u32(cases[i].alignment);
        tensor("t", 1, 4, 0, 0, 0);
        zeros(200);
        expect(cases[i].problem ? i < 5 ? "general.alignment" : "\"t\"" : NULL, cases[i].problem);
    }
}

static void test_integers_of_every_kind(void **state)
{
    (void)state;
    static const struct {
        enum gguf_kind kind;
        uint64_t bits;
        int64_t value;
    } cases[] = {
        {GGUF_U8, 255, 255},
        {GGUF_I8, 255, -1},
        {GGUF_U16, 65535, 65535},
        {GGUF_I16, 0x8000, -32768},
        {GGUF_U32, UINT32_MAX, UINT32_MAX},
        {GGUF_I32, UINT32_MAX, -1},
        {GGUF_I64, UINT64_MAX, -1},
        {GGUF_U64, INT64_MAX, INT64_MAX},
    };
    for (size_t i = 0; i <= sizeof cases / sizeof *cases; i++) {
        int too_large = i == sizeof cases / sizeof *cases;
        enum gguf_kind kind = too_large ? GGUF_U64 : cases[i].kind;
        uint64_t bits = too_large ? 1ull << 63 : cases[i].bits;
        struct gguf g;
        struct err e = {0};
        int64_t v;
        head(3, 0, 1);
        key("k", kind);
        text_add(&image, (const char *)&bits, gguf_kind_bytes(kind));
        zeros(8); /* padding, so that the number of keys is believed */
        FILE *f = fopen(test_file("int.gguf"), "wb");
        assert_int_equal(fwrite(image.p, 1, image.n, f), image.n);
        fclose(f);
        text_free(&image);
        assert_int_equal(gguf_open(&g, test_file("int.gguf"), 0, &e), 0);
        assert_int_equal(gguf_int(&g, "k", INT64_MIN, INT64_MAX, 0, &v, &e), too_large ? -1 : 0);
        if (too_large)
            assert_non_null(strstr(e.msg, "more than 9223372036854775807"));
        else
            assert_int_equal(v, cases[i].value);
        gguf_close(&g);
    }
}

/* ---- what the writer leaves behind ---- */

static void test_half_a_file_is_never_seen(void **state)
{
    (void)state;
    struct gguf_writer *w;
    struct err e = {0};
    int before = entries();
    assert_int_equal(gguf_write_open(&w, test_file("new.gguf"), &e), 0);
    write_sample(w);
    assert_int_equal(gguf_write_data(w, vector, sizeof vector, &e), 0);
    assert_int_not_equal(access(test_file("new.gguf"), F_OK), 0);
    assert_int_equal(entries(), before + 1);
    gguf_write_abort(w);
    assert_int_equal(entries(), before);

    assert_int_equal(gguf_write_open(&w, test_file("new.gguf"), &e), 0);
    write_sample(w);
    assert_int_equal(gguf_write_finish(w, &e), -1);
    assert_non_null(strstr(e.msg, "only 0 of 2"));
    assert_int_equal(entries(), before);

    assert_int_equal(gguf_write_open(&w, test_file("new.gguf"), &e), 0);
    write_sample(w);
    assert_int_equal(gguf_write_data(w, vector, sizeof vector + 1, &e), -1);
    assert_non_null(strstr(e.msg, "more data than announced"));
    gguf_write_abort(w);
    assert_int_equal(entries(), before);

    assert_int_equal(gguf_write_open(&w, test_file("new.gguf"), &e), 0);
    gguf_write_tensor(w, str("t"), 1, (int64_t[]){33}, format_by_name("q8_0"));
    assert_int_equal(gguf_write_finish(w, &e), -1);
    assert_non_null(strstr(e.msg, "rows that do not divide"));
    assert_int_equal(entries(), before);
    gguf_write_abort(NULL);
}

static void test_full_disk(void **state)
{
    (void)state;
    struct gguf_writer *w;
    struct err e = {0};
    struct rlimit old, small;
    static char megabyte[1 << 20];
    int before = entries(), failed = 0;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 1 << 20;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(gguf_write_open(&w, test_file("new.gguf"), &e), 0);
    gguf_write_tensor(w, str("t"), 2, (int64_t[]){1 << 18, 4}, format_by_name("f32"));
    for (int i = 0; i < 4 && !failed; i++)
        failed = gguf_write_data(w, megabyte, sizeof megabyte, &e);
    if (failed)
        gguf_write_abort(w);
    else
        failed = gguf_write_finish(w, &e);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(failed, -1);
    assert_int_equal(e.code, ERR_ENV);
    assert_non_null(strstr(e.msg, "new.gguf: cannot write"));
    assert_int_equal(entries(), before);
}

static void test_no_such_folder(void **state)
{
    (void)state;
    struct gguf_writer *w;
    struct gguf g;
    struct err e = {0};
    assert_int_equal(gguf_write_open(&w, test_file("none/new.gguf"), &e), -1);
    assert_null(w);
    assert_non_null(strstr(e.msg, "none/new.gguf"));
    assert_int_equal(gguf_open(&g, test_file("none.gguf"), 0, &e), -1);
    assert_non_null(strstr(e.msg, "none.gguf"));
    assert_int_equal(gguf_open(&g, test_dir, 0, &e), -1);
}

static void test_real_files_open(void **state)
{
    (void)state;
    static const char *const names[] = {"models/stories260K.gguf", "models/stories260K-F16.gguf", "models/stories260K-Q8_0.gguf",
                                        "models/babyllama-tok105-F16.gguf"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = testdata(names[i]);
        struct gguf g;
        struct err e;
        TEST_SKIP_WITHOUT(path, names[i]);
        if (gguf_open(&g, path, 0, &e))
            fail_msg("%s", e.msg);
        assert_int_equal(g.n_tensor, i == 0 ? 48 : 47);
        uint64_t last = g.data_offset + g.tensor[g.n_tensor - 1].offset + g.tensor[g.n_tensor - 1].bytes;
        assert_in_range(last, g.map.n - g.alignment, g.map.n);
        gguf_close(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_copied_keys_are_the_same_bytes),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_printable),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_integers_of_every_kind),
        cmocka_unit_test(test_half_a_file_is_never_seen),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_no_such_folder),
        cmocka_unit_test(test_real_files_open),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
