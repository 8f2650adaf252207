"""Does the engine compute what was trained?

Compares an exported model with its checkpoint on held-out documents: the ids of every line, and the loss as `bench score` defines
it (windows from an empty cache, the second half of each is scored).
"""
# SPDX-License-Identifier: MIT
import argparse
import json
import os
import random
import subprocess
import tempfile

import torch
from torch.nn import functional as F

import batches
import generate
from model import Model
from tokenizer import Tokenizer

STRANGE = ("Grüße, naïve café, 100 % œuvre?!  two  spaces ", " lead", "日本語 mix_under_score", "ABC123def4.5,6", "tab\there",
           '«x» ... --- ==> {"a":[1,2]}', "")


def run(bench, *args):
    return json.loads(subprocess.run((bench, *args, "--json"), check=True, stdout=subprocess.PIPE).stdout)


@torch.no_grad()
def loss(model, ids, window):
    """Nats a scored token."""
    rows = torch.tensor(ids[:len(ids) // window * window]).view(-1, window)
    rows[:, 0] = batches.BOS
    mask = torch.full((window, window), -1e9).triu(1)[None, None]
    from_ = window // 2 + 1
    total = 0.0
    for row in rows.split(8):
        logits = model(row, mask)[:, from_ - 1:-1].double()
        total += float(F.cross_entropy(logits.flatten(0, 1), row[:, from_:].flatten(), reduction="sum"))
    return total / (len(rows) * (window - from_))


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--dir", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "run"),
                   help="where train.py wrote (models/train/run)")
    p.add_argument("--tiny", action="store_true")
    p.add_argument("--model", required=True, help="the GGUF file that export.py wrote from it")
    p.add_argument("--bench", required=True, help="the program")
    p.add_argument("--window", type=int, default=128)
    a = p.parse_args()
    shape = "tiny" if a.tiny else "full"
    tok = Tokenizer.load(os.path.join(a.dir, "vocabulary.json"))
    model = Model(shape, tok.size)
    model.products = torch.float32
    model.load_state_dict({n: t.half().float() if t.dim() == 2 else t
                           for n, t in torch.load(os.path.join(a.dir, shape + ".pt"))["model"].items()})
    r = random.Random("agree")
    texts = ["".join(generate.document(task, r, "test")) for task in generate.TASKS for _ in range(40)]
    lines = [line for t in texts for line in t.split("\n")] + list(STRANGE)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "text")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        out = subprocess.run((a.bench, "tokenize", "--model", a.model, "--lines", path), check=True, stdout=subprocess.PIPE,
                             text=True).stdout
        theirs = [[int(x) for x in line.split()] for line in out.split("\n")][:len(lines)]
        wrong = [line for line, ids in zip(lines, theirs) if ids != tok.encode(line)]
        print(f"{len(lines)} lines, {len(wrong)} tokenized differently", *wrong[:3], sep="\n  " if wrong else "")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(texts))
        ours = loss(model, [batches.BOS] + tok.encode("\n".join(texts)), a.window)
        got = run(a.bench, "score", "--model", a.model, "--text", path, "--window", str(a.window), "--compute", "exact", "--kv",
                  "f32")
    print(f"loss: PyTorch {ours:.6f}, engine {got['nll']:.6f} nats a token ({abs(got['nll'] / ours - 1):.4%} apart)")
    if wrong or len(theirs) != len(lines) or not abs(got["nll"] / ours - 1) < 1e-3:
        raise SystemExit("the engine does not compute what was trained")


if __name__ == "__main__":
    main()
