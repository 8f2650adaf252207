"""Writes a checkpoint as GGUF version 3: matrices F16, norms F32, the vocabulary with its scores."""
# SPDX-License-Identifier: MIT
import argparse
import os
import struct

import numpy
import torch

from model import CONTEXT, EPS, HEAD, ROPE_BASE, SHAPES
from tokenizer import FIRST, Tokenizer

U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9  # kinds of values
TENSOR_F32, TENSOR_F16 = 0, 1
ALIGNMENT = 32
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6  # kinds of pieces


def string(s):
    raw = s.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(kind, v):
    return string(v) if kind == STRING else struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], v)


def pair(key, kind, v):
    return string(key) + struct.pack("<I", kind) + value(kind, v)


def array(key, kind, values):
    return string(key) + struct.pack("<IIQ", ARRAY, kind, len(values)) + b"".join(value(kind, v) for v in values)


def keys(shape, name, tok):
    d, ff, layers, heads, kv = SHAPES[shape]
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + tok.pieces
    kinds = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * len(tok.pieces)
    out = [pair("general.architecture", STRING, "llama"), pair("general.name", STRING, name),
           pair("general.license", STRING, "mit")]
    for key, v in (("block_count", layers), ("context_length", CONTEXT), ("embedding_length", d), ("feed_forward_length", ff),
                   ("attention.head_count", heads), ("attention.head_count_kv", kv), ("attention.key_length", HEAD),
                   ("attention.value_length", HEAD), ("rope.dimension_count", HEAD), ("vocab_size", tok.size)):
        out.append(pair("llama." + key, U32, v))
    out += [pair("llama.attention.layer_norm_rms_epsilon", F32, EPS), pair("llama.rope.freq_base", F32, ROPE_BASE),
            pair("tokenizer.ggml.model", STRING, "llama"), array("tokenizer.ggml.tokens", STRING, pieces),
            array("tokenizer.ggml.scores", F32, [tok.score(i) for i in range(tok.size)]),
            array("tokenizer.ggml.token_type", I32, kinds)]
    for key, v in (("unknown", 0), ("bos", 1), ("eos", 2)):
        out.append(pair(f"tokenizer.ggml.{key}_token_id", U32, v))
    return out + [pair("tokenizer.ggml.add_bos_token", BOOL, True), pair("tokenizer.ggml.add_space_prefix", BOOL, False)]


def write(path, shape, name, state, tok):
    kv = keys(shape, name, tok)
    infos, data = b"", b""
    for tensor, t in state.items():  # modules are named as GGUF names tensors
        a = t.numpy().astype(numpy.float16 if t.dim() == 2 else numpy.float32)
        if not numpy.isfinite(a).all():
            raise SystemExit(f"{tensor}: a value is not finite in {a.dtype}")
        kind = TENSOR_F16 if t.dim() == 2 else TENSOR_F32
        infos += string(tensor) + struct.pack("<I", a.ndim) + struct.pack(f"<{a.ndim}Q",
                                                                          *reversed(a.shape)) + struct.pack("<IQ", kind,
                                                                                                            len(data))
        data += a.tobytes() + bytes(-a.nbytes % ALIGNMENT)
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(state), len(kv)) + b"".join(kv) + infos
    with open(path + ".new", "wb") as f:
        f.write(head + bytes(-len(head) % ALIGNMENT) + data)
    os.replace(path + ".new", path)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--dir", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "run"),
                   help="where train.py wrote (models/train/run)")
    p.add_argument("--tiny", action="store_true")
    p.add_argument("--name", help="general.name")
    p.add_argument("--out", required=True, help="the GGUF file")
    a = p.parse_args()
    shape = "tiny" if a.tiny else "full"
    tok = Tokenizer.load(os.path.join(a.dir, "vocabulary.json"))
    c = torch.load(os.path.join(a.dir, shape + ".pt"), map_location="cpu")
    write(a.out, shape, a.name or f"bench home {shape}, {c['step']} steps", c["model"], tok)
    print(f"{a.out}: {os.path.getsize(a.out)} bytes, {FIRST + len(tok.pieces)} pieces, step {c['step']}")


if __name__ == "__main__":
    main()
