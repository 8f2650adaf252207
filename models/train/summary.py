"""Task 3: a log of events to one or two sentences: what stands out, then the end."""
# SPDX-License-Identifier: MIT
from words import NAMES, OPENED, PLURAL, ROOMS, SWITCHED, is_are

WARNINGS = (("smoke detected", "smoke was detected"), ("water leak detected", "a water leak was detected"),
            ("battery low", "a battery was low"), ("glass break detected", "breaking glass was heard"),
            ("frost warning", "there was a frost warning"), ("motion alarm", "the motion alarm went off"),
            ("power failure", "the power failed"), ("air quality poor", "the air quality was poor"))
TIMES = ("", "once", "twice", "three times", "four times", "five times")


def join(words):
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def stamp(t):
    return f"{t // 60:02}:{t % 60:02}"


def make(r):
    """One subject that changes again and again, single events, arrivals, perhaps a warning; each has its part of a sentence."""
    room, device = r.choice(ROOMS), r.choice(SWITCHED + OPENED[:6])
    if room == "garage" and device == "door":
        device = "window"
    words = ("open", "closed") if device in OPENED else ("on", "off")
    n = r.randrange(1, 5)
    on = r.random() < 0.5
    log = []
    t = r.randrange(5 * 60, 17 * 60)
    for _ in range(n):
        log.append(("main", f"{room} {device} {words[0]}"))
        log.append(("main", f"{room} {device} {words[1]}"))
    if on:
        log.pop()
    who = r.sample(NAMES, r.choice((0, 1, 1, 2)))
    extra = [("who", f"{w} came home" if r.random() < 0.6 else f"{w} left") for w in who]
    warning = r.choice(WARNINGS) if r.random() < 0.45 else None
    place = r.choice(ROOMS)
    if warning:
        extra.append(("warning", f"{place} {warning[0]}"))
    low = high = None
    if r.random() < 0.4:
        where, low = r.choice([x for x in ROOMS if x != room]), r.randrange(12, 22)
        high = low + r.choice((-4, -3, -2, 2, 3, 4, 5, 6))
        extra += [("temp", f"{where} {low} degrees"), ("temp", f"{where} {high} degrees")]
    # mingle, the order of each kind kept
    rows, main = [], log[:]
    while main or extra:
        src = main if main and (not extra or r.random() < len(main) / (len(main) + len(extra))) else extra
        rows.append(src.pop(0))
    lines, when = [], {}
    for kind, text in rows:
        lines.append(f"{stamp(t)} {text}")
        when.setdefault(kind, []).append(stamp(t))
        t += r.randrange(2, 75)
    be, was = is_are(device), "were" if device in PLURAL else "was"
    verb = "opened" if device in OPENED else "switched on"
    first = f"The {room} {device} {was} {verb} {TIMES[n]}"
    first += f" and {be} still {words[0]}" if on else f", last {'closed' if device in OPENED else 'off'} at {when['main'][-1]}"
    second = []
    if warning:
        second.append(f"{warning[1]} in the {place} at {when['warning'][0]}")
    came = [w for w in who if any(x == f"{w} came home" for _, x in rows)]
    left = [w for w in who if w not in came]
    if came:
        second.append(f"{join(came)} came home")
    if left:
        second.append(f"{join(left)} left")
    if low:
        second.append(f"the {where} became {'warmer' if high > low else 'colder'}")
    text = first + "."
    if second:
        s = join(second)
        text += " " + s[0].upper() + s[1:] + "."
    keys = [("summary", "room, device", room, device)]
    if warning:
        keys += [("summary", "warning, room", warning[0], place)]
    if low:
        keys += [("summary", "rooms", room, where)]
    return keys, "\n".join(lines), text
