/* Everything that can go wrong with the process of a trial, played by small shell scripts: each becomes an outcome with a state
 * and a reason, and never an error of the sweep. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/child.h"
#include "bench/protocol.h"

static int setup(void **state)
{
    signal(SIGPIPE, SIG_IGN); /* as sweep_run does */
    return test_dir_make(state);
}

/* Runs one request against `#!/bin/sh` + script. */
static json_t *ask_script(const char *script, double timeout_s, struct outcome *o)
{
    const char *path = test_file("child");
    struct child *c;
    struct err e;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\n%s\n", script);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(child_open(&c, &(struct child_options){.program = path}, &e), 0);
    pid_t pid = child_pid(c);
    json_t *reply = child_ask(c, protocol_request("measure"), timeout_s, NULL, o);
    child_close(c);
    assert_int_equal(kill(pid, 0), -1); /* gone, and waited for */
    assert_int_equal(errno, ESRCH);
    return reply;
}

static void a_good_answer_comes_back(void **state)
{
    (void)state;
    struct outcome o;
    json_t *reply = ask_script("read line; echo '{\"v\":1,\"ok\":true,\"x\":7}'; read line", 60, &o);
    assert_non_null(reply);
    assert_string_equal(o.state, "ok");
    assert_int_equal(json_integer_value(json_object_get(reply, "x")), 7);
    json_decref(reply);
}

static void failures_become_outcomes(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        double timeout_s;
        const char *state, *says;
    } bad[] = {
        {"read line; kill -SEGV $$", 60, "crashed", "Segmentation fault"},
        {"read line; echo 'assertion failed: x > 0' >&2; exit 3", 60, "crashed", "assertion failed: x > 0"},
        {"read line; kill -KILL $$", 60, "crashed", "signal 9"},
        {"exit 0", 60, "protocol", "ended before it answered"},
        {"read line; exec sleep 100", 0.05, "timeout", "--timeout"},
        {"read line; exec >&-; exec sleep 100", 60, "protocol", "closed its pipe"},
        {"read line; echo 'Segmentation fault? no, not JSON'", 60, "protocol", "not JSON"},
        {"read line; echo '{\"v\":2,\"ok\":true}'", 60, "protocol", "version 2"},
        {"read line; echo '[]'", 60, "protocol", "without a version"},
        {"read line; echo '{\"v\":1,\"ok\":false,\"code\":5,\"error\":\"m.gguf: gone\"}'", 60, "failed", "m.gguf: gone"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct outcome o;
        assert_null(ask_script(bad[i].script, bad[i].timeout_s, &o));
        assert_string_equal(o.state, bad[i].state);
        if (!strstr(o.reason, bad[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].script, o.reason, bad[i].says);
    }
}

static void a_program_that_is_not_there_is_an_outcome(void **state)
{
    (void)state;
    struct child *c;
    struct err e;
    struct outcome o;
    assert_int_equal(child_open(&c, &(struct child_options){.program = "/nowhere/bench"}, &e), 0);
    assert_null(child_ask(c, protocol_request("measure"), 60, NULL, &o));
    assert_string_equal(o.state, "crashed");
    assert_non_null(strstr(o.reason, "/nowhere/bench"));
    child_close(c);
    child_close(NULL);
}

static void count_tick(void *ctx)
{
    ++*(int *)ctx;
}

static void the_parent_looks_while_the_child_works(void **state)
{
    (void)state;
    const char *path = test_file("child");
    struct child *c;
    struct err e;
    struct outcome o;
    int ticks = 0;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\nread line; sleep 0.2; echo '{\"v\":1,\"ok\":true}'\n");
    fclose(f);
    chmod(path, 0755);
    assert_int_equal(child_open(&c, &(struct child_options){.program = path}, &e), 0);
    json_t *reply = child_ask(c, protocol_request("measure"), 60, &(struct child_tick){count_tick, &ticks, 100}, &o);
    assert_non_null(reply);
    assert_in_range(ticks, 1, 1000); /* about 20; how many depends on the machine */
    json_decref(reply);
    child_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_answer_comes_back),
        cmocka_unit_test(failures_become_outcomes),
        cmocka_unit_test(a_program_that_is_not_there_is_an_outcome),
        cmocka_unit_test(the_parent_looks_while_the_child_works),
    };
    return cmocka_run_group_tests(tests, setup, test_dir_remove);
}
