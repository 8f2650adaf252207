/* A gate for machines that read reports: JSON, JUnit XML, the Markdown of a job summary, GitHub's annotations, GitLab's code quality. */
/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "bench/cmd/cmd.h"
#include "bench/cmd/gate_report.h"
#include "bench/gate_metric.h"

#define MAX_ANNOTATIONS 8      /* GitHub shows ten of a step */
#define LOCATION "ci/gate.ini" /* a finding must have a place in the source; a time has none */

/* -- JSON ------------------------------------------------------------------------------------------------------------------ */

/* Columns of v_verdict: what they are called, and what where the row is of a score (NULL: it has no such thing).  Log ratios become
 * ratios; the differences of a score stay what they are. */
static const struct {
    const char *column, *name, *of_score;
    int is_log;
} numbers[] = {
    {"base", "base", "base", 0},
    {"head", "head", "head", 0},
    {"units", "units", "items", 0},
    {"estimate", "ratio", "difference", 1},
    {"low", "ratio_low", "difference_low", 1},
    {"high", "ratio_high", "difference_high", 1},
    {"coverage", "coverage", NULL, 0},
    {"lower", "ratio_lower_bound", "worse_by_lower_bound", 1},
    {"upper", "ratio_upper_bound", "worse_by_upper_bound", 1},
    {"tolerance", "tolerated_ratio", "margin", 1},
    {"p", "p", "p", 0},
    {"p_looks", "p_all_looks", NULL, 0},
    {"mde", "detectable_ratio", "detectable_difference", 1},
    {"null_estimate", "null_ratio", NULL, 1},
    {"null_p", "null_p", NULL, 0},
    {"disturbed", "disturbed", NULL, 0},
    {"confirm_units", "confirm_units", NULL, 0},
    {"confirm_estimate", "confirm_ratio", NULL, 1},
};

static json_t *verdict_json(const struct gate_report_rows *r, int row)
{
    const struct rows *v = &r->verdict;
    json_t *j =
        json_pack("{s:s, s:s, s:b, s:s, s:s}", "cell", rows_get(v, row, "label"), "metric", rows_get(v, row, "metric"), "gates",
                  gate_row_gates(r, row), "outcome", rows_get(v, row, "outcome"), "reason", rows_get(v, row, "reason"));
    int score = gate_row_scorer(r, row) != NULL;
    if (score)
        json_object_set_new(j, "test", json_string(rows_get(v, row, "test")));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const char *name = score ? numbers[i].of_score : numbers[i].name;
        double x = NAN;
        rows_number(v, row, numbers[i].column, &x);
        if (name)
            json_object_set_new(j, name, json_real_or_null(numbers[i].is_log && !score ? exp(x) : x));
    }
    return j;
}

struct json_t *gate_json(const struct gate_report_rows *r)
{
    static const char *const texts[] = {"outcome",     "reason",      "base_build", "head_build", "base_path",   "head_path",
                                        "base_model",  "head_model",  "base_run",   "head_run",   "base_commit", "head_commit",
                                        "base_sha256", "head_sha256", "machine",    "started"};
    json_t *j = json_pack("{s:I, s:I, s:o}", "gate", (json_int_t)atoll(rows_get(&r->gate, 0, "run")), "rule_version",
                          (json_int_t)atoll(rows_get(&r->gate, 0, "rule_version")), "rule",
                          json_loads(rows_get(&r->gate, 0, "rule"), 0, NULL));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = rows_get(&r->gate, 0, texts[i]);
        json_object_set_new(j, texts[i], text ? json_string(text) : json_null());
    }
    json_t *list = json_array();
    for (int i = 0; i < r->verdict.n; i++)
        json_array_append_new(list, verdict_json(r, r->order[i]));
    json_object_set_new(j, "verdicts", list);
    return j;
}

/* -- JUnit XML: one test case per metric of a cell ------------------------------------------------------------------------- */

static void xml(const char *s, FILE *out)
{
    static const char *const entity[] = {['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;"};
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < sizeof entity / sizeof *entity && entity[c])
            fputs(entity[c], out);
        else if (c >= ' ')
            putc(c, out);
    }
}

/* What JUnit knows: a failure, an error, a skipped case, or none of these. */
static const char *element_of(const struct gate_report_rows *r, int row)
{
    static const char *const elements[][2] = {
        {"regressed", "failure"}, {"invalid", "error"}, {"inconclusive", "skipped"}, {"absent", "skipped"}};
    const char *outcome = rows_get(&r->verdict, row, "outcome");
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (!strcmp(outcome, elements[i][0]))
            return gate_row_gates(r, row) ? elements[i][1] : "skipped";
    return NULL;
}

static void print_case(const struct gate_report_rows *r, int row, FILE *out)
{
    char base[48], head[48], change[24], mde[24];
    const char *element = element_of(r, row);
    gate_row_value(r, row, "base", base);
    gate_row_value(r, row, "head", head);
    gate_row_change(r, row, "estimate", 1, change);
    gate_row_change(r, row, "mde", 0, mde);
    fputs("    <testcase classname=\"", out);
    xml(rows_get(&r->verdict, row, "label"), out);
    fprintf(out, "\" name=\"%s\">", rows_get(&r->verdict, row, "metric"));
    if (element) {
        fprintf(out, "<%s message=\"", element);
        xml(gate_row_outcome(r, row), out);
        fprintf(out, ": %s to %s, %s (detectable %s)%s", base, head, change, mde,
                *rows_get(&r->verdict, row, "reason") ? ": " : "");
        xml(rows_get(&r->verdict, row, "reason"), out);
        fputs("\"/>", out);
    }
    fputs("</testcase>\n", out);
}

void gate_print_junit(const struct gate_report_rows *r, FILE *out)
{
    static const char *const elements[] = {"failure", "error", "skipped"};
    int count[3] = {0}, whole = *rows_get(&r->gate, 0, "reason") != '\0';
    for (int i = 0; i < r->verdict.n; i++)
        for (int k = 0; k < 3; k++)
            count[k] += element_of(r, i) && !strcmp(element_of(r, i), elements[k]);
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"bench gate\" tests=\"%d\" "
            "failures=\"%d\" errors=\"%d\" skipped=\"%d\">\n",
            r->verdict.n + whole, count[0], count[1] + whole, count[2]);
    if (whole) {
        fputs("    <testcase classname=\"gate\" name=\"the whole\"><error message=\"", out);
        xml(rows_get(&r->gate, 0, "reason"), out);
        fputs("\"/></testcase>\n", out);
    }
    for (int i = 0; i < r->verdict.n; i++)
        print_case(r, r->order[i], out);
    fputs("  </testsuite>\n</testsuites>\n", out);
}

/* -- Markdown -------------------------------------------------------------------------------------------------------------- */

/* A | would end the cell of the table. */
static void markdown(const char *s, FILE *out)
{
    for (; *s; s++)
        fprintf(out, "%s%c", *s == '|' ? "\\" : "", *s == '\n' ? ' ' : *s);
}

static void print_line(const struct gate_report_rows *r, int row, FILE *out)
{
    char base[48], head[48], p[4][24];
    gate_row_value(r, row, "base", base);
    gate_row_value(r, row, "head", head);
    gate_row_change(r, row, "estimate", 1, p[0]);
    gate_row_change(r, row, "low", 1, p[1]);
    gate_row_change(r, row, "high", 1, p[2]);
    gate_row_change(r, row, "mde", 0, p[3]);
    fputs("| ", out);
    markdown(rows_get(&r->verdict, row, "label"), out);
    fprintf(out, " | %s | %s | %s | %s | %s to %s | %s | %s | %s", rows_get(&r->verdict, row, "metric"), base, head, p[0], p[1],
            p[2], p[3], rows_get(&r->verdict, row, "units"), gate_row_outcome(r, row));
    fputs(*rows_get(&r->verdict, row, "reason") ? ": " : "", out);
    markdown(rows_get(&r->verdict, row, "reason"), out);
    fputs(" |\n", out);
}

/* What did not pass in the open, what passed behind a fold. */
void gate_print_markdown(const struct gate_report_rows *r, FILE *out)
{
    static const char head[] = "| cell | metric | base | head | change | 95% | detectable | units | outcome |\n"
                               "|---|---|--:|--:|--:|---|--:|--:|---|\n";
    const char *outcome = rows_get(&r->gate, 0, "outcome");
    int passed = 0, other = 0;
    for (int i = 0; i < r->verdict.n; i++)
        passed += !strcmp(rows_get(&r->verdict, i, "outcome"), "pass");
    other = r->verdict.n - passed;
    fprintf(out, "## bench gate: %s\n\n", outcome ? outcome : "not ended");
    markdown(rows_get(&r->gate, 0, "reason"), out);
    fprintf(out, "%sbase %s, head %s, %s\n\n", *rows_get(&r->gate, 0, "reason") ? "\n\n" : "",
            rows_get(&r->gate, 0, "base_build"), rows_get(&r->gate, 0, "head_build"), rows_get(&r->gate, 0, "machine"));
    if (other)
        fputs(head, out);
    for (int i = 0; i < r->verdict.n; i++)
        if (strcmp(rows_get(&r->verdict, r->order[i], "outcome"), "pass") != 0)
            print_line(r, r->order[i], out);
    fprintf(out, "%s<details><summary>%d of %d passed</summary>\n\n%s", other ? "\n" : "", passed, r->verdict.n, head);
    for (int i = 0; i < r->verdict.n; i++)
        if (!strcmp(rows_get(&r->verdict, r->order[i], "outcome"), "pass"))
            print_line(r, r->order[i], out);
    fputs("\n</details>\n", out);
}

/* -- GitHub's workflow commands and GitLab's code quality: what needs somebody's eye --------------------------------------- */

/* "f16, context 64: ms_per_token regressed, 1 ms to 1.2 ms, +20.0%"; free it. */
static char *in_words(const struct gate_report_rows *r, int row)
{
    char base[48], head[48], change[24];
    struct text t = {0};
    gate_row_value(r, row, "base", base);
    gate_row_value(r, row, "head", head);
    gate_row_change(r, row, "estimate", 1, change);
    text_printf(&t, "%s: %s %s, %s to %s, %s", rows_get(&r->verdict, row, "label"), rows_get(&r->verdict, row, "metric"),
                gate_row_outcome(r, row), base, head, change);
    if (*rows_get(&r->verdict, row, "reason"))
        text_printf(&t, ": %s", rows_get(&r->verdict, row, "reason"));
    return t.p;
}

/* How grave an outcome is to the two of them; NULL: it is told to neither. */
static const char *grade(const struct gate_report_rows *r, int row, int gitlab)
{
    static const char *const grades[][3] = {
        {"regressed", "error", "critical"}, {"invalid", "error", "major"}, {"inconclusive", "warning", "minor"}};
    for (size_t i = 0; gate_row_gates(r, row) && i < sizeof grades / sizeof *grades; i++)
        if (!strcmp(rows_get(&r->verdict, row, "outcome"), grades[i][0]))
            return grades[i][1 + gitlab];
    return NULL;
}

void gate_print_annotations(const struct gate_report_rows *r, FILE *out)
{
    int n = 0;
    for (int i = 0; i < r->verdict.n; i++) {
        const char *level = grade(r, r->order[i], 0);
        if (!level || n++ >= MAX_ANNOTATIONS)
            continue;
        char *words = in_words(r, r->order[i]);
        fprintf(out, "::%s title=bench gate::", level);
        for (const char *c = words; *c; c++) /* what ends a command, and what escapes */
            if (strchr("%\r\n", *c))
                fprintf(out, "%%%02X", (unsigned)(unsigned char)*c);
            else
                putc(*c, out);
        putc('\n', out);
        free(words);
    }
    if (n > MAX_ANNOTATIONS)
        fprintf(out, "::notice title=bench gate::%d more; the job summary has all\n", n - MAX_ANNOTATIONS);
}

void gate_print_codequality(const struct gate_report_rows *r, FILE *out)
{
    json_t *list = json_array();
    for (int i = 0; i < r->verdict.n; i++) {
        const char *severity = grade(r, r->order[i], 1);
        char key[200], hash[65];
        if (!severity)
            continue;
        char *words = in_words(r, r->order[i]);
        snprintf(key, sizeof key, "%s|%s", rows_get(&r->verdict, r->order[i], "label"),
                 rows_get(&r->verdict, r->order[i], "metric"));
        sha256_bytes(key, strlen(key), hash); /* the same finding has the same fingerprint in every job */
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:{s:i}}}", "description", words, "check_name",
                                              rows_get(&r->verdict, r->order[i], "metric"), "fingerprint", hash, "severity",
                                              severity, "location", "path", LOCATION, "lines", "begin", 1));
        free(words);
    }
    json_dumpf(list, out, JSON_INDENT(2));
    putc('\n', out);
    json_decref(list);
}
