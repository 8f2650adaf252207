/* SPDX-License-Identifier: MIT */
#include "bench/cmd/measuring.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

volatile sig_atomic_t measuring_stop;

static void on_signal(int number)
{
    (void)number;
    measuring_stop = 1;
}

static void say(const char *what)
{
    fprintf(stderr, "%s\n", what);
}

void measuring_command(struct text *t, const struct args *a)
{
    for (int i = 0; i < a->argc; i++)
        text_printf(t, "%s%s", i ? " " : "", a->argv[i]);
}

int measuring_open(struct measuring *m, const struct settings *s, const struct sweep_config *c, struct err *e)
{
    const char *db = setting(s, "db");
    *m = (struct measuring){
        .db = db ? db : args_db(s->args), .quiet = setting(s, "quiet") != NULL, .terminal = isatty(STDERR_FILENO)};
    measuring_command(&m->command, s->args);
    if (file_mkdirs(c->cache, e) || plan_open(&m->plan, c, 1, 0, machine_build()->commit, m->quiet ? NULL : say, e) ||
        store_open(&m->store, m->db, e))
        return -1;
    if (*store_note(m->store) && !m->quiet)
        say(store_note(m->store));
    if (machine_open(&m->machine, m->plan.topology, e))
        return -1;
    m->record = (struct store_run){.build = *machine_build(), .machine = *machine_record(m->machine), .command = m->command.p};
    struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGINT, &act, &m->was_int);
    sigaction(SIGTERM, &act, &m->was_term);
    return 0;
}

int measuring_due(struct measuring *m, int anyway)
{
    int64_t now = clock_ns();
    if (m->quiet || (!m->terminal && !anyway && now - m->last_ns < 10000000000))
        return 0;
    m->last_ns = now;
    return 1;
}

void measuring_end(struct measuring *m)
{
    sigaction(SIGINT, &m->was_int, NULL);
    sigaction(SIGTERM, &m->was_term, NULL);
    if (m->terminal && !m->quiet)
        fputs("\r\033[K", stderr);
}

void measuring_close(struct measuring *m)
{
    machine_close(m->machine);
    store_close(m->store);
    plan_close(&m->plan);
    text_free(&m->command);
}
