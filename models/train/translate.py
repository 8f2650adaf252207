"""Task 4: household sentences from English to German: a frame with nouns in it, declined by gender, case and article."""
# SPDX-License-Identifier: MIT
from words import NAMES, ONES

# English, German, gender (p: plural)
THINGS = (("lamp", "Lampe", "f"), ("light", "Licht", "n"), ("fan", "Ventilator", "m"), ("heater", "Heizung", "f"),
          ("television", "Fernseher", "m"), ("radio", "Radio", "n"), ("kettle", "Wasserkocher", "m"), ("oven", "Ofen", "m"),
          ("dishwasher", "Spülmaschine", "f"), ("washing machine", "Waschmaschine", "f"), ("fridge", "Kühlschrank", "m"),
          ("coffee machine", "Kaffeemaschine", "f"), ("vacuum cleaner", "Staubsauger", "m"), ("computer", "Computer", "m"),
          ("printer", "Drucker", "m"), ("camera", "Kamera", "f"), ("alarm clock", "Wecker", "m"),
          ("speaker", "Lautsprecher", "m"), ("dryer", "Trockner", "m"), ("toaster", "Toaster", "m"), ("stove", "Herd", "m"),
          ("air conditioner", "Klimaanlage", "f"), ("projector", "Beamer", "m"), ("screen", "Bildschirm", "m"))
DOORS = (("window", "Fenster", "n"), ("door", "Tür", "f"), ("gate", "Tor", "n"), ("cupboard", "Schrank", "m"),
         ("drawer", "Schublade", "f"), ("box", "Kiste", "f"), ("skylight", "Dachfenster", "n"), ("mailbox", "Briefkasten", "m"),
         ("suitcase", "Koffer", "m"), ("bottle", "Flasche", "f"), ("curtain", "Vorhang", "m"), ("safe", "Tresor", "m"))
ITEMS = (("key", "Schlüssel", "m"), ("book", "Buch", "n"), ("cup", "Tasse", "f"), ("plate", "Teller", "m"),
         ("knife", "Messer", "n"), ("spoon", "Löffel", "m"), ("fork", "Gabel", "f"), ("towel", "Handtuch", "n"),
         ("blanket", "Decke", "f"), ("pillow", "Kissen", "n"), ("jacket", "Jacke", "f"), ("umbrella", "Regenschirm", "m"),
         ("bag", "Tasche", "f"), ("phone", "Telefon", "n"), ("basket", "Korb", "m"), ("newspaper", "Zeitung", "f"),
         ("letter", "Brief", "m"), ("glass", "Glas", "n"), ("pot", "Topf", "m"), ("pan", "Pfanne", "f"),
         ("broom", "Besen", "m"), ("bucket", "Eimer", "m"), ("charger", "Ladegerät", "n"), ("hammer", "Hammer", "m"),
         ("ladder", "Leiter", "f"), ("picture", "Bild", "n"), ("chair", "Stuhl", "m"), ("table", "Tisch", "m"),
         ("mirror", "Spiegel", "m"), ("carpet", "Teppich", "m"), ("battery", "Batterie", "f"), ("parcel", "Paket", "n"),
         ("hat", "Hut", "m"), ("ball", "Ball", "m"), ("candle", "Kerze", "f"))
PEOPLE = (("mother", "Mutter", "f"), ("father", "Vater", "m"), ("sister", "Schwester", "f"), ("brother", "Bruder", "m"),
          ("neighbour", "Nachbar", "m"), ("daughter", "Tochter", "f"), ("son", "Sohn", "m"), ("grandmother", "Großmutter", "f"),
          ("grandfather", "Großvater", "m"), ("aunt", "Tante", "f"), ("uncle", "Onkel", "m"), ("friend", "Freund", "m"),
          ("dog", "Hund", "m"), ("cat", "Katze", "f"), ("child", "Kind", "n"))
PLACES = (("in the kitchen", "in der Küche"), ("in the living room", "im Wohnzimmer"), ("in the bedroom", "im Schlafzimmer"),
          ("in the bathroom", "im Badezimmer"), ("in the hallway", "im Flur"), ("in the study", "im Arbeitszimmer"),
          ("in the attic", "auf dem Dachboden"), ("in the basement", "im Keller"), ("in the garage", "in der Garage"),
          ("in the garden", "im Garten"), ("on the balcony", "auf dem Balkon"), ("on the terrace", "auf der Terrasse"),
          ("in the nursery", "im Kinderzimmer"), ("in the guest room", "im Gästezimmer"),
          ("in the dining room", "im Esszimmer"), ("in the office", "im Büro"), ("in the workshop", "in der Werkstatt"),
          ("in the pantry", "in der Speisekammer"), ("in the car", "im Auto"), ("on the stairs", "auf der Treppe"))
# English, German stem as it is declined (with -e, -en, -er, -es), German predicate
QUALITIES = (("old", "alt", "alt"), ("new", "neu", "neu"), ("small", "klein", "klein"), ("big", "groß", "groß"),
             ("red", "rot", "rot"), ("blue", "blau", "blau"), ("green", "grün", "grün"), ("black", "schwarz", "schwarz"),
             ("white", "weiß", "weiß"), ("yellow", "gelb", "gelb"), ("beautiful", "schön", "schön"),
             ("heavy", "schwer", "schwer"), ("broken", "kaputt", "kaputt"), ("clean", "sauber", "sauber"),
             ("dirty", "schmutzig", "schmutzig"), ("round", "rund", "rund"), ("expensive", "teuer", "teuer"),
             ("brown", "braun", "braun"), ("grey", "grau", "grau"), ("empty", "leer", "leer"))
STEMS = {"teuer": "teur"}        # as it is declined
WEAK = {"Nachbar": "Nachbarn"}   # nouns that are declined, in all cases but the nominative
WHEN = (("today", "heute"), ("tomorrow", "morgen"), ("this evening", "heute Abend"), ("this morning", "heute Morgen"),
        ("on Monday", "am Montag"), ("on Tuesday", "am Dienstag"), ("on Wednesday", "am Mittwoch"),
        ("on Thursday", "am Donnerstag"), ("on Friday", "am Freitag"), ("on Saturday", "am Samstag"),
        ("on Sunday", "am Sonntag"), ("at noon", "mittags"), ("now", "jetzt"), ("next week", "nächste Woche"),
        ("every day", "jeden Tag"), ("tonight", "heute Nacht"))
HOURS = ("null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf").split()
COUNTS = ("null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf").split()
MINUTES = {5: "fünf", 10: "zehn", 15: "fünfzehn", 20: "zwanzig", 30: "dreißig", 40: "vierzig", 45: "fünfundvierzig",
           50: "fünfzig"}
MINUTES_EN = {5: "five", 10: "ten", 15: "fifteen", 20: "twenty", 30: "thirty", 40: "forty", 45: "forty-five", 50: "fifty"}

ARTICLE = {  # by kind, case: m f n
    ("the", "nom"): ("der", "die", "das"), ("the", "acc"): ("den", "die", "das"), ("the", "dat"): ("dem", "der", "dem"),
    ("a", "nom"): ("ein", "eine", "ein"), ("a", "acc"): ("einen", "eine", "ein"), ("a", "dat"): ("einem", "einer", "einem")}
ENDING = {  # of the adjective after it
    ("the", "nom"): ("e", "e", "e"), ("the", "acc"): ("en", "e", "e"), ("the", "dat"): ("en", "en", "en"),
    ("a", "nom"): ("er", "e", "es"), ("a", "acc"): ("en", "e", "es"), ("a", "dat"): ("en", "en", "en")}
OWN = {"my": "mein", "your": "dein", "our": "unser", "his": "sein", "her": "ihr", "no": "kein"}
GENDER = {"m": 0, "f": 1, "n": 2}


def phrase(r, noun, case, articles=("the",), quality=0.3):
    """A noun with its article and perhaps an adjective: English, German, the adjective."""
    en, de, g = noun
    de = de if case == "nom" else WEAK.get(de, de)
    a = r.choice(articles)
    like = "the" if a == "the" else "a"
    art = ARTICLE[like, case][GENDER[g]]
    if a in OWN:
        stem = OWN[a]
        art = stem + art[3:]  # declined like "ein"
    q = r.choice(QUALITIES) if r.random() < quality else None
    word_en, word_de = (f"{q[0]} {en}", f"{STEMS.get(q[1], q[1])}{ENDING[like, case][GENDER[g]]} {de}") if q else (en, de)
    if a == "a":
        a = "an" if word_en[0] in "aeiou" else "a"
    return f"{a} {word_en}", f"{art} {word_de}", q


ALL, SOME, POSS = ("the", "the", "my", "our"), ("a", "a", "the"), ("my", "your", "our", "his", "her")
# name, nouns, case, articles, English, German; {n}: the noun, {p}: place, {w}: when; German verbs stand where German puts them
FRAMES = (
    (THINGS, "acc", ALL, "turn on {n}", "schalte {n} ein"), (THINGS, "acc", ALL, "turn off {n}", "schalte {n} aus"),
    (THINGS, "acc", ALL, "please turn on {n} {p}", "bitte schalte {n} {p} ein"),
    (THINGS, "acc", ALL, "please turn off {n} {p}", "bitte schalte {n} {p} aus"),
    (THINGS, "nom", ALL, "{n} is on", "{n} ist an"), (THINGS, "nom", ALL, "{n} {p} is off", "{n} {p} ist aus"),
    (THINGS, "nom", ALL, "{n} {p} is on", "{n} {p} ist an"),
    (THINGS, "nom", ALL, "{n} does not work", "{n} funktioniert nicht"), (THINGS, "nom", ALL, "is {n} on?", "ist {n} an?"),
    (THINGS, "nom", ALL, "is {n} {p} still on?", "ist {n} {p} noch an?"),
    (THINGS, "acc", ALL, "can you repair {n}?", "kannst du {n} reparieren?"),
    (THINGS, "acc", SOME, "we need {n} {p}", "wir brauchen {n} {p}"), (THINGS, "acc", SOME, "he wants to buy {n}",
                                                                       "er möchte {n} kaufen"),
    (THINGS, "nom", ALL, "{n} is too loud", "{n} ist zu laut"), (THINGS, "nom", ALL, "{n} has been running for {m} minutes",
                                                                 "{n} läuft seit {M} Minuten"),
    (THINGS, "acc", ALL, "turn off {n} in {m} minutes", "schalte {n} in {M} Minuten aus"),
    (THINGS, "acc", ALL, "turn on {n} at {h} o'clock", "schalte {n} um {H} Uhr ein"),
    (THINGS, "dat", ALL, "what is wrong with {n}?", "was ist mit {n} los?"),
    (THINGS, "acc", ALL, "do not forget to turn off {n}", "vergiss nicht, {n} auszuschalten"),
    (DOORS, "acc", ALL, "open {n}", "öffne {n}"), (DOORS, "acc", ALL, "close {n}", "schließe {n}"),
    (DOORS, "acc", ALL, "please open {n} {p}", "bitte öffne {n} {p}"),
    (DOORS, "nom", ALL, "{n} {p} is open", "{n} {p} ist offen"), (DOORS, "nom", ALL, "{n} {p} is closed",
                                                                  "{n} {p} ist geschlossen"),
    (DOORS, "nom", ALL, "why is {n} open?", "warum ist {n} offen?"), (DOORS, "acc", ALL, "who opened {n}?",
                                                                      "wer hat {n} geöffnet?"),
    (DOORS, "acc", ALL, "I closed {n} {p}", "ich habe {n} {p} geschlossen"),
    (DOORS, "nom", ALL, "{n} must stay closed", "{n} muss geschlossen bleiben"),
    (ITEMS, "nom", POSS, "where is {n}?", "wo ist {n}?"), (ITEMS, "nom", ALL, "{n} is {p}", "{n} ist {p}"),
    (ITEMS, "acc", ALL, "I can not find {n}", "ich kann {n} nicht finden"),
    (ITEMS, "acc", SOME, "I am looking for {n}", "ich suche {n}"), (ITEMS, "acc", SOME, "bring me {n}, please",
                                                                    "bring mir bitte {n}"),
    (ITEMS, "acc", SOME, "I need {n} {w}", "ich brauche {w} {n}"), (ITEMS, "acc", ALL, "did you see {n}?",
                                                                    "hast du {n} gesehen?"),
    (ITEMS, "acc", ALL, "she found {n} {p}", "sie hat {n} {p} gefunden"),
    (ITEMS, "acc", ALL, "we forgot {n}", "wir haben {n} vergessen"),
    (ITEMS, "nom", ALL, "{n} belongs to {N}", "{n} gehört {N}"), (ITEMS, "acc", SOME, "{N} is buying {n} {w}",
                                                                  "{N} kauft {w} {n}"),
    (ITEMS, "acc", ("the", "a"), "{N} needs {n}", "{N} braucht {n}"), (ITEMS, "acc", ("no",), "there is {n} {p}",
                                                                       "es gibt {n} {p}"),
    (ITEMS, "acc", ALL, "please put {n} away", "räum bitte {n} weg"), (ITEMS, "acc", ("the", "my"), "take {n} with you",
                                                                       "nimm {n} mit"),
    (ITEMS, "nom", ALL, "{n} is very {q}", "{n} ist sehr {Q}"), (THINGS, "nom", ALL, "{n} is already {q}", "{n} ist schon {Q}"),
    (PEOPLE, "nom", POSS, "{n} is {p}", "{n} ist {p}"), (PEOPLE, "nom", POSS, "{n} is waiting {p}", "{n} wartet {p}"),
    (PEOPLE, "nom", POSS, "{n} is sleeping {p}", "{n} schläft {p}"), (PEOPLE, "nom", POSS, "{n} is coming {w}",
                                                                      "{n} kommt {w}"),
    (PEOPLE, "dat", POSS, "I am helping {n} {p}", "ich helfe {n} {p}"),
    (PEOPLE, "dat", POSS, "please help {n}", "bitte hilf {n}"),
    (PEOPLE, "acc", POSS, "I am visiting {n} {w}", "ich besuche {w} {n}"),
    (PEOPLE, "dat", POSS, "he is going to the market with {n}", "er geht mit {n} auf den Markt"),
    (PEOPLE, "acc", POSS, "call {n} at {h} o'clock", "ruf {n} um {H} Uhr an"),
    (PEOPLE, "dat", POSS, "this {i} belongs to {n}", "{I} gehört {n}"),
    (PEOPLE, "nom", POSS, "{n} is looking for {x}", "{n} sucht {X}"), (PEOPLE, "nom", POSS, "{n} has forgotten {x}",
                                                                       "{n} hat {X} vergessen"),
    (PEOPLE, "dat", POSS, "give {x} to {n}", "gib {n} {X}"), (PEOPLE, "nom", POSS, "{n} put {x} {p}",
                                                              "{n} hat {X} {p} gelassen"),
    (PEOPLE, "nom", POSS, "{n} needs help {w}", "{n} braucht {w} Hilfe"),
    (PEOPLE, "nom", POSS, "{n} eats at {h} o'clock", "{n} isst um {H} Uhr"),
)
THIS = {"m": "dieser", "f": "diese", "n": "dieses"}
NEVER_TOO = {"kaputt"}  # nothing is "very broken"


def make(r):
    nouns, case, articles, en, de = r.choice(FRAMES)
    noun = r.choice(nouns)
    predicate = "{q}" in en
    n_en, n_de, q = phrase(r, noun, case, articles, 0 if predicate or nouns is PEOPLE else 0.3)
    keys = [("translate", "frame, noun", en, noun[0])]
    fill_en, fill_de = {"n": n_en}, {"n": n_de}
    if q:
        keys += [("translate", "quality, noun", q[0], noun[0])]
    if predicate:
        a = r.choice([x for x in QUALITIES if x[1] not in NEVER_TOO])
        fill_en["q"], fill_de["Q"] = a[0], a[2]
        keys += [("translate", "quality, noun", a[0], noun[0])]
    if "{p}" in en:
        fill_en["p"], fill_de["p"] = p = r.choice(PLACES)
        keys += [("translate", "noun, place", noun[0], p[0])]
    if "{w}" in en:
        fill_en["w"], fill_de["w"] = w = r.choice(WHEN[:12] if "coming" in en else WHEN)
        keys += [("translate", "frame, when", en, w[0])]
    if "{N}" in en:
        fill_en["N"] = fill_de["N"] = r.choice(NAMES)
        keys += [("translate", "name, noun", fill_en["N"], noun[0])]
    if "{h}" in en:
        h = r.randrange(2, 13)
        fill_en["h"], fill_de["H"] = ONES[h], HOURS[h]
        keys += [("translate", "hour, noun", ONES[h], noun[0])]
    if "{m}" in en:
        m = r.choice(tuple(MINUTES))
        fill_en["m"], fill_de["M"] = MINUTES_EN[m], MINUTES[m]
        keys += [("translate", "minutes, noun", MINUTES_EN[m], noun[0])]
    if "{i}" in en:
        i = r.choice(ITEMS)
        fill_en["i"], fill_de["I"] = i[0], f"{THIS[i[2]]} {i[1]}"
        keys += [("translate", "person, item", noun[0], i[0])]
    if "{x}" in en:
        i = r.choice(ITEMS)
        fill_en["x"], fill_de["X"], _ = phrase(r, i, "acc", ("the", "a"), 0.3)
        keys += [("translate", "person, item", noun[0], i[0])]
    a, b = en.format(**fill_en), de.format(**fill_de)
    end = "" if a.endswith("?") else "."
    return keys, a[0].upper() + a[1:] + end, b[0].upper() + b[1:] + end
