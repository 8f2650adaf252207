/* bench_machine.c - the description of machines: recorded phones and laptops, a guest, and one that tells nothing. */
/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "bench/machine.h"
#include "tests/tree.h"

static struct machine *open_below(const char *root)
{
    struct topology *t;
    struct machine *m = NULL;
    struct err e;
    assert_int_equal(topology_open(&t, &e), 0);
    setenv("BENCH_SYSROOT", root, 1);
    assert_int_equal(machine_open(&m, t, &e), 0);
    unsetenv("BENCH_SYSROOT");
    topology_close(t);
    return m;
}

static void this_machine(void **state)
{
    (void)state;
    struct machine *m = open_below("");
    const struct store_machine *r = machine_record(m);
    assert_non_null(r->arch);
    assert_non_null(r->kernel);
    assert_non_null(r->isa);
    assert_non_null(r->topology_source);
    assert_true(r->cpus >= 1 && r->cores >= 1 && r->cores <= r->cpus);
    assert_true(r->memory_bytes > 1 << 20);
    print_message("%s, %s, %s, %s, %s, %s\n", r->cpu ? r->cpu : "-", r->arch, r->os ? r->os : "-", r->isa,
                  r->virt ? r->virt : "-", r->governor ? r->governor : "-");
    machine_close(m);
    machine_close(NULL);
}

static void guest(void **state)
{
    (void)state;
    char root[64];
    assert_int_equal(test_tmp(root, sizeof root), 0);
    tree_write(root, "proc/cpuinfo",
               "processor\t: 0\nmodel name\t: Some CPU @ 3.00GHz\nflags\t\t: fpu sse2 hypervisor avx2\n\n"
               "processor\t: 1\nmodel name\t: Some CPU @ 3.00GHz\nflags\t\t: fpu sse2 hypervisor avx2\n");
    tree_write(root, "proc/meminfo", "MemTotal:        8000000 kB\nMemFree:  1 kB\n");
    tree_write(root, "etc/os-release", "NAME=\"X\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n");
    tree_write(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "schedutil\n");
    struct machine *m = open_below(root);
    const struct store_machine *r = machine_record(m);
    assert_string_equal(r->cpu, "Some CPU @ 3.00GHz");
    assert_non_null(strstr(r->virt, "hypervisor"));
    assert_string_equal(r->os, "Debian GNU/Linux 12 (bookworm)");
    assert_string_equal(r->governor, "schedutil");
    assert_int_equal(r->memory_bytes, INT64_C(8192000000));
    machine_close(m);
    tree_write(root, "proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu sse2\n");
    tree_write(root, "sys/class/dmi/id/sys_vendor", "QEMU\n");
    m = open_below(root);
    assert_string_equal(machine_record(m)->virt, "QEMU");
    machine_close(m);
    tree_write(root, "sys/class/dmi/id/sys_vendor", "LENOVO\n");
    m = open_below(root);
    assert_null(machine_record(m)->virt);
    machine_close(m);
    test_rm(root);
}

static void tells_nothing(void **state)
{
    (void)state;
    char root[64];
    assert_int_equal(test_tmp(root, sizeof root), 0);
    struct machine *m = open_below(root);
    const struct store_machine *r = machine_record(m);
    assert_null(r->cpu);
    assert_null(r->os);
    assert_null(r->virt);
    assert_null(r->governor);
    assert_int_equal(r->memory_bytes, 0);
    machine_close(m);
    tree_write(root, "proc/cpuinfo", "\n::\nmodel name\nCPU part\nCPU part : \nflags");
    tree_write(root, "proc/meminfo", "MemTotal: many\n");
    tree_write(root, "etc/os-release", "PRETTY_NAME=\n");
    m = open_below(root);
    r = machine_record(m);
    assert_null(r->cpu);
    assert_null(r->os);
    assert_int_equal(r->memory_bytes, 0);
    machine_close(m);
    test_rm(root);
}

static void arm_cores(void **state)
{
    (void)state;
    char root[64];
    assert_int_equal(test_tmp(root, sizeof root), 0);
    tree_write(root, "proc/cpuinfo",
               "processor\t: 0\nmodel name\t: ARMv7 Processor rev 1 (v7l)\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\n"
               "processor\t: 1\nCPU implementer\t: 0x51\nCPU part\t: 0x801\n\n"
               "processor\t: 2\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n");
    struct machine *m = open_below(root);
    assert_string_equal(machine_record(m)->cpu, "2x Cortex-A76 + 1x Arm implementer 0x51 part 0x801");
    machine_close(m);
    test_rm(root);
}

static void recorded_phones(void **state)
{
    (void)state;
    static const char *const trees[][2] = {
        {"sysfs/pixel-8", "4x Cortex-A510 + 4x Cortex-A715 + 1x Cortex-X3"},
        {"sysfs/nexus5x", "4x Cortex-A53 + 2x Cortex-A57"},
    };
    for (int i = 0; i < 2; i++) {
        const char *root = testdata(trees[i][0]);
        TEST_SKIP_WITHOUT(root, trees[i][0]);
        struct machine *m = open_below(root);
        assert_string_equal(machine_record(m)->cpu, trees[i][1]);
        machine_close(m);
    }
}

static void build(void **state)
{
    (void)state;
    const struct store_build *b = machine_build();
    assert_true(*b->version && *b->commit && *b->compiler);
    assert_non_null(strstr(b->flags, "-ffp-contract=off"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_machine), cmocka_unit_test(guest),           cmocka_unit_test(tells_nothing),
        cmocka_unit_test(arm_cores),    cmocka_unit_test(recorded_phones), cmocka_unit_test(build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
