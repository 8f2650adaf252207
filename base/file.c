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

static int open_regular(const char *path, off_t *size, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return err_set(e, ERR_ENV, "%s: cannot open: %s", path, strerror(errno));
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(e, ERR_ENV, "%s: not a regular file", path);
    }
    *size = st.st_size;
    return fd;
}

int file_map(struct map *m, const char *path, int populate, struct err *e)
{
    off_t size;
    int fd = open_regular(path, &size, e);
    if (fd < 0)
        return -1;
    *m = (struct map){0};
    if (size == 0) { /* mmap refuses a length of 0 */
        close(fd);
        m->p = (const uint8_t *)"";
        return 0;
    }
    void *p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE | (populate ? MAP_POPULATE : 0), fd, 0);
    int why = errno;
    close(fd);
    if (p == MAP_FAILED)
        return err_set(e, ERR_ENV, "%s: cannot map %.1f MiB: %s", path, (double)size / 1048576.0, strerror(why));
    m->p = p;
    m->n = (size_t)size;
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
    off_t size;
    int fd = open_regular(path, &size, e);
    if (fd < 0)
        return NULL;
    char *text = malloc((size_t)size + 1);
    size_t have = 0;
    while (text && have < (size_t)size) {
        ssize_t got = read(fd, text + have, (size_t)size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    close(fd);
    if (!text || have != (size_t)size) {
        err_set(e, ERR_ENV, "%s: could read only %zu of %lld bytes", path, have, (long long)size);
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
