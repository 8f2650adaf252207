/* SPDX-License-Identifier: MIT */
#include "eval/unicode.h"

int unicode_next(const char *p, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; /* of a sequence of that many bytes */
    const uint8_t *b = (const uint8_t *)p;
    int n = b[0] < 0x80 ? 1 : b[0] < 0xC0 ? 0 : b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : b[0] < 0xF8 ? 4 : 0;
    uint32_t v = n < 2 ? b[0] : b[0] & (0x7Fu >> n);
    for (int i = 1; i < n; i++) {
        if ((b[i] & 0xC0) != 0x80) { /* the text's end too: nothing is read behind it */
            n = 0;
            break;
        }
        v = v << 6 | (b[i] & 0x3F);
    }
    if (!n || v < least[n] || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF)) {
        *c = 0xDC00u + b[0];
        return 1;
    }
    *c = v;
    return n;
}

int unicode_is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

const char *unicode_word(const char *p, size_t *bytes)
{
    const char *word = NULL;
    for (int n; *p; p += n) {
        uint32_t c;
        n = unicode_next(p, &c);
        if (!unicode_is_space(c))
            word = word ? word : p;
        else if (word)
            break;
    }
    *bytes = word ? (size_t)(p - word) : 0;
    return word;
}
