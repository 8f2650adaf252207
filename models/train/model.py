"""The model, as GGUF's `llama` family computes it: RMSNorm, rope on neighbouring pairs, grouped query heads, SwiGLU."""
# SPDX-License-Identifier: MIT
import math

import torch
from torch import nn
from torch.nn import functional as F

CONTEXT, EPS, ROPE_BASE, HEAD = 512, 1e-5, 1e6, 32
SHAPES = {  # width, feed-forward width, layers, query heads, key and value heads
    "full": (256, 512, 6, 8, 4),
    "tiny": (128, 256, 4, 4, 2),
}
EMBEDDING = 0.3     # deviation of an embedding's entries: what a token is outweighs what untrained layers add to it


class Norm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * self.weight


def linear(x, layer):
    return F.linear(x, layer.weight.to(x.dtype))


def rope(x, turn):
    """x: batch, time, heads, HEAD; the pairs (0, 1), (2, 3), ... are complex numbers, each turned by its position's angle."""
    return torch.view_as_real(torch.view_as_complex(x.float().unflatten(-1, (-1, 2))) * turn[:, None]).flatten(-2).to(x.dtype)


class Layer(nn.Module):
    def __init__(self, d, ff, heads, kv):
        super().__init__()
        self.heads, self.kv = heads, kv
        self.attn_norm, self.ffn_norm = Norm(d), Norm(d)
        make = lambda i, o: nn.Linear(i, o, bias=False)
        self.attn_q, self.attn_k, self.attn_v = make(d, heads * HEAD), make(d, kv * HEAD), make(d, kv * HEAD)
        self.attn_output = make(heads * HEAD, d)
        self.ffn_gate, self.ffn_up, self.ffn_down = make(d, ff), make(d, ff), make(ff, d)

    def forward(self, x, turn, mask):
        b, t, _ = x.shape
        h = self.attn_norm(x).to(mask.dtype)
        heads = lambda y: y.view(b, t, -1, HEAD)
        # The query heads that share a key head stand below each other: batch, key heads, sharing heads * time, HEAD.
        q = rope(heads(linear(h, self.attn_q)), turn / math.sqrt(HEAD))
        q = q.unflatten(2, (self.kv, -1)).permute(0, 2, 3, 1, 4).flatten(2, 3)
        k = rope(heads(linear(h, self.attn_k)), turn).permute(0, 2, 3, 1)
        s = (q @ k).unflatten(2, (-1, t)).add_(mask[:, None])
        y = torch.softmax(s, -1).flatten(2, 3) @ heads(linear(h, self.attn_v)).transpose(1, 2)
        x = x + linear(y.unflatten(2, (-1, t)).permute(0, 3, 1, 2, 4).reshape(b, t, -1), self.attn_output)
        h = self.ffn_norm(x).to(mask.dtype)
        return x + linear(F.silu(linear(h, self.ffn_gate)) * linear(h, self.ffn_up), self.ffn_down)


class Model(nn.Module):
    products = torch.bfloat16  # what a weight or an activation loses by it is less than a step changes

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
                nn.init.normal_(p, std=EMBEDDING if "embd" in name else 0.5 / math.sqrt(p.shape[1]))
                if "output" in name or "down" in name:
                    p.data *= 0.3 / math.sqrt(2 * layers)
        self.output_norm.weight.data.fill_(0.02 / EMBEDDING)
        self.look_back()
        # The entry that all embeddings share says nothing of the next token, so the head does not see it: else it grows without
        # bound, and what is rounded of an embedding's entry 0 is multiplied by it.
        self.output_norm.weight.data[0] = 0
        self.output_norm.weight.register_hook(lambda g: g * (torch.arange(d) > 0))

    @torch.no_grad()
    def look_back(self):
        """The weights to begin with can look things up: what follows elsewhere on what stands here.

        Left to chance, heads that do so form late or never (Olsson et al. 2022 call them induction heads), and until then the
        answers have the right form and the wrong content.  In the first layer query head h looks h + 1 places back: entry 0 is
        the same in all embeddings, so that a score can depend on the distance alone (its rope pairs turned against each other by
        that distance), and adds a projection of what it sees there.  In the second, key head g scores what stands here against
        what stood g + 1 places before there; in the others, here against there.  What is found is added to what is known, and the
        tied head then expects it.  Training is free to change all of it (as with Trockman and Kolter 2023, mimetic
        initialization)."""
        d, _, _, heads, kv = SHAPES[self.shape]
        share, constant, pairs = heads // kv, 4.0, 6
        head = lambda i: slice(i * HEAD, (i + 1) * HEAD)

        def projection():
            """Some HEAD directions, none of them entry 0."""
            p = torch.linalg.qr(torch.randn(d, HEAD))[0].t()
            p[:, 0] = 0
            return p

        self.token_embd.weight[:, 0] = constant * EMBEDDING
        # A pair's product is 9 after the division by the root of HEAD: at the right distance a head sums up `pairs` of them.
        size = math.sqrt(9 * math.sqrt(HEAD)) / (constant / math.sqrt(1 + constant ** 2 / d))
        turn = ROPE_BASE ** (-torch.arange(0, HEAD, 2).float() / HEAD)[:pairs]
        first = self.blk[0]
        moved = {}  # from what stands some places back to what is added here
        for g in range(kv):
            first.attn_k.weight[head(g)] *= 0.3
            first.attn_k.weight[head(g)][:2 * pairs, 0] = torch.tensor((size, 0.0)).repeat(pairs)
            first.attn_v.weight[head(g)] = projection()
        for h in range(min(heads, 6)):
            first.attn_q.weight[head(h)] *= 0.3
            angle = turn * (h + 1)
            first.attn_q.weight[head(h)][:2 * pairs, 0] = size * torch.stack((angle.cos(), -angle.sin()), 1).flatten()
            out = torch.linalg.qr(torch.randn(d, HEAD))[0]
            first.attn_output.weight[:, head(h)] = 2 * EMBEDDING * out
            moved[h + 1] = out @ first.attn_v.weight[head(h // share)]
        for number, layer in enumerate(self.blk[1:]):
            for g in range(kv):
                p = 2.2 * torch.linalg.qr(torch.randn(HEAD, HEAD))[0] @ first.attn_v.weight[head(g // share)]
                layer.attn_q.weight[g * share * HEAD:(g + 1) * share * HEAD] = p.repeat(share, 1)
                layer.attn_k.weight[head(g)] = p if number else p @ moved[g + 1].t()
                v = layer.attn_v.weight[head(g)] = projection()
                layer.attn_output.weight[:, g * share * HEAD:(g + 1) * share * HEAD] = (
                    v.t().repeat(1, share) * EMBEDDING * (0.3 if number else 1))

    def forward(self, ids, mask):
        """Logits of batch x time; mask: batch x 1 x time x time, added to the attention scores."""
        t = ids.shape[1]
        x = self.token_embd(ids)
        mask = mask.to(self.products)
        for layer in self.blk:
            x = layer(x, self.turn[:t], mask)
        return linear(self.output_norm(x).to(self.products), self.token_embd)
