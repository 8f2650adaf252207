/* Case folding by a table of runs, Hangul by arithmetic (Unicode 14, section 3.12). */
/* SPDX-License-Identifier: MIT */
#include "engine/fold.h"

#include "engine/utf8.h"

static const struct run {
    unsigned first, last, step, to, moves;
} runs[] = {
#include "engine/fold.def"
};

enum { RUNS = sizeof runs / sizeof *runs, HANGUL = 0xac00, HANGUL_LAST = 0xd7a3, L = 0x1100, V = 0x1161, T = 0x11a7 };

static unsigned fold(unsigned c)
{
    int lo = 0, hi = RUNS - 1;
    while (lo < hi) { /* the last run that begins at or before c */
        int mid = (lo + hi + 1) / 2;
        if (runs[mid].first <= c)
            lo = mid;
        else
            hi = mid - 1;
    }
    const struct run *r = &runs[lo];
    if (c < r->first || c > r->last || (c - r->first) % r->step)
        return c;
    return r->to + (r->moves ? c - r->first : 0);
}

static size_t write(char *to, unsigned c)
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)(n == 1 ? c : ((0xf00u >> n) & 0xff) | c);
    return n;
}

static unsigned read(const char *p, int n)
{
    unsigned c = (unsigned char)*p & (n == 1 ? 0x7fu : 0xffu >> (n + 1));
    for (int i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)p[i] & 0x3f);
    return c;
}

size_t fold_text(char *to, const char *p, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n;) {
        int len = utf8_length(p + i, n - i);
        if (!len)
            return out; /* not UTF-8: against the contract */
        unsigned c = read(p + i, len);
        i += (size_t)len;
        if (c < HANGUL || c > HANGUL_LAST) {
            out += write(to + out, fold(c));
            continue;
        }
        c -= HANGUL;
        out += write(to + out, L + c / 588);
        out += write(to + out, V + c % 588 / 28);
        if (c % 28)
            out += write(to + out, T + c % 28);
    }
    return out;
}
