"""Documents to rows of token ids: every step's batch is a function of the seed and the step alone, so a run can stop anywhere."""
# SPDX-License-Identifier: MIT
import random

import numpy
import torch

import generate
from tokenizer import FIRST, Tokenizer, learn

BOS, EOS = 1, 2
ROW = 256       # tokens of a row
PROMPT = 0.1    # weight of a prompt's tokens in the loss; an answer's have 1
SHARES = {"intent": 0.36, "answer": 0.23, "summary": 0.13, "translate": 0.14, "choice": 0.07, "story": 0.07}  # of the tokens
# From a step on: other shares.  With those above alone answers took on their form long before the model looked anything up: of 100
# tokens of a context one or two depend on it.  Several questions about one context, and lists that are said twice, the second
# time in another order, have many times as many.  The third and the fifth stage are for looking up above all.
STAGES = ((0, SHARES),
          (2100, {"intent": 0.30, "answer": 0.10, "questions": 0.18, "summary": 0.08, "translate": 0.11, "choice": 0.12,
                  "story": 0.05, "recall": 0.06}),
          (2766, {"intent": 0.10, "questions": 0.30, "summary": 0.04, "translate": 0.04, "choice": 0.12, "lines": 0.40}),
          (3400, {"intent": 0.30, "answer": 0.10, "questions": 0.16, "summary": 0.08, "translate": 0.11, "choice": 0.13,
                   "story": 0.06, "lines": 0.06}),
          (4134, {"intent": 0.12, "answer": 0.15, "questions": 0.25, "summary": 0.04, "translate": 0.04, "choice": 0.20,
                  "lines": 0.20}),
          (4900, {"intent": 0.30, "answer": 0.16, "questions": 0.12, "summary": 0.08, "translate": 0.10, "choice": 0.16,
                  "story": 0.05, "lines": 0.03}),
          (5800, {"intent": 0.24, "answer": 0.18, "questions": 0.24, "summary": 0.06, "translate": 0.06, "choice": 0.16,
                  "story": 0.03, "lines": 0.03}))


def vocabulary(size):
    """A tokenizer learned on training text, each task with about the same number of tokens."""
    texts = []
    for task, n in zip(SHARES, (8000, 4000, 3000, 9000, 5000, 3000)):
        r = random.Random(f"vocabulary/{task}")
        texts += ["".join(generate.document(task, r)) for _ in range(n)]
    return Tokenizer(*learn(texts, size))


def encode(tok, *texts):
    """Ids with <s> and </s>, and the loss weight of each as a target; every second text is an answer."""
    ids, weight = [BOS], [0.0]
    for k, text in enumerate(texts):
        more = tok.encode(text)
        ids += more
        weight += [1.0 if k % 2 else PROMPT] * len(more)
    return ids + [EOS], weight + [1.0]


def recall(tok, r):
    """Random pieces: lines of a key and a value, then the same lines in another order; what can be known there has weight 1."""
    colon, newline = tok.encode(":") + tok.encode("\n")
    some = lambda least, most: [r.randrange(FIRST, tok.size) for _ in range(r.randrange(least, most + 1))]
    keys = r.sample(range(FIRST, tok.size), r.randrange(6, 21))
    lines = [([k] + some(0, 1) + [colon], some(1, 3) + [newline]) for k in keys]
    ids, weight = [BOS], [0.0]
    for again in (0.0, 1.0):
        for key, value in lines:
            ids += key + value
            weight += [0.0] + [again] * (len(key) - 1 + len(value))
        r.shuffle(lines)
    return ids, weight


def pack(docs, rows, apart=False):
    """Rows of ids, targets, weights and the attention mask; a document sees only itself.

    Documents that find no room are left out; `apart`: one a row, and rows no longer than the longest."""
    ids, weight = numpy.zeros((rows, ROW + 1), numpy.int64), numpy.zeros((rows, ROW + 1), numpy.float32)
    owner, used = numpy.zeros((rows, ROW + 1), numpy.int64), [0] * rows
    failed = 0
    for number, (i, w) in enumerate(docs, 1):
        row = number - 1 if apart else next((k for k in range(rows) if used[k] + len(i) <= ROW + 1), None)
        if row is None:
            failed += 1
            if failed > 12:
                break
            continue
        at = slice(used[row], used[row] + len(i))
        ids[row, at], weight[row, at], owner[row, at] = i, w, number
        used[row] += len(i)
    n = max(used) - 1 if apart else ROW
    ids, weight, owner = ids[:, :n + 1], weight[:, :n + 1], torch.from_numpy(owner[:, :n])
    seen = (owner[:, :, None] == owner[:, None, :]) & torch.ones(n, n, dtype=torch.bool).tril()
    mask = torch.zeros(seen.shape).masked_fill_(~seen, -1e9)[:, None]
    return torch.from_numpy(ids[:, :-1].copy()), torch.from_numpy(ids[:, 1:].copy()), torch.from_numpy(weight[:,
                                                                                                              1:].copy()), mask


def training(tok, seed, step, rows):
    """The batch of a step."""
    r, shares = random.Random(f"{seed}/{step}"), [s for begin, s in STAGES if begin <= step][-1]
    more = {"questions": generate.questions, "lines": generate.lines}

    def document(kind):
        if kind == "recall":
            return recall(tok, r)
        return encode(tok, *(more[kind](r) if kind in more else generate.document(kind, r)))

    def docs():
        spent = {task: r.random() * 100 for task in shares}
        while True:
            task = min(shares, key=lambda t: spent[t] / shares[t])
            d = document(task)
            spent[task] += len(d[0])
            if len(d[0]) <= ROW:
                yield d

    return pack(docs(), rows)


def held_out(tok, part, count):
    """For each task: documents of a part; of a choice all options, one document each, the right one first."""
    out = {}
    for task in SHARES:
        r, docs = random.Random(f"held out/{part}/{task}"), []
        while count > len(docs) / (4 if task == "choice" else 1):
            prompt, a = generate.item(task, r, part)
            more = [encode(tok, generate.before(task, prompt), option) for option in (a if task == "choice" else [a])]
            if max(len(d[0]) for d in more) <= ROW:
                docs += more
        out[task] = docs
    return out
