/* SPDX-License-Identifier: MIT */
#include "bench/axes.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "bench/policy.h"
#include "bench/runtime/runtime.h"
#include "engine/model.h"
#include "engine/recipe.h"
#include "kernels/format.h"
#include "kernels/isa.h"

#define MAX_NAMES 64

/* "what x: there is no such ...; did you mean y? (it can be a, b, c)" */
static int unknown(const char *what, const char *value, const char *const *names, int n, struct err *e)
{
    struct text t = {0};
    for (int i = 0; i < n; i++)
        text_printf(&t, "%s%s", i ? ", " : "", names[i]);
    const char *near = text_nearest(value, names, n);
    err_set(e, ERR_USAGE, "--%s %s: unknown%s%s%s (it can be %s)", what, value, near ? "; did you mean " : "", near ? near : "",
            near ? "?" : "", t.p);
    text_free(&t);
    return -1;
}

static int among(const char *what, const char *value, const char *const *names, int n, struct err *e)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], value))
            return 0;
    return unknown(what, value, names, n, e);
}

static int check_format(const char *value, struct err *e)
{
    struct recipe r;
    return strcmp(value, "file") != 0 && recipe_parse(&r, value, e);
}

static int check_kv(const char *value, struct err *e)
{
    const char *names[MAX_NAMES];
    int n = 0;
    for (int i = 0; formats[i]; i++)
        if (formats[i]->quantize) /* a cache is written by every token */
            names[n++] = formats[i]->name;
    char k[32];
    const char *colon = strchr(value, ':');
    snprintf(k, sizeof k, "%.*s", (int)(colon ? colon - value : (long)strlen(value)), value);
    if (among("kv", k, names, n, e))
        return -1;
    return colon ? among("kv", colon + 1, names, n, e) : 0;
}

static int check_policy(const char *value, struct err *e)
{
    int sinks, window;
    if (!policy_parse(value, &sinks, &window))
        return 0;
    return err_set(e, ERR_USAGE,
                   "--policy %s: it can be full, window:W or sinks:S+W with numbers of tokens, such as window:512 or sinks:4+508",
                   value);
}

static int check_isa(const char *value, struct err *e)
{
    const char *names[ISA_COUNT + 1] = {"auto"};
    int n = 1;
    for (int i = 0; i < ISA_COUNT; i++)
        if (isa_has((enum isa)i))
            names[n++] = isa_name((enum isa)i);
    enum isa known;
    if (!isa_parse(value, &known) && !isa_has(known))
        return err_set(e, ERR_USAGE, "--isa %s: this CPU does not have it; bench kernels lists what it has", value);
    return among("isa", value, names, n, e);
}

static int check_compute(const char *value, struct err *e)
{
    return among("compute", value, compute_names, COMPUTES, e);
}

static int check_runtime(const char *value, struct err *e)
{
    const char *names[MAX_NAMES];
    int n = 0;
    for (; runtimes[n] && n < MAX_NAMES; n++)
        names[n] = runtimes[n]->name;
    return among("runtime", value, names, n, e);
}

const struct axis axes[AXES] = {
#define AXIS(field_name, argument, text, value, ...)                                                                             \
    {.name = #field_name,                                                                                                        \
     .arg = argument,                                                                                                            \
     .help = text,                                                                                                               \
     .otherwise = value,                                                                                                         \
     .field = offsetof(struct cell, field_name),                                                                                 \
     __VA_ARGS__},
#include "bench/axes.def"
#undef AXIS
};

const struct axis *axis_by_name(const char *name)
{
    for (int i = 0; i < AXES; i++)
        if (!strcmp(axes[i].name, name))
            return &axes[i];
    return NULL;
}

int axis_set(const struct axis *a, struct cell *c, const char *value, struct err *e)
{
    void *field = (char *)c + a->field;
    if (a->is_number) {
        int64_t v;
        if (text_int(value, a->lo, a->hi, &v))
            return err_set(e, ERR_USAGE, "--%s %s: must be whole numbers from %d to %d", a->name, value, a->lo, a->hi);
        *(int *)field = (int)v;
        return 0;
    }
    if (a->check && a->check(value, e))
        return -1;
    *(const char **)field = value;
    return 0;
}

const char *axis_get(const struct axis *a, const struct cell *c, char buf[16])
{
    const void *field = (const char *)c + a->field;
    if (!a->is_number)
        return *(const char *const *)field;
    snprintf(buf, 16, "%d", *(const int *)field);
    return buf;
}
