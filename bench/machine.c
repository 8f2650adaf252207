/* machine.c - the description of this machine and this build.
 *
 * The CPU's name is /proc/cpuinfo's "model name" on x86.  Arm kernels give two numbers per core instead, implementer and part
 * (MIDR_EL1); the common ones have a name here, others stay numbers, and a machine with several kinds of core lists each with its
 * count: "4x Cortex-A510 + 4x Cortex-A715 + 1x Cortex-X3". */
/* SPDX-License-Identifier: MIT */
#include "bench/machine.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#if defined __x86_64__ || defined __i386__
#include <cpuid.h>
#endif

#include "base/file.h"
#include "base/text.h"
#include "build_info.h"
#include "kernels/isa.h"

struct machine {
    struct store_machine store;
    struct utsname uname;
    char cpu[256], os[128], virt[64], governor[32], source[192];
    char *topology;
};

/* Source: the part numbers of arch/arm64/include/asm/cputype.h of Linux, and of Arm's technical reference manuals. */
static const struct {
    unsigned implementer, part;
    const char *name;
} arm_cores[] = {
    {0x41, 0xc07, "Cortex-A7"},    {0x41, 0xc08, "Cortex-A8"},   {0x41, 0xc09, "Cortex-A9"},   {0x41, 0xc0f, "Cortex-A15"},
    {0x41, 0xd03, "Cortex-A53"},   {0x41, 0xd04, "Cortex-A35"},  {0x41, 0xd05, "Cortex-A55"},  {0x41, 0xd07, "Cortex-A57"},
    {0x41, 0xd08, "Cortex-A72"},   {0x41, 0xd09, "Cortex-A73"},  {0x41, 0xd0a, "Cortex-A75"},  {0x41, 0xd0b, "Cortex-A76"},
    {0x41, 0xd0c, "Neoverse-N1"},  {0x41, 0xd0d, "Cortex-A77"},  {0x41, 0xd40, "Neoverse-V1"}, {0x41, 0xd41, "Cortex-A78"},
    {0x41, 0xd42, "Cortex-A78AE"}, {0x41, 0xd44, "Cortex-X1"},   {0x41, 0xd46, "Cortex-A510"}, {0x41, 0xd47, "Cortex-A710"},
    {0x41, 0xd48, "Cortex-X2"},    {0x41, 0xd49, "Neoverse-N2"}, {0x41, 0xd4b, "Cortex-A78C"}, {0x41, 0xd4d, "Cortex-A715"},
    {0x41, 0xd4e, "Cortex-X3"},    {0x41, 0xd4f, "Neoverse-V2"}, {0x41, 0xd80, "Cortex-A520"}, {0x41, 0xd81, "Cortex-A720"},
    {0x41, 0xd82, "Cortex-X4"},    {0x41, 0xd84, "Neoverse-V3"}, {0x41, 0xd85, "Cortex-X925"}, {0x41, 0xd87, "Cortex-A725"},
    {0x41, 0xd8e, "Neoverse-N3"},
};

static int read_below(const char *sysroot, const char *file, char *buf, size_t size)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s%s", sysroot, file);
    return n > 0 && (size_t)n < sizeof path ? file_read_line(path, buf, size) : -1;
}

static FILE *open_below(const char *sysroot, const char *file)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s%s", sysroot, file);
    return n > 0 && (size_t)n < sizeof path ? fopen(path, "re") : NULL;
}

/* The value of "key : value", or NULL when the line has another key. */
static char *value_of(char *line, const char *key)
{
    size_t n = strlen(key);
    if (strncmp(line, key, n))
        return NULL;
    char *v = line + n + strspn(line + n, " \t");
    if (*v++ != ':')
        return NULL;
    v += strspn(v, " \t");
    v[strcspn(v, "\n")] = '\0';
    return v;
}

/* One kind of Arm core and how many there are. */
struct part {
    unsigned implementer, part;
    int count;
};

enum { PARTS_MAX = 8 };

static void name_parts(const struct part *p, int n, char *out, size_t size)
{
    struct text t = {0};
    for (int i = 0; i < n; i++) {
        const char *name = NULL;
        for (size_t k = 0; k < sizeof arm_cores / sizeof *arm_cores; k++)
            if (arm_cores[k].implementer == p[i].implementer && arm_cores[k].part == p[i].part)
                name = arm_cores[k].name;
        text_printf(&t, "%s%dx ", i ? " + " : "", p[i].count);
        if (name)
            text_printf(&t, "%s", name);
        else
            text_printf(&t, "Arm implementer 0x%02x part 0x%03x", p[i].implementer, p[i].part);
    }
    snprintf(out, size, "%s", t.p ? t.p : "");
    text_free(&t);
}

static void count_part(struct part *p, int *n, unsigned implementer, unsigned part)
{
    int i = 0;
    while (i < *n && (p[i].implementer != implementer || p[i].part != part))
        i++;
    if (i == PARTS_MAX)
        return;
    if (i == *n)
        p[(*n)++] = (struct part){.implementer = implementer, .part = part};
    p[i].count++;
}

/* *guest: the CPU says that a hypervisor runs below it. */
static void read_cpuinfo(const char *sysroot, char *cpu, size_t size, int *guest)
{
    struct part parts[PARTS_MAX];
    int n = 0;
    unsigned implementer = 0;
    char line[8192]; /* the flags of an x86 CPU fill some 2000 */
    const char *v;
    FILE *f = open_below(sysroot, "/proc/cpuinfo");
    while (f && fgets(line, sizeof line, f)) {
        if (!*cpu && ((v = value_of(line, "model name")) || (v = value_of(line, "cpu model"))))
            snprintf(cpu, size, "%s", v);
        else if ((v = value_of(line, "CPU implementer")))
            implementer = (unsigned)strtoul(v, NULL, 16);
        else if ((v = value_of(line, "CPU part")) && *v)
            count_part(parts, &n, implementer, (unsigned)strtoul(v, NULL, 16));
        else if ((v = value_of(line, "flags")) && strstr(v, " hypervisor"))
            *guest = 1;
    }
    if (f)
        fclose(f);
    if (n) /* 32-bit Arm has a "model name" too, which says less */
        name_parts(parts, n, cpu, size);
}

#if defined __x86_64__ || defined __i386__
/* The signature that a hypervisor leaves in CPUID leaf 0x40000000. */
static void ask_cpuid(char *virt, size_t size)
{
    static const char *const known[][2] = {
        {"KVMKVMKVM", "KVM"},     {"Microsoft Hv", "Hyper-V"},    {"VMwareVMware", "VMware"}, {"XenVMMXenVMM", "Xen"},
        {"TCGTCGTCGTCG", "QEMU"}, {"VBoxVBoxVBox", "VirtualBox"}, {"bhyve bhyve ", "bhyve"},  {"ACRNACRNACRN", "ACRN"},
    };
    unsigned eax, regs[3];
    char text[sizeof regs + 1] = "";
    __cpuid(0x40000000, eax, regs[0], regs[1], regs[2]);
    memcpy(text, regs, sizeof regs);
    for (char *c = text; *c; c++)
        if (!isprint((unsigned char)*c))
            *c = '?';
    snprintf(virt, size, "%s", *text ? text : "a hypervisor that does not say its name");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i][0], text))
            snprintf(virt, size, "%s", known[i][1]);
}
#else
static void ask_cpuid(char *virt, size_t size)
{
    (void)virt, (void)size;
}
#endif

/* virt stays empty on bare metal.  Arm has no CPUID: Xen and device trees say it in a file, UEFI guests by their maker's name. */
static void read_virt(const char *sysroot, int guest, char *virt, size_t size)
{
    static const char *const makers[] = {"QEMU", "VMware, Inc.", "Xen", "innotek GmbH"};
    char maker[64];
    if (guest && !*sysroot)
        ask_cpuid(virt, size);
    else if (guest)
        snprintf(virt, size, "a hypervisor (flag in /proc/cpuinfo)");
    if (*virt || read_below(sysroot, "/sys/hypervisor/type", virt, size) > 0 ||
        read_below(sysroot, "/proc/device-tree/hypervisor/compatible", virt, size) > 0)
        return;
    *virt = '\0';
    if (read_below(sysroot, "/sys/class/dmi/id/sys_vendor", maker, sizeof maker) > 0)
        for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
            if (!strcmp(maker, makers[i]))
                snprintf(virt, size, "%s", maker);
}

/* PRETTY_NAME="Debian GNU/Linux 12 (bookworm)" */
static void read_os(const char *sysroot, char *os, size_t size)
{
    char line[256];
    FILE *f = open_below(sysroot, "/etc/os-release");
    while (f && fgets(line, sizeof line, f)) {
        char *v = line + strlen("PRETTY_NAME=");
        if (strncmp(line, "PRETTY_NAME=", strlen("PRETTY_NAME=")))
            continue;
        v += strspn(v, "\"'");
        v[strcspn(v, "\"'\n")] = '\0';
        snprintf(os, size, "%s", v);
    }
    if (f)
        fclose(f);
}

static int64_t read_memory(const char *sysroot)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/proc/meminfo", sysroot);
    int64_t kib = file_field(path, "MemTotal:");
    return kib > 0 ? kib * 1024 : 0;
}

static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

int machine_open(struct machine **out, const struct topology *t, struct err *e)
{
    const char *sysroot = getenv("BENCH_SYSROOT");
    struct machine *m = calloc(1, sizeof *m);
    int guest = 0;
    if (!m)
        return err_set(e, ERR_ENV, "no memory for the machine's description (%zu bytes)", sizeof *m);
    if (!sysroot)
        sysroot = "";
    read_cpuinfo(sysroot, m->cpu, sizeof m->cpu, &guest);
    read_virt(sysroot, guest, m->virt, sizeof m->virt);
    read_os(sysroot, m->os, sizeof m->os);
    if (read_below(sysroot, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", m->governor, sizeof m->governor) < 0)
        m->governor[0] = '\0';
    uname(&m->uname);
    snprintf(m->source, sizeof m->source, "%s", topology_source(t));
    m->topology = topology_xml(t);
    m->store = (struct store_machine){
        .cpu = or_null(m->cpu),
        .arch = or_null(m->uname.machine),
        .os = or_null(m->os),
        .kernel = or_null(m->uname.release),
        .isa = isa_name(isa_best()),
        .virt = or_null(m->virt),
        .governor = or_null(m->governor),
        .topology = m->topology,
        .topology_source = m->source,
        .cpus = topology_cpus(t),
        .cores = topology_cores(t),
        .memory_bytes = read_memory(sysroot),
    };
    *out = m;
    return 0;
}

void machine_close(struct machine *m)
{
    if (!m)
        return;
    free(m->topology);
    free(m);
}

const struct store_machine *machine_record(const struct machine *m)
{
    return &m->store;
}

const struct store_build *machine_build(void)
{
    static const struct store_build build = {
        .version = BUILD_VERSION, .commit = BUILD_COMMIT, .compiler = BUILD_COMPILER, .flags = BUILD_FLAGS};
    return &build;
}
