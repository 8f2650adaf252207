/* bench_energy.c - the energy probe on trees: right microjoules per domain, wraps, and every way a meter can be useless. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "bench/probe/probe.h"
#include "tests/tree.h"

extern const struct probe probe_energy;

struct fixture {
    char root[64], reason[200];
    void *self, *mark;
    struct readings out;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->self = calloc(1, probe_energy.size);
    f->mark = calloc(1, probe_energy.mark_size);
    *state = f;
    return test_tmp(f->root, sizeof f->root);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    test_rm(f->root);
    free(f->self);
    free(f->mark);
    free(f);
    return 0;
}

static void zone_write(const struct fixture *f, const char *zone, const char *file, const char *contents)
{
    char path[256];
    snprintf(path, sizeof path, "sys/class/powercap/%s/%s", zone, file);
    tree_write(f->root, path, contents);
}

static void zone_make(const struct fixture *f, const char *zone, const char *name, const char *range, const char *energy)
{
    zone_write(f, zone, "name", name);
    zone_write(f, zone, "max_energy_range_uj", range);
    zone_write(f, zone, "energy_uj", energy);
}

static enum state open_probe(struct fixture *f)
{
    struct probe_env env = {.sysroot = f->root};
    return probe_energy.open(f->self, &env, f->reason, sizeof f->reason);
}

static void begin(struct fixture *f)
{
    assert_int_equal(open_probe(f), STATE_OK);
    probe_energy.begin(f->self, f->mark);
}

static void end(struct fixture *f)
{
    probe_energy.end(f->self, f->mark, &f->out);
    probe_energy.close(f->self);
}

static void expect(const struct fixture *f, const char *name, enum state state, int64_t uj, const char *reason)
{
    const struct reading *r = readings_find(&f->out, name);
    if (!r)
        print_error("no reading %s\n", name);
    assert_non_null(r);
    assert_string_equal(r->unit, "uJ");
    assert_string_equal(state_name(r->state), state_name(state));
    assert_int_equal(r->value, uj);
    if (reason && !strstr(r->reason, reason))
        print_error("%s: \"%s\" does not say \"%s\"\n", name, r->reason, reason);
    assert_true(reason ? strstr(r->reason, reason) != NULL : r->reason[0] == '\0');
}

/* A real laptop's tree: 1.5 J on package-0, its core wrapped after 2 J and counts 1 J more, package-10 stands still. */
static void laptop(void **state)
{
    static const char *const zones[] = {"intel-rapl:0", "intel-rapl:0:0", "intel-rapl:a"};
    static const char *const files[] = {"name", "max_energy_range_uj", "energy_uj"};
    struct fixture *f = *state;
    const char *from = testdata("sysfs/laptop/sys/class/powercap");
    TEST_SKIP_WITHOUT(from, "sysfs/laptop");
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            char path[PATH_MAX + 64], text[128];
            snprintf(path, sizeof path, "%s/%s/%s", from, zones[i], files[k]);
            assert_true(file_read_line(path, text, sizeof text) > 0);
            zone_write(f, zones[i], files[k], text);
        }
    zone_write(f, "intel-rapl:0:0", "energy_uj", "262141328850\n"); /* range 262143328850 less 2 J */
    begin(f);
    zone_write(f, "intel-rapl:0", "energy_uj", "240423866267\n"); /* 240422366267 + 1.5 J */
    zone_write(f, "intel-rapl:0:0", "energy_uj", "1000000\n");
    end(f);
    assert_int_equal(f->out.n, 3);
    expect(f, "energy.package-0", STATE_OK, 1500000, NULL);
    expect(f, "energy.package-0.core", STATE_OK, 3000000, NULL);
    expect(f, "energy.package-10", STATE_SUSPECT, 0, "did not advance");
}

static void domains_apart(void **state)
{
    struct fixture *f = *state;
    zone_make(f, "intel-rapl:0", "package-0\n", "65532610987\n", "100\n");
    zone_make(f, "intel-rapl:0:0", "core\n", "65532610987\n", "200\n");
    zone_make(f, "intel-rapl:0:1", "dram\n", "65532610987\n", "300\n");
    zone_make(f, "intel-rapl:1", "package-1\n", "65532610987\n", "400\n");
    zone_make(f, "intel-rapl:1:0", "dram\n", "65532610987\n", "500\n");
    zone_make(f, "intel-rapl:2", "psys\n", "65532610987\n", "600\n");
    zone_make(f, "intel-rapl-mmio:0", "package-0\n", "65532610987\n", "700\n");
    zone_write(f, "intel-rapl", "enabled", "1\n");                    /* the meter itself is no zone */
    zone_write(f, "intel-rapl:2:0", "name", "limit without meter\n"); /* nor is one without a counter */
    begin(f);
    static const char *const zones[] = {"intel-rapl:0",   "intel-rapl:0:0", "intel-rapl:0:1",   "intel-rapl:1",
                                        "intel-rapl:1:0", "intel-rapl:2",   "intel-rapl-mmio:0"};
    for (int i = 0; i < 7; i++) {
        char text[32];
        snprintf(text, sizeof text, "%d\n", (i + 1) * 100 + (i + 1) * 1000);
        zone_write(f, zones[i], "energy_uj", text);
    }
    end(f);
    assert_int_equal(f->out.n, 7);
    static const char *const order[] = {
        "energy.mmio.package-0", "energy.package-0", "energy.package-0.core", "energy.package-0.dram", "energy.package-1",
        "energy.package-1.dram", "energy.psys"};
    for (int i = 0; i < 7; i++) /* whatever order the folder lists them in */
        assert_string_equal(f->out.v[i].name, order[i]);
    expect(f, "energy.package-0", STATE_OK, 1000, NULL);
    expect(f, "energy.package-0.core", STATE_OK, 2000, NULL);
    expect(f, "energy.package-0.dram", STATE_OK, 3000, NULL);
    expect(f, "energy.package-1", STATE_OK, 4000, NULL);
    expect(f, "energy.package-1.dram", STATE_OK, 5000, NULL);
    expect(f, "energy.psys", STATE_OK, 6000, NULL);
    expect(f, "energy.mmio.package-0", STATE_OK, 7000, NULL);
}

/* Two marks of one probe: the trial around a stretch. */
static void nested(void **state)
{
    struct fixture *f = *state;
    void *inner = calloc(1, probe_energy.mark_size);
    zone_make(f, "intel-rapl:0", "package-0\n", "65532610987\n", "1000\n");
    begin(f);
    zone_write(f, "intel-rapl:0", "energy_uj", "1010\n");
    probe_energy.begin(f->self, inner);
    zone_write(f, "intel-rapl:0", "energy_uj", "1110\n");
    probe_energy.end(f->self, inner, &f->out);
    expect(f, "energy.package-0", STATE_OK, 100, NULL);
    f->out.n = 0;
    zone_write(f, "intel-rapl:0", "energy_uj", "2110\n");
    end(f);
    expect(f, "energy.package-0", STATE_OK, 1110, NULL);
    free(inner);
}

/* A recorded tree that lost its links: zones lie in one another below devices. */
static void devices_tree(void **state)
{
    struct fixture *f = *state;
    static const char at[] = "sys/devices/virtual/powercap/intel-rapl/intel-rapl:0";
    static const char *const files[][2] = {
        {"name", "package-0\n"},
        {"energy_uj", "10\n"},
        {"max_energy_range_uj", "1000000000\n"},
        {"intel-rapl:0:0/name", "core\n"},
        {"intel-rapl:0:0/energy_uj", "20\n"},
        {"intel-rapl:0:0/max_energy_range_uj", "1000000000\n"},
    };
    char path[256];
    for (int i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "%s/%s", at, files[i][0]);
        tree_write(f->root, path, files[i][1]);
    }
    begin(f);
    snprintf(path, sizeof path, "%s/energy_uj", at);
    tree_write(f->root, path, "17\n");
    snprintf(path, sizeof path, "%s/intel-rapl:0:0/energy_uj", at);
    tree_write(f->root, path, "25\n");
    end(f);
    assert_int_equal(f->out.n, 2);
    expect(f, "energy.package-0", STATE_OK, 7, NULL);
    expect(f, "energy.package-0.core", STATE_OK, 5, NULL);
}

static void one_wrap(void **state)
{
    struct fixture *f = *state;
    zone_make(f, "intel-rapl:0", "package-0\n", "65532610987\n", "65532610000\n");
    zone_make(f, "intel-rapl:1", "package-1\n", "65532610987\n", "65532610987\n"); /* at the very end */
    begin(f);
    zone_write(f, "intel-rapl:0", "energy_uj", "13\n");
    zone_write(f, "intel-rapl:1", "energy_uj", "0\n");
    end(f);
    expect(f, "energy.package-0", STATE_OK, 1000, NULL);
    expect(f, "energy.package-1", STATE_SUSPECT, 0, "did not advance");
}

static void wrap_without_range(void **state)
{
    struct fixture *f = *state;
    zone_make(f, "intel-rapl:0", "package-0\n", "0\n", "5000\n");
    zone_make(f, "intel-rapl:1", "package-1\n", "none\n", "5000\n");
    zone_make(f, "intel-rapl:2", "package-2\n", "4000\n", "5000\n");
    zone_make(f, "intel-rapl:3", "package-3\n", "0\n", "5000\n");
    begin(f);
    for (int i = 0; i < 3; i++) {
        char zone[32];
        snprintf(zone, sizeof zone, "intel-rapl:%d", i);
        zone_write(f, zone, "energy_uj", "4999\n");
    }
    zone_write(f, "intel-rapl:3", "energy_uj", "5003\n");
    end(f);
    expect(f, "energy.package-0", STATE_BROKEN, 0, "max_energy_range_uj is not readable");
    expect(f, "energy.package-1", STATE_BROKEN, 0, "max_energy_range_uj is not readable");
    expect(f, "energy.package-2", STATE_BROKEN, 0, "smaller than what it showed");
    expect(f, "energy.package-3", STATE_OK, 3, NULL); /* no wrap: the range is not needed */
}

/* A range so small that one more turn would take far below 1 kW, however short the stretch. */
static void perhaps_two_wraps(void **state)
{
    struct fixture *f = *state;
    zone_make(f, "intel-rapl:0", "package-0\n", "1\n", "0\n");
    begin(f);
    zone_write(f, "intel-rapl:0", "energy_uj", "1\n");
    end(f);
    expect(f, "energy.package-0", STATE_SUSPECT, 1, "wrapped once more");
}

static void same_names(void **state)
{
    struct fixture *f = *state;
    zone_make(f, "intel-rapl:0", "package-0\n", "1000000000\n", "10\n");
    zone_make(f, "intel-rapl:1", "package-0\n", "1000000000\n", "10\n");
    zone_make(f, "intel-rapl:2", "a very long name, with commas\n", "1000000000\n", "10\n");
    begin(f);
    zone_write(f, "intel-rapl:0", "energy_uj", "11\n");
    zone_write(f, "intel-rapl:1", "energy_uj", "12\n");
    zone_write(f, "intel-rapl:2", "energy_uj", "13\n");
    end(f);
    expect(f, "energy.package-0", STATE_OK, 1, NULL);
    expect(f, "energy.intel-rapl:1", STATE_OK, 2, NULL);
    expect(f, "energy.a_very_long_name", STATE_OK, 3, NULL);
}

static void garbage(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"", "\n", "12 34\n", "-5\n", "99999999999999999999\n", "0x10\n", "12e3\n"};
    int n = (int)(sizeof texts / sizeof *texts);
    char name[128];
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "intel-rapl:%d", i);
        zone_make(f, name, name, "1000000000\n", texts[i]);
    }
    snprintf(name, sizeof name, "%s/sys/class/powercap/intel-rapl:x/energy_uj", f->root);
    assert_int_equal(file_mkdirs(name, NULL), 0); /* opens, and every read fails, as of a meter that answers EIO */
    begin(f);
    zone_write(f, "intel-rapl:0", "energy_uj", "7\n");
    end(f);
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "energy.intel-rapl:%d", i);
        expect(f, name, STATE_BROKEN, 0, "not a number");
    }
    expect(f, "energy.intel-rapl:x", STATE_BROKEN, 0, "Is a directory");
}

static void denied(void **state)
{
    struct fixture *f = *state;
    char path[256];
    zone_make(f, "intel-rapl:0", "package-0\n", "1000000000\n", "10\n");
    snprintf(path, sizeof path, "%s/sys/class/powercap/intel-rapl:0/energy_uj", f->root);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(f->root, 0755), 0);
    uid_t me = geteuid();
    if (me == 0 && (seteuid(65534) || access(f->root, X_OK)))
        skip(); /* root reads everything, and cannot become somebody else here */
    enum state got = open_probe(f);
    assert_int_equal(seteuid(me), 0);
    assert_string_equal(state_name(got), "denied");
    assert_non_null(strstr(f->reason, "intel-rapl:0/energy_uj"));
    assert_non_null(strstr(f->reason, "sudo chmod a+r /sys/class/powercap/*/energy_uj"));
    probe_energy.close(f->self);
}

static void absent(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(state_name(open_probe(f)), "absent");
    assert_non_null(strstr(f->reason, "/sys/class/powercap"));
    zone_write(f, "intel-rapl:0", "name", "package-0\n"); /* a limit without a meter */
    assert_string_equal(state_name(open_probe(f)), "absent");
}

static void more_zones_than_readings(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 40; i++) {
        char name[32];
        snprintf(name, sizeof name, "intel-rapl:%d", i);
        zone_make(f, name, name, "1000000000\n", "10\n");
    }
    begin(f);
    end(f);
    assert_int_equal(f->out.n, 25);
    expect(f, "energy.others", STATE_OFF, 0, "16 more powercap zones than the 24");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(laptop, setup, teardown),
        cmocka_unit_test_setup_teardown(domains_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(nested, setup, teardown),
        cmocka_unit_test_setup_teardown(devices_tree, setup, teardown),
        cmocka_unit_test_setup_teardown(one_wrap, setup, teardown),
        cmocka_unit_test_setup_teardown(wrap_without_range, setup, teardown),
        cmocka_unit_test_setup_teardown(perhaps_two_wraps, setup, teardown),
        cmocka_unit_test_setup_teardown(same_names, setup, teardown),
        cmocka_unit_test_setup_teardown(garbage, setup, teardown),
        cmocka_unit_test_setup_teardown(denied, setup, teardown),
        cmocka_unit_test_setup_teardown(absent, setup, teardown),
        cmocka_unit_test_setup_teardown(more_zones_than_readings, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
