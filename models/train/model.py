"""The model, as GGUF's `llama` family computes it: RMSNorm, rope on neighbouring pairs, grouped query heads, SwiGLU."""
# SPDX-License-Identifier: MIT
import math

import torch
from torch import nn
from torch.nn import functional as F

CONTEXT, EPS, ROPE_BASE, HEAD = 512, 1e-5, 10000.0, 32
SHAPES = {  # width, feed-forward width, layers, query heads, key and value heads
    "full": (256, 512, 6, 8, 4),
    "tiny": (128, 256, 4, 4, 2),
}


class Norm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * self.weight


def rope(x, turn):
    """x: batch, time, heads, HEAD; the pairs (0, 1), (2, 3), ... are complex numbers, each turned by its position's angle."""
    return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2))) * turn[:, None]).flatten(-2)


class Layer(nn.Module):
    def __init__(self, d, ff, heads, kv):
        super().__init__()
        self.heads, self.kv = heads, kv
        self.attn_norm, self.ffn_norm = Norm(d), Norm(d)
        linear = lambda i, o: nn.Linear(i, o, bias=False)
        self.attn_q, self.attn_k, self.attn_v = linear(d, heads * HEAD), linear(d, kv * HEAD), linear(d, kv * HEAD)
        self.attn_output = linear(heads * HEAD, d)
        self.ffn_gate, self.ffn_up, self.ffn_down = linear(d, ff), linear(d, ff), linear(ff, d)

    def forward(self, x, turn, mask):
        b, t, _ = x.shape
        h = self.attn_norm(x)
        heads = lambda y: y.view(b, t, -1, HEAD)
        # The query heads that share a key head stand below each other: batch, key heads, sharing heads * time, HEAD.
        q = rope(heads(self.attn_q(h)), turn / math.sqrt(HEAD)).unflatten(2, (self.kv, -1)).permute(0, 2, 3, 1, 4).flatten(2, 3)
        k = rope(heads(self.attn_k(h)), turn).permute(0, 2, 3, 1)
        s = (q @ k).unflatten(2, (-1, t)).add_(mask[:, None])
        y = torch.softmax(s, -1).flatten(2, 3) @ heads(self.attn_v(h)).transpose(1, 2)
        x = x + self.attn_output(y.unflatten(2, (-1, t)).permute(0, 3, 1, 2, 4).reshape(b, t, -1))
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


class Model(nn.Module):
    def __init__(self, shape, vocab):
        super().__init__()
        self.shape = shape
        d, ff, layers, heads, kv = SHAPES[shape]
        self.token_embd = nn.Embedding(vocab, d)
        self.blk = nn.ModuleList(Layer(d, ff, heads, kv) for _ in range(layers))
        self.output_norm = Norm(d)
        angle = torch.arange(CONTEXT).float()[:, None] * ROPE_BASE ** (-torch.arange(0, HEAD, 2).float() / HEAD)
        self.register_buffer("turn", torch.polar(torch.ones_like(angle), angle), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02 if "embd" in name else 0.5 / math.sqrt(p.shape[1]))
                if "output" in name or "down" in name:
                    p.data /= math.sqrt(2 * layers)

    def forward(self, ids, mask):
        """Logits of batch x time; mask: batch x 1 x time x time, added to the attention scores."""
        t = ids.shape[1]
        x = self.token_embd(ids)
        for layer in self.blk:
            x = layer(x, self.turn[:t], mask)
        return F.linear(self.output_norm(x), self.token_embd.weight)
