/* model_load.h - the first half of model_open, shared by model.c (tensors) and model_keys.c only. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_MODEL_LOAD_H
#define ENGINE_MODEL_LOAD_H

#include "engine/model.h"

/* Keys into the numbers of *m and of its layers, which it allocates; m->family and m->tokenizer are there. */
int model_read_keys(struct model *m, struct err *e);

#endif
