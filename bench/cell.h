/* cell.h - one point of the matrix. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CELL_H
#define BENCH_CELL_H

/* What is measured.  The strings belong to the matrix (in the child: to the message). */
struct cell {
    const char *model;   /* path as given */
    const char *format;  /* weight format: "q4_0", or "file" for the file as it is */
    const char *kv;      /* "f16", or "f16:q8_0" for K and V apart */
    const char *policy;  /* what a token sees: "full", "window:512", "sinks:4+508" */
    const char *isa;     /* "auto", or a level of kernels/isa.h */
    const char *compute; /* one of compute_names (engine/model.h) */
    const char *runtime; /* "reference" or "null" */
    int context;         /* tokens in the KV cache when decoding starts */
    int threads;
    int decode;          /* tokens decoded */
    int batch;           /* most tokens evaluated at once in prefill */
};

#endif
