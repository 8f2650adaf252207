/* The program around its commands: which one, its help, its error. */
/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/cmd/cmd.h"
#include "build_info.h"
#include "engine/utf8.h"

#define COMMAND(name) extern const struct command command_##name;
#include "bench/cmd/commands.def"
#undef COMMAND

static const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "bench/cmd/commands.def"
#undef COMMAND
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

const struct command *command_by_name(const char *name)
{
    for (int i = 0; i < N_COMMANDS; i++)
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    return NULL;
}

static void print_overview(FILE *out)
{
    fputs("bench measures language models on the machine it runs on: speed, memory, energy and answer quality.\n\n"
          "usage: bench COMMAND [OPTIONS]\n\n",
          out);
    for (int i = 0; i < N_COMMANDS; i++)
        if (commands[i]->summary)
            fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n"
          "  bench help COMMAND   options, meaning and examples of a command\n"
          "  bench --version      version, commit, compiler and flags of this build\n\n"
          "A first run:\n"
          "  bench sweep --model m.gguf --format f16,q8_0,q4_0 --context 64,256 --threads 1,2 --text some.txt\n"
          "  bench plot last -o plots/out\n\n"
          "exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 inconclusive, 4 nothing valid was measured, 5 the "
          "environment\n",
          out);
}

static void print_option(const struct option_spec *o)
{
    char left[64];
    snprintf(left, sizeof left, "%c%c%s--%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ', o->letter ? ", " : "  ",
             o->name, o->arg ? " " : "", o->arg ? o->arg : "");
    printf("  %-28s %s\n", left, o->help);
}

static void print_help(const struct command *c)
{
    struct args a;
    struct err e;
    printf("usage: bench %s%s%s%s\n", c->name, c->positional ? " " : "", c->positional ? c->positional : "", " [OPTIONS]");
    if (c->summary)
        printf("\n%s\n", c->summary);
    if (c->about)
        printf("\n%s\n", c->about);
    if (args_parse(c, 1, (char *[]){"--help", NULL}, &a, &e))
        abort(); /* --help is in every table */
    puts("\noptions:");
    for (int i = 0; i < a.n; i++)
        print_option(a.spec[i]);
    args_free(&a);
    if (c->examples)
        printf("\nexamples:\n%s\n", c->examples);
}

static int usage_error(const char *word)
{
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *near = text_nearest(word, names, N_COMMANDS);
    fprintf(stderr, "bench: there is no command \"%s\"", word);
    if (near)
        fprintf(stderr, "; did you mean \"bench %s\"?", near);
    fprintf(stderr, " (bench help lists them)\n");
    return ERR_USAGE;
}

static int run_command(const struct command *c, int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int failed = args_parse(c, argc - 2, argv + 2, &a, &e);
    if (!failed && args_has(&a, "help")) {
        print_help(c);
    } else if (!failed) {
        a.argc = argc;
        a.argv = argv;
        failed = c->run(&a, &e);
    }
    args_free(&a);
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "bench %s: cannot write the output: is the disk full, or the pipe closed?\n", c->name);
        return ERR_ENV;
    }
    if (!failed)
        return 0;
    if (e.msg[0])
        fprintf(stderr, "bench: %s\n", e.msg);
    return e.code ? (int)e.code : ERR_ENV;
}

int command_main(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stdout);
        return ERR_USAGE;
    }
    const char *word = argv[1];
    if (!strcmp(word, "--version") || !strcmp(word, "version")) {
        printf("bench %s (%s)\n%s\n%s\n", BUILD_VERSION, BUILD_COMMIT, BUILD_COMPILER, BUILD_FLAGS);
        return 0;
    }
    if (!strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h")) {
        const struct command *c = argc > 2 ? command_by_name(argv[2]) : NULL;
        if (argc > 2 && !c)
            return usage_error(argv[2]);
        if (c)
            print_help(c);
        else
            print_overview(stdout);
        return 0;
    }
    const struct command *c = command_by_name(word);
    return c ? run_command(c, argc, argv) : usage_error(word);
}

struct json_t *json_any_text(const char *p, size_t n)
{
    struct text out = {0};
    for (size_t i = 0; i < n;) {
        int length = utf8_length(p + i, n - i);
        if (length > 0)
            text_add(&out, p + i, (size_t)length);
        else
            text_add(&out, "\xef\xbf\xbd", 3);
        i += length > 0 ? (size_t)length : 1;
    }
    json_t *j = json_stringn(out.p ? out.p : "", out.n);
    text_free(&out);
    return j;
}

struct json_t *json_real_or_null(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

void print_json(struct json_t *j)
{
    json_dumpf(j, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(j);
}
