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


def joined(task, context, asked):
    """One document: a context, then every question and its answer: text before an answer, answer, text before the next."""
    out = []
    for q, a in asked.items():
        out += [f"\n{q}\n### answer\n", a]
    out[0] = f"### {task}\n{context}{out[0]}"
    return out


def questions(r):
    """A context with several questions about it, all of them training items."""
    asked = {}
    while not asked:
        lines, *house = answer.context(r)
        for keys, q, a in (answer.ask(r, *house) for _ in range(6)):
            if split_of(keys) == "train":
                asked["Q: " + q] = a
    return joined("answer", "\n".join(lines), asked)


def short(r):
    """A context of a few lines; of the questions about it many cannot be answered, many are answered by yes or no."""
    lines, *house = answer.context(r, devices=(1, 4), others=2)
    asked, kinds = {}, {}
    for keys, q, a in (answer.ask(r, *house) for _ in range(24)):
        kind = a if a == answer.UNKNOWN else a[:3] if a[:3] in ("Yes", "No,") else ""
        if split_of(keys) == "train" and kinds.get(kind, 0) < 3:
            asked["Q: " + q] = a
            kinds[kind] = kinds.get(kind, 0) + 1
    order = list(asked.items())[:r.randrange(5, 10)]
    r.shuffle(order)
    return joined("answer", "\n".join(lines), dict(order)) if order else short(r)


def known(r, bare=False):
    """What of a list of things a context knows, in a word each: nothing teaches that something is missing as often."""
    lines, rooms, pairs, have = answer.context(r, devices=(1, 5))
    asked = {f"{room} {device}": "yes" for _, room, device, _ in have["state"]}
    asked |= {f"{room} temperature": "yes" for room, _ in have["temp"]}
    asked |= {f"{code} code": "yes" for code, _ in have["code"]}
    asked |= {x[0]: "yes" for kind in ("item", "visit", "meal", "owner") for x in have[kind]}
    pools = (answer.ITEMS, answer.VISITORS, answer.DAYS, answer.NAMES, [f"{code} code" for code in answer.CODES],
             [f"{room} temperature" for room in answer.ROOMS],
             [f"{room} {device}" for room in rooms for device in answer.SWITCHED + answer.OPENED])
    for _ in range(len(asked) + 4):
        asked.setdefault(r.choice(r.choice(pools)), "no")
    for line, room, device, state in have["state"]:
        for word in ("open", "closed") if device in answer.OPENED else ("on", "off"):
            asked[f"{room} {device} {word}"] = "right" if state.split(",")[0] == word else "wrong"
    return briefly("known", "\n".join(lines), r.sample(list(asked.items()), len(asked)), ":", bare)


def look(r, bare=False):
    """What choices ask, as densely as it can be said: a list, then many times a thing of it and what belongs to the thing."""
    return r.choice((things_and_places, names_and_days, temperatures, odd_ones))(r, bare)


def things_and_places(r, bare):
    n = r.randrange(4, 8)
    rows = list(zip(r.sample(answer.ITEMS, n), r.sample(answer.PLACES, n)))
    asked = [(f"the {i}", p) for i, p in rows if split_of([("choice", "item, place", i, p)]) == "train"]
    return briefly("look", " ".join(f"The {i} is in {p}." for i, p in rows), both_ways(r, asked), "?", bare)


def names_and_days(r, bare):
    n, job = r.randrange(4, 8), r.choice(choice.JOBS)
    rows = list(zip(r.sample(answer.NAMES, n), r.sample(answer.DAYS, n)))
    asked = [(x, d) for x, d in rows if split_of([("choice", "day, name", d, x)]) == "train"]
    return briefly("look", ", ".join(f"{x} {job} on {d}" for x, d in rows) + ".", both_ways(r, asked), "?", bare)


def temperatures(r, bare):
    n = r.randrange(4, 8)
    rows = list(zip(r.sample(answer.ROOMS, n), r.sample(range(8, 31), n)))
    by_degrees, asked = sorted(rows, key=lambda x: x[1]), []
    for word, room in ((r.choice(("coldest", "coolest")), by_degrees[0][0]), (r.choice(("warmest", "hottest")), by_degrees[-1][0])):
        if split_of([("choice", word, room)]) == "train":
            asked.append((f"{word} place", room))
    for _ in range(3 * n):
        a, b = r.sample(rows, 2)
        word, pick = r.choice((("colder", min), ("warmer", max)))
        if split_of([("choice", "rooms", *sorted((a[0], b[0])))]) == "train":
            asked.append((f"{word}, {a[0]} or {b[0]}", pick(a, b, key=lambda x: x[1])[0]))
    r.shuffle(asked)
    return briefly("look", "\n".join(f"{x}: {t} degrees" for x, t in rows), asked, "?", bare)


def odd_ones(r, bare):
    """Again and again: lines of which one thing is in another state than the rest."""
    out = []
    while len(out) < 12:
        keys, q, options = choice.state(r)
        lines, _, _ = q.rpartition("\n")
        if split_of(keys) == "train":
            out += [f"{lines}\n" + brief(keys[1][-1], "?", bare), brief_answer(options[0], bare)]
    out[0] = "### look\n" + out[0]
    return out


def both_ways(r, rows):
    asked = rows + [(b, a) for a, b in rows]
    r.shuffle(asked)
    return asked


def brief(what, mark, bare):
    """Behind a space a word is one piece, as it mostly is in the list; bare, at the beginning of a line, it is several others."""
    return f"{what}{mark} " if bare else f"- {what}{mark}"


def brief_answer(word, bare):
    return f"{word}\n" if bare else f" {word}\n"


def briefly(task, text, asked, mark, bare):
    """A document that says of each thing, behind a list, a word or two."""
    out = []
    for what, word in asked:
        out += [brief(what, mark, bare), brief_answer(word, bare)]
    return [f"### {task}\n{text}\n### answer\n" + out[0]] + out[1:] if out else [f"### {task}\n{text}\n"]


def choices(r):
    """The lines of a choice with several ways to go on; or temperatures, then in their order."""
    if r.random() < 0.2:
        rooms = list(zip(r.sample(answer.ROOMS, 6), r.sample(range(8, 31), 6)))
        text = lambda rows: "\n".join(f"{x}: {t} degrees" for x, t in rows)
        word, sign = r.choice((("coldest", 1), ("warmest", -1)))
        rooms = rooms[:r.randrange(3, 7)]
        return [f"### lines\n{text(rooms)}\nfrom the {word}\n### answer\n", text(sorted(rooms, key=lambda x: sign * x[1]))]
    kind, end = r.choice(choice.SEVERAL)
    seed, asked = r.random(), {}
    while not asked:
        seed = r.random()
        for _ in range(6):
            keys, q, options = kind(random.Random(seed), r)
            context, _, q = q.rpartition(end)
            if split_of(keys) == "train":
                asked[q] = options[0]
    return joined("choice", context[0].upper() + context[1:] + end.strip(), asked)


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
