"""Task 2: a question about a short context of device states and notes, or "That is not in the notes." """
# SPDX-License-Identifier: MIT
from words import DAYS, LIGHTS, NAMES, OPENED, ROOMS, SWITCHED, at, is_are, listed, number

UNKNOWN = "That is not in the notes."
PLACES = ("the blue box", "the top drawer", "the hall cupboard", "the green bag", "the glove box", "the shed", "the old trunk",
          "the desk", "the basket by the door", "the red tin", "the linen closet", "the car", "the wardrobe", "the toolbox",
          "the coat pocket", "the bread bin", "the bookcase", "the flower pot")
ITEMS = ("spare key", "passport", "flashlight", "first aid kit", "warranty card", "sewing kit", "screwdriver", "charger",
         "umbrella", "remote", "bike pump", "picnic blanket", "cat carrier", "tape measure", "birthday present", "photo album",
         "swimsuit", "thermometer", "extension cord", "library book")
VISITORS = ("plumber", "dentist", "gardener", "electrician", "piano teacher", "painter", "nurse", "chimney sweep", "babysitter",
            "locksmith", "carpenter", "vet", "tutor", "cleaner")
FOODS = ("pizza", "lentil soup", "pancakes", "fried rice", "salad", "fish", "noodles", "apple pie", "curry", "omelette",
         "potato soup", "waffles")
CODES = ("wifi", "alarm", "safe", "garage", "tablet", "gate")


def states(r, room_devices):
    """Lines of device states: (line, room, device, state)."""
    for room, device in room_devices:
        if device in OPENED:
            state = r.choice(("open", "closed"))
        elif device in LIGHTS and r.random() < 0.4:
            state = f"on, {r.randrange(5, 100, 5)}%"
        else:
            state = r.choice(("on", "off"))
        yield f"{room} {device}: {state}", room, device, state


def context(r):
    """A household: its lines, and everything that is known by kind."""
    rooms = r.sample(ROOMS, r.randrange(2, 4))
    pool = SWITCHED + OPENED[:6]
    pairs = list({(r.choice(rooms), r.choice(pool)) for _ in range(r.randrange(2, 5))})
    pairs.sort()
    devices = list(states(r, [(a, b) for a, b in pairs if not (a == "garage" and b == "door")]))
    temps = [(x, r.randrange(14, 29)) for x in rooms if r.random() < 0.6]
    lines = [d[0] for d in devices] + [f"{x} temperature: {t} degrees" for x, t in temps]
    items = [(i, r.choice(PLACES)) for i in r.sample(ITEMS, r.randrange(0, 3))]
    visits = [(v, r.choice(DAYS), r.randrange(7, 20)) for v in r.sample(VISITORS, r.randrange(0, 3))]
    meals = [(d, r.choice(FOODS)) for d in r.sample(DAYS, r.randrange(0, 3))]
    owners = [(n, r.choice(ROOMS)) for n in r.sample(NAMES, r.randrange(0, 3))]
    codes = [(c, str(r.randrange(1000, 10000))) for c in r.sample(CODES, r.randrange(0, 2))]
    lines += [r.choice(("note: the {} is in {}", "note: {} in {}", "note: put the {} into {}")).format(*x) for x in items]
    lines += [r.choice(("note: the {} comes on {} at {}", "note: {} on {} at {}")).format(*x) for x in visits]
    lines += [r.choice(("note: {} we eat {}", "note: on {} there is {}")).format(*x) for x in meals]
    lines += [r.choice(("{} is " + at(x[1]), "seen: {} " + at(x[1]))).format(x[0]) for x in owners]
    lines += [r.choice(("note: {} code {}", "note: the {} code is {}")).format(*x) for x in codes]
    r.shuffle(lines)
    return lines, rooms, pairs, {"state": devices, "temp": temps, "item": items, "visit": visits, "meal": meals, "owner": owners,
                                 "code": codes, "count": devices}


def ask(r, rooms, pairs, have, known=0.8):
    """A question about it: its combinations, the question, the answer.  `known`: how often it is to be in the notes."""
    pool, devices, temps, items, visits, meals, owners, codes, _ = (SWITCHED + OPENED[:6], *have.values())
    known, kinds = r.random() < known, ["state", "state", "state", "temp", "item", "item", "visit", "meal", "owner", "code",
                                        "count"]
    kinds = [k for k in kinds if have[k]] if known else kinds
    kind = r.choice(kinds) if kinds else "state"
    known = known and bool(have[kind])
    pick = lambda values, rest: r.choice(values) if known else r.choice([x for x in rest if x not in [v[0] for v in values]])
    if kind == "state":
        if known:
            _, room, device, state = r.choice(devices)
        else:
            others = [(a, b) for a in rooms + [r.choice(ROOMS)] for b in pool]
            room, device = r.choice([x for x in others if x not in pairs and x != ("garage", "door")])
            state = ""
        be, name = is_are(device), r.choice((f"the {room} {device}", f"the {device} {at(room)}"))
        word, k = state.split(",")[0], r.randrange(3)
        if "%" in state and r.random() < 0.5:
            q, a = r.choice((f"how bright {be} {name}?", f"at how many percent {be} {name}?")), f"At {state.split(', ')[1]}."
        elif k == 0:
            ask = r.choice(("open", "closed") if device in OPENED else ("on", "off"))
            q = f"{be} {name} {ask}?"
            a = f"{'Yes' if word == ask else 'No'}, {'they are' if be == 'are' else 'it is'} {word}."
        else:
            q = r.choice((f"what is the state of {name}?", f"how {be} {name}?", f"tell me about {name}", f"what about {name}?"))
            a = f"The {room} {device} {be} {word}."
        keys = [("answer", "room, device", room, device), ("answer", "device, state", device, word, str(k))]
    elif kind == "temp":
        room = pick(temps, ROOMS)
        room, t = room if known else (room, 0)
        q = r.choice(("how warm is it {}?", "what is the temperature {}?", "how many degrees are there {}?",
                      "is it cold {}?")).format(at(room))
        a = f"It is {t} degrees {at(room)}."
        keys = [("answer", "question, room", q.split(at(room))[0], room), ("answer", "room, degrees", room, str(t))]
    elif kind == "item":
        x = pick(items, ITEMS)
        item, where = x if known else (x, "")
        q = r.choice(("where is the {}?", "where can i find the {}?", "where did we put the {}?",
                      "i need the {}, where is it?")).format(item)
        a = f"The {item} is in {where}."
        keys = [("answer", "item, place", item, where), ("answer", "question", q)]
    elif kind == "visit":
        x = pick(visits, VISITORS)
        who, day, hour = x if known else (x, "", 0)
        q, a = r.choice(((f"when does the {who} come?", f"The {who} comes on {day} at {hour}."),
                         (f"on which day does the {who} come?", f"On {day}."),
                         (f"at what time does the {who} come?", f"At {hour}.")))
        keys = [("answer", "visitor, day", who, day), ("answer", "question", q)]
    elif kind == "meal":
        x = pick(meals, DAYS)
        day, food = x if known else (x, "")
        q = r.choice(("what do we eat on {}?", "what is for dinner on {}?", "what is there on {}?")).format(day)
        a = f"On {day} there is {food}."
        keys = [("answer", "day, food", day, food)]
    elif kind == "owner":
        x = pick(owners, NAMES)
        who, room = x if known else (x, "")
        q = r.choice(("where is {}?", "have you seen {}?", "in which room is {}?")).format(who)
        a = f"{at(room).capitalize()}." if room else ""
        keys = [("answer", "name, room", who, room)]
    elif kind == "code":
        x = pick(codes, CODES)
        what, code = x if known else (x, "")
        q = r.choice(("what is the {} code?", "tell me the code of the {}", "which code does the {} have?")).format(what)
        a = f"The {what} code is {code}."
        keys = [("answer", "code", what, code[:2])]
    else:
        ask = r.choice(("on", "off", "open", "closed"))
        n = sum(d[3].split(",")[0] == ask for d in devices)
        q = r.choice((f"how many things are {ask}?", f"how many are {ask}?"))
        a = f"{number(n).capitalize()}." if n else "None."
        known = True
        keys = [("answer", "count", ask, *sorted(d[2] for d in devices)[:2])]
    if not known:
        a = UNKNOWN
    if r.random() < 0.4:
        q = q[0].upper() + q[1:]
    return keys, q, a


def rows(r):
    """A context, what is known from it (a thing, what there is to it, their combinations), and things that are not in it."""
    out, rooms, _, have = context(r)
    key = lambda *words: [("answer", *words)]
    known = [(x[0], x[1], key(words, *x[:2])) for what, words in (("item", "item, place"), ("visit", "visitor, day"),
                                                                  ("meal", "day, food"), ("owner", "name, room"))
             for x in have[what]]
    if r.random() < 0.3 and known:  # the other way round
        values = [v for _, v, _ in known]
        return out, [(v, k, keys) for k, v, keys in known if values.count(v) == 1], r.sample(PLACES + FOODS, 8)
    known += [(f"{room} {device}", state.split(",")[0], key("room, device", room, device)) for _, room, device, state in have["state"]]
    known += [(f"{room} temperature", str(t), key("room, degrees", room, str(t))) for room, t in have["temp"]]
    known += [(f"{code} code", number, key("code", code, number[:2])) for code, number in have["code"]]
    rest = [f"{x} {y}" for x in rooms for y in r.sample(SWITCHED, 2)] + [f"{x} temperature" for x in r.sample(ROOMS, 2)]
    rest += [f"{x} code" for x in CODES] + r.sample(ITEMS + VISITORS + NAMES, 12)
    return out, known, rest


def make(r):
    lines, *house = context(r)
    keys, q, a = ask(r, *house)
    return keys, listed(lines) + "\nQ: " + q, a
