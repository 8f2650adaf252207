/* sched.c - how the scheduler and the pager treated the trial's process during a stretch.
 *
 * Method.  Differences between two readings of counters that only grow:
 *   sched.run_delay  ns that threads were runnable and had no CPU, second number of /proc/self/task/TID/schedstat, summed over
 *                    the threads.  It sees a busy neighbour that steal does not.  The kernel keeps it per thread and forgets it
 *                    with the thread: one that ended during the stretch makes the value suspect, and one that began and ended
 *                    inside it is not seen at all.
 *   sched.nvcsw, sched.nivcsw, sched.minflt, sched.majflt   getrusage: context switches, page faults; ended threads included
 *   sched.utime, sched.stime   ns of CPU time, all threads
 *   sched.inblock    bytes that the process had read from storage; reads for a mapped file that readahead did count here and
 *                    hardly in majflt
 *   sched.steal      ns that the hypervisor gave to others, all CPUs of the machine together, in ticks of 10 ms (/proc/stat) */
/* SPDX-License-Identifier: MIT */
#include "bench/probe/probe.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"

enum { TASKS_MAX = 512 }; /* threads looked at; more make run_delay suspect */

struct sched {
    char stat[PATH_MAX]; /* /proc/stat below the sysroot */
};

struct tasks {
    int n, more; /* more: threads beyond TASKS_MAX */
    int why;     /* errno when schedstat could not be read, else 0 */
    struct {
        int tid;
        int64_t delay; /* ns */
    } v[TASKS_MAX];
};

struct mark {
    struct rusage usage;
    struct tasks tasks;
    int64_t steal; /* ns, -1 when there is none */
};

static void read_tasks(struct tasks *t)
{
    t->n = t->more = t->why = 0;
    DIR *dir = opendir("/proc/self/task");
    if (!dir) {
        t->why = errno;
        return;
    }
    for (const struct dirent *d; (d = readdir(dir));) {
        int tid = atoi(d->d_name);
        char path[64], line[128];
        long long delay;
        if (tid <= 0)
            continue;
        if (t->n == TASKS_MAX) {
            t->more++;
            continue;
        }
        snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", tid);
        if (file_read_line(path, line, sizeof line) < 0) {
            if (tid == getpid()) /* another one may just have ended; this one has not */
                t->why = errno;
        } else if (sscanf(line, "%*d %lld", &delay) != 1) {
            t->why = EINVAL;
        } else {
            t->v[t->n].tid = tid;
            t->v[t->n++].delay = delay;
        }
    }
    closedir(dir);
}

/* "cpu  user nice system idle iowait irq softirq steal ..." is the first line, in clock ticks. */
static int64_t read_steal(const char *path)
{
    char line[256];
    long long steal;
    if (file_read_line(path, line, sizeof line) < 0 || sscanf(line, "cpu %*d %*d %*d %*d %*d %*d %*d %lld", &steal) != 1)
        return -1;
    return steal * (1000000000 / sysconf(_SC_CLK_TCK));
}

static enum state sched_open(void *self, const struct probe_env *env, char *reason, size_t n)
{
    struct sched *s = self;
    int len = snprintf(s->stat, sizeof s->stat, "%s/proc/stat", env->sysroot);
    if (len < 0 || (size_t)len >= sizeof s->stat) {
        snprintf(reason, n, "the sysroot's name is longer than a path may be; set BENCH_SYSROOT to a shorter one");
        return STATE_BROKEN;
    }
    return STATE_OK;
}

static void sched_begin(void *self, void *mark)
{
    struct sched *s = self;
    struct mark *m = mark;
    m->steal = read_steal(s->stat);
    read_tasks(&m->tasks);
    getrusage(RUSAGE_SELF, &m->usage);
}

/* Threads are compared one by one: the sum would fall when one ends.  A number that fell is a new thread with an old number. */
static void add_run_delay(struct readings *out, const struct tasks *a, const struct tasks *b)
{
    int64_t sum = 0;
    int kept = 0;
    char why[128];
    if (a->why || b->why) {
        int e = a->why ? a->why : b->why, denied = e == EACCES || e == EPERM;
        enum state state = e == ENOENT ? STATE_ABSENT : denied ? STATE_DENIED : STATE_BROKEN;
        snprintf(why, sizeof why, "/proc/self/task/TID/schedstat: %s%s", strerror(e),
                 e == ENOENT ? "; this kernel was built without CONFIG_SCHED_INFO" : "");
        readings_add_missing(out, "sched.run_delay", "ns", state, why);
        return;
    }
    for (int i = 0; i < b->n; i++) {
        int64_t before = 0;
        for (int j = 0; j < a->n; j++)
            if (a->v[j].tid == b->v[i].tid && a->v[j].delay <= b->v[i].delay) {
                before = a->v[j].delay;
                kept++;
            }
        sum += b->v[i].delay - before;
    }
    if (kept < a->n || a->more || b->more) {
        snprintf(why, sizeof why, "too low: %d of %d threads ended during the stretch, %d were beyond the %d looked at",
                 a->n - kept, a->n, b->more, TASKS_MAX);
        readings_add_suspect(out, "sched.run_delay", "ns", sum, why);
    } else {
        readings_add(out, "sched.run_delay", "ns", sum);
    }
}

static int64_t ns_between(struct timeval a, struct timeval b)
{
    return (int64_t)(b.tv_sec - a.tv_sec) * 1000000000 + (int64_t)(b.tv_usec - a.tv_usec) * 1000;
}

static void sched_end(void *self, const void *mark, struct readings *out)
{
    struct sched *s = self;
    const struct mark *a = mark;
    struct rusage u;
    struct tasks tasks;
    getrusage(RUSAGE_SELF, &u);
    read_tasks(&tasks);
    int64_t steal = read_steal(s->stat);

    add_run_delay(out, &a->tasks, &tasks);
    readings_add(out, "sched.nvcsw", "", u.ru_nvcsw - a->usage.ru_nvcsw);
    readings_add(out, "sched.nivcsw", "", u.ru_nivcsw - a->usage.ru_nivcsw);
    readings_add(out, "sched.minflt", "", u.ru_minflt - a->usage.ru_minflt);
    readings_add(out, "sched.majflt", "", u.ru_majflt - a->usage.ru_majflt);
    readings_add(out, "sched.utime", "ns", ns_between(a->usage.ru_utime, u.ru_utime));
    readings_add(out, "sched.stime", "ns", ns_between(a->usage.ru_stime, u.ru_stime));
    readings_add(out, "sched.inblock", "B", (int64_t)(u.ru_inblock - a->usage.ru_inblock) * 512);
    if (a->steal < 0 || steal < 0)
        readings_add_missing(out, "sched.steal", "ns", STATE_ABSENT, "/proc/stat is not readable, or its cpu line has no steal");
    else if (steal < a->steal)
        readings_add_missing(out, "sched.steal", "ns", STATE_BROKEN, "steal in /proc/stat fell during the stretch");
    else
        readings_add(out, "sched.steal", "ns", steal - a->steal);
}

const struct probe probe_sched = {
    .name = "sched",
    .about = "run delay, context switches, page faults, CPU time, steal (/proc, getrusage)",
    .size = sizeof(struct sched),
    .mark_size = sizeof(struct mark),
    .open = sched_open,
    .begin = sched_begin,
    .end = sched_end,
};
