/* Reading a command line by the table that the command declares. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/cmd/cmd.h"

static const struct option_spec option_json = {"json", 0, NULL, "print one JSON object with stable names instead of text"};
static const struct option_spec option_help = {"help", 'h', NULL, "print this help"};

static void collect_specs(const struct command *c, struct args *a)
{
    for (const struct option_spec *o = c->options; o && o->name; o++) {
        if (a->n + 2 >= ARGS_MAX_OPTIONS)
            abort(); /* a command with that many options needs a larger ARGS_MAX_OPTIONS */
        a->spec[a->n++] = o;
    }
    if (c->json)
        a->spec[a->n++] = &option_json;
    a->spec[a->n++] = &option_help;
}

static int find(const struct args *a, const char *name, size_t n)
{
    for (int i = 0; i < a->n; i++)
        if (strlen(a->spec[i]->name) == n && !memcmp(a->spec[i]->name, name, n))
            return i;
    return -1;
}

static int unknown(const struct command *c, const struct args *a, const char *word, struct err *e)
{
    const char *names[ARGS_MAX_OPTIONS];
    for (int i = 0; i < a->n; i++)
        names[i] = a->spec[i]->name;
    const char *near = text_nearest(word + strspn(word, "-"), names, a->n);
    if (near)
        return err_set(e, ERR_USAGE, "%s: unknown option %s; did you mean --%s? (bench help %s lists all)", c->name, word, near,
                       c->name);
    return err_set(e, ERR_USAGE, "%s: unknown option %s; bench help %s lists those there are", c->name, word, c->name);
}

int args_parse(const struct command *c, int argc, char **argv, struct args *a, struct err *e)
{
    *a = (struct args){.positional = calloc((size_t)argc + 1, sizeof(char *))};
    if (!a->positional)
        return err_set(e, ERR_ENV, "%s: out of memory", c->name);
    collect_specs(c, a);
    int options_end = 0;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (options_end || word[0] != '-' || word[1] == '\0') {
            a->positional[a->n_positional++] = argv[i];
            continue;
        }
        if (!strcmp(word, "--")) {
            options_end = 1;
            continue;
        }
        int k = -1;
        const char *value = NULL;
        if (word[1] == '-') {
            const char *equals = strchr(word, '=');
            k = find(a, word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2));
            value = equals ? equals + 1 : NULL;
        } else {
            for (int j = 0; j < a->n && k < 0; j++)
                if (a->spec[j]->letter && a->spec[j]->letter == word[1])
                    k = j;
            value = word[2] ? word + 2 : NULL;
        }
        if (k < 0)
            return unknown(c, a, word, e);
        const struct option_spec *o = a->spec[k];
        if (!o->arg && value)
            return err_set(e, ERR_USAGE, "%s: --%s takes no value, but was given \"%s\"", c->name, o->name, value);
        if (o->arg && !value) {
            if (i + 1 == argc)
                return err_set(e, ERR_USAGE, "%s: --%s needs a value: --%s %s", c->name, o->name, o->name, o->arg);
            value = argv[++i];
        }
        a->value[k] = o->arg ? value : "";
    }
    if (args_has(a, "help"))
        return 0;
    if (a->n_positional < c->min_positional)
        return err_set(e, ERR_USAGE, "%s: needs %s; see bench help %s", c->name, c->positional, c->name);
    if (a->n_positional > c->max_positional)
        return err_set(e, ERR_USAGE, "%s: \"%s\" is one argument too many; see bench help %s", c->name,
                       a->positional[c->max_positional], c->name);
    return 0;
}

void args_free(struct args *a)
{
    free(a->positional);
    *a = (struct args){0};
}

const char *args_get(const struct args *a, const char *name)
{
    int i = find(a, name, strlen(name));
    return i < 0 ? NULL : a->value[i];
}

int args_has(const struct args *a, const char *name)
{
    return args_get(a, name) != NULL;
}

int option_int(const char *name, const char *s, int64_t lo, int64_t hi, int64_t otherwise, int64_t *out, struct err *e)
{
    *out = otherwise;
    if (s && text_int(s, lo, hi, out))
        return err_set(e, ERR_USAGE, "--%s %s: must be a whole number from %lld to %lld", name, s, (long long)lo, (long long)hi);
    return 0;
}

int option_double(const char *name, const char *s, double lo, double hi, double otherwise, double *out, struct err *e)
{
    *out = otherwise;
    if (s && text_double(s, lo, hi, out))
        return err_set(e, ERR_USAGE, "--%s %s: must be a number from %g to %g", name, s, lo, hi);
    return 0;
}

int args_int(const struct args *a, const char *name, int64_t lo, int64_t hi, int64_t otherwise, int64_t *out, struct err *e)
{
    return option_int(name, args_get(a, name), lo, hi, otherwise, out, e);
}

int args_double(const struct args *a, const char *name, double lo, double hi, double otherwise, double *out, struct err *e)
{
    return option_double(name, args_get(a, name), lo, hi, otherwise, out, e);
}

const char *args_need(const struct args *a, const char *name, struct err *e)
{
    const char *s = args_get(a, name);
    if (s)
        return s;
    int i = find(a, name, strlen(name));
    if (i < 0)
        abort(); /* the command asks for an option that it does not declare */
    err_set(e, ERR_USAGE, "--%s %s is needed: %s", name, a->spec[i]->arg, a->spec[i]->help);
    return NULL;
}

const char *args_db(const struct args *a)
{
    const char *db = args_get(a, "db");
    if (!db)
        db = getenv("BENCH_DB");
    return db && *db ? db : "results/bench.db";
}
