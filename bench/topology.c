/* topology.c - which CPUs a cell with N threads runs on.
 *
 * Every usable logical CPU gets three numbers: its sibling rank (0 for the first hardware thread of a core, 1 for the second
 * ...), the speed of its kind of core, and its place in the machine's order.  Sorted by rank, then speed, then place, the first N
 * are the answer: all cores before any second hardware thread, and among them the fastest kind first.  More threads than CPUs begin
 * again with the first, pinned as ever: left to the scheduler they are no faster, and much slower beside another program.
 *
 * hwloc ranks the kinds (by what the kernel says of their capacity, type and frequency); its order keeps CPUs that share a cache
 * together.  Without it cores come from /sys/devices/system/cpu and all count as one kind. */
/* SPDX-License-Identifier: MIT */
#include "bench/topology.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#if HAVE_HWLOC
#include <hwloc.h>
#endif

struct cpu {
    int id;    /* as the scheduler numbers it */
    int core;  /* equal for the hardware threads of one core */
    int rank;  /* 0: first hardware thread of its core to be used */
    int speed; /* of its kind, higher is faster; -1 unknown */
    int place; /* in the machine's order */
};

struct topology {
    int n, cores, kinds;
    struct cpu cpu[TOPOLOGY_MAX_CPUS]; /* in the order of use */
    char source[192];
    char *xml;
};

static int by_use(const void *a, const void *b)
{
    const struct cpu *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank - y->rank;
    if (x->speed != y->speed)
        return y->speed - x->speed;
    return x->place - y->place;
}

/* Ranks need the order, and the order the ranks: with all ranks 0 the fastest thread of each core comes first. */
static void order_cpus(struct topology *t)
{
    int fastest = -1;
    qsort(t->cpu, (size_t)t->n, sizeof *t->cpu, by_use);
    t->cores = t->kinds = 0;
    for (int i = 0; i < t->n; i++) {
        struct cpu *c = &t->cpu[i];
        for (int j = 0; j < i; j++)
            c->rank += t->cpu[j].core == c->core;
        t->cores += c->rank == 0;
        if (c->speed >= 0 && c->speed != fastest) { /* speeds descend here */
            fastest = c->speed;
            t->kinds++;
        }
    }
    if (t->kinds == 0)
        t->kinds = 1;
    qsort(t->cpu, (size_t)t->n, sizeof *t->cpu, by_use);
}

#if HAVE_HWLOC

static int speed_of(hwloc_topology_t h, hwloc_obj_t pu)
{
    int kind = hwloc_cpukinds_get_by_cpuset(h, pu->cpuset, 0), speed = -1;
    if (kind < 0 || hwloc_cpukinds_get_info(h, (unsigned)kind, NULL, &speed, NULL, NULL, 0))
        return -1;
    return speed;
}

static void take_cpus(struct topology *t, hwloc_topology_t h)
{
    for (hwloc_obj_t pu = NULL; t->n < TOPOLOGY_MAX_CPUS && (pu = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_PU, pu));) {
        hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(h, HWLOC_OBJ_CORE, pu);
        t->cpu[t->n] = (struct cpu){
            .id = (int)pu->os_index,
            .core = core ? (int)core->logical_index : -1 - (int)pu->logical_index, /* a CPU without a core is its own */
            .speed = speed_of(h, pu),
            .place = t->n,
        };
        t->n++;
    }
}

/* A virtual machine's nodes grow and shrink while programs come and go; it is the same machine all the time.  How much memory it
 * has in all is told elsewhere. */
static void forget_memory(hwloc_topology_t h)
{
    for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_NUMANODE, o));) {
        o->attr->numanode.local_memory = 0;
        for (unsigned i = 0; i < o->attr->numanode.page_types_len; i++)
            o->attr->numanode.page_types[i].count = 0;
    }
}

/* 0, or -1 with the reason in why.  RESTRICT_TO_CPUBINDING honours the affinity mask and is refused without IS_THISSYSTEM; a
 * cgroup's cpuset is honoured anyway.  HWLOC_THISSYSTEM=0, which replays another machine's topology, switches both off. */
static int read_hwloc(struct topology *t, char *why, size_t n)
{
    hwloc_topology_t h;
    char *xml;
    int length;
    if (hwloc_topology_init(&h)) {
        snprintf(why, n, "hwloc_topology_init failed");
        return -1;
    }
    if (hwloc_topology_set_flags(h, HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM | HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING) ||
        hwloc_topology_load(h)) {
        snprintf(why, n, "hwloc cannot read this machine: %s", strerror(errno));
        hwloc_topology_destroy(h);
        return -1;
    }
    take_cpus(t, h);
    int all = hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_PU);
    int used = snprintf(t->source, sizeof t->source, "hwloc " HWLOC_VERSION "%s",
                        hwloc_topology_is_thissystem(h) ? "" : ", not of this machine");
    if (all > t->n)
        snprintf(t->source + used, sizeof t->source - (size_t)used, ", the first %d of %d CPUs", t->n, all);
    forget_memory(h);
    if (hwloc_topology_export_xmlbuffer(h, &xml, &length, 0) == 0) {
        t->xml = strdup(xml);
        hwloc_free_xmlbuffer(h, xml);
    }
    hwloc_topology_destroy(h);
    return 0;
}

#else

static int read_hwloc(struct topology *t, char *why, size_t n)
{
    (void)t;
    snprintf(why, n, "built without hwloc");
    return -1;
}

#endif

/* A number that tells the core of a CPU from all others of this machine; -1 when the kernel does not say. */
static int core_of(int cpu)
{
    char path[96], core[16], package[16];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/core_id", cpu);
    int have = file_read_line(path, core, sizeof core);
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/physical_package_id", cpu);
    if (have <= 0 || file_read_line(path, package, sizeof package) <= 0)
        return -1;
    return atoi(package) * 65536 + atoi(core);
}

static int read_scheduler(struct topology *t, const char *why, struct err *e)
{
    int known = 1;
    cpu_set_t *set = CPU_ALLOC(TOPOLOGY_MAX_CPUS);
    size_t size = CPU_ALLOC_SIZE(TOPOLOGY_MAX_CPUS);
    if (!set || sched_getaffinity(0, size, set)) {
        int no = errno;
        CPU_FREE(set);
        return err_set(e, ERR_ENV, "cannot find out which CPUs may be used: %s, and sched_getaffinity: %s", why, strerror(no));
    }
    for (int i = 0; i < TOPOLOGY_MAX_CPUS; i++)
        if (CPU_ISSET_S(i, size, set)) {
            int core = core_of(i);
            known &= core >= 0;
            t->cpu[t->n] = (struct cpu){.id = i, .core = core >= 0 ? core : -1 - i, .speed = -1, .place = t->n};
            t->n++;
        }
    CPU_FREE(set);
    snprintf(t->source, sizeof t->source, "none (%s): CPUs of the affinity mask, %s", why,
             known ? "kinds of core unknown" : "kinds and hardware threads of a core unknown");
    return 0;
}

int topology_open(struct topology **out, struct err *e)
{
    char why[96];
    struct topology *t = calloc(1, sizeof *t);
    if (!t)
        return err_set(e, ERR_ENV, "no memory for the topology (%zu bytes)", sizeof *t);
    if (read_hwloc(t, why, sizeof why) && read_scheduler(t, why, e)) {
        topology_close(t);
        return -1;
    }
    order_cpus(t);
    *out = t;
    return 0;
}

void topology_close(struct topology *t)
{
    if (!t)
        return;
    free(t->xml);
    free(t);
}

const char *topology_source(const struct topology *t)
{
    return t->source;
}

int topology_cores(const struct topology *t)
{
    return t->cores;
}

int topology_cpus(const struct topology *t)
{
    return t->n;
}

int topology_kinds(const struct topology *t)
{
    return t->kinds;
}

int topology_pick(const struct topology *t, int n, int *cpus, struct err *e)
{
    int most = t->n < TOPOLOGY_MAX_CPUS / TOPOLOGY_THREADS_PER_CPU ? t->n * TOPOLOGY_THREADS_PER_CPU : TOPOLOGY_MAX_CPUS;
    if (n < 1)
        return err_set(e, ERR_USAGE, "%d threads: at least 1 is needed", n);
    if (n > most)
        return err_set(e, ERR_USAGE,
                       "%d threads: this process may use %d CPU%s (%d core%s), which at most %d threads may share; ask for "
                       "fewer, or widen its cpuset and affinity mask",
                       n, t->n, t->n == 1 ? "" : "s", t->cores, t->cores == 1 ? "" : "s", most);
    for (int i = 0; i < n; i++)
        cpus[i] = t->cpu[i % t->n].id;
    return 0;
}

int topology_distinct(const int *cpus, int n)
{
    int distinct = 1;
    while (distinct < n && cpus[distinct] != cpus[0])
        distinct++;
    return distinct;
}

char *topology_xml(const struct topology *t)
{
    return t->xml ? strdup(t->xml) : NULL;
}
