"""Task 5: a situation and four ways to end it; the right one has to be the likeliest."""
# SPDX-License-Identifier: MIT
from answer import ITEMS, PLACES
from words import DAYS, NAMES, OPENED, ROOMS, SWITCHED, at, listed

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
    return [("choice", "need, room", say, room), ("choice", "device, room", device, room)], q[0].upper() + q[1:], options


# Each of these makes a list, and everything that can be asked about it: combinations, the question, the options, the right one first.
def states(r):
    """Of four things listed, one is in the state that is asked for."""
    group = r.choice((SWITCHED, OPENED[:5]))
    a, b = r.choice((("on", "off"), ("off", "on"))) if group is SWITCHED else r.choice((("open", "closed"), ("closed", "open")))
    pairs = []
    while len(pairs) < 4:
        pair = r.choice(ROOMS), r.choice(group)
        if pair not in pairs:
            pairs.append(pair)
    gold = pairs[0]
    lines = [f"{x} {d}: {a if (x, d) == gold else b}" for x, d in pairs]
    r.shuffle(lines)
    return lines, [([("choice", "room, device", *gold), ("choice", "state", gold[1], a)],
                    r.choice((f"The one thing that is {a} is", f"Only one is {a}:", f"What is {a}? It is")),
                    [f"the {x} {d}" for x, d in pairs])]


def compared(r):
    rooms, temps = r.sample(ROOMS, 4), r.sample(range(8, 31), 4)
    asked = []
    for words, warm in ((("warmest", "hottest"), True), (("coldest", "coolest"), False)):
        order = sorted(range(4), key=lambda i: -temps[i] if warm else temps[i])
        for word in words:
            asked.append(([("choice", "rooms", *sorted((rooms[order[0]], rooms[order[1]]))), ("choice", word, rooms[order[0]])],
                          r.choice(("The {} place is", "The room that is {} is", "It is {} in")).format(word),
                          [f"the {rooms[i]}" for i in order]))
    return [f"{x}: {t} degrees" for x, t in zip(rooms, temps)], asked


def kept(r):
    items, places, asked = r.sample(ITEMS, 4), r.sample(PLACES, 4), []
    for gold in range(4):
        order = [gold] + [i for i in range(4) if i != gold]
        keys = [("choice", "item, place", items[gold], places[gold])]
        asked += [(keys, f"{r.choice(NAMES)} wants the {items[gold]} and looks in", [places[i] for i in order]),
                  (keys, f"In {places[gold]} {r.choice(NAMES)} finds", [f"the {items[i]}" for i in order])]
    return [f"the {i} is in {p}" for i, p in zip(items, places)], asked


def planned(r):
    days, names, job, asked = r.sample(DAYS, 4), r.sample(NAMES, 4), r.choice(JOBS), []
    for gold in range(4):
        order = [gold] + [i for i in range(4) if i != gold]
        keys = [("choice", "day, name", days[gold], names[gold]), ("choice", "job, name", job, names[gold])]
        asked += [(keys, f"Who {job} on {days[gold]}?", [f"It is {names[i]}" for i in order]),
                  (keys, f"When is it that {names[gold]} {job}?", [f"on {days[i]}" for i in order])]
    return [f"{n} {job} on {d}" for d, n in zip(days, names)], asked


LISTS = (states, compared, kept, planned)


def several(r, kinds=LISTS):
    """A list, and questions about it: combinations, the question, the right option."""
    lines, asked = r.choice(kinds)(r)
    r.shuffle(asked)
    return lines, [(keys, q, options[0]) for keys, q, options in asked[:6]]


def rows(r):
    """A list, what is known from it (a thing, what there is to it, their combinations), and things that are not on it."""
    n, kind = r.randrange(3, 7), r.randrange(4)
    if kind == 0:
        known = [(a, b, [("choice", "day, name", b, a)]) for a, b in zip(r.sample(NAMES, n), r.sample(DAYS, n))]
        lines, rest = [f"{a} {r.choice(JOBS)} on {b}" for a, b, _ in known], (NAMES, DAYS)
    elif kind == 1:
        known = [(a, b, [("choice", "item, place", a, b)]) for a, b in zip(r.sample(ITEMS, n), r.sample(PLACES, n))]
        lines, rest = [f"the {a} is in {b}" for a, b, _ in known], (ITEMS, PLACES)
    else:
        rooms = sorted(zip(r.sample(range(8, 31), n), r.sample(ROOMS, n)))
        lines = [f"{room}: {t} degrees" for t, room in rooms]
        r.shuffle(lines)
        if kind == 2:  # each is the coldest of the rest
            return lines, [(number, room, []) for number, (_, room) in zip(("first", "second", "third", "fourth", "fifth", "sixth"),
                                                                           rooms)], ()
        known = [(room, str(t), [("answer", "room, degrees", room, str(t))]) for t, room in rooms]
        for words, (x, y) in ((("coldest", "coolest"), (0, 1)), (("warmest", "hottest"), (-1, -2))):
            known += [(word, rooms[x][1], [("choice", word, rooms[x][1]), ("choice", "rooms", *sorted((rooms[x][1], rooms[y][1])))])
                      for word in words]
        return lines, known, r.sample(ROOMS, 6)
    r.shuffle(lines)
    if r.random() < 0.5:
        return lines, [(b, a, keys) for a, b, keys in known], r.sample(rest[1], 6)
    return lines, known, r.sample(rest[0], 6)


def listing(r, kind):
    lines, asked = kind(r)
    keys, q, options = r.choice(asked)
    return keys, listed(lines) + "\n" + q, options


KINDS = (need, need, *(lambda r, kind=kind: listing(r, kind) for kind in LISTS))


def make(r):
    """The first option is the right one; whoever prints them shuffles them."""
    keys, q, options = r.choice(KINDS)(r)
    return keys, q, options
