"""Task 1: a spoken command to JSON, an intent with slots in a fixed order."""
# SPDX-License-Identifier: MIT
import json

from words import (COLOURS, DAYS, LIGHTS, LOCKED, NAMES, OPENED, PLURAL, ROOMS, SWITCHED, at, clock, duration, is_are, spoken)

SLOTS = ("intent", "device", "room", "property", "value", "unit", "change", "item", "count", "name", "genre", "delay", "for",
         "day", "time", "then")

# {d}: the device with its article, {x}: the device without, {r}: " in the kitchen" or nothing
PHRASES = {
    "turn_on": ("turn on {d}{r}", "turn {d}{r} on", "switch on {d}{r}", "switch {d}{r} on", "start {d}{r}", "power up {d}{r}",
                "{d}{r} on", "activate {d}{r}", "i need {d}{r} on", "get {d}{r} going", "put {d}{r} on", "make {d}{r} run",
                "{d}{r} should be on", "i want {d}{r} turned on", "enable {d}{r}", "let us have {d}{r} on",
                "i'd like {d}{r} on", "can we have {d}{r} on", "why {is} {d}{r} off, i need {it}", "{d}{r}, on",
                "turn {d}{r} back on"),
    "turn_off": ("turn off {d}{r}", "turn {d}{r} off", "switch off {d}{r}", "switch {d}{r} off", "stop {d}{r}",
                 "shut down {d}{r}", "{d}{r} off", "deactivate {d}{r}", "i do not need {d}{r} any more", "kill {d}{r}",
                 "cut the power to {d}{r}", "{d}{r} should be off", "i want {d}{r} turned off", "disable {d}{r}",
                 "shut {d}{r} off", "i'd like {d}{r} off", "can we have {d}{r} off", "we are done with {d}{r}", "{d}{r}, off",
                 "why {is} {d}{r} still on"),
    "open": ("open {d}{r}", "open up {d}{r}", "raise {d}{r}", "{d}{r} open", "i want {d}{r} open", "pull {d}{r} open",
             "make sure {d}{r} {is} open", "get {d}{r} open", "{d}{r} should be open", "i'd like {d}{r} open",
             "can we have {d}{r} open", "let some air in through {d}{r}"),
    "close": ("close {d}{r}", "shut {d}{r}", "lower {d}{r}", "{d}{r} closed", "i want {d}{r} closed", "pull {d}{r} shut",
              "make sure {d}{r} {is} closed", "get {d}{r} closed", "{d}{r} should be closed", "i'd like {d}{r} closed",
              "why {is} {d}{r} still open", "can we have {d}{r} shut"),
    "lock": ("lock {d}{r}", "lock up {d}{r}", "make sure {d}{r} is locked", "secure {d}{r}", "bolt {d}{r}",
             "i want {d}{r} locked", "{d}{r} should be locked", "nobody should get through {d}{r}", "i'd like {d}{r} locked"),
    "unlock": ("unlock {d}{r}", "take the lock off {d}{r}", "make sure {d}{r} is unlocked", "i want {d}{r} unlocked",
               "release {d}{r}", "undo the lock on {d}{r}", "{d}{r} should be unlocked", "i'd like {d}{r} unlocked"),
    "query": ("{is} {d}{r} on", "what is {d}{r} doing", "what is the state of {d}{r}", "tell me the state of {d}{r}",
              "check {d}{r}", "how {is} {d}{r}", "did i leave {d}{r} on", "show me the status of {d}{r}",
              "is someone using {d}{r}", "what's up with {d}{r}", "i wonder what {d}{r} {is} doing"),
}
GROUP = {"turn_on": SWITCHED, "turn_off": SWITCHED, "open": OPENED, "close": OPENED, "lock": LOCKED, "unlock": LOCKED,
         "query": SWITCHED}
BARE = ("i ", "i'd", "{d}", "{is}", "what", "how", "did", "can ", "why", "let us", "we ", "nobody",
        "is ")  # phrases that take no "could you"
BEFORE = ("please ", "could you ", "can you ", "could you please ", "i would like you to ", "would you ", "i want you to ",
          "go ahead and ", "now ", "quickly ", "be so kind and ", "hey, ", "ok, ", "hello, please ", "you can ", "time to ",
          "will you ", "just ", "computer, ", "dear house, ", "alright, ", "do me a favour and ", "could you maybe ",
          "please, ", "i need you to ")
AFTER = (" please", " now", " for me", " right away", " thanks", ", will you", " thank you", " if you can", " at once",
         ", please", " would you", " again", ", would be nice")

# property: devices, unit, values, phrases ({v}: the value as spoken)
SETTINGS = {
    "brightness": (LIGHTS, "%", range(5, 101, 5),
                   ("set {d}{r} to {v} percent", "dim {d}{r} to {v} percent", "bring {d}{r} to {v} percent",
                    "{d}{r} at {v} percent", "set the brightness of {d}{r} to {v} percent", "make {d}{r} {v} percent bright",
                    "put {d}{r} at {v} percent brightness")),
    "temperature": (("thermostat", "heater", "oven", "air conditioner", "fridge", "radiator"), "C", range(4, 31),
                    ("set {d}{r} to {v} degrees", "make {d}{r} {v} degrees", "put {d}{r} on {v} degrees",
                     "{d}{r} at {v} degrees", "bring {d}{r} to {v} degrees celsius", "i want {d}{r} at {v} degrees",
                     "set the temperature of {d}{r} to {v} degrees", "{d}{r} to {v} degrees fahrenheit",
                     "set {d}{r} to {v} degrees fahrenheit")),
    "volume": (("television", "radio", "speaker", "projector", "doorbell"), "%", range(5, 101, 5),
               ("set the volume of {d}{r} to {v} percent", "{d}{r} to volume {v}", "put {d}{r} at volume {v}",
                "turn {d}{r} to {v} percent volume", "i want {d}{r} at volume {v}", "set {d}{r} to volume {v}")),
    "position": (("blinds", "curtains", "shutters", "skylight", "awning"), "%", range(10, 100, 5),
                 ("set {d}{r} to {v} percent", "open {d}{r} to {v} percent", "move {d}{r} to {v} percent",
                  "bring {d}{r} to {v} percent", "i want {d}{r} at {v} percent", "{d}{r} to {v} percent")),
    "speed": (("fan", "air purifier", "humidifier", "vacuum"), "level", range(1, 6),
              ("set {d}{r} to level {v}", "run {d}{r} at speed {v}", "{d}{r} on level {v}", "put {d}{r} at level {v}",
               "{d}{r} to speed {v}", "switch {d}{r} to level {v}")),
}
CHANGES = {
    ("brightness", "up"): (LIGHTS, ("make {d}{r} brighter", "brighten {d}{r}", "{d}{r} is too dim",
                                    "turn up the brightness of {d}{r}")),
    ("brightness", "down"): (LIGHTS, ("dim {d}{r}", "make {d}{r} darker", "{d}{r} is too bright", "dim {d}{r} a little")),
    ("volume", "up"): (("television", "radio", "speaker", "projector"),
                       ("turn up {d}{r}", "make {d}{r} louder", "{d}{r} is too quiet", "i can not hear {d}{r}")),
    ("volume", "down"): (("television", "radio", "speaker", "projector"),
                         ("turn down {d}{r}", "make {d}{r} quieter", "{d}{r} is too loud", "lower the volume of {d}{r}")),
    ("temperature", "up"): (("thermostat", "heater", "radiator", "air conditioner"),
                            ("make {d}{r} warmer", "turn {d}{r} up a bit", "raise the temperature of {d}{r}")),
    ("temperature", "down"): (("thermostat", "heater", "radiator", "air conditioner"),
                              ("make {d}{r} cooler", "turn {d}{r} down a bit", "reduce the temperature of {d}{r}")),
}
COMPLAINTS = (  # said of a room alone
    ("it is too dark {r}", {"intent": "turn_on", "device": "light"}),
    ("i can not see anything {r}", {"intent": "turn_on", "device": "light"}),
    ("it is too bright {r}", {"intent": "turn_off", "device": "light"}),
    ("nobody needs light {r}", {"intent": "turn_off", "device": "light"}),
    ("it is too cold {r}", {"intent": "change", "device": "thermostat", "property": "temperature", "change": "up"}),
    ("i am freezing {r}", {"intent": "change", "device": "thermostat", "property": "temperature", "change": "up"}),
    ("it is too hot {r}", {"intent": "change", "device": "thermostat", "property": "temperature", "change": "down"}),
    ("i am sweating {r}", {"intent": "change", "device": "thermostat", "property": "temperature", "change": "down"}),
    ("the air is bad {r}", {"intent": "open", "device": "window"}), ("it smells {r}", {"intent": "open", "device": "window"}),
    ("there is a draft {r}", {"intent": "close", "device": "window"}),
    ("the rain comes in {r}", {"intent": "close", "device": "window"}),
    ("the air is too dry {r}", {"intent": "turn_on", "device": "humidifier"}),
    ("the sun blinds me {r}", {"intent": "close", "device": "blinds"}),
    ("the floor is dirty {r}", {"intent": "turn_on", "device": "vacuum"}),
    ("what is the temperature {r}", {"intent": "query", "device": "thermostat"}),
    ("could we have some light {r}", {"intent": "turn_on", "device": "light"}),
    ("some fresh air {r} would be good", {"intent": "open", "device": "window"}),
    ("lights out {r}", {"intent": "turn_off", "device": "light"}), ("lights on {r}", {"intent": "turn_on", "device": "light"}),
    ("it could be warmer {r}", {"intent": "change", "device": "thermostat", "property": "temperature", "change": "up"}),
    ("it could be cooler {r}", {"intent": "change", "device": "thermostat", "property": "temperature", "change": "down"}),
    ("how warm is it {r}", {"intent": "query", "device": "thermostat"}),
    ("how humid is it {r}", {"intent": "query", "device": "humidifier"}),
)
GOODS = ("milk", "bread", "eggs", "butter", "apples", "bananas", "rice", "coffee", "tea", "cheese", "tomatoes", "potatoes",
         "onions", "yoghurt", "flour", "sugar", "salt", "soap", "batteries", "candles", "light bulbs", "toilet paper",
         "dish soap", "oat milk", "orange juice", "cat food", "noodles", "carrots", "lemons", "honey", "olive oil", "peppers",
         "mushrooms", "napkins")
JOBS = ("water the plants", "call the dentist", "take out the trash", "feed the cat", "pay the rent", "pick up the parcel",
        "buy flowers", "take the medicine", "walk the dog", "book the train", "empty the dishwasher", "clean the filter",
        "charge the car", "send the letter", "check the mail", "bring back the books", "ring the plumber", "fold the laundry",
        "prepare dinner", "lock the bikes", "change the sheets", "order the pizza", "defrost the fridge", "write to grandma")
TIMERS = ("pasta", "egg", "pizza", "tea", "laundry", "bread", "nap", "workout", "rice", "cake", "homework", "parking")
SCENES = ("movie night", "good night", "good morning", "party", "dinner", "reading", "away", "holiday", "work", "relax", "rain",
          "cleaning", "guests", "bath time", "breakfast")
GENRES = ("jazz", "rock", "classical music", "pop", "folk", "techno", "the news", "an audiobook", "birdsong", "blues", "opera",
          "children's songs", "hip hop", "reggae", "country", "white noise")
FIXES = ("no", "no wait", "sorry", "i mean", "no sorry", "wait", "actually", "no, i meant", "oh no", "make that", "rather")


def wrap(r, text, polite=True):
    if polite and r.random() < 0.35:
        text = r.choice(BEFORE) + text
    if polite and r.random() < 0.15:
        text += r.choice(AFTER)
    return text


def write(slots):
    """Compact, the slots in their order; a second command is the slot "then"."""
    return json.dumps({k: slots[k] for k in SLOTS if k in slots}, separators=(",", ":"))


def place(r, device, room):
    """The device with its room, in one of the ways they are said: (d, r, in front)."""
    if room is None:
        return f"{r.choice(('the', 'the', 'the', 'my', 'our'))} {device}", "", ""
    k = r.random()
    if k < 0.55:
        return f"the {device}", " " + at(room), ""
    if k < 0.85:
        return f"the {room} {device}", "", ""
    return f"the {device}", "", at(room) + ", "


def fill(r, phrase, device, room, front=True, **more):
    d, where, lead = place(r, device, room)
    if not front and lead:
        where, lead = " " + at(room), ""
    return lead + phrase.format(d=d, r=where, **{"is": is_are(device), "it": "them" if device in PLURAL else "it"}, **more)


def keys_of(phrase, device, room):
    """What may be held out: the device with its room, the phrasing with its device, the phrasing with its room."""
    out = [("intent", "phrase, device", phrase.replace("don't", "do not"), device)]
    if room:
        out += [("intent", "room, device", room, device)]
    return out


def switch(r, front=True, action=None):
    """The commonest kind of command: (keys, text, slots, politeness allowed)."""
    action = action or r.choice(("turn_on", "turn_on", "turn_off", "turn_off", "open", "close", "lock", "unlock", "query"))
    device, phrase = r.choice(GROUP[action]), r.choice(PHRASES[action])
    room = r.choice(ROOMS) if action not in ("lock", "unlock") and r.random() < 0.85 else None
    if room == "garage" and device.endswith("door"):
        room = None  # "the garage door" is a device
    slots = {"intent": action, "device": device}
    if room:
        slots["room"] = room
    return keys_of(phrase, device, room), fill(r, phrase, device, room, front), slots, not phrase.startswith(BARE)


def simple(r):
    keys, text, slots, polite = switch(r)
    k = r.random()
    if slots["intent"] != "query" and k < 0.3:
        if k < 0.12:
            say, slots["time"] = clock(r)
            text += f" at {say}"
            if r.random() < 0.4:
                slots["day"] = r.choice(DAYS + ("tomorrow", "today"))
                text += f" {slots['day']}" if slots["day"] in ("tomorrow", "today") else f" on {slots['day']}"
        elif k < 0.21:
            say, slots["delay"] = duration(r)
            text += r.choice((" in {}", " after {}", " in about {}", " {} from now")).format(say)
        else:
            say, slots["for"] = duration(r)
            text += f" for {say}"
        polite = polite and r.random() < 0.5
    return keys, wrap(r, text, polite), slots


def setting(r):
    prop = r.choice(tuple(SETTINGS))
    devices, unit, values, phrases = SETTINGS[prop]
    device, phrase, room = r.choice(devices), r.choice(phrases), r.choice(ROOMS) if r.random() < 0.8 else None
    if "fahrenheit" in phrase:
        unit, values = "F", range(50, 86)
    if device == "oven" and unit == "C":
        values = range(100, 255, 5)
    n = r.choice(values)
    say = str(n) if n > 100 else spoken(r, n)
    fixed = ""
    if r.random() < 0.2:
        m = r.choice(values)
        fixed = f", {r.choice(FIXES)}, {m if m > 100 else spoken(r, m)}"
    slots = {"intent": "set", "device": device, "property": prop, "value": n, "unit": unit}
    if fixed:
        slots["value"] = m
    if room:
        slots["room"] = room
    text = fill(r, phrase, device, room, v=say)
    return keys_of(phrase, device, room), wrap(r, text, not phrase.startswith(BARE)) + fixed, slots


def change(r):
    if r.random() < 0.4:
        phrase, slots = r.choice(COMPLAINTS)
        room = r.choice(ROOMS)
        return ([("intent", "complaint, room", phrase, room)],
                r.choice(("", "", "hey, ", "oh, ", "help, ", "listen, ")) + phrase.format(r=at(room)), dict(slots, room=room))
    (prop, way), (devices, phrases) = r.choice(tuple(CHANGES.items()))
    device, phrase, room = r.choice(devices), r.choice(phrases), r.choice(ROOMS) if r.random() < 0.7 else None
    slots = {"intent": "change", "device": device, "property": prop, "change": way}
    if room:
        slots["room"] = room
    text = fill(r, phrase, device, room)
    if device in PLURAL:
        text = text.replace(" is too", " are too")
    return keys_of(phrase, device, room), wrap(r, text, not phrase.startswith(BARE)), slots


def colour(r):
    device, room, value = r.choice(LIGHTS), r.choice(ROOMS), r.choice(COLOURS)
    phrase = r.choice(("make {d}{r} {v}", "set {d}{r} to {v}", "turn {d}{r} {v}", "change {d}{r} to {v}",
                       "i want {d}{r} in {v}", "{v} for {d}{r}", "set the colour of {d}{r} to {v}"))
    slots = {"intent": "set", "device": device, "room": room, "property": "colour", "value": value}
    text = fill(r, phrase, device, room, v=value)
    fixed = ""
    if r.random() < 0.15:
        slots["value"] = r.choice([c for c in COLOURS if c != value])
        fixed = f", {r.choice(FIXES)}, {slots['value']}"
    return (keys_of(phrase, device, room) + [("intent", "colour, device", value, device)],
            wrap(r, text, not phrase.startswith(("i ", "{v}"))) + fixed, slots)


def corrected(r):
    """"... no, the bedroom": the last word counts."""
    keys, text, slots, polite = switch(r, front=False)
    device, room = slots["device"], slots.get("room")
    fix = r.choice(FIXES)
    k = r.randrange(4)
    if k == 0 and room:
        other = r.choice([x for x in ROOMS if x != room])
        text += f", {fix}, {r.choice((at(other), 'the ' + other, 'the one ' + at(other)))}"
        slots["room"] = other
        keys += [("intent", "room, device", other, device), ("intent", "fix, room", fix, other)]
    elif k == 1:
        other = r.choice([x for x in GROUP[slots["intent"]] if x != device])
        text += f", {fix}, {r.choice(('the ', 'the ', 'i said the '))}{other}"
        slots["device"] = other
        keys += [("intent", "fix, device", fix, other)] + ([("intent", "room, device", room, other)] if room else [])
    elif k == 2:
        other = r.choice([x for x in GROUP[slots["intent"]] if x != device])
        where = " " + at(room) if room else ""
        pair = [device, other]
        r.shuffle(pair)
        said = r.choice(("there is {a} and {b}{w}. ", "i have {a} and {b}{w}. ", "we have {a} and {b}{w}. "))
        lead = said.format(a=f"the {pair[0]}", b=f"the {pair[1]}", w=where)
        phrase = r.choice(PHRASES[slots["intent"]])
        text = lead + phrase.format(d=f"the {device}", r="", **{"is": is_are(device),
                                                                "it": "them" if device in PLURAL else "it"})
        text += r.choice((". no, the other one", ", no, the other one", ", no, i mean the other one", ". sorry, the other one",
                          ", wait, not that, the other one"))
        slots["device"] = other
        polite = False
        keys = keys_of(phrase, device, None) + [("intent", "device, other", device, other)]
        keys += [("intent", "room, device", room, other)] if room else []
    else:
        end = r.choice((", no, forget it", ", no, cancel that", ", oh, never mind", ", wait, do nothing",
                        ", no, leave it as it is", ", sorry, forget that", ", actually no", ", stop, i changed my mind"))
        text, slots = text + end, {"intent": "none"}
        keys += [("intent", "phrase, device", end, device)]
    return keys, wrap(r, text, polite and r.random() < 0.6), slots


def negated(r):
    """"do not ...", alone or with what is wanted instead."""
    action = r.choice(("turn_on", "turn_off", "open", "close"))
    device, room = r.choice(GROUP[action]), r.choice([x for x in ROOMS if x != "garage"])
    verb = {"turn_on": ("turn on", "switch on", "start"), "turn_off": ("turn off", "switch off", "stop"), "open": ("open",),
            "close": ("close", "shut")}[action]
    phrase = r.choice(("do not {v} {d}", "don't {v} {d}", "never {v} {d}", "you must not {v} {d}", "please do not {v} {d}",
                       "i do not want you to {v} {d}", "there is no need to {v} {d}"))
    d = r.choice((f"the {device} {at(room)}", f"the {room} {device}"))
    text = phrase.format(v=r.choice(verb), d=d)
    keys = keys_of(phrase, device, room)
    if r.random() < 0.5:
        return keys, text, {"intent": "none"}
    keys2, want, slots, _ = switch(r, front=False)
    if slots["intent"] == "query":
        return keys, text, {"intent": "none"}
    join = r.choice((", {}", " but {}", ", {} instead", ", just {}", ". {}", ", only {}"))
    return keys + keys2, text + join.format(want), slots


def two(r):
    keys, a, s, polite = switch(r, front=False)
    keys2, b, t, _ = switch(r, front=False)
    join = r.choice((" and {}", " and then {}", ", then {}", " and also {}", ". also {}", ", and {}", ". after that {}"))
    s["then"] = {k: t[k] for k in SLOTS if k in t}
    return keys + keys2, wrap(r, a + join.format(b), polite and r.random() < 0.5), s


def timer(r):
    name, (say, written) = r.choice(TIMERS), duration(r)
    if r.random() < 0.25:
        phrase = r.choice(("stop the {n} timer", "cancel the {n} timer", "how long is left on the {n} timer",
                           "delete the timer for the {n}", "end the {n} timer", "check the {n} timer"))
        slots = {"intent": "query" if phrase.startswith(("how", "check")) else "cancel", "device": "timer", "name": name}
        return [("intent", "phrase, name", phrase, name)], wrap(r, phrase.format(n=name), not phrase.startswith("how")), slots
    named = ("set a {n} timer for {t}", "timer for {t} for the {n}", "start a timer for the {n}, {t}", "{t} for the {n}",
             "i need a {n} timer of {t}", "set a timer of {t} for the {n}", "give me {t} for the {n}",
             "wake me from the {n} in {t}")
    plain = ("set a timer for {t}", "timer {t}", "start a timer for {t}", "give me a timer of {t}", "count down {t}",
             "tell me when {t} have passed")
    slots = {"intent": "timer", "for": written}
    if r.random() < 0.7:
        phrase, slots["name"] = r.choice(named), name
    else:
        phrase = r.choice(plain)
    fixed = ""
    if r.random() < 0.12:
        again, slots["for"] = duration(r)
        fixed = f", {r.choice(FIXES)}, {again}"
    return ([("intent", "phrase, name", phrase, slots.get("name", "")), ("intent", "phrase, time", phrase, written)],
            wrap(r, phrase.format(n=name, t=say), phrase.startswith(("set", "start", "give", "count", "tell"))) + fixed, slots)


def alarm(r):
    say, written = clock(r)
    day = r.choice(DAYS + ("tomorrow",))
    phrase = r.choice(("set an alarm for {t}", "wake me at {t}", "wake me up at {t}", "alarm at {t}", "i have to get up at {t}",
                       "get me out of bed at {t}", "ring at {t}", "i want to sleep until {t}"))
    slots, text = {"intent": "alarm", "time": written}, phrase.format(t=say)
    if r.random() < 0.5:
        slots["day"] = day
        when = day if day == "tomorrow" else f"on {day}"
        text = f"{text} {when}" if r.random() < 0.7 else f"{when}, {text}"
    if r.random() < 0.15:
        again, slots["time"] = clock(r)
        text += f", {r.choice(FIXES)}, at {again}"
    return ([("intent", "phrase, hour", phrase, written[:2]), ("intent", "phrase, day", phrase, slots.get("day", ""))],
            wrap(r, text, not text.startswith(("i ", "on ", "tom"))), slots)


def reminder(r):
    job, who = r.choice(JOBS), r.choice(NAMES).lower() if r.random() < 0.2 else None
    phrase = r.choice(("remind {w} to {j}", "tell {w} to {j}", "do not let {w} forget to {j}", "{w} must {j}, remember that",
                       "set a reminder for {w} to {j}", "note that {w} must {j}", "help {w} remember to {j}"))
    mine = "i" if "must" in phrase else "me"
    slots, text = {"intent": "reminder", "item": job}, phrase.format(w=who or mine, j=job)
    if who:
        slots["name"] = who
    keys = [("intent", "phrase, job", phrase, job)]
    k = r.random()
    if k < 0.45:
        say, slots["time"] = clock(r)
        text += f" at {say}"
        keys += [("intent", "job, hour", job, slots["time"][:2])]
    elif k < 0.7:
        say, slots["delay"] = duration(r)
        text += f" in {say}"
    if k < 0.3 or k > 0.8:
        slots["day"] = r.choice(DAYS + ("tomorrow",))
        text += f" {'' if slots['day'] == 'tomorrow' else 'on '}{slots['day']}"
        keys += [("intent", "job, day", job, slots["day"])]
    return keys, wrap(r, text, phrase.startswith(("remind", "tell", "set", "note", "help"))), slots


def shopping(r):
    item, n = r.choice(GOODS), r.randrange(2, 13)
    phrase = r.choice(("add {i} to the shopping list", "put {i} on the list", "we need {i}", "buy {i}", "we are out of {i}",
                       "i need {i}", "write {i} on the shopping list", "get {i}", "there is no more {i}, add it to the list",
                       "shopping list, {i}"))
    drop = ("take {i} off the list", "remove {i} from the shopping list", "we do not need {i} any more",
            "delete {i} from the list", "cross out {i}")
    if r.random() < 0.25:
        phrase = r.choice(drop)
        return [("intent", "phrase, item", phrase, item)], wrap(r, phrase.format(i=item),
                                                                not phrase.startswith("we")), {"intent": "remove_item",
                                                                                               "item": item}
    slots, say = {"intent": "add_item", "item": item}, item
    if r.random() < 0.4 and "out of" not in phrase and "no more" not in phrase:
        unit = r.choice(("packs", "boxes", "bags", "kilos"))
        slots["count"], slots["unit"] = n, unit
        say = f"{spoken(r, n)} {unit} of {item}"
    return [("intent", "phrase, item", phrase, item)], wrap(r, phrase.format(i=say),
                                                            not phrase.startswith(("we", "i ", "there", "shop"))), {**slots}


def media(r):
    if r.random() < 0.4:
        name = r.choice(SCENES)
        phrase = r.choice(("activate the {n} scene", "start {n} mode", "set the scene {n}", "switch to {n}", "{n} scene",
                           "i want the {n} scene", "run the scene called {n}", "turn on the {n} scene",
                           "get the house ready for {n}", "it is time for {n}"))
        slots = {"intent": "scene", "name": name}
        if r.random() < 0.3:
            slots["room"] = room = r.choice(ROOMS)
            return ([("intent", "phrase, scene", phrase, name), ("intent", "scene, room", name, room)],
                    wrap(r, f"{phrase.format(n=name)} {at(room)}", phrase[0] not in "{i"), slots)
        return [("intent", "phrase, scene", phrase, name)], wrap(r, phrase.format(n=name), phrase[0] not in "{i"), slots
    genre, room = r.choice(GENRES), r.choice(ROOMS)
    phrase = r.choice(("play {g} {r}", "put on {g} {r}", "i want to hear {g} {r}", "{r}, play {g}", "let me hear {g} {r}",
                       "some {g} {r}", "start {g} {r}", "i would like {g} {r}"))
    return ([("intent", "phrase, genre", phrase, genre), ("intent", "genre, room", genre, room)],
            wrap(r, phrase.format(g=genre, r=at(room)), phrase.startswith(("play", "put", "let", "start"))),
            {"intent": "play", "room": room, "genre": genre})


KINDS = ((simple, 26), (setting, 14), (change, 8), (colour, 5), (corrected, 12), (negated, 7), (two, 8), (timer, 6), (alarm, 5),
         (reminder, 6), (shopping, 5), (media, 6))


def make(r):
    kind = r.choices([k for k, _ in KINDS], [w for _, w in KINDS])[0]
    keys, text, slots = kind(r)
    if r.random() < 0.3:
        for long, short in (("do not", "don't"), ("it is", "it's"), ("what is", "what's"), ("can not", "can't"),
                            ("i am", "i'm"), ("there is", "there's")):
            text = text.replace(long, short)
    if r.random() < 0.25:
        text = text[0].upper() + text[1:] + r.choice((".", "", "!", "."))
    return keys, text, write(slots)
