"""Trains the shipped model (or --tiny, its sibling) on generated text; stops and resumes at any moment.

The matrices are trained with Muon (momentum, orthogonalised by five Newton-Schulz steps: Jordan 2024), the embedding and the
norms with Adam.  The rate rises over the first steps, stays, and falls in a straight line over the last third of --steps;
before that, --steps may be changed between two runs.
"""
# SPDX-License-Identifier: MIT
import argparse
import ctypes
import os
import time

import torch
from torch.nn import functional as F

import batches
from model import SHAPES, Model
from tokenizer import Tokenizer

WARMUP, FALL = 50, 1 / 3
MATRIX_RATE, OTHER_RATE, DECAY = 0.02, 0.005, 0.02


class Muon:
    """Matrices of one shape are one batch."""

    def __init__(self, params):
        self.groups = {}
        for p in params:
            self.groups.setdefault(tuple(p.shape), []).append(p)
        self.momentum = {s: torch.zeros(len(g), *s) for s, g in self.groups.items()}

    @torch.no_grad()
    def step(self, rate):
        for shape, group in self.groups.items():
            g = torch.stack([p.grad for p in group])
            m = self.momentum[shape].lerp_(g, 0.05)
            x = g.lerp(m, 0.95)
            x = (x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)).bfloat16()
            tall = shape[0] > shape[1]
            x = x.transpose(1, 2) if tall else x
            for _ in range(5):
                a = x @ x.transpose(1, 2)
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
            x = x.transpose(1, 2) if tall else x
            for p, d in zip(group, x):
                p.mul_(1 - rate * DECAY).add_(d, alpha=-rate * max(1, shape[0] / shape[1]) ** 0.5)


def factor(step, steps):
    """Of the rate: warm up, stay, fall."""
    return min(1.0, (step + 1) / WARMUP, max(0.0, (steps - step) / (steps * FALL)))


def losses(model, batch):
    """Negative log-likelihood of every target, and whether it would have been the greedy choice."""
    ids, target, weight, mask = batch
    logits = model(ids, mask)
    nll = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none").view_as(target)
    return nll, logits.argmax(-1) == target


@torch.no_grad()
def evaluate(model, held):
    """Of each task the mean loss of an answer's token, and the share of items that greedy decoding would get exactly right (of a
    choice: the right option is the likeliest)."""
    out = {}
    for task, docs in held.items():
        tokens, right, per = 0, [], []
        for k in range(0, len(docs), 16):
            part = docs[k:k + 16]
            batch = batches.pack(part, len(part), apart=True)
            nll, hit = losses(model, batch)
            answer = batch[2] == 1
            per += (nll * answer).sum(1).tolist()
            tokens += int(answer.sum())
            right += (hit | ~answer).all(1).tolist()
        if task == "choice":
            right = [min(per[i:i + 4]) == per[i] for i in range(0, len(per), 4)]
        out[task] = (sum(per) / tokens, sum(right) / len(right))
    return out


def keep_memory():
    """The C library gives large blocks back to the system at once, and getting them again costs a page fault every 4 KiB: without
    this a step takes about 1.6 times as long.  Elsewhere than with glibc nothing happens."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):
        libc.mallopt(-4, 0)              # M_MMAP_MAX
        libc.mallopt(-1, 2 ** 31 - 1)    # M_TRIM_THRESHOLD


def save(path, **state):
    torch.save(state, path + ".new")
    os.replace(path + ".new", path)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--dir", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "run"),
                   help="checkpoint, vocabulary, log (models/train/run)")
    p.add_argument("--tiny", action="store_true", help="the sibling for small devices")
    p.add_argument("--steps", type=int, default=12000)
    p.add_argument("--rows", type=int, default=16, help="rows of 256 tokens a step (16)")
    p.add_argument("--vocabulary", type=int, default=2048)
    p.add_argument("--seed", default="train-1")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--save-every", type=float, default=120, help="seconds (120)")
    p.add_argument("--check-every", type=float, default=400, help="seconds between validations (400)")
    p.add_argument("--evaluate", choices=("valid", "test"), help="no training: losses of this part, 500 items a task")
    a = p.parse_args()
    keep_memory()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    shape = "tiny" if a.tiny else "full"
    os.makedirs(a.dir, exist_ok=True)
    path, words = os.path.join(a.dir, shape + ".pt"), os.path.join(a.dir, "vocabulary.json")
    if not os.path.exists(words):
        batches.vocabulary(a.vocabulary).save(words)
    tok = Tokenizer.load(words)
    model = Model(shape, tok.size)
    matrices = [q for n, q in model.named_parameters() if q.dim() == 2 and "embd" not in n]
    others = [q for n, q in model.named_parameters() if q.dim() != 2 or "embd" in n]
    muon, adam = Muon(matrices), torch.optim.Adam(others, lr=OTHER_RATE, betas=(0.9, 0.98))
    step, spent = 0, 0.0
    if os.path.exists(path):
        c = torch.load(path)
        model.load_state_dict(c["model"])
        adam.load_state_dict(c["adam"])
        muon.momentum, step, spent = c["muon"], c["step"], c["seconds"]
    log = open(os.path.join(a.dir, shape + ".log"), "a", encoding="utf-8")

    def say(text):
        print(text, flush=True)
        print(text, file=log, flush=True)

    def check(part, count, step):
        model.eval()
        r = evaluate(model, batches.held_out(tok, part, count))
        model.train()
        say(f"{part} step {step}: " + ", ".join(f"{t} {loss:.4f} {right:.1%}" for t, (loss, right) in r.items()))

    if a.evaluate:
        check(a.evaluate, 500, step)
        return
    size = sum(q.numel() for q in model.parameters())
    say(f"{shape}: {SHAPES[shape]}, vocabulary {tok.size}, {size} parameters, from step {step} of {a.steps}, seed {a.seed}, "
        f"{a.rows} rows of {batches.ROW}")
    saved = checked = started = time.monotonic()
    sum_loss, n, since, tokens = 0.0, 0, started, 0
    while step < a.steps:
        batch = batches.training(tok, a.seed, step, a.rows)
        nll, _ = losses(model, batch)
        loss = (nll * batch[2]).sum() / batch[2].sum()
        adam.zero_grad(set_to_none=True)
        for q in matrices:
            q.grad = None
        loss.backward()
        k = factor(step, a.steps)
        muon.step(MATRIX_RATE * k)
        adam.param_groups[0]["lr"] = OTHER_RATE * k
        adam.step()
        step, n, sum_loss, tokens = step + 1, n + 1, sum_loss + float(loss), tokens + a.rows * batches.ROW
        now = time.monotonic()
        if step % 50 == 0 or step == a.steps:
            say(f"step {step} loss {sum_loss / n:.4f} rate {k:.3f} {tokens / (now - since):.0f} tokens/s "
                f"{spent + now - started:.0f} s")
            sum_loss, n, since, tokens = 0.0, 0, now, 0
        if now - saved > a.save_every or step == a.steps:
            save(path, model=model.state_dict(), adam=adam.state_dict(), muon=muon.momentum, step=step, shape=shape,
                 seconds=spent + now - started)
            saved = now
        if now - checked > a.check_every or step == a.steps:
            check("valid", 60, step)
            checked = since = time.monotonic()
            tokens = 0


if __name__ == "__main__":
    main()
