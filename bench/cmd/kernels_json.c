/* SPDX-License-Identifier: MIT */
#include <jansson.h>

#include "bench/cmd/cmd.h"
#include "bench/cmd/kernels.h"

/* NULL for what says nothing. */
static json_t *number(double v)
{
    return v >= 0 ? json_real(v) : json_null();
}

static json_t *json_of_peak(const struct peak *p)
{
    json_t *units = json_object();
    for (int u = 0; u < PEAK_UNITS; u++) {
        const struct peak_arithmetic *a = &p->unit[u];
        if (a->instruction)
            json_object_set_new(
                units, a->name,
                json_pack("{s:s, s:f, s:f}", "instruction", a->instruction, "ops_per_s_one", a->one, "ops_per_s_all", a->all));
    }
    return json_pack("{s:i, s:I, s:f, s:f, s:f, s:f, s:o, s:o, s:o}", "threads", p->threads, "buffer_bytes",
                     (json_int_t)p->buffer_bytes, "one_small_pages", p->one.small_pages, "one_huge_pages", p->one.huge_pages,
                     "all_small_pages", p->all.small_pages, "all_huge_pages", p->all.huge_pages, "huge_share",
                     number(p->huge_share), "round_trip_ns", number(p->threads > 1 ? p->round_trip_ns : -1), "units", units);
}

static json_t *json_of_result(const struct kernel_job *j, const struct kernel_result *r)
{
    json_t *o =
        json_pack("{s:s, s:s, s:b, s:s}", "name", r->c.name, "isa", isa_name(r->c.isa), "passed", r->passed, "why", r->why);
    if (r->shape)
        json_object_update_new(o, json_pack("{s:i, s:b}", "layers", r->shape->layers, "head", r->shape->head));
    if (r->timed)
        json_object_update_new(o, json_pack("{s:i, s:i, s:i, s:f, s:o, s:o, s:o, s:o, s:o, s:s?, s:o}", "rows", r->rows, "k",
                                            r->k, "columns", r->columns, "ns", r->ns, "bytes_per_s",
                                            number(r->bytes > 0 ? r->bytes / r->ns * 1e9 : -1), "of_bandwidth",
                                            number(kernel_of_bandwidth(j, r)), "ops_per_s",
                                            number(r->operations > 0 ? r->operations / r->ns * 1e9 : -1), "of_peak",
                                            number(kernel_of_peak(j, r)), "of_roof", number(kernel_of_roof(j, r)), "bound",
                                            kernel_bound(j, r), "speedup", number(kernel_speedup(j, r))));
    return o;
}

static json_t *json_of_totals(const struct kernel_job *j)
{
    json_t *list = json_array();
    struct kernel_total t;
    for (int i = 0; i < j->n_columns; i++)
        if (!kernel_total(j, j->columns[i], &t))
            json_array_append_new(list, json_pack("{s:i, s:f, s:f, s:f, s:o}", "columns", j->columns[i], "ns", t.ns,
                                                  "bytes_per_s", t.bytes / t.ns * 1e9, "ops_per_s", t.operations / t.ns * 1e9,
                                                  "of_roof", number(t.of_roof)));
    return list;
}

static json_t *json_of_slow(const struct kernel_job *j)
{
    json_t *list = json_array();
    for (const struct kernel_result *r = j->v; r < j->v + j->n; r++)
        if (kernel_is_slow(j, r))
            json_array_append_new(list, json_string(r->c.name));
    return list;
}

void kernels_print_json(const struct kernels *k, int timed)
{
    const struct kernel_job *j = &k->job;
    json_t *list = json_array();
    for (const struct kernel_result *r = j->v; r < j->v + j->n; r++)
        if (r->wanted)
            json_array_append_new(list, json_of_result(j, r));
    json_t *o = json_pack("{s:I, s:s, s:i, s:o}", "seed", (json_int_t)j->seed, "isa", isa_name(j->isa), "failed", j->failed,
                          "kernels", list);
    if (timed) {
        json_object_set_new(o, "machine", json_of_peak(&k->before));
        json_object_set_new(o, "machine_after", json_of_peak(&k->after));
    }
    if (timed && j->shapes)
        json_object_set_new(o, "totals", json_of_totals(j));
    if (timed && !j->shapes)
        json_object_update_new(o, json_pack("{s:f, s:o}", "speedup_wanted", KERNEL_WORTH, "slow", json_of_slow(j)));
    print_json(o);
}
