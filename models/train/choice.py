"""Task 5: a situation and four ways to end it; the right one has to be the likeliest."""
# SPDX-License-Identifier: MIT
from answer import ITEMS, PLACES
from words import DAYS, NAMES, OPENED, ROOMS, SWITCHED, at

NEEDS = (  # what is said, what helps, on what
    ("it is too dark", "turn on", "lamp"), ("the lamp blinds me", "turn off", "lamp"), ("the air is stale", "open", "window"),
    ("the rain is coming in", "close", "window"), ("the sun is too bright", "close", "blinds"),
         ("i want to see the sun", "open", "blinds"),
    ("it is freezing", "turn on", "heater"), ("it is much too warm from the heating", "turn off", "heater"),
         ("i want to hear music", "turn on", "speaker"),
    ("the music is disturbing me", "turn off", "speaker"), ("i want to watch the news", "turn on", "television"),
    ("nobody is watching the film", "turn off", "television"), ("the air is too dry", "turn on", "humidifier"),
         ("the floor is full of dust", "turn on", "vacuum"),
    ("the robot is too noisy", "turn off", "vacuum"), ("i need a breeze", "turn on", "fan"),
         ("the breeze is too strong", "turn off", "fan"),
    ("the guests want to come in", "open", "door"), ("there is a draft from the hall", "close", "door"))
JOBS = ("cooks", "waters the plants", "cleans the kitchen", "feeds the cat", "does the shopping", "washes the car", "mows the lawn")
OPPOSITE = {"turn on": "turn off", "turn off": "turn on", "open": "close", "close": "open"}
KIND = {"turn on": ("lamp", "heater", "speaker", "television", "humidifier", "fan"),
        "turn off": ("lamp", "heater", "speaker", "television", "fan"),
        "open": ("window", "blinds", "door"), "close": ("window", "blinds", "door")}


def need(r):
    say, verb, device = r.choice(NEEDS)
    room = r.choice([x for x in ROOMS if x != "garage"])
    other = r.choice([x for x in ROOMS if x not in (room, "garage")])
    wrong = r.choice([d for d in KIND[verb] if d != device])
    q = r.choice(('{n} says: "{s} {r}." The house should', '{s} {r}, says {n}. The right thing is to',
                  "{n}: {s} {r}. Assistant, please"))
    q = q.format(n=r.choice(NAMES), s=say, r=at(room))
    options = [f"{verb} the {device} {at(room)}", f"{OPPOSITE[verb]} the {device} {at(room)}",
               f"{verb} the {device} {at(other)}",
               f"{verb} the {wrong} {at(room)}"]
    return [("choice", "need, room", say, room), ("choice", "device, room", device, room)], q, options


def state(r):
    """Of four things listed, one is in the state that is asked for."""
    group = r.choice((SWITCHED, OPENED[:5]))
    a, b = r.choice((("on", "off"), ("off", "on"))) if group is SWITCHED else r.choice((("open", "closed"), ("closed", "open")))
    pairs = list({(r.choice(ROOMS), r.choice(group)) for _ in range(8)})
    pairs.sort()
    r.shuffle(pairs)
    pairs = pairs[:4] if len(pairs) >= 4 else pairs
    gold = pairs[0]
    lines = [f"{x} {d}: {a if (x, d) == gold else b}" for x, d in pairs]
    r.shuffle(lines)
    q = "\n".join(lines) + "\n" + r.choice((f"The one thing that is {a} is", f"Only one is {a}:", f"What is {a}? It is"))
    return [("choice", "room, device", *gold), ("choice", "state", gold[1], a)], q, [f"the {x} {d}" for x, d in pairs]


def compare(r):
    rooms = r.sample(ROOMS, 4)
    temps = r.sample(range(8, 31), 4)
    warm = r.random() < 0.5
    order = sorted(range(4), key=lambda i: -temps[i] if warm else temps[i])
    lines = [f"{x}: {t} degrees" for x, t in zip(rooms, temps)]
    word = r.choice(("warmest", "hottest") if warm else ("coldest", "coolest"))
    q = "\n".join(lines) + "\n" + r.choice(("The {} place is", "The room that is {} is", "It is {} in")).format(word)
    options = [f"the {rooms[i]}" for i in order]
    return [("choice", "rooms", *sorted((rooms[order[0]], rooms[order[1]]))), ("choice", word, rooms[order[0]])], q, options


def kept(r):
    items, places = r.sample(ITEMS, 4), r.sample(PLACES, 4)
    lines = [f"The {i} is in {p}." for i, p in zip(items, places)]
    gold = r.randrange(4)
    order = [gold] + [i for i in range(4) if i != gold]
    if r.random() < 0.5:
        q, options = f"{{}} wants the {items[gold]} and looks in", [places[i] for i in order]
    else:
        q, options = f"In {places[gold]} {{}} finds", [f"the {items[i]}" for i in order]
    return ([("choice", "item, place", items[gold], places[gold])], " ".join(lines) + "\n" + q.format(r.choice(NAMES)), options)


def plan(r):
    days, names = r.sample(DAYS, 4), r.sample(NAMES, 4)
    job = r.choice(JOBS)
    rows = list(zip(days, names))
    gold = rows[0]
    shown = rows[:]
    r.shuffle(shown)
    lines = ", ".join(f"{n} {job} on {d}" for d, n in shown)
    if r.random() < 0.5:
        q, options = f"{lines}. On {gold[0]} the one who {job} is", [n for _, n in rows]
    else:
        q, options = f"{lines}. {gold[1]} {job} on", [d for d, _ in rows]
    return [("choice", "day, name", *gold), ("choice", "job, name", job, gold[1])], q, options


KINDS = (need, need, state, compare, kept, plan)


def make(r):
    """The first option is the right one; whoever prints them shuffles them."""
    keys, q, options = r.choice(KINDS)(r)
    return keys, q[0].upper() + q[1:], options
