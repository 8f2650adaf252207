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
from words import listed

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


def hard(r):
    """A command of the kinds that are got wrong most: the other one of two things, and the garage, which a door can be of."""
    while True:
        prompt, out = item("intent", r, "train")
        if "other one" in prompt or "garage" in prompt:
            return before("intent", prompt), out


def questions(r):
    """A context with several questions about it, all of them training items: text before an answer, answer, text before the next."""
    asked = {}
    while not asked:
        lines, *house = answer.context(r)
        for keys, q, a in (answer.ask(r, *house, 0.6) for _ in range(6)):
            if split_of(keys) == "train":
                asked[q] = a
    out = []
    for q, a in asked.items():
        out += [f"\nQ: {q}\n### answer\n", a]
    out[0] = "### answer\n" + listed(lines) + out[0]
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
        out = [f"the {i} is in {p}" for i, p in zip(r.sample(answer.ITEMS, n), r.sample(answer.PLACES, n))]
    again = r.sample(out, len(out))
    return ["### lines\n" + listed(out) + "\n### answer\n", listed(again)]


def facts(r):
    """A list, then what is asked for and what there is to it, many times: the other side of a line, or that there is none."""
    out, known, rest = choice.rows(r) if r.random() < 0.4 else answer.rows(r)
    names = {k for k, _, _ in known}
    asked = [(k, v) for k, v, keys in known if split_of(keys) == "train"]
    missing = [x for x in dict.fromkeys(rest) if x not in names]
    asked += [(k, "none") for k in r.sample(missing, min(len(missing), max(2, len(known))))]
    r.shuffle(asked)
    texts = ["### facts\n" + listed(out) + "\n### answer\n"]
    for k, v in asked:
        texts[-1] += f"- {k}:"
        texts += [f" {v}\n", ""]
    return texts[:-1]


def quiz(r, kinds=choice.LISTS):
    """A list with several questions about it, as task `choice` asks them: text before an answer, answer, text before the next."""
    out, asked = choice.several(r, kinds)
    texts = ["### choice\n" + listed(out) + "\n"]
    for keys, q, a in asked:
        if split_of(keys) == "train":
            texts[-1] += f"{q}\n### answer\n"
            texts += [a, "\n"]
    return texts[:-1] if len(texts) > 1 else quiz(r, kinds)


def odd(r):
    """The same, with the one kind of list that has only one question: which is the odd one?"""
    return quiz(r, (choice.states,))


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
