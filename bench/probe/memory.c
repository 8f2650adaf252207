/* memory.c - what the trial's process has in RAM, split into anonymous, file and shared pages.
 *
 * Method.  All numbers come from /proc/PID/status (7 us, constant), never from ru_maxrss: that one survives fork and exec, so a
 * child of a large parent would report its parent's peak.  VmHWM belongs to the address space and is set back to the present
 * size when the probe opens, by writing 5 to /proc/self/clear_refs.
 *   memory.peak      VmHWM at the end of the trial (the outer stretch): misses nothing, is not split
 *   memory.start     resident memory when the trial began: the program and its libraries.  What the peak has above it is the cell's
 *   memory.hwm       VmHWM at the end of a stretch inside it: the highest so far, not the highest of that stretch
 *   memory.rss_*     RssAnon, RssFile, RssShmem at the end of the stretch
 *   memory.anon_huge, memory.file_huge   the parts of rss_anon and rss_file in huge pages, at the end of the trial only:
 *                    smaps_rollup walks the page tables, 41 ms for 2 GB of small pages.  Decoding is up to 9% faster with the weights
 *                    in huge pages, which depends on how the file came into the page cache (docs/method.md)
 *   memory.peak_*    the split at the highest total that the parent saw at its sampling ticks; a peak between two ticks is missed
 *                    by these and not by memory.peak.  memory.samples says how many ticks there were.
 * The kernel batches these counts per CPU, so each may be off by some hundred KiB.  Weights that are mapped count as file pages
 * once they are touched, whether or not another process holds them too. */
/* SPDX-License-Identifier: MIT */
#include "bench/probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { ANON, FILE_, SHMEM, HWM, FIELDS };

static const char *const field[FIELDS] = {"\nRssAnon:", "\nRssFile:", "\nRssShmem:", "\nVmHWM:"};

struct memory {
    int status;                    /* descriptor of /proc/PID/status, kept open */
    int level;                     /* stretches begun and not ended: the outermost is the trial */
    int64_t start;                 /* resident when the trial began; -1: not read */
    int no_reset;                  /* errno when the high-water mark could not be set back; 0 when it was */
    int64_t highest;               /* VmHWM so far: as the counts are batched, it can fall a little when memory is given back */
    int64_t peak[FIELDS], samples; /* the parent's */
};

/* The fields in bytes; -1 when the process has ended (a zombie has no such lines) or the file cannot be read. */
static int read_status(int fd, int64_t v[FIELDS])
{
    char text[4096]; /* about 1400 bytes; the fields wanted stand in the first half */
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return -1;
    text[n] = '\0';
    for (int i = 0; i < FIELDS; i++) {
        const char *line = strstr(text, field[i]);
        if (!line)
            return -1;
        v[i] = strtoll(line + strlen(field[i]), NULL, 10) * 1024;
    }
    return 0;
}

static int reset_peak(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int why = write(fd, "5", 1) == 1 ? 0 : errno;
    close(fd);
    return why;
}

static enum state memory_open(void *self, const struct probe_env *env, char *reason, size_t n)
{
    struct memory *m = self;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", env->child ? (int)env->child : (int)getpid());
    m->status = open(path, O_RDONLY | O_CLOEXEC);
    int why = errno;
    int64_t v[FIELDS];
    if (m->status < 0) {
        snprintf(reason, n, "%s: cannot open: %s; is /proc mounted?", path, strerror(why));
        return why == EACCES || why == EPERM ? STATE_DENIED : STATE_ABSENT;
    }
    if (env->child)
        return STATE_OK;
    if (read_status(m->status, v)) {
        snprintf(reason, n, "%s has no VmHWM, RssAnon, RssFile and RssShmem: this needs Linux 4.5 or newer", path);
        return STATE_ABSENT;
    }
    m->no_reset = reset_peak();
    return STATE_OK;
}

static void memory_begin(void *self, void *mark)
{
    struct memory *m = self;
    int64_t v[FIELDS];
    (void)mark;
    if (m->level++ == 0)
        m->start = read_status(m->status, v) ? -1 : v[ANON] + v[FILE_] + v[SHMEM];
}

static void add_huge(struct readings *out, const char *name, const char *line)
{
    static const char path[] = "/proc/self/smaps_rollup";
    char why[120];
    errno = 0;
    int64_t kib = file_field(path, line);
    if (kib >= 0) {
        readings_add(out, name, "B", kib * 1024);
        return;
    }
    snprintf(why, sizeof why, "no %s in %s%s%s", line, path, errno ? ": " : "", errno ? strerror(errno) : "");
    readings_add_missing(out, name, "B", errno == EACCES ? STATE_DENIED : STATE_ABSENT, why);
}

static void memory_end(void *self, const void *mark, struct readings *out)
{
    static const char *const names[HWM] = {"memory.rss_anon", "memory.rss_file", "memory.rss_shmem"};
    struct memory *m = self;
    int trial = --m->level == 0;
    const char *high = trial ? "memory.peak" : "memory.hwm";
    int64_t v[FIELDS];
    (void)mark;
    int unread = read_status(m->status, v);
    if (!unread && v[HWM] > m->highest)
        m->highest = v[HWM];
    for (int i = 0; i < HWM; i++)
        if (unread)
            readings_add_missing(out, names[i], "B", STATE_BROKEN, "/proc/self/status could not be read at the stretch's end");
        else
            readings_add(out, names[i], "B", v[i]);
    char why[160];
    snprintf(why, sizeof why, "counts from the program's start: VmHWM could not be set back (/proc/self/clear_refs: %s)",
             strerror(m->no_reset));
    if (unread)
        readings_add_missing(out, high, "B", STATE_BROKEN, "/proc/self/status could not be read at the stretch's end");
    else if (m->no_reset)
        readings_add_suspect(out, high, "B", m->highest, why);
    else
        readings_add(out, high, "B", m->highest);
    if (!trial)
        return;
    if (m->start < 0)
        readings_add_missing(out, "memory.start", "B", STATE_BROKEN, "/proc/self/status could not be read at the trial's start");
    else
        readings_add(out, "memory.start", "B", m->start);
    add_huge(out, "memory.anon_huge", "AnonHugePages:");
    add_huge(out, "memory.file_huge", "FilePmdMapped:");
}

static void memory_watch(void *self)
{
    struct memory *m = self;
    int64_t v[FIELDS];
    if (read_status(m->status, v))
        return;
    m->samples++;
    if (v[ANON] + v[FILE_] + v[SHMEM] > m->peak[ANON] + m->peak[FILE_] + m->peak[SHMEM])
        memcpy(m->peak, v, sizeof v);
}

static void memory_finish(void *self, struct readings *out)
{
    static const char *const names[HWM] = {"memory.peak_anon", "memory.peak_file", "memory.peak_shmem"};
    struct memory *m = self;
    for (int i = 0; i < HWM; i++)
        if (m->samples)
            readings_add(out, names[i], "B", m->peak[i]);
        else
            readings_add_missing(out, names[i], "B", STATE_ABSENT, "the process ended before the first sampling tick");
    readings_add(out, "memory.samples", "", m->samples);
}

static void memory_close(void *self)
{
    struct memory *m = self;
    if (m->status >= 0)
        close(m->status);
}

const struct probe probe_memory = {
    .name = "memory",
    .about = "peak and resident memory of the trial's process, anonymous and file pages apart (/proc/PID/status)",
    .size = sizeof(struct memory),
    .open = memory_open,
    .begin = memory_begin,
    .end = memory_end,
    .watch = memory_watch,
    .finish = memory_finish,
    .close = memory_close,
};
