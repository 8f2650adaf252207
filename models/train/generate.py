"""The data: `python3 generate.py --out DIR` writes the test sets as JSONL, and some validation stories as one plain text, and
checks that training sees none of it.

Training text is never stored: documents(seed) makes it as it is needed, the same for the same seed.
"""
# SPDX-License-Identifier: MIT
import argparse
import json
import os
import random

import answer
import choice
import intent
import story
import summary
import translate
from split import split_of

TASKS = {"intent": intent, "answer": answer, "summary": summary, "translate": translate, "choice": choice, "story": story}

STORIES = 100  # in stories.txt


def item(task, r, part):
    """A random item of one part of the data: prompt, answer (of a choice: the options, the right one first)."""
    while True:
        keys, prompt, out = TASKS[task].make(r)
        if split_of(keys) == part:
            return prompt, out


def before(task, prompt):
    """What the model reads before it answers."""
    return f"### {task}\n{prompt}\n### answer\n" if task != "story" else ""


def document(task, r, part="train"):
    """One document of training: the text before the answer, the answer."""
    prompt, out = item(task, r, part)
    return before(task, prompt), out[0] if task == "choice" else out


def questions(r):
    """A context with several questions about it, all of them training items: text before an answer, answer, text before the next."""
    asked = {}
    while not asked:
        lines, *house = answer.context(r)
        for keys, q, a in (answer.ask(r, *house) for _ in range(6)):
            if split_of(keys) == "train":
                asked[q] = a
    out = []
    for q, a in asked.items():
        out += [f"\nQ: {q}\n### answer\n", a]
    out[0] = "### answer\n" + "\n".join(lines) + out[0]
    return out


def lines(r):
    """A list, and the same lines in another order: once a line has begun, the rest must be looked up."""
    kind = r.randrange(4)
    if kind < 2:
        out = answer.context(r)[0]
    elif kind == 2:
        job = r.choice(choice.JOBS)
        out = [f"{n} {job} on {d}" for n, d in zip(r.sample(answer.NAMES, 7), r.sample(answer.DAYS, 7))]
    else:
        n = r.randrange(5, 9)
        out = [f"The {i} is in {p}." for i, p in zip(r.sample(answer.ITEMS, n), r.sample(answer.PLACES, n))]
    again = r.sample(out, len(out))
    return ["### lines\n" + "\n".join(out) + "\n### answer\n", "\n".join(again)]


def test_set(task, r, part, count):
    """Distinct items as they are written to JSONL."""
    seen, out = set(), []
    while len(out) < count:
        prompt, a = item(task, r, part)
        if (prompt or a) in seen:
            continue
        seen.add(prompt or a)
        if task == "choice":
            options = a[:]
            r.shuffle(options)
            out.append({"prompt": prompt, "choices": options, "gold": options.index(a[0])})
        elif task == "story":
            out.append({"text": a})
        else:
            out.append({"prompt": prompt, "answer": a})
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--out", required=True, help="folder for TASK.jsonl and stories.txt")
    p.add_argument("--count", type=int, default=500, help="items a task (500)")
    p.add_argument("--seed", default="test-1")
    p.add_argument("--check", type=int, default=100000,
                   help="training documents a task that are searched for test items (100000)")
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    for task in TASKS:
        items = {part: test_set(task, random.Random(f"{a.seed}/{part}/{task}"), part, a.count) for part in ("test", "valid")}
        held = {i.get("prompt") or i["text"] for part in items.values() for i in part}
        with open(os.path.join(a.out, f"{task}.jsonl"), "w", encoding="utf-8") as f:
            f.writelines(json.dumps(i, ensure_ascii=False) + "\n" for i in items["test"])
        if task == "story":
            with open(os.path.join(a.out, "stories.txt"), "w", encoding="utf-8") as f:
                f.writelines(i["text"] + "\n" for i in items["valid"][:STORIES])
        r = random.Random(f"check/{task}")
        drawn = (item(task, r, "train") for _ in range(a.check))
        found = sum((prompt or out) in held for prompt, out in drawn)
        print(f"{task}: {len(held)} held-out items, {found} of them among {a.check} training items", flush=True)
        if found:
            raise SystemExit(f"{task}: held-out items occur in training: a combination is missing from the keys of its make()")


if __name__ == "__main__":
    main()
