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
TASKS = ("intent", "answer", "summary", "translate", "choice", "story")
# What is trained on, from a step on: shares of the tokens.  One or two of the hundred tokens of an answer's context matter to it, so
# there are texts with many times as many: `questions` and `quiz`, several questions to one context; `facts`, nothing but what is
# asked for and what there is to it; `lines`, a list that is said twice, the second time in another order; `recall`, the same with
# random pieces.
STAGES = ((0, {"questions": 0.25, "choice": 0.15, "lines": 0.30, "recall": 0.20, "intent": 0.10}),
          (400, {"intent": 0.28, "answer": 0.10, "questions": 0.22, "lines": 0.06, "recall": 0.03, "choice": 0.16, "summary": 0.06,
                 "translate": 0.06, "story": 0.03}),
          (2099, {"intent": 0.24, "answer": 0.06, "questions": 0.17, "facts": 0.20, "quiz": 0.12, "choice": 0.07, "lines": 0.02,
                  "summary": 0.04, "translate": 0.05, "story": 0.03}),
          (4568, {"intent": 0.22, "answer": 0.06, "questions": 0.17, "facts": 0.17, "quiz": 0.12, "odd": 0.10, "choice": 0.04,
                  "summary": 0.04, "translate": 0.05, "story": 0.03}),
          (6519, {"intent": 0.40, "answer": 0.15, "questions": 0.10, "facts": 0.05, "quiz": 0.04, "odd": 0.03, "choice": 0.09,
                  "summary": 0.05, "translate": 0.06, "story": 0.03}),
          (9417, {"intent": 0.38, "hard": 0.15, "answer": 0.12, "questions": 0.08, "facts": 0.04, "quiz": 0.03, "odd": 0.02,
                  "choice": 0.06, "summary": 0.04, "translate": 0.05, "story": 0.03}))


def vocabulary(size):
    """A tokenizer learned on training text, each task with about the same number of tokens."""
    texts = []
    for task, n in zip(TASKS, (8000, 4000, 3000, 9000, 5000, 3000)):
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
    more = {"questions": generate.questions, "lines": generate.lines, "facts": generate.facts, "quiz": generate.quiz,
            "odd": generate.odd, "hard": generate.hard}

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
    for task in TASKS:
        r, docs = random.Random(f"held out/{part}/{task}"), []
        while count > len(docs) / (4 if task == "choice" else 1):
            prompt, a = generate.item(task, r, part)
            more = [encode(tok, generate.before(task, prompt), option) for option in (a if task == "choice" else [a])]
            if max(len(d[0]) for d in more) <= ROW:
                docs += more
        out[task] = docs
    return out
