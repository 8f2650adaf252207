"""Task 6: plain stories of five to nine sentences about one thing that somebody wants, loses or repairs."""
# SPDX-License-Identifier: MIT
NAMES = (("Mina", "she"), ("Paul", "he"), ("Edith", "she"), ("Jakob", "he"), ("Rosa", "she"), ("Theo", "he"), ("Hanna", "she"),
         ("Emil", "he"), ("Olga", "she"), ("Anton", "he"), ("Lucy", "she"), ("Karl", "he"), ("Maya", "she"), ("Simon", "he"),
         ("Ella", "she"), ("Bruno", "he"))
HIS, HIM = {"she": "her", "he": "his"}, {"she": "her", "he": "him"}
ROLES = ("the baker", "the fisherman", "the teacher", "the old clockmaker", "the postman", "the gardener", "the painter",
         "the nurse", "the shepherd", "the ferryman", "the librarian", "the potter")
PLACES = ("in a small town by the sea", "at the edge of the forest", "in a house on the hill", "on a farm behind the river",
          "in a narrow street near the market", "on the top floor of a tall house", "in a village in the mountains",
          "near the old mill", "on an island with a lighthouse", "next to the railway station",
          "in a cottage under the chestnut trees", "at the end of a long valley")
WEATHER = ("It was raining softly", "The first snow had fallen", "The sun was already low", "A warm wind came from the south",
           "Fog lay over the fields", "The night had been cold", "It was the hottest day of the year",
           "The leaves were turning yellow", "A storm was on its way", "The morning was clear and bright",
           "The stars were coming out", "The streets were empty")
OBJECTS = (("lantern", "made of brass"), ("clock", "with a blue face"), ("kite", "of red paper"),
           ("violin", "with one string missing"), ("boat", "no longer than a hand"), ("map", "drawn in green ink"),
           ("key", "nobody had a lock for"), ("scarf", "of grey wool"), ("book", "without a title"),
           ("bell", "that hardly rang"), ("basket", "full of pears"), ("bicycle", "with a bent wheel"),
           ("radio", "that only hissed"), ("lamp", "with a crooked shade"), ("music box", "from a distant country"),
           ("telescope", "with a cracked lens"), ("coat", "with silver buttons"), ("wooden horse", "painted white"))
FOUND = ("under the stairs", "behind the stove", "in the attic", "at the bottom of the garden", "on the bench at the harbour",
         "in the hollow tree", "beside the well", "between two old coats", "in a drawer that always stuck",
         "on the roof of the shed", "beneath the bridge", "in the bakery window")
ANIMALS = ("a black cat", "a lame dog", "a young fox", "a grey goose", "a small owl", "an old donkey", "a shy deer",
           "a crow with one white feather", "a hedgehog", "a red squirrel")
FEEL = ("proud", "sad", "curious", "tired", "glad", "afraid", "lonely", "angry", "surprised", "calm")
WORK = ("cleaned it with a soft cloth", "took it apart on the kitchen table", "tied it together with string",
        "looked at it for a whole evening", "wrapped it in paper", "carried it home through the rain", "hid it under the bed",
        "showed it to everybody in the street", "oiled every wheel and hinge", "painted it a second time")
SAYINGS = ("Some things only need time", "You can not keep what you do not share", "Whoever looks long enough will find it",
           "It was never really lost", "A good friend is worth a detour", "Tomorrow it will look different",
           "Nothing is too small to be missed", "Take it, it was waiting for you", "I had one just like it when I was young",
           "We should bring it back where it belongs")
ENDS = ("From that day on {n} never passed the place without a smile.", "And when the lights went out, {n} was already asleep.",
        "Years later people still talked about it.", "{N} put the {o} on the windowsill, where it stands to this day.",
        "The next morning everything was quiet again.", "{N} knew that it would not be the last time.",
        "They drank tea together until the fire had burned down.", "So the {o} had found its home.",
        "In the end {p} gave it away, and was happier than before.", "That evening {p} wrote a long letter about it.")


def the(words):
    """ "a black cat" once it is known. """
    return "the " + words.split(" ", 1)[1]


def make(r):
    (n, p), place, (o, what) = r.choice(NAMES), r.choice(PLACES), r.choice(OBJECTS)
    role, where, animal, weather = r.choice(ROLES), r.choice(FOUND), r.choice(ANIMALS), r.choice(WEATHER)
    feel, feel2, work, say = r.choice(FEEL), r.choice(FEEL), r.choice(WORK), r.choice(SAYINGS)
    P, his, him = p.capitalize(), HIS[p], HIM[p]
    a = "an" if o[0] in "aeiou" else "a"
    out = [r.choice((f"{n} lived {place}.", f"{n} had lived {place} for as long as {p} could remember.",
                     f"Long ago, {place}, there lived {'a girl' if p == 'she' else 'a boy'} called {n}.",
                     f"{n} had just moved into a room {place}." if place.startswith(("in a", "on the top", "near", "next",
                                                                                     "at")) else f"{n} came to stay {place}."))]
    out.append(r.choice((f"{weather} when {p} found {a} {o} {where}, {a} {o} {what}.", f"{weather}, and {n} was {feel}.",
                         f"One day {p} found {a} {o} {what} {where}.")))
    if o not in out[1]:
        out.append(r.choice((f"Then {p} saw something {where}: it was {a} {o} {what}.",
                             f"All {p} owned was {a} {o} {what}, and {p} kept it {where}.")))
    out.append(r.choice((f"{P} {work}.", f"{P} {work}, and then {p} {r.choice([w for w in WORK if w != work])}.",
                         f"First {p} {work}, but nothing happened.")))
    if r.random() < 0.6:
        out.append(r.choice((f"Only {animal} was watching {him}.", f"Since that day {animal} followed {him} everywhere.",
                             f"In the evening {animal} came and sat down next to {him}.")))
        if r.random() < 0.6:
            out.append(r.choice((f"{the(animal).capitalize()} seemed to know more about the {o} than {p} did.",
                                 f"{n} shared {his} bread with {the(animal)}.",
                                 f"\"You are late,\" said {n} to {the(animal)}.")))
    if r.random() < 0.8:
        out.append(r.choice((f"{role.capitalize()} came by and looked at the {o}.", f"{n} went to {role} and asked for help.",
                             f"When {role} heard of the {o}, everything changed.")))
        out.append(r.choice((f"\"{say},\" said {role}.", f"\"{say},\" {role} said, and {n} was {feel2}.",
                             f"\"{say},\" whispered {role} and left.")))
    else:
        out.append(f"{n} was {feel2}, and did not know why.")
    if r.random() < 0.5:
        second = r.choice([x for x in NAMES if x[0] != n])
        out.append(r.choice((f"{n} told {his} friend {second[0]} about it.",
                             f"{second[0]}, who lived next door, laughed and asked to see the {o}.",
                             f"Together with {second[0]} {p} carried the {o} to {role}.")))
        if r.random() < 0.5:
            out.append(f"\"{r.choice(SAYINGS)},\" said {second[0]}.")
    out.append(r.choice(ENDS).format(n=n, N=n, o=o, p=p))
    keys = [("story", "who, object", n, o), ("story", "object, where", o, where), ("story", "role, saying", role, say),
            ("story", "who, place", n, place)]
    return keys, "", " ".join(out)
