"""A SentencePiece-style vocabulary with byte fallback: learned here, and applied by the rule that engine/tokenizer_spm.c uses.

Ids: 0 <unk>, 1 <s>, 2 </s>, 3 to 258 the bytes, then the characters, then the merges in the order learned.  The score of a
merge is -rank, of a character lower than all.  Encoding merges the neighbours that form the piece with the highest score, the
leftmost of equals first.  Pieces never mix letters, digits and punctuation, have two digits at most, and a line break stands
alone; so a prompt's ids are a prefix of those of prompt and answer, and a text can be encoded chunk by chunk.
"""
# SPDX-License-Identifier: MIT
import collections
import heapq
import json
import re

SPACE = "\u2581"
FIRST = 3 + 256
CHUNK = re.compile(rf"\n|\d+|{SPACE}?[^\W\d_{SPACE}]+|{SPACE}?[^\w\s{SPACE}]+|{SPACE}|.")


def chunks(text):
    return CHUNK.findall(text.replace(" ", SPACE))


def learn(texts, size):
    """The pieces of a vocabulary of `size` ids, from id FIRST on; the first `n` of them are characters.  Returns pieces, n."""
    count = collections.Counter()
    for text in texts:
        count.update(chunks(text))
    letters = sorted({c for chunk in count for c in chunk} | {chr(c) for c in range(33, 127)} | {"\n", SPACE})
    words = [(list(chunk), n) for chunk, n in sorted(count.items()) if not chunk[0].isdigit() or len(chunk) == 2]
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for i, (word, n) in enumerate(words):
        for pair in zip(word, word[1:]):
            pairs[pair] += n
            where[pair].add(i)
    pieces, known = list(letters), set(letters)
    while FIRST + len(pieces) < size and pairs:
        best = max(pairs, key=lambda p: (pairs[p], p))
        if pairs[best] < 2:
            break
        merged = "".join(best)
        if merged not in known:
            known.add(merged)
            pieces.append(merged)
        for i in sorted(where.pop(best)):
            word, n = words[i]
            for pair in zip(word, word[1:]):
                pairs[pair] -= n
            out, k = [], 0
            while k < len(word):
                if k + 1 < len(word) and (word[k], word[k + 1]) == best:
                    out.append(merged)
                    k += 2
                else:
                    out.append(word[k])
                    k += 1
            words[i] = (out, n)
            for pair in zip(out, out[1:]):
                pairs[pair] += n
                where[pair].add(i)
        del pairs[best]
    return pieces, len(letters)


class Tokenizer:
    def __init__(self, pieces, letters):
        self.pieces, self.letters = pieces, letters
        self.id = {p: FIRST + i for i, p in enumerate(pieces)}
        self.size, self.cache = FIRST + len(pieces), {}

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as f:
            d = json.load(f)
        return cls(d["pieces"], d["letters"])

    def save(self, path):
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"letters": self.letters, "pieces": self.pieces}, f, ensure_ascii=False)

    def score(self, id):
        rank = id - FIRST - self.letters + 1  # of a merge, from 1
        return 0.0 if id < FIRST else -float(rank if rank > 0 else self.size)

    def merge(self, chunk):
        """Ids of one chunk."""
        part, prev, nxt = list(chunk), [i - 1 for i in range(len(chunk))], [i + 1 for i in range(len(chunk))]
        heap = []

        def consider(i, j):
            if 0 <= i and j < len(part):
                id = self.id.get(part[i] + part[j])
                if id is not None:
                    heapq.heappush(heap, (-self.score(id), i, j, len(part[i] + part[j])))

        for i in range(len(part) - 1):
            consider(i, i + 1)
        while heap:
            _, i, j, n = heapq.heappop(heap)
            if not part[i] or not part[j] or len(part[i]) + len(part[j]) != n:
                continue
            part[i], part[j] = part[i] + part[j], ""
            nxt[i] = nxt[j]
            if nxt[j] < len(part):
                prev[nxt[j]] = i
            consider(prev[i], i)
            consider(i, nxt[i])
        out = []
        for p in part:
            if p:
                out += [self.id[p]] if p in self.id else [3 + b for b in p.encode()]
        return out

    def encode(self, text):
        out = []
        for chunk in chunks(text):
            ids = self.cache.get(chunk)
            if ids is None:
                ids = self.cache[chunk] = self.merge(chunk)
            out += ids
        return out

    def decode(self, ids):
        raw = b"".join(bytes([i - 3]) if 3 <= i < FIRST else self.pieces[i - FIRST].encode() if i >= FIRST else b"" for i in ids)
        return raw.decode(errors="replace").replace(SPACE, " ")
