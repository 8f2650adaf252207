/* SPDX-License-Identifier: MIT */
#include "bench/cmd/settings.h"

#include <ini.h>
#include <stdlib.h>
#include <string.h>

static int option_index(const struct settings *s, const char *name)
{
    for (int i = 0; s->options[i].name; i++)
        if (!strcmp(s->options[i].name, name))
            return i;
    return -1;
}

/* inih calls this for every key; 0 stops with the number of the line. */
static int take_key(void *user, const char *section, const char *key, const char *value)
{
    struct settings *s = user;
    int i = option_index(s, key);
    if (strcmp(section, s->section) != 0) {
        s->failed = s->other ? s->other(s->ctx, section, key, value, s->e)
                             : err_set(s->e, ERR_USAGE, "section [%s]: everything stands in [%s]", section, s->section);
    } else if (i < 0) {
        const char *names[ARGS_MAX_OPTIONS];
        int n = 0;
        for (; s->options[n].name; n++)
            names[n] = s->options[n].name;
        const char *near = text_nearest(key, names, n);
        s->failed = err_set(s->e, ERR_USAGE, "unknown key \"%s\"%s%s%s; the keys are the options of bench help %s", key,
                            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "", s->section);
    } else {
        text_printf(&s->value[i], "%s%s", s->value[i].n ? "\n" : "", value); /* exclude may stand there several times */
    }
    return !s->failed;
}

int settings_read(struct settings *s, const char *path, struct err *e)
{
    s->path = path;
    s->e = e;
    int line = ini_parse(path, take_key, s);
    if (s->failed)
        return err_where(e, "%s: line %d", path, line);
    if (line < 0)
        return err_set(e, ERR_ENV, "%s: cannot open it", path);
    if (line > 0)
        return err_set(e, ERR_USAGE, "%s: line %d is neither a [section] nor key = value", path, line);
    return 0;
}

void settings_free(struct settings *s)
{
    for (int i = 0; i < ARGS_MAX_OPTIONS; i++)
        text_free(&s->value[i]);
}

const char *setting(const struct settings *s, const char *name)
{
    const char *flag = args_get(s->args, name);
    return flag ? flag : s->value[option_index(s, name)].p;
}

int setting_int(const struct settings *s, const char *name, int64_t lo, int64_t hi, int64_t otherwise, int64_t *out,
                struct err *e)
{
    return option_int(name, setting(s, name), lo, hi, otherwise, out, e);
}

int setting_double(const struct settings *s, const char *name, double lo, double hi, double otherwise, double *out, struct err *e)
{
    return option_double(name, setting(s, name), lo, hi, otherwise, out, e);
}

int settings_cache(const struct settings *s, struct text *t, struct err *e)
{
    const char *given = setting(s, "cache"), *dir = getenv("BENCH_CACHE"), *xdg = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    if (given)
        text_printf(t, "%s", given);
    else if (dir && *dir)
        text_printf(t, "%s", dir);
    else if (xdg && *xdg)
        text_printf(t, "%s/bench", xdg);
    else if (home && *home)
        text_printf(t, "%s/.cache/bench", home);
    else
        return err_set(e, ERR_USAGE, "%s: no folder for derived files: give one with --cache DIR", s->section);
    return 0;
}
