/* Scores belong to a variant: on the exact path they do not depend on threads, batch, order of the items, or on a sweep that was
 * killed and resumed, to the last bit.  On the int8 paths what they depend on is printed; a greedy answer depends on no number of
 * threads on any path.
 *
 * The program under test is $BENCH (make test sets it). */
/* SPDX-License-Identifier: MIT */
#include "tests/program.h"

#include <math.h>

#include "base/rng.h"
#include "bench/task.h"
#include "tests/toy.h"

#define ITEMS 8
#define CONTEXT 64

/* Rows of whole blocks, so that every format fits. */
static const struct toy shape = {TOY_BLOCKS};

static const char *const weight_formats[] = {"f32", "q8_0", "q4_0"};
enum { FORMATS = 3, TASKS = 3 };
static const char task_list[] = "said,chosen,read";

/* n letters of the toys' vocabulary. */
static const char *letters(struct rng *r, int n)
{
    static char text[4][48];
    static int next;
    char *t = text[next++ % 4];
    for (int i = 0; i < n; i++)
        t[i] = (char)('E' + rng_below(r, 'Z' - 'E' + 1));
    t[n] = '\0';
    return t;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(test_file(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* A model per format, a text, and three tasks, whose items are longer than the smaller batches. */
static int set_up(void **state)
{
    struct text said = {0}, chosen = {0}, read = {0}, story = {0};
    struct rng r;
    if (program_setup(state))
        return -1;
    for (int i = 0; i < FORMATS; i++) {
        struct toy t = shape;
        struct toy_weights w;
        struct err e = {0};
        t.format = weight_formats[i];
        toy_weights(&w, &t, 9);
        if (toy_write(test_file(weight_formats[i]), &t, &w, &e))
            fail_msg("%s", e.msg);
        toy_free(&w);
    }
    rng_seed(&r, 2);
    for (int i = 0; i < ITEMS; i++) {
        text_printf(&said, "{\"prompt\": \"%s\", \"answer\": \"%s\"}\n", letters(&r, 3 + 2 * i), letters(&r, 6));
        text_printf(&chosen, "{\"prompt\": \"%s\", \"choices\": [\"%s\", \"%s\", \"%s\"], \"gold\": %d}\n", letters(&r, 8 + i),
                    letters(&r, 1), letters(&r, 3), letters(&r, 5), i % 3);
        text_printf(&read, "{\"text\": \"%s\"}\n", letters(&r, 5 + 2 * i));
        text_printf(&story, "%s", letters(&r, 40));
    }
    put("said.jsonl", said.p);
    put("chosen.jsonl", chosen.p);
    put("read.jsonl", read.p);
    put("story.txt", story.p);
    put("tasks.ini", "[said]\nfile = said.jsonl\ntokens = 6\nscorers = chrf,cer,rouge_l\n"
                     "[chosen]\nfile = chosen.jsonl\n[read]\nfile = read.jsonl\n");
    text_free(&said), text_free(&chosen), text_free(&read), text_free(&story);
    return 0;
}

/* -- one process, its settings changed ------------------------------------------------------------------------------------ */

struct scores {
    double sums[TASKS][TASK_MAX_SCORERS][ITEMS * SCORER_MAX_SUMS]; /* by the item's line in its file */
    double logprob[ITEMS][3];                                      /* of the choices */
    char answer[ITEMS][200];
};

struct listener {
    const struct task *task;
    struct scores *out;
};

static void hear(void *ctx, const struct task_said *said)
{
    const struct listener *l = ctx;
    int item = l->task->item[said->item].line - 1;
    if (said->answer)
        snprintf(l->out->answer[item], sizeof l->out->answer[item], "%s", said->answer);
    if (said->logprob)
        memcpy(l->out->logprob[item], said->logprob, sizeof l->out->logprob[item]);
}

/* order: a permutation of the items; NULL: as they stand. */
static void score(struct scores *out, const struct cell *c, const int *order)
{
    const struct runtime *rt = runtime_by_name("reference");
    void *self = calloc(1, rt->size);
    struct task *tasks;
    struct err e = {0};
    int n;
    memset(out, 0, sizeof *out);
    if (task_list_open(&tasks, &n, task_list, test_dir, &e) || rt->load(self, c, test_file(c->format), NULL, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(n, TASKS);
    for (int t = 0; t < n; t++) {
        static double sums[TASK_MAX_SCORERS][ITEMS * SCORER_MAX_SUMS];
        double *to[TASK_MAX_SCORERS];
        struct task_item item[ITEMS];
        struct listener l = {&tasks[t], out};
        assert_int_equal(tasks[t].n_items, ITEMS);
        memcpy(item, tasks[t].item, sizeof item);
        for (int i = 0; i < ITEMS; i++)
            tasks[t].item[i] = item[order ? order[i] : i];
        for (int k = 0; k < TASK_MAX_SCORERS; k++)
            to[k] = sums[k];
        if (task_run(rt, self, CONTEXT, &tasks[t], to, hear, &l, &e))
            fail_msg("%s", e.msg);
        for (int k = 0; k < tasks[t].n_scorers; k++) {
            size_t width = (size_t)tasks[t].scorer[k]->sums;
            for (int i = 0; i < ITEMS; i++)
                memcpy(out->sums[t][k] + width * (size_t)(tasks[t].item[i].line - 1), sums[k] + width * (size_t)i,
                       width * sizeof(double));
        }
    }
    task_list_close(tasks, n);
    rt->close(self);
    free(self);
}

/* Largest difference of two runs, over the sums and the choices' log-probabilities. */
static double difference(const struct scores *a, const struct scores *b)
{
    const double *x = &a->sums[0][0][0], *y = &b->sums[0][0][0];
    double most = 0;
    for (size_t i = 0; i < sizeof a->sums / sizeof *x; i++)
        most = fmax(most, fabs(x[i] - y[i]));
    x = &a->logprob[0][0], y = &b->logprob[0][0];
    for (size_t i = 0; i < sizeof a->logprob / sizeof *x; i++)
        most = fmax(most, fabs(x[i] - y[i]));
    return most;
}

static void scores_do_not_depend_on_how_they_are_computed(void **state)
{
    (void)state;
    static const char *const paths[][2] = {{"exact", "f32"}, {"packed", "f16"}, {"int8", "f16"}, {"int8_token", "f16"}};
    static const struct {
        int threads, batch;
    } settings[] = {{1, 512}, {2, 512}, {3, 512}, {1, 7}, {2, 7},
                    {3, 7},   {4, 7},   {1, 1},   {3, 1}}; /* each batch by one thread first */
    static struct scores want, first, got;
    int order[ITEMS] = {0};
    struct rng r;
    rng_seed(&r, 3);
    for (int i = 0; i < ITEMS; i++) { /* Fisher and Yates, from the inside out */
        int k = (int)rng_below(&r, (uint64_t)i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    for (size_t p = 0; p < sizeof paths / sizeof *paths; p++) {
        double by_threads = 0, by_batch = 0, by_order = 0;
        for (int f = 0; f < FORMATS; f++) {
            struct cell c = {
                .format = weight_formats[f], .kv = paths[p][1], .policy = "full", .isa = "auto", .compute = paths[p][0]};
            c.context = CONTEXT - 1;
            c.decode = 1;
            for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
                c.threads = settings[i].threads;
                c.batch = settings[i].batch;
                score(&got, &c, NULL);
                if (i == 0)
                    want = got;
                if (c.threads == 1)
                    first = got;
                by_batch = fmax(by_batch, difference(&first, &want));
                by_threads = fmax(by_threads, difference(&got, &first));
                assert_memory_equal(got.answer, first.answer, sizeof got.answer);
                if (p == 0)
                    assert_memory_equal(&got, &want, sizeof got);
            }
            score(&got, &c, order); /* as the last of the settings, but for the order */
            by_order = fmax(by_order, difference(&got, &first));
            if (p == 0)
                assert_memory_equal(&got, &want, sizeof got);
            assert_true(strlen(want.answer[0]) > 0 && want.logprob[0][0] < 0 && want.sums[2][0][0] > 0); /* there was something */
        }
        print_message("largest difference of an item's sums, %s: %g by threads, %g by batch, %g by order\n", paths[p][0],
                      by_threads, by_batch, by_order);
    }
}

/* -- a sweep, killed and resumed ------------------------------------------------------------------------------------------ */

static const char all_scores[] =
    "SELECT k.name, s.scorer, v.format, s.state, s.value, i.item, hex(i.sums) FROM score s JOIN task k ON k.id = s.task "
    "JOIN variant v ON v.id = s.variant JOIN score_item i ON i.score = s.id ORDER BY 1, 2, 3, 6";

static long scored(const char *db)
{
    return is_there(db) ? number(db, "SELECT count(*) FROM score") : 0;
}

/* Kills the sweep as soon as it has stored a score more, until it is done; how often it was hit in the middle of scoring. */
static int kill_until_done(const char *command, const char *db)
{
    int hit = 0;
    for (long was = 0;;) {
        pid_t pid = start("%s --db %s --resume", command, db);
        int status = 0, ended = 0;
        while (!(ended = waitpid(pid, &status, WNOHANG) == pid) && scored(db) == was)
            usleep(1000);
        if (ended) {
            assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
            return hit;
        }
        kill(pid, SIGKILL);
        finish(pid);
        was = scored(db);
        if (number(db, "SELECT count(*) FROM run WHERE state = 'done'"))
            return hit;
        hit++;
    }
}

static void a_killed_sweep_stores_the_same_scores(void **state)
{
    (void)state;
    char db[300], whole[300], cache[300], model[300], text[300], command[1500];
    snprintf(db, sizeof db, "%s", test_file("killed.db"));
    snprintf(whole, sizeof whole, "%s", test_file("whole.db"));
    snprintf(cache, sizeof cache, "%s", test_file("cache"));
    snprintf(model, sizeof model, "%s", test_file("f32"));
    snprintf(text, sizeof text, "%s", test_file("story.txt"));
    snprintf(command, sizeof command,
             "sweep --model %s --format f32 --kv f32 --compute exact --context 8 --threads 1 --decode 2 --trials 1 "
             "--quiet --text %s --window 32 --reference f32 --tasks %s --prompts %s --task-context %d --cache %s",
             model, text, task_list, test_dir, CONTEXT, cache);
    assert_int_equal(finish(start("%s --db %s", command, whole)), 0);
    assert_int_equal(number(whole, "SELECT count(*) FROM score WHERE state = 'ok'"), 1 + 3 + 3 + 2 + 1);
    int hit = kill_until_done(command, db);
    assert_true(hit > 0); /* it was really killed in the middle */
    char *a = query(db, all_scores), *b = query(whole, all_scores);
    assert_string_equal(a, b);
    assert_int_equal(number(db, "SELECT count(*) FROM run"), 1);
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_do_not_depend_on_how_they_are_computed),
        cmocka_unit_test(a_killed_sweep_stores_the_same_scores),
    };
    return cmocka_run_group_tests(tests, set_up, test_dir_remove);
}
