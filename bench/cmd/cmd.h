/* cmd.h - what a command is.
 *
 * To add a command: write bench/cmd/NAME.c ending with `const struct command command_NAME`, and add COMMAND(NAME) to
 * commands.def.  Help, option checking and suggestions follow from the struct.  Commands print results to stdout and nothing
 * else; main prints the error of a failed one to stderr and exits with its code.  Only this folder prints. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CMD_CMD_H
#define BENCH_CMD_CMD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ARGS_MAX_OPTIONS 64

struct option_spec {
    const char *name; /* "model", typed --model; NULL ends a table */
    char letter;      /* 'm' for -m, 0 for none */
    const char *arg;  /* "FILE" in the help; NULL: a switch */
    const char *help; /* what it does and its default, one line */
};

struct args {
    const struct option_spec *spec[ARGS_MAX_OPTIONS]; /* every option of the command */
    const char *value[ARGS_MAX_OPTIONS];              /* as given; "" for a switch that is on; NULL when not given */
    int n;
    char **positional; /* NULL-ended */
    int n_positional;
    int argc; /* the whole command line, for the record */
    char **argv;
};

struct command {
    const char *name;
    const char *summary;    /* one line for the list of commands; NULL: not listed (internal) */
    const char *positional; /* "IN.gguf OUT.gguf"; NULL: none */
    int min_positional, max_positional;
    const struct option_spec *options; /* of its own; NULL: none.  --help, and --json when json is set, come by themselves */
    int json;                          /* prints one JSON object with --json */
    const char *about;                 /* paragraphs for --help: what it does, what the numbers mean */
    const char *examples;              /* command lines, one a line */
    int (*run)(const struct args *a, struct err *e); /* 0, or -1 with e set; e->code is the exit code */
};

/* NULL when not given. */
const char *args_get(const struct args *a, const char *name);
int args_has(const struct args *a, const char *name);
/* `otherwise` when not given; an error that names the option and the range when it is not a number in it. */
int args_int(const struct args *a, const char *name, int64_t lo, int64_t hi, int64_t otherwise, int64_t *out, struct err *e);
int args_double(const struct args *a, const char *name, double lo, double hi, double otherwise, double *out, struct err *e);
/* The same for a text that was given somewhere else; NULL: not given. */
int option_int(const char *name, const char *s, int64_t lo, int64_t hi, int64_t otherwise, int64_t *out, struct err *e);
int option_double(const char *name, const char *s, double lo, double hi, double otherwise, double *out, struct err *e);
/* Error "sweep: --model FILE is needed: ..." when not given. */
const char *args_need(const struct args *a, const char *name, struct err *e);

/* The database to use: --db, else $BENCH_DB, else results/bench.db. */
const char *args_db(const struct args *a);

/* The whole program: picks the command, parses, runs it, prints its error; the exit code. */
int command_main(int argc, char **argv);
const struct command *command_by_name(const char *name);
/* Parses argv (argv[0] is the first word behind the command's name) into *a; args_free gives back what it took. */
int args_parse(const struct command *c, int argc, char **argv, struct args *a, struct err *e);
void args_free(struct args *a);

/* Prints j (a json_t *, stolen) as one line on stdout: the object of --json. */
struct json_t;
void print_json(struct json_t *j);
/* n bytes as a JSON text; a byte that is not UTF-8 becomes U+FFFD, for a model may answer anything. */
struct json_t *json_any_text(const char *p, size_t n);
/* A JSON number; null for what is not finite, which JSON has no word for. */
struct json_t *json_real_or_null(double x);

#endif
