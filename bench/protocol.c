/* SPDX-License-Identifier: MIT */
#include "bench/protocol.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/axes.h"

void stretch_free(struct stretch *s)
{
    free(s->token_ns);
    s->token_ns = NULL;
}

struct json_t *protocol_request(const char *what)
{
    return json_pack("{s:i, s:s}", "v", PROTOCOL_VERSION, "do", what);
}

struct json_t *protocol_load(const struct trial_setup *s)
{
    json_t *cell = json_pack("{s:i, s:i}", "decode", s->cell.decode, "batch", s->cell.batch);
    for (int i = 0; i < AXES; i++) {
        char buf[16];
        json_object_set_new(cell, axes[i].name, json_string(axis_get(&axes[i], &s->cell, buf)));
    }
    json_t *cpus = json_array();
    for (int i = 0; i < s->cell.threads; i++)
        json_array_append_new(cpus, json_integer(s->cpus[i]));
    json_t *j = protocol_request("load");
    json_object_set_new(j, "cell", cell);
    json_object_set_new(j, "cpus", cpus);
    json_object_set_new(j, "path", json_string(s->path));
    if (s->text)
        json_object_set_new(j, "text", json_string(s->text));
    json_object_set_new(j, "skip", json_string(s->skip));
    json_object_set_new(j, "seed", json_integer((json_int_t)s->seed));
    return j;
}

static int check_version(const json_t *j, struct err *e)
{
    const json_t *v = json_object_get(j, "v");
    if (!json_is_integer(v))
        return err_set(e, ERR_ENV, "protocol: a message without a version");
    if (json_integer_value(v) != PROTOCOL_VERSION)
        return err_set(e, ERR_ENV,
                       "protocol: the other side speaks version %lld, this program version %d; use builds of one release",
                       (long long)json_integer_value(v), PROTOCOL_VERSION);
    return 0;
}

int protocol_read_load(const struct json_t *j, struct trial_setup *s, struct err *e)
{
    *s = (struct trial_setup){0};
    if (check_version(j, e))
        return -1;
    const json_t *cell = json_object_get(j, "cell"), *cpus = json_object_get(j, "cpus");
    for (int i = 0; i < AXES; i++) {
        const char *value = json_string_value(json_object_get(cell, axes[i].name));
        if (!value)
            return err_set(e, ERR_ENV, "protocol: load without the axis \"%s\"", axes[i].name);
        if (axis_set(&axes[i], &s->cell, value, e))
            return -1;
    }
    s->cell.decode = (int)json_integer_value(json_object_get(cell, "decode"));
    s->cell.batch = (int)json_integer_value(json_object_get(cell, "batch"));
    s->path = json_string_value(json_object_get(j, "path"));
    s->text = json_string_value(json_object_get(j, "text"));
    s->skip = json_string_value(json_object_get(j, "skip"));
    s->seed = (uint64_t)json_integer_value(json_object_get(j, "seed"));
    if (!s->path || s->cell.decode < 1 || (int)json_array_size(cpus) != s->cell.threads || s->cell.threads > TOPOLOGY_MAX_CPUS)
        return err_set(e, ERR_ENV, "protocol: load is incomplete");
    for (int i = 0; i < s->cell.threads; i++)
        s->cpus[i] = (int)json_integer_value(json_array_get(cpus, (size_t)i));
    return 0;
}

struct json_t *protocol_ok(void)
{
    return json_pack("{s:i, s:b}", "v", PROTOCOL_VERSION, "ok", 1);
}

/* A message may quote bytes of a file; JSON takes UTF-8 only, so everything outside ASCII becomes '?' where it is none. */
static json_t *clean_string(const char *s)
{
    json_t *j = json_string(s);
    if (j)
        return j;
    struct text t = {0};
    for (; *s; s++)
        text_printf(&t, "%c", (unsigned char)*s < 0x80 ? *s : '?');
    j = json_string(t.p);
    text_free(&t);
    return j;
}

struct json_t *protocol_error(const struct err *e)
{
    return json_pack("{s:i, s:b, s:i, s:o}", "v", PROTOCOL_VERSION, "ok", 0, "code", (int)e->code, "error", clean_string(e->msg));
}

void protocol_add_stretch(struct json_t *reply, const struct stretch *s)
{
    json_t *j = json_pack("{s:s, s:I, s:I, s:I, s:i}", "kind", s->kind, "real", (json_int_t)s->begin_real_ns, "begin",
                          (json_int_t)s->begin_ns, "ns", (json_int_t)s->ns, "tokens", s->tokens);
    if (s->token_ns) {
        json_t *t = json_array();
        for (int i = 0; i < s->tokens; i++)
            json_array_append_new(t, json_integer(s->token_ns[i]));
        json_object_set_new(j, "token_ns", t);
    }
    json_t *readings = json_array();
    for (int i = 0; i < s->readings.n; i++) {
        const struct reading *r = &s->readings.v[i];
        int has_value = r->state == STATE_OK || r->state == STATE_SUSPECT;
        json_array_append_new(readings, json_pack("[s, s, s, o, s]", r->name, r->unit, state_name(r->state),
                                                  has_value ? json_integer(r->value) : json_null(), r->reason));
    }
    json_object_set_new(j, "readings", readings);
    json_t *all = json_object_get(reply, "stretches");
    if (!all) {
        all = json_array();
        json_object_set_new(reply, "stretches", all);
    }
    json_array_append_new(all, j);
}

int protocol_check(const struct json_t *j, struct err *e)
{
    if (check_version(j, e))
        return -1;
    if (json_is_true(json_object_get(j, "ok")))
        return 0;
    const char *why = json_string_value(json_object_get(j, "error"));
    int code = (int)json_integer_value(json_object_get(j, "code"));
    return err_set(e, code > 0 && code <= ERR_ENV ? (enum err_code)code : ERR_ENV, "%s",
                   why ? why : "the trial failed without a reason");
}

static int read_reading(json_t *j, struct readings *out, struct err *e)
{
    const char *name, *unit, *state_text, *reason;
    json_t *value;
    enum state state;
    if (json_unpack(j, "[s, s, s, o, s]", &name, &unit, &state_text, &value, &reason) || state_parse(state_text, &state) ||
        out->n == READINGS_MAX)
        return err_set(e, ERR_ENV, "protocol: a malformed reading");
    if (state == STATE_OK) {
        readings_add(out, name, unit, json_integer_value(value));
    } else {
        readings_add_missing(out, name, unit, state, reason);
        out->v[out->n - 1].value = json_integer_value(value);
    }
    return 0;
}

int protocol_read_stretch(const struct json_t *j, int i, struct stretch *s, struct err *e)
{
    json_t *one = json_array_get(json_object_get(j, "stretches"), (size_t)i);
    if (!one)
        return 0;
    *s = (struct stretch){0};
    const char *kind;
    json_int_t real, begin, ns;
    json_t *readings, *token_ns = json_object_get(one, "token_ns");
    if (json_unpack(one, "{s:s, s:I, s:I, s:I, s:i, s:o}", "kind", &kind, "real", &real, "begin", &begin, "ns", &ns, "tokens",
                    &s->tokens, "readings", &readings) ||
        s->tokens < 0 || (token_ns && json_array_size(token_ns) != (size_t)s->tokens))
        return err_set(e, ERR_ENV, "protocol: a malformed stretch");
    snprintf(s->kind, sizeof s->kind, "%s", kind);
    s->begin_real_ns = real;
    s->begin_ns = begin;
    s->ns = ns;
    for (size_t k = 0; k < json_array_size(readings); k++)
        if (read_reading(json_array_get(readings, k), &s->readings, e))
            return -1;
    if (!token_ns)
        return 1;
    s->token_ns = calloc((size_t)s->tokens + 1, sizeof *s->token_ns);
    if (!s->token_ns)
        abort();
    for (int k = 0; k < s->tokens; k++)
        s->token_ns[k] = json_integer_value(json_array_get(token_ns, (size_t)k));
    return 1;
}
