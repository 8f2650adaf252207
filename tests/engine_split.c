/* A model in several files is the model in one: same logits, same footprint; what does not belong together is refused. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "engine/quantize.h"
#include "engine/session.h"
#include "tests/toy.h"

static const struct toy toy = {
    .n_layer = 3,
    .d = 64,
    .n_ff = 96,
    .n_head = 4,
    .n_kv = 2,
    .head_dim = 16,
    .n_rot = 16,
    .rope_scale = 1,
    .rope_base = 10000,
    .format = "f16",
};

/* How the parts are spoilt. */
struct lie {
    int part;        /* which one; -1: all */
    int no, count;   /* added to what it says */
    int tensors;     /* added to the number of all */
    const char *key; /* one more key, of value 1 */
    int twice;       /* a tensor of the first part again */
    const char *why; /* NULL: it opens */
};

static void add_u16(struct gguf_writer *w, const char *key, int v)
{
    uint16_t two = (uint16_t)v;
    struct gguf_kv kv = {.key = {key, strlen(key)}, .kind = GGUF_U16, .element = GGUF_U16, .count = 1};
    kv.data = (const uint8_t *)&two;
    kv.bytes = sizeof two;
    gguf_write_copy(w, &kv);
}

static const char *part_name(int no, int count)
{
    static char name[4][48];
    static int next;
    next = (next + 1) % 4;
    snprintf(name[next], sizeof name[next], "toy-%05d-of-%05d.gguf", no + 1, count);
    return test_file(name[next]);
}

/* Tensor i goes into part i * parts / n. */
static void split(const struct gguf *g, int parts, const struct lie *lie)
{
    for (int part = 0; part < parts; part++) {
        struct gguf_writer *w;
        struct err e = {0};
        int lies = lie && (lie->part == part || lie->part < 0);
        if (gguf_write_open(&w, part_name(part, parts), &e))
            fail_msg("%s", e.msg);
        for (uint64_t i = 0; part == 0 && i < g->n_kv; i++)
            gguf_write_copy(w, &g->kv[i]);
        add_u16(w, "split.no", part + (lies ? lie->no : 0));
        add_u16(w, "split.count", parts + (lies ? lie->count : 0));
        gguf_write_u32(w, "split.tensors.count", (uint32_t)((int)g->n_tensor + (lies ? lie->tensors : 0)));
        if (lies && lie->key)
            gguf_write_u32(w, lie->key, 1);
        for (int data = 0; data < 2; data++)
            for (uint64_t i = 0; i < g->n_tensor; i++) {
                const struct gguf_tensor *t = &g->tensor[i];
                int here = (int)(i * (uint64_t)parts / g->n_tensor) == part || (lies && lie->twice && i == 0);
                if (here && !data)
                    gguf_write_tensor(w, t->name, t->n_dim, t->dim, t->format);
                else if (here)
                    assert_int_equal(gguf_write_data(w, t->data, t->bytes, &e), 0);
            }
        assert_int_equal(gguf_write_finish(w, &e), 0);
    }
}

static void write_whole(const char *path)
{
    struct toy_weights w;
    struct err e = {0};
    toy_weights(&w, &toy, 3);
    if (toy_write(path, &toy, &w, &e))
        fail_msg("%s", e.msg);
    toy_free(&w);
}

static void logits(const char *path, float out[TOY_VOCAB], struct footprint *f)
{
    struct model *m;
    struct session *s = NULL;
    struct err e = {0};
    const struct format *f32 = format_by_name("f32");
    struct session_options o = {.n_ctx = 4, .threads = 1, .kv_k = f32, .kv_v = f32, .compute = COMPUTE_EXACT, .isa = isa_best()};
    if (model_open(&m, path, 0, &e) || session_plan(m, &o, f, &e) || session_open(&s, m, &o, &e) ||
        session_eval(s, (int[]){1, 9, 20, 4}, 4, LOGITS_LAST, NULL, NULL, &e))
        fail_msg("%s", e.msg);
    memcpy(out, session_logits(s), TOY_VOCAB * sizeof *out);
    session_close(s);
    model_close(m);
}

static void parts_are_one_model(void **state)
{
    (void)state;
    static const char name[] = "whole.gguf";
    float want[TOY_VOCAB], got[TOY_VOCAB];
    struct footprint whole, f;
    struct gguf g, together;
    struct err e = {0};
    char hash[65], same[65];
    write_whole(test_file(name));
    logits(test_file(name), want, &whole);
    assert_int_equal(gguf_open(&g, test_file(name), 0, &e), 0);
    for (int parts = 1; parts <= 5; parts += 2) {
        split(&g, parts, NULL);
        logits(part_name(0, parts), got, &f);
        assert_memory_equal(got, want, sizeof want);
        assert_int_equal(f.kv + f.arena, whole.kv + whole.arena);
        assert_int_equal(gguf_open(&together, part_name(0, parts), 0, &e), 0);
        assert_int_equal(together.n_more, parts - 1);
        uint64_t bytes = together.map.n;
        for (int i = 0; i < together.n_more; i++)
            bytes += together.more[i].n;
        assert_int_equal(together.bytes, bytes);
        assert_int_equal(f.weights, bytes);
        gguf_sha256(&together, hash);
        gguf_close(&together);
        assert_int_equal(file_sha256(part_name(0, parts), same, &e), 0);
        assert_int_equal(strcmp(hash, same) == 0, parts == 1); /* of several parts it is that of all */
    }

    struct recipe q8;
    struct quantize_report r;
    assert_int_equal(recipe_parse(&q8, "q8_0", &e), 0);
    assert_int_equal(quantize_file(part_name(0, 3), test_file("q8.gguf"), &q8, NULL, NULL, &r, &e), 0);
    assert_int_equal(gguf_open(&together, test_file("q8.gguf"), 0, &e), 0);
    assert_int_equal(together.n_tensor, g.n_tensor);
    assert_null(gguf_find(&together, "split.count"));
    gguf_close(&together);
    gguf_close(&g);
}

static void opens(const char *path, const char *why)
{
    struct gguf g;
    struct err e = {0};
    int rc = gguf_open(&g, path, 0, &e);
    if (rc != (why ? -1 : 0) || (why && !strstr(e.msg, why)))
        fail_msg("wanted \"%s\", got %d \"%s\"", why ? why : "", rc, e.msg);
    if (!rc)
        gguf_close(&g);
    else
        assert_int_equal(e.code, ERR_ENV);
}

static void what_does_not_belong_together_is_refused(void **state)
{
    (void)state;
    static const struct lie lies[] = {
        {.part = 0},
        {.part = 1, .no = 1, .why = "it says that it is part 3 of 3"},
        {.part = 2, .count = 1, .why = "it says that it is part 3 of 4"},
        {.part = 2, .tensors = 2, .why = "the parts are of different models"},
        {.part = 0, .tensors = 2, .why = "the parts are of different models"},
        {.part = 1, .key = "llama.rope.freq_base", .why = "key \"llama.rope.freq_base\" stands in a part behind the first"},
        {.part = 1, .key = "general.something"},
        {.part = 1, .twice = 1, .why = "tensor \"token_embd.weight\": it is there twice"},
        {.part = -1, .tensors = 2, .why = "30 tensors together, but key \"split.tensors.count\" is 32"},
        {.part = 0, .count = 1, .why = "does not end in \"-00001-of-00004.gguf\""},
        {.part = 0, .no = 1, .why = "it is part 2 of 3; name the first part"},
    };
    struct gguf g;
    struct err e = {0};
    write_whole(test_file("whole.gguf"));
    assert_int_equal(gguf_open(&g, test_file("whole.gguf"), 0, &e), 0);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        split(&g, 3, &lies[i]);
        opens(part_name(0, 3), lies[i].why);
    }
    split(&g, 3, NULL);
    opens(part_name(1, 3), "it is part 2 of 3; name the first part");
    assert_int_equal(rename(part_name(2, 3), test_file("elsewhere")), 0);
    opens(part_name(0, 3), "toy-00003-of-00003.gguf: cannot open");
    opens(part_name(0, 3), "part 3 of 3 is needed");
    assert_int_equal(rename(part_name(0, 3), test_file("other.gguf")), 0);
    opens(test_file("other.gguf"), "its name does not end in");
    gguf_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_one_model),
        cmocka_unit_test(what_does_not_belong_together_is_refused),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
