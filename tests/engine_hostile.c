/* Damaged files: cut short everywhere, bytes flipped, lengths and counts overwritten.  Each must either load, and then everything
 * that it hands out must be readable, or be refused with a message that names what is wrong.  Run it under sanitizers, too. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "engine/model.h"
#include "tests/toy.h"

enum { FLIPS = 10000, OVERWRITES = 3000 };

/* A file that is damaged and made whole again, in its own copy. */
struct patient {
    char path[256];
    int fd;
    char *whole;
    size_t n;
    uint64_t header; /* bytes in front of the data */
    int loaded, refused;
    unsigned sum; /* of what was read, printed so that the reading is not optimized away */
};

static void admit(struct patient *p, const char *from)
{
    struct gguf g;
    struct err e;
    *p = (struct patient){.n = 0};
    p->whole = file_read(from, &p->n, &e);
    assert_non_null(p->whole);
    snprintf(p->path, sizeof p->path, "%s/patient.gguf", test_dir);
    p->fd = open(p->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(p->fd >= 0);
    assert_int_equal(pwrite(p->fd, p->whole, p->n, 0), p->n);
    if (gguf_open(&g, p->path, 0, &e))
        fail_msg("%s", e.msg);
    p->header = g.data_offset;
    gguf_close(&g);
}

static void discharge(struct patient *p)
{
    print_message("  %d loaded, %d refused, checksum %08x\n", p->loaded, p->refused, p->sum);
    close(p->fd);
    free(p->whole);
}

static void expect_a_reason(const struct patient *p, const struct err *e)
{
    static const char *const fields[] = {"\"",          "key number", "tensor number", "number of",
                                         "the version", "version ",   "magic",         "GGUF"};
    int named = 0;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        named |= strstr(e->msg, fields[i]) != NULL;
    if (e->code != ERR_ENV || !named || !strstr(e->msg, "patient.gguf"))
        fail_msg("%s: code %d, \"%s\" names nothing", p->path, (int)e->code, e->msg);
}

/* Touches the first and last byte of whatever the file hands out. */
static unsigned read_everything(const struct gguf *g)
{
    unsigned sum = 0;
    char shown[64];
    for (uint64_t i = 0; i < g->n_kv; i++) {
        const struct gguf_kv *kv = &g->kv[i];
        const uint8_t *at = kv->data;
        sum += (unsigned char)*gguf_printable(kv->key, shown, sizeof shown);
        for (uint64_t k = 0; kv->element == GGUF_STRING && k < kv->count; k++) {
            struct gguf_str s = gguf_next_string(&at);
            sum += s.n ? (unsigned)s.p[0] + (unsigned)s.p[s.n - 1] : 0;
        }
        sum += kv->bytes ? kv->data[kv->bytes - 1] : 0;
    }
    for (uint64_t i = 0; i < g->n_tensor; i++) {
        const uint8_t *data = g->tensor[i].data;
        sum += data[0] + data[g->tensor[i].bytes - 1];
    }
    return sum;
}

static void read_vocabulary(const struct gguf *g)
{
    struct tokenizer *t;
    struct err e = {0};
    int *ids, n;
    if (tokenizer_open(&t, g, &e)) {
        assert_int_equal(e.code, ERR_ENV);
        assert_non_null(strchr(e.msg, '"'));
        return;
    }
    for (int i = 0; i < tokenizer_size(t); i += 7)
        tokenizer_piece(t, i, &n);
    if (tokenizer_encode(t, "Once upon \xf0\x9f\x99\x82 <s>\xff", 18, 1, &ids, &n, &e) == 0)
        for (int i = 0; i < n; i++)
            assert_in_range(ids[i], 0, tokenizer_size(t) - 1);
    free(ids);
    tokenizer_close(t);
}

static void run_model(const struct model *m)
{
    const struct session_options o = {
        .n_ctx = 4, .batch = 4, .threads = 1, .kv_k = format_by_name("f32"), .kv_v = format_by_name("f32"), .compute = COMPUTE_EXACT};
    struct session *s;
    struct footprint f;
    struct err e;
    if (session_plan(m, &o, &f, &e) || session_open(&s, m, &o, &e))
        return;
    session_eval(s, (int[]){1, 2}, 2, LOGITS_LAST, NULL, NULL, &e);
    session_close(s);
}

static void examine(struct patient *p, int run)
{
    struct gguf g;
    struct model *m;
    struct err e = {0};
    if (gguf_open(&g, p->path, 0, &e)) {
        expect_a_reason(p, &e);
        p->refused++;
        return;
    }
    p->sum += read_everything(&g);
    read_vocabulary(&g);
    gguf_close(&g);
    if (model_open(&m, p->path, 0, &e)) {
        expect_a_reason(p, &e);
        p->refused++;
        return;
    }
    if (run)
        run_model(m);
    model_close(m);
    p->loaded++;
}

static void truncate_everywhere(struct patient *p, size_t step)
{
    for (size_t k = (p->n - 1) / step + 1; k-- > 0;) {
        assert_int_equal(ftruncate(p->fd, (off_t)(k * step)), 0);
        examine(p, 0);
    }
    assert_int_equal(pwrite(p->fd, p->whole, p->n, 0), p->n);
}

static void flip_bytes(struct patient *p, uint64_t seed)
{
    struct rng r;
    rng_seed(&r, seed);
    for (int i = 0; i < FLIPS; i++) {
        off_t at = (off_t)rng_below(&r, p->header);
        char damaged = (char)(p->whole[at] ^ (char)(1 + rng_below(&r, 255)));
        assert_int_equal(pwrite(p->fd, &damaged, 1, at), 1);
        examine(p, i % 8 == 0);
        assert_int_equal(pwrite(p->fd, p->whole + at, 1, at), 1);
    }
}

/* Eight bytes at a time: the lengths and counts that a flip of one byte does not reach. */
static void overwrite_numbers(struct patient *p, uint64_t seed)
{
    static const uint64_t extremes[] = {0,          1,         INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX - 7,
                                        1ull << 62, 1ull << 61};
    struct rng r;
    rng_seed(&r, seed);
    for (int i = 0; i < OVERWRITES; i++) {
        off_t at = (off_t)rng_below(&r, p->header - 7);
        uint64_t v = extremes[rng_below(&r, sizeof extremes / sizeof *extremes)];
        if (i & 1) {
            v = rng_u64(&r);
            v >>= rng_below(&r, 64);
        }
        assert_int_equal(pwrite(p->fd, &v, sizeof v, at), sizeof v);
        examine(p, i % 8 == 0);
        assert_int_equal(pwrite(p->fd, p->whole + at, sizeof v, at), sizeof v);
    }
}

static const char *toy_file(void)
{
    static char path[256];
    struct toy t = {.n_layer = 2,
                    .d = 16,
                    .n_ff = 24,
                    .n_head = 4,
                    .n_kv = 2,
                    .head_dim = 4,
                    .n_rot = 4,
                    .rope_scale = 1,
                    .rope_base = 10000,
                    .format = "f32"};
    struct toy_weights w;
    struct err e;
    toy_weights(&w, &t, 3);
    snprintf(path, sizeof path, "%s/toy.gguf", test_dir);
    if (toy_write(path, &t, &w, &e))
        fail_msg("%s", e.msg);
    toy_free(&w);
    return path;
}

static void test_toy_cut_short(void **state)
{
    (void)state;
    struct patient p;
    admit(&p, toy_file());
    examine(&p, 1);
    assert_int_equal(p.loaded, 1); /* whole, it loads */
    truncate_everywhere(&p, 7);
    assert_int_equal(p.loaded, 1); /* and never otherwise: its last bytes are data */
    discharge(&p);
}

static void test_toy_flipped(void **state)
{
    (void)state;
    struct patient p;
    admit(&p, toy_file());
    flip_bytes(&p, 11);
    overwrite_numbers(&p, 12);
    assert_true(p.refused > FLIPS / 4);
    examine(&p, 1);
    discharge(&p);
}

static void test_real_cut_short(void **state)
{
    (void)state;
    struct patient p;
    const char *path = testdata("models/stories260K.gguf");
    TEST_SKIP_WITHOUT(path, "models/stories260K.gguf");
    admit(&p, path);
    examine(&p, 1);
    assert_int_equal(p.loaded, 1);
    truncate_everywhere(&p, 1000);
    assert_int_equal(p.loaded, 1);
    discharge(&p);
}

static void test_real_flipped(void **state)
{
    (void)state;
    struct patient p;
    const char *path = testdata("models/stories260K.gguf");
    TEST_SKIP_WITHOUT(path, "models/stories260K.gguf");
    admit(&p, path);
    flip_bytes(&p, 13);
    overwrite_numbers(&p, 14);
    assert_int_equal(p.loaded + p.refused, FLIPS + OVERWRITES);
    discharge(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_toy_cut_short),
        cmocka_unit_test(test_toy_flipped),
        cmocka_unit_test(test_real_cut_short),
        cmocka_unit_test(test_real_flipped),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
