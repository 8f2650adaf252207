/* SPDX-License-Identifier: MIT */
#include "eval/task_file.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "eval/task_items.h"

#define DEFAULT_TOKENS 128

static char *copy(const char *s)
{
    char *out = s ? strdup(s) : NULL;
    if (s && !out)
        abort();
    return out;
}

/* -- a section of tasks.ini ----------------------------------------------------------------------------------------------- */

struct section {
    const char *name; /* wanted */
    char *file, *pattern, *stop, *tokens, *scorers, *group;
    struct text others; /* the names of all sections, for the message */
    char last[64];
    int found;
    const char *unknown; /* a key that is none */
    char key[64];
};

/* "\n" in the file is a line end in the text. */
static char *unescape(const char *s)
{
    char *out = copy(s), *to = out;
    for (const char *from = s; *from; from++) {
        if (from[0] == '\\' && from[1] == 'n') {
            *to++ = '\n';
            from++;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return out;
}

static int take_key(void *user, const char *section, const char *key, const char *value)
{
    struct section *s = user;
    if (strcmp(section, s->last) != 0) {
        snprintf(s->last, sizeof s->last, "%s", section);
        text_printf(&s->others, "%s%s", s->others.n ? ", " : "", section);
    }
    if (strcmp(section, s->name) != 0)
        return 1;
    s->found = 1;
    const struct {
        const char *name;
        char **value;
    } keys[] = {
        {"file", &s->file},     {"template", &s->pattern}, {"stop", &s->stop},
        {"tokens", &s->tokens}, {"scorers", &s->scorers},  {"tasks", &s->group},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!strcmp(keys[i].name, key)) {
            free(*keys[i].value);
            *keys[i].value = unescape(value);
            return 1;
        }
    snprintf(s->key, sizeof s->key, "%s", key);
    s->unknown = s->key;
    return 0;
}

static void free_section(struct section *s)
{
    free(s->file);
    free(s->pattern);
    free(s->stop);
    free(s->tokens);
    free(s->scorers);
    free(s->group);
    text_free(&s->others);
}

/* -- one task ------------------------------------------------------------------------------------------------------------- */

static enum scorer_input input_of(enum task_kind k)
{
    return k == TASK_ANSWER ? SCORER_TEXT : k == TASK_CHOICE ? SCORER_CHOICE : SCORER_LIKELIHOOD;
}

static int unknown_scorer(const struct task *t, const char *name, struct err *e)
{
    const char *names[256];
    int n = 0;
    for (; scorers[n] && n < 256; n++)
        names[n] = scorers[n]->name;
    const char *near = text_nearest(name, names, n);
    return err_set(e, ERR_USAGE, "%s: there is no scorer \"%s\"%s%s%s", t->path, name, near ? "; did you mean " : "",
                   near ? near : "", near ? "?" : "");
}

static int take_scorers(struct task *t, const char *list, struct err *e)
{
    static const char *const usual[] = {
        [TASK_ANSWER] = "exact", [TASK_CHOICE] = "choice_acc,choice_acc_norm", [TASK_TEXT] = "perplexity"};
    struct list names = list_split(list && *list ? list : usual[t->kind]);
    int rc = 0;
    for (int i = 0; i < names.n && !rc; i++) {
        const struct scorer *s = scorer_by_name(names.v[i]);
        if (!s)
            rc = unknown_scorer(t, names.v[i], e);
        else if (s->input != input_of(t->kind))
            rc = err_set(e, ERR_USAGE, "%s: scorer %s does not judge items of this kind (%s)", t->path, s->name,
                         t->kind == TASK_ANSWER   ? "prompt and answer"
                         : t->kind == TASK_CHOICE ? "choices"
                                                  : "text");
        else if (t->n_scorers == TASK_MAX_SCORERS)
            rc = err_set(e, ERR_USAGE, "%s: more than %d scorers", t->path, TASK_MAX_SCORERS);
        else
            t->scorer[t->n_scorers++] = s;
    }
    free(names.v);
    return rc;
}

static int open_task(struct task *t, const char *name, const char *path, const char *pattern, const char *stop, int tokens,
                     const char *scorer_list, struct err *e)
{
    *t = (struct task){.name = copy(name), .path = copy(path), .stop = stop && *stop ? copy(stop) : NULL, .tokens = tokens};
    t->templated = pattern && *pattern;
    if (pattern && *pattern && !strstr(pattern, "{prompt}"))
        return err_set(e, ERR_USAGE, "task %s: its template has no {prompt}", name);
    return task_items_read(t, pattern && *pattern ? pattern : NULL, e) || take_scorers(t, scorer_list, e) ? -1 : 0;
}

/* -- a list of them ------------------------------------------------------------------------------------------------------- */

struct tasks {
    struct task *v;
    int n;
    const char *folder; /* of tasks.ini */
    const char *group;  /* whose list this is, or NULL */
};

static struct task *add(struct tasks *l)
{
    l->v = realloc(l->v, (size_t)(l->n + 1) * sizeof *l->v);
    if (!l->v)
        abort();
    l->v[l->n] = (struct task){0};
    return &l->v[l->n++];
}

static int add_list(struct tasks *l, const char *words, struct err *e);

static int add_group(struct tasks *l, const char *name, const char *ini, const struct section *s, struct err *e)
{
    if (l->group)
        return err_set(e, ERR_USAGE, "%s: section [%s] lists [%s], which is a list itself; name its tasks instead", ini, l->group,
                       name);
    if (s->file || s->pattern || s->stop || s->tokens || s->scorers)
        return err_set(e, ERR_USAGE, "%s: section [%s] has tasks, so it is a list of other sections and has no other key", ini,
                       name);
    l->group = name;
    int rc = add_list(l, s->group, e);
    l->group = NULL;
    return rc;
}

static int add_named(struct tasks *l, const char *name, struct err *e)
{
    struct text ini = {0}, path = {0};
    struct section s = {.name = name};
    int64_t tokens = DEFAULT_TOKENS;
    text_printf(&ini, "%s/tasks.ini", l->folder);
    int line = ini_parse(ini.p, take_key, &s), rc = 0;
    if (s.unknown)
        rc =
            err_set(e, ERR_USAGE, "%s:%d: unknown key \"%s\"; the keys are file, template, stop, tokens, scorers, or tasks alone",
                    ini.p, line, s.unknown);
    else if (line < 0)
        rc = err_set(e, ERR_USAGE, "task %s: it is no file, and there is no %s to look it up in", name, ini.p);
    else if (line > 0)
        rc = err_set(e, ERR_USAGE, "%s:%d: neither a [section] nor key = value", ini.p, line);
    else if (!s.found)
        rc = err_set(e, ERR_USAGE, "task %s: %s has no such section (it has %s); a file of your own is given by its path", name,
                     ini.p, s.others.p ? s.others.p : "none");
    else if (!s.file && !s.group)
        rc = err_set(e, ERR_USAGE, "%s: section [%s] has no file", ini.p, name);
    else if (s.tokens && text_int(s.tokens, 1, 1 << 20, &tokens))
        rc = err_set(e, ERR_USAGE, "%s: section [%s]: tokens = %s is not a number of tokens", ini.p, name, s.tokens);
    if (!rc && s.group) {
        rc = add_group(l, name, ini.p, &s, e);
    } else if (!rc) {
        text_printf(&path, "%s/%s", l->folder, s.file);
        rc = open_task(add(l), name, path.p, s.pattern, s.stop, (int)tokens, s.scorers, e);
    }
    free_section(&s);
    text_free(&ini);
    text_free(&path);
    return rc;
}

/* "path.jsonl:scorer,scorer": the file's name without folders and ending is the task's. */
static int add_file(struct tasks *l, const char *path, const char *scorer_list, struct err *e)
{
    const char *slash = strrchr(path, '/');
    char name[128];
    snprintf(name, sizeof name, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot)
        *dot = '\0';
    return open_task(add(l), name, path, NULL, NULL, DEFAULT_TOKENS, scorer_list, e);
}

static int add_list(struct tasks *l, const char *list, struct err *e)
{
    struct list words = list_split(list);
    int rc = 0;
    for (int i = 0; i < words.n && !rc; i++) {
        char *word = words.v[i], *colon = strchr(word, ':');
        struct text its_scorers = {0};
        if (colon) {
            *colon = '\0';
            text_printf(&its_scorers, "%s", colon + 1);
            while (i + 1 < words.n && scorer_by_name(words.v[i + 1]))
                text_printf(&its_scorers, ",%s", words.v[++i]);
        }
        int is_file = colon || strchr(word, '.') || strchr(word, '/');
        rc = is_file ? add_file(l, word, its_scorers.p, e) : add_named(l, word, e);
        text_free(&its_scorers);
    }
    free(words.v);
    return rc;
}

int task_list_open(struct task **tasks, int *n, const char *list, const char *folder, struct err *e)
{
    struct tasks l = {.folder = folder};
    int rc = add_list(&l, list, e);
    if (!rc && !l.n)
        rc = err_set(e, ERR_USAGE, "--tasks: the list is empty");
    for (int i = 0; i < l.n && !rc; i++)
        for (int k = 0; k < i && !rc; k++)
            if (!strcmp(l.v[i].name, l.v[k].name))
                rc = err_set(e, ERR_USAGE, "--tasks: %s is given twice; its scores could not be told apart", l.v[i].name);
    if (rc) {
        task_list_close(l.v, l.n);
        l = (struct tasks){0};
    }
    *tasks = l.v;
    *n = l.n;
    return rc;
}

void task_list_chat(struct task *tasks, int n)
{
    for (int i = 0; i < n; i++) {
        struct text how = {0};
        if (tasks[i].kind == TASK_TEXT || tasks[i].templated || tasks[i].chat)
            continue;
        tasks[i].chat = 1;
        text_printf(&how, "%s|chat", tasks[i].sha256);
        sha256_bytes(how.p, how.n, tasks[i].sha256);
        text_free(&how);
    }
}

void task_list_close(struct task *tasks, int n)
{
    for (int i = 0; i < n; i++) {
        task_items_free(&tasks[i]);
        free(tasks[i].name);
        free(tasks[i].path);
        free(tasks[i].stop);
    }
    free(tasks);
}
