/* settings.h - options that a file may give too: an INI file whose keys are the command's options, and the flags that override it. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_SETTINGS_H
#define BENCH_CMD_SETTINGS_H

#include "base/text.h"
#include "bench/cmd/cmd.h"

struct settings {
    const struct args *args;
    const struct option_spec *options; /* of the command */
    const char *section;               /* of the file that has them */
    /* Takes a key of another section: 0, or -1 with e set.  NULL: there is no other. */
    int (*other)(void *ctx, const char *section, const char *key, const char *value, struct err *e);
    void *ctx;
    struct text value[ARGS_MAX_OPTIONS]; /* by index in options, from the file */
    const char *path;
    struct err *e;
    int failed;
};

int settings_read(struct settings *s, const char *path, struct err *e);
void settings_free(struct settings *s);

/* As given by a flag, else by the file; NULL: by neither. */
const char *setting(const struct settings *s, const char *name);
int setting_int(const struct settings *s, const char *name, int64_t lo, int64_t hi, int64_t otherwise, int64_t *out,
                struct err *e);
int setting_double(const struct settings *s, const char *name, double lo, double hi, double otherwise, double *out,
                   struct err *e);

/* The folder for derived files: --cache, else $BENCH_CACHE, else the user's. */
int settings_cache(const struct settings *s, struct text *dir, struct err *e);

#endif
