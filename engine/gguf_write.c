/* gguf_write.c - writing a GGUF v3 file: the announced keys and tensors are collected as they will lie in the file, and go
 * out in front of the first byte of data.  The layout is drawn in gguf.c. */
/* SPDX-License-Identifier: MIT */
#include "engine/gguf_write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

enum { ALIGNMENT = 32, BUFFER = 1 << 20 };

struct gguf_writer {
    char path[PATH_MAX], tmp[PATH_MAX];
    FILE *file;
    struct text keys, tensors; /* as they will lie in the file */
    uint64_t n_kv, n_tensor;
    uint64_t own;           /* formats of ours among them: bit i for formats[i], of fewer than 64 */
    uint64_t *bytes;        /* [n_tensor], of their data */
    uint64_t data;          /* announced bytes of data, padding included */
    int begun;              /* the header is written */
    uint64_t current, done; /* the tensor whose data come next, and how many of its bytes came */
    struct err misuse;      /* the first mistake of a caller that could not be told at once */
};

static int refuse_write(struct gguf_writer *w, struct err *e)
{
    return err_set(e, ERR_ENV, "%s: cannot write: %s; free some space or choose another place (nothing is left behind)", w->path,
                   strerror(errno));
}

int gguf_write_open(struct gguf_writer **out, const char *path, struct err *e)
{
    struct gguf_writer *w = calloc(1, sizeof *w);
    *out = NULL;
    if (!w)
        abort();
    int n = snprintf(w->tmp, sizeof w->tmp, "%s.tmp.%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof w->tmp) {
        free(w);
        return err_set(e, ERR_ENV, "%.200s...: the path is too long; choose a shorter one", path);
    }
    memcpy(w->path, path, strlen(path) + 1);
    w->file = fopen(w->tmp, "wbe");
    if (!w->file) {
        err_set(e, ERR_ENV, "%s: cannot create %s: %s; is the folder there and writable?", path, w->tmp, strerror(errno));
        free(w);
        return -1;
    }
    setvbuf(w->file, NULL, _IOFBF, BUFFER);
    *out = w;
    return 0;
}

static void add_u32(struct text *t, uint32_t v)
{
    text_add(t, (const char *)&v, sizeof v);
}

static void add_u64(struct text *t, uint64_t v)
{
    text_add(t, (const char *)&v, sizeof v);
}

static void add_string(struct text *t, struct gguf_str s)
{
    add_u64(t, s.n);
    text_add(t, s.p, s.n);
}

static struct gguf_str str(const char *s)
{
    return (struct gguf_str){.p = s, .n = strlen(s)};
}

static void add_key(struct gguf_writer *w, struct gguf_str key, enum gguf_kind kind)
{
    add_string(&w->keys, key);
    add_u32(&w->keys, (uint32_t)kind);
    w->n_kv++;
}

void gguf_write_u32(struct gguf_writer *w, const char *key, uint32_t v)
{
    add_key(w, str(key), GGUF_U32);
    add_u32(&w->keys, v);
}

void gguf_write_f32(struct gguf_writer *w, const char *key, float v)
{
    add_key(w, str(key), GGUF_F32);
    text_add(&w->keys, (const char *)&v, sizeof v);
}

void gguf_write_bool(struct gguf_writer *w, const char *key, int v)
{
    char byte = v != 0;
    add_key(w, str(key), GGUF_BOOL);
    text_add(&w->keys, &byte, 1);
}

void gguf_write_string(struct gguf_writer *w, const char *key, const char *v)
{
    add_key(w, str(key), GGUF_STRING);
    add_string(&w->keys, str(v));
}

static void add_array(struct gguf_writer *w, struct gguf_str key, enum gguf_kind element, uint64_t n)
{
    add_key(w, key, GGUF_ARRAY);
    add_u32(&w->keys, (uint32_t)element);
    add_u64(&w->keys, n);
}

void gguf_write_array(struct gguf_writer *w, const char *key, enum gguf_kind element, const void *v, uint64_t n)
{
    uint64_t size = gguf_kind_bytes(element);
    if (!size) {
        err_set(&w->misuse, ERR_ENV, "%s: key \"%s\": gguf_write_array has no elements of kind %s", w->path, key,
                gguf_kind_name(element));
        return;
    }
    add_array(w, str(key), element, n);
    text_add(&w->keys, v, n * size);
}

void gguf_write_strings(struct gguf_writer *w, const char *key, const struct gguf_str *v, uint64_t n)
{
    add_array(w, str(key), GGUF_STRING, n);
    for (uint64_t i = 0; i < n; i++)
        add_string(&w->keys, v[i]);
}

void gguf_write_copy(struct gguf_writer *w, const struct gguf_kv *kv)
{
    static const char *const own[] = {"general.alignment", FORMATS_KEY}; /* this file has its own */
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (kv->key.n == strlen(own[i]) && !memcmp(kv->key.p, own[i], kv->key.n))
            return;
    if (kv->kind == GGUF_ARRAY)
        add_array(w, kv->key, kv->element, kv->count);
    else
        add_key(w, kv->key, kv->kind);
    text_add(&w->keys, (const char *)kv->data, kv->bytes);
}

static uint64_t pad(uint64_t n)
{
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void gguf_write_tensor(struct gguf_writer *w, struct gguf_str name, int n_dim, const int64_t *dim, const struct format *f)
{
    char shown[100];
    uint64_t bytes = format_row_bytes(f, dim[0]);
    if (w->begun || !bytes) {
        err_set(&w->misuse, ERR_ENV, "%s: tensor \"%s\" was announced %s", w->path, gguf_printable(name, shown, sizeof shown),
                w->begun ? "after the data of others" : "with rows that do not divide into its format's blocks");
        return;
    }
    add_string(&w->tensors, name);
    add_u32(&w->tensors, (uint32_t)n_dim);
    for (int i = 0; i < n_dim; i++) {
        add_u64(&w->tensors, (uint64_t)dim[i]);
        bytes *= i ? (uint64_t)dim[i] : 1;
    }
    add_u32(&w->tensors, f->gguf_type);
    add_u64(&w->tensors, w->data);
    w->bytes = realloc(w->bytes, (w->n_tensor + 1) * sizeof *w->bytes);
    if (!w->bytes)
        abort();
    w->bytes[w->n_tensor++] = bytes;
    w->data += pad(bytes);
    for (int i = 0; formats[i] && f->gguf_type >= FORMAT_OWN; i++)
        w->own |= (uint64_t)(formats[i] == f) << i;
}

static int put(struct gguf_writer *w, const void *p, size_t n, struct err *e)
{
    return n && fwrite(p, 1, n, w->file) != n ? refuse_write(w, e) : 0;
}

static int put_padding(struct gguf_writer *w, uint64_t written, struct err *e)
{
    static const char zeros[ALIGNMENT];
    return put(w, zeros, pad(written) - written, e);
}

static void name_own_formats(struct gguf_writer *w)
{
    struct gguf_str name[64];
    int n = 0;
    for (int i = 0; formats[i]; i++)
        if (w->own >> i & 1)
            name[n++] = str(formats[i]->name);
    if (n)
        gguf_write_strings(w, FORMATS_KEY, name, (uint64_t)n);
}

static int begin(struct gguf_writer *w, struct err *e)
{
    if (w->misuse.code)
        return err_set(e, w->misuse.code, "%s", w->misuse.msg);
    name_own_formats(w);
    struct text head = {0};
    text_add(&head, "GGUF", 4);
    add_u32(&head, 3);
    add_u64(&head, w->n_tensor);
    add_u64(&head, w->n_kv);
    w->begun = 1;
    int failed = put(w, head.p, head.n, e) || put(w, w->keys.p, w->keys.n, e) || put(w, w->tensors.p, w->tensors.n, e) ||
                 put_padding(w, head.n + w->keys.n + w->tensors.n, e);
    text_free(&head);
    return failed ? -1 : 0;
}

int gguf_write_data(struct gguf_writer *w, const void *p, size_t n, struct err *e)
{
    if (!w->begun && begin(w, e))
        return -1;
    if (w->current == w->n_tensor || n > w->bytes[w->current] - w->done)
        return err_set(e, ERR_ENV, "%s: more data than announced for tensor number %" PRIu64 " of %" PRIu64, w->path, w->current,
                       w->n_tensor);
    if (put(w, p, n, e))
        return -1;
    w->done += n;
    if (w->done < w->bytes[w->current])
        return 0;
    w->done = 0;
    return put_padding(w, w->bytes[w->current++], e);
}

/* The name is durable only when its folder is. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

int gguf_write_finish(struct gguf_writer *w, struct err *e)
{
    int failed = !w->begun && begin(w, e);
    if (!failed && w->current != w->n_tensor)
        failed = err_set(e, ERR_ENV, "%s: only %" PRIu64 " of %" PRIu64 " announced tensors were written", w->path, w->current,
                         w->n_tensor);
    if (!failed && (fflush(w->file) || fsync(fileno(w->file))))
        failed = refuse_write(w, e);
    /* The page cache holds it as it was written, in small pages.  Who maps it next shall have it read in large ones (file_map), for
     * the speed of a model should not depend on who wrote it when. */
    if (!failed)
        posix_fadvise(fileno(w->file), 0, 0, POSIX_FADV_DONTNEED);
    if (!failed) {
        failed = fclose(w->file) ? refuse_write(w, e) : 0;
        w->file = NULL;
    }
    if (!failed && rename(w->tmp, w->path))
        failed = err_set(e, ERR_ENV, "%s: cannot move the finished file into its place: %s; choose another place", w->path,
                         strerror(errno));
    if (!failed) {
        sync_folder(w->path);
        w->tmp[0] = '\0';
    }
    gguf_write_abort(w);
    return failed ? -1 : 0;
}

void gguf_write_abort(struct gguf_writer *w)
{
    if (!w)
        return;
    if (w->file)
        fclose(w->file);
    if (w->tmp[0])
        unlink(w->tmp);
    text_free(&w->keys);
    text_free(&w->tensors);
    free(w->bytes);
    free(w);
}
