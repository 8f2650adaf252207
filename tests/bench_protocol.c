/* Messages of a trial: what goes in comes out, and what is malformed is refused. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bench/protocol.h"

static void load_survives_the_wire(void **state)
{
    (void)state;
    struct trial_setup a = {.cell = {.model = "m.gguf",
                                     .format = "q4_0",
                                     .kv = "f16:q8_0",
                                     .policy = "sinks:4+60",
                                     .isa = "scalar",
                                     .compute = "exact",
                                     .runtime = "null",
                                     .context = 64,
                                     .threads = 2,
                                     .decode = 16,
                                     .batch = 32},
                            .path = "/cache/m.gguf",
                            .text = NULL,
                            .skip = "energy",
                            .seed = 7,
                            .cpus = {3, 5}},
                       b;
    struct err e;
    json_t *j = protocol_load(&a);
    char *line = json_dumps(j, 0);
    json_decref(j);
    j = json_loads(line, 0, NULL);
    free(line);
    assert_int_equal(protocol_read_load(j, &b, &e), 0);
    assert_string_equal(b.cell.kv, "f16:q8_0");
    assert_string_equal(b.cell.policy, "sinks:4+60");
    assert_string_equal(b.path, "/cache/m.gguf");
    assert_null(b.text);
    assert_int_equal(b.cell.context, 64);
    assert_int_equal(b.cell.batch, 32);
    assert_int_equal(b.cpus[1], 5);
    assert_int_equal(b.seed, 7);

    json_object_del(json_object_get(j, "cell"), "isa");
    assert_int_equal(protocol_read_load(j, &b, &e), -1);
    assert_non_null(strstr(e.msg, "isa"));
    json_object_set_new(j, "v", json_integer(PROTOCOL_VERSION + 1));
    assert_int_equal(protocol_read_load(j, &b, &e), -1);
    assert_non_null(strstr(e.msg, "version"));
    json_decref(j);
}

static void stretches_survive_the_wire(void **state)
{
    (void)state;
    int64_t times[] = {1000000, 4300000000, 5};
    struct stretch a = {.kind = "decode", .begin_real_ns = 1790000000123456789, .begin_ns = 42, .ns = 4301000005, .tokens = 3,
                        .token_ns = times},
                   b;
    struct err e;
    readings_add(&a.readings, "memory.peak", "B", 5000000000);
    readings_add_missing(&a.readings, "energy.package-0", "uJ", STATE_ABSENT, "no powercap");
    json_t *j = protocol_ok();
    protocol_add_stretch(j, &a);
    assert_int_equal(protocol_check(j, &e), 0);
    assert_int_equal(protocol_read_stretch(j, 0, &b, &e), 1);
    assert_string_equal(b.kind, "decode");
    assert_true(b.begin_real_ns == a.begin_real_ns && b.ns == a.ns && b.begin_ns == 42);
    assert_memory_equal(b.token_ns, times, sizeof times);
    assert_int_equal(b.readings.n, 2);
    assert_true(readings_find(&b.readings, "memory.peak")->value == 5000000000);
    const struct reading *missing = readings_find(&b.readings, "energy.package-0");
    assert_int_equal(missing->state, STATE_ABSENT);
    assert_string_equal(missing->reason, "no powercap");
    stretch_free(&b);
    assert_int_equal(protocol_read_stretch(j, 1, &b, &e), 0);

    json_t *one = json_array_get(json_object_get(j, "stretches"), 0);
    json_object_set_new(one, "tokens", json_integer(4)); /* but three times */
    assert_int_equal(protocol_read_stretch(j, 0, &b, &e), -1);
    json_decref(j);
}

static void errors_survive_the_wire(void **state)
{
    (void)state;
    struct err a, b;
    err_set(&a, ERR_USAGE, "m.gguf: \"quoted\" and \xff broken");
    json_t *j = protocol_error(&a);
    if (!j) { /* not UTF-8: jansson refuses it, so the message must be cleaned first */
        fail_msg("an error that is not UTF-8 is lost");
    }
    assert_int_equal(protocol_check(j, &b), -1);
    assert_int_equal(b.code, ERR_USAGE);
    assert_non_null(strstr(b.msg, "\"quoted\""));
    json_decref(j);
    j = json_pack("{s:b}", "ok", 1);
    assert_int_equal(protocol_check(j, &b), -1);
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load_survives_the_wire),
        cmocka_unit_test(stretches_survive_the_wire),
        cmocka_unit_test(errors_survive_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
