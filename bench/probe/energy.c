/* energy.c - what the machine's own energy meters counted during a stretch: powercap zones (RAPL), one reading per domain.
 *
 * Method.  energy_uj of each zone below /sys/class/powercap, read right before and right after; the reading is the difference.
 *   Names   a package is energy.package-0, a part of it energy.package-0.core, the whole machine energy.psys; zones of another
 *           meter of the same package carry that meter's name: energy.mmio.package-0.
 *   Sums    are never made.  psys holds the package, the package holds core and uncore, dram may or may not be inside, and the
 *           mmio zone is the same package seen through another register: any sum counts joules twice.
 *   Scope   the meter sees the whole package, not this process: measure on a quiet machine, and subtract an idle baseline.
 *   Wrap    the counter starts again after max_energy_range_uj (65 kJ or 262 kJ: minutes to hours).  One wrap is added back; it
 *           is one unit, at most 61 uJ, too low.  Two wraps look like one: where another whole range within the stretch would
 *           have taken no more than 1 kW, the value is suspect.  A wrap without a known range is no value at all.
 *   Short   the counter is updated about every millisecond: a stretch below a second is uncertain by more than 0.2 %, and one
 *           that saw no update is suspect. */
/* SPDX-License-Identifier: MIT */
#include "bench/probe/probe.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

enum { ZONES_MAX = 24 }; /* so that a trial's readings fit: 8 packages with 2 parts each */

static const double plausible_watts = 1000; /* of one domain: twice the largest socket */

struct zone {
    char id[40];    /* its folder: "intel-rapl:0:1", part 1 of package 0 */
    char label[17]; /* its name file: "core" */
    char name[48];  /* its reading: "energy.package-0.core" */
    int fd, why;    /* energy_uj, or -1 and errno */
    int64_t range;  /* uJ, or 0 when unknown */
};

struct energy {
    int n, more; /* zones kept, and those beyond ZONES_MAX */
    struct zone v[ZONES_MAX];
};

struct value {
    int64_t uj;
    int why; /* errno; EPROTO when it is not a number */
};

struct mark {
    int64_t ns;
    struct value v[ZONES_MAX];
};

static struct value read_uj(int fd)
{
    char text[64];
    struct value v = {.uj = -1};
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n < 0) {
        v.why = errno;
        return v;
    }
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    text[n] = '\0';
    if (text_int(text, 0, INT64_MAX, &v.uj))
        v.why = EPROTO;
    return v;
}

static struct zone *zone_find(struct energy *s, const char *id, size_t n)
{
    for (int i = 0; i < s->n; i++)
        if (strlen(s->v[i].id) == n && !memcmp(s->v[i].id, id, n))
            return &s->v[i];
    return NULL;
}

static void zone_add(struct energy *s, const char *path, const char *id)
{
    char file[PATH_MAX + 32], text[64];
    if (s->n == ZONES_MAX) {
        s->more++;
        return;
    }
    struct zone *z = &s->v[s->n++];
    memcpy(z->id, id, strlen(id)); /* zones_scan saw that it fits */
    snprintf(file, sizeof file, "%s/name", path);
    snprintf(z->label, sizeof z->label, "%.*s", (int)sizeof z->label - 1,
             file_read_line(file, text, sizeof text) > 0 ? text : id);
    for (char *c = z->label; *c; c++) /* no reading's name holds a blank, a comma or a control character */
        if (!isalnum((unsigned char)*c) && !strchr("-_:", *c))
            *c = '_';
    snprintf(file, sizeof file, "%s/max_energy_range_uj", path);
    if (file_read_line(file, text, sizeof text) < 0 || text_int(text, 1, INT64_MAX, &z->range))
        z->range = 0;
    snprintf(file, sizeof file, "%s/energy_uj", path);
    z->fd = open(file, O_RDONLY | O_CLOEXEC);
    z->why = z->fd < 0 ? errno : 0;
}

/* Zones are the folders METER:N and METER:N:M.  The class folder has links to all of them side by side; where a recorded tree
 * lost its links, they lie in one another in the devices' tree.  Other links of theirs lead upwards and have no colon. */
static void zones_scan(struct energy *s, const char *dir, int depth)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (const struct dirent *e; (e = readdir(d));) {
        char path[PATH_MAX];
        int colon = strchr(e->d_name, ':') != NULL, n = snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] == '.' || n < 0 || (size_t)n >= sizeof path || strlen(e->d_name) >= sizeof s->v->id)
            continue;
        if (colon && !zone_find(s, e->d_name, strlen(e->d_name)))
            zone_add(s, path, e->d_name);
        if (depth < 2 && (colon || depth == 0))
            zones_scan(s, path, depth + 1);
    }
    closedir(d);
}

/* "energy.", the meter unless it is the plain one, the label of the package that a part belongs to, the zone's own label.  Of two
 * zones with one name the later is called by its folder. */
static void zone_name(struct energy *s, struct zone *z)
{
    char meter[40];
    snprintf(meter, sizeof meter, "%.*s", (int)strcspn(z->id, ":"), z->id);
    const char *kind = !strncmp(meter, "intel-rapl-", 11) ? meter + 11 : strcmp(meter, "intel-rapl") ? meter : "";
    const char *first = strchr(z->id, ':'), *last = strrchr(z->id, ':');
    const struct zone *package = last != first ? zone_find(s, z->id, (size_t)(last - z->id)) : NULL;
    snprintf(z->name, sizeof z->name, "energy.%.6s%s%s%s%s", kind, *kind ? "." : "", package ? package->label : "",
             package ? "." : "", z->label);
    for (const struct zone *other = s->v; other < z; other++)
        if (!strcmp(other->name, z->name)) {
            memcpy(z->name + strlen("energy."), z->id, sizeof z->id);
            return;
        }
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct zone *)a)->id, ((const struct zone *)b)->id);
}

static enum state zone_state(const struct zone *z, char *reason, size_t n)
{
    if (z->why == EACCES || z->why == EPERM) {
        snprintf(reason, n,
                 "%s/energy_uj is for root alone, as it can leak secrets (CVE-2020-8694); open it until the next boot: "
                 "sudo chmod a+r /sys/class/powercap/*/energy_uj",
                 z->id);
        return STATE_DENIED;
    }
    snprintf(reason, n, "%s/energy_uj: cannot open: %s", z->id, strerror(z->why));
    return STATE_BROKEN;
}

static enum state energy_open(void *self, const struct probe_env *env, char *reason, size_t n)
{
    static const char *const folders[] = {"/sys/class/powercap", "/sys/devices/virtual/powercap"};
    struct energy *s = self;
    for (int i = 0; i < 2; i++) {
        char dir[PATH_MAX];
        int len = snprintf(dir, sizeof dir, "%s%s", env->sysroot, folders[i]);
        if (len > 0 && (size_t)len < sizeof dir)
            zones_scan(s, dir, 0);
    }
    qsort(s->v, (size_t)s->n, sizeof *s->v, by_id);
    for (int i = 0; i < s->n; i++)
        zone_name(s, &s->v[i]);
    int kept = 0, readable = 0;
    for (int i = 0; i < s->n; i++)
        if (s->v[i].why != ENOENT) { /* a zone may limit power without metering it */
            readable += s->v[i].fd >= 0;
            s->v[kept++] = s->v[i];
        }
    s->n = kept;
    if (readable)
        return STATE_OK;
    if (kept)
        return zone_state(&s->v[0], reason, n);
    snprintf(reason, n, "no powercap zone below %s: a virtual machine, or a CPU without RAPL", folders[0]);
    return STATE_ABSENT;
}

static void energy_begin(void *self, void *mark)
{
    struct energy *s = self;
    struct mark *m = mark;
    m->ns = clock_ns();
    for (int i = 0; i < s->n; i++)
        m->v[i] = read_uj(s->v[i].fd); /* one that could not be opened says EBADF; its end says why */
}

static void zone_end(const struct zone *z, struct value a, struct value b, int64_t ns, struct readings *out)
{
    char why[200];
    int e = a.why ? a.why : b.why;
    int64_t uj = b.uj - a.uj;
    if (z->fd < 0) {
        enum state state = zone_state(z, why, sizeof why);
        readings_add_missing(out, z->name, "uJ", state, why);
    } else if (e) {
        snprintf(why, sizeof why, "%s/energy_uj: %s", z->id, e == EPROTO ? "not a number" : strerror(e));
        readings_add_missing(out, z->name, "uJ", STATE_BROKEN, why);
    } else if (uj < 0 && z->range < a.uj) {
        snprintf(why, sizeof why, "%s/energy_uj fell, and its max_energy_range_uj is %s: the value is lost", z->id,
                 z->range ? "smaller than what it showed" : "not readable");
        readings_add_missing(out, z->name, "uJ", STATE_BROKEN, why);
    } else {
        uj += uj < 0 ? z->range : 0;
        double next_watts = ((double)uj + (double)z->range) * 1000 / (double)ns; /* uJ / ns = 1000 W */
        if (uj == 0)
            readings_add_suspect(out, z->name, "uJ", 0, "the counter did not advance: shorter than its update, or asleep");
        else if (z->range && next_watts <= plausible_watts)
            readings_add_suspect(out, z->name, "uJ", uj,
                                 "too low if the counter wrapped once more, which is possible in that time");
        else
            readings_add(out, z->name, "uJ", uj);
    }
}

static void energy_end(void *self, const void *mark, struct readings *out)
{
    struct energy *s = self;
    const struct mark *a = mark;
    struct value now[ZONES_MAX];
    int n = s->n;
    for (int i = 0; i < n; i++)
        now[i] = read_uj(s->v[i].fd);
    int64_t ns = clock_ns() - a->ns;
    for (int i = 0; i < n; i++)
        zone_end(&s->v[i], a->v[i], now[i], ns, out);
    if (s->more) {
        char why[96];
        snprintf(why, sizeof why, "%d more powercap zones than the %d that are read", s->more, ZONES_MAX);
        readings_add_missing(out, "energy.others", "uJ", STATE_OFF, why);
    }
}

static void energy_close(void *self)
{
    struct energy *s = self;
    for (int i = 0; i < s->n; i++)
        if (s->v[i].fd >= 0)
            close(s->v[i].fd);
}

const struct probe probe_energy = {
    .name = "energy",
    .about = "energy of each package, its parts and the machine, from the CPU's own meters (powercap, RAPL)",
    .size = sizeof(struct energy),
    .mark_size = sizeof(struct mark),
    .open = energy_open,
    .begin = energy_begin,
    .end = energy_end,
    .close = energy_close,
};
