"""Words that several tasks share: rooms, devices, numbers, times."""
# SPDX-License-Identifier: MIT

ROOMS = ("kitchen", "living room", "bedroom", "bathroom", "hallway", "study", "attic", "basement", "garage", "garden",
         "balcony", "terrace", "nursery", "guest room", "dining room", "laundry room", "office", "workshop", "pantry",
         "playroom")
OUTSIDE = {"balcony": "on", "terrace": "on"}  # the others are "in"

LIGHTS = ("lamp", "light", "ceiling light", "floor lamp", "desk lamp", "reading lamp", "night light", "fairy lights",
          "spotlight", "lantern")
SWITCHED = LIGHTS + ("fan", "heater", "television", "radio", "speaker", "kettle", "coffee machine", "oven", "dishwasher",
                     "washing machine", "dryer", "humidifier", "air purifier", "vacuum", "sprinkler", "projector",
                     "air conditioner", "printer", "camera")
OPENED = ("blinds", "curtains", "window", "door", "shutters", "skylight", "garage door", "gate", "awning")
LOCKED = ("front door", "back door", "side door", "gate", "garage door", "cellar door", "safe", "cabinet")
PLURAL = {"blinds", "curtains", "shutters", "fairy lights"}
COLOURS = ("red", "green", "blue", "yellow", "orange", "purple", "pink", "warm white", "cold white", "turquoise")

ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen").split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NAMES = ("Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Henry", "Ida", "Jonas", "Lena", "Max", "Nora", "Oscar",
         "Paula", "Robin", "Sara", "Tom", "Vera", "Will")


def number(n):
    """0 to 100 in words, as they are spoken."""
    if n == 100:
        return "one hundred"
    if n < 20:
        return ONES[n]
    return TENS[n // 10] + (" " + ONES[n % 10] if n % 10 else "")


def spoken(r, n):
    return number(n) if r.random() < 0.35 else str(n)


def at(room):
    return f"{OUTSIDE.get(room, 'in')} the {room}"


def listed(lines):
    """The lines of a list.  What they begin with has a space in front of it, as everywhere else, and so the same pieces."""
    return "\n".join("- " + x for x in lines)


def is_are(device):
    return "are" if device in PLURAL else "is"


def clock(r):
    """A time as it is said, and as it is written: ("half past seven in the evening", "19:30")."""
    h, m = r.randrange(24), r.choice((0, 0, 0, 15, 30, 30, 45, 5, 10, 20, 40, 50))
    if m == 0 and h in (0, 12) and r.random() < 0.5:
        return ("noon" if h else "midnight"), f"{h:02}:00"
    written = f"{h:02}:{m:02}"
    kind = r.randrange(5)
    h12 = h % 12 or 12
    half = "am" if h < 12 else "pm"
    if kind == 0:
        return written, written
    if kind == 1:
        return (f"{h12} {half}" if m == 0 else f"{h12}:{m:02} {half}"), written
    part = "at night" if h < 4 or h >= 22 else "in the morning" if h < 12 else "in the afternoon" if h < 18 else "in the evening"
    if m == 15 or m == 30:
        say = ("quarter past " if m == 15 else "half past ") + ONES[h12]
    elif m == 45:
        say = "quarter to " + ONES[h12 % 12 + 1]
        if h in (3, 11, 17, 21):  # the next hour is another part of the day: say the hour itself
            say = f"{ONES[h12]} forty five"
    elif m == 0:
        say = ONES[h12] + (" o'clock" if kind == 3 else "")
    else:
        say = f"{ONES[h12]} {'oh ' if m < 10 else ''}{number(m)}"
    return f"{say} {part}", written


def duration(r):
    """("half an hour", "30min")"""
    k = r.randrange(8)
    if k == 0:
        return r.choice((("half an hour", "30min"), ("an hour", "1h"), ("a quarter of an hour", "15min"), ("a minute", "1min"),
                         ("an hour and a half", "90min")))
    if k == 1:
        n = r.randrange(2, 13)
        return f"{spoken(r, n)} hours", f"{n}h"
    if k == 2:
        n = r.choice((10, 15, 20, 30, 40, 45, 50, 90))
        return f"{spoken(r, n)} seconds", f"{n}s"
    n = r.choice((2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 18, 20, 25, 30, 35, 40, 45, 50, 55))
    return f"{spoken(r, n)} minutes", f"{n}min"
