/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define PAGE 4096 /* the smallest that there is */

static int64_t ns_of(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int open_regular(const char *path, struct file_id *id, struct err *e)
{
    int64_t now = clock_real_ns();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return err_set(e, ERR_ENV, "%s: cannot open: %s", path, strerror(errno));
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(e, ERR_ENV, "%s: not a regular file", path);
    }
    *id = (struct file_id){.device = st.st_dev,
                           .inode = st.st_ino,
                           .bytes = st.st_size,
                           .mtime_ns = ns_of(st.st_mtim),
                           .ctime_ns = ns_of(st.st_ctim),
                           .seen_ns = now};
    return fd;
}

int file_map(struct map *m, const char *path, int populate, struct err *e)
{
    struct file_id id;
    int fd = open_regular(path, &id, e);
    if (fd < 0)
        return -1;
    *m = (struct map){.id = id};
    if (id.bytes == 0) { /* mmap refuses a length of 0 */
        close(fd);
        m->p = (const uint8_t *)"";
        return 0;
    }
    void *p = mmap(NULL, (size_t)id.bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    int why = errno;
    close(fd);
    if (p == MAP_FAILED)
        return err_set(e, ERR_ENV, "%s: cannot map %.1f MiB: %s", path, (double)id.bytes / 1048576.0, strerror(why));
    /* A wish, heard where the page cache does not hold the file in small pages already. */
    madvise(p, (size_t)id.bytes, MADV_HUGEPAGE);
    for (size_t at = 0; populate && at < (size_t)id.bytes; at += PAGE) /* MAP_POPULATE would do it before the wish */
        (void)((const volatile uint8_t *)p)[at];
    m->p = p;
    m->n = (size_t)id.bytes;
    return 0;
}

void file_unmap(struct map *m)
{
    if (m && m->n)
        munmap((void *)(uintptr_t)m->p, m->n);
    if (m)
        *m = (struct map){0};
}

char *file_read(const char *path, size_t *n, struct err *e)
{
    struct file_id id;
    int fd = open_regular(path, &id, e);
    if (fd < 0)
        return NULL;
    size_t size = (size_t)id.bytes, have = 0;
    char *text = malloc(size + 1);
    while (text && have < size) {
        ssize_t got = read(fd, text + have, size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    close(fd);
    if (!text || have != size) {
        err_set(e, ERR_ENV, "%s: could read only %zu of %zu bytes", path, have, size);
        free(text);
        return NULL;
    }
    text[have] = '\0';
    if (n)
        *n = have;
    return text;
}

int file_read_line(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t got = read(fd, buf, size - 1);
    int why = errno;
    close(fd);
    errno = why;
    if (got < 0)
        return -1;
    if (got > 0 && buf[got - 1] == '\n')
        got--;
    buf[got] = '\0';
    return (int)got;
}

int64_t file_field(const char *path, const char *name)
{
    FILE *f = fopen(path, "re");
    char line[256];
    long long value = -1;
    size_t n = strlen(name);
    while (f && value < 0 && fgets(line, sizeof line, f))
        if (strncmp(line, name, n) || sscanf(line + n, "%lld", &value) != 1)
            value = -1;
    if (f)
        fclose(f);
    return value;
}

int file_write(const char *path, const void *bytes, size_t n, struct err *e)
{
    char tmp[PATH_MAX];
    int length = snprintf(tmp, sizeof tmp, "%s.tmp.%ld", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof tmp)
        return err_set(e, ERR_ENV, "%.200s...: the path is too long; choose a shorter one", path);
    FILE *f = fopen(tmp, "wbe");
    if (!f)
        return err_set(e, ERR_ENV, "%s: cannot create %s: %s; is the folder there and writable?", path, tmp, strerror(errno));
    int failed = fwrite(bytes, 1, n, f) != n, why = errno;
    if (fclose(f) && !failed) {
        failed = 1;
        why = errno;
    }
    if (!failed && !rename(tmp, path))
        return 0;
    why = failed ? why : errno;
    unlink(tmp);
    return err_set(e, ERR_ENV, "%s: cannot write: %s; free some space or choose another place (nothing is left behind)", path,
                   strerror(why));
}

int file_mkdirs(const char *path, struct err *e)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part)
        return err_set(e, ERR_ENV, "%s: not a usable folder name", path);
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++)
        if (part[i] == '/' || part[i] == '\0') {
            char was = part[i];
            part[i] = '\0';
            if (mkdir(part, 0777) && errno != EEXIST)
                return err_set(e, ERR_ENV, "%s: cannot make the folder: %s", part, strerror(errno));
            part[i] = was;
        }
    return 0;
}
