/* utf8.h - the one question that is asked of UTF-8 here: how long is the character at p?
 *
 * Well-formed as in Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF. */
/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_UTF8_H
#define ENGINE_UTF8_H

#include <stddef.h>

/* Bytes (1 to 4) of the character that the n bytes at p begin with; 0 when they begin with none. */
static inline int utf8_length(const char *p, size_t n)
{
    const unsigned char *s = (const unsigned char *)p;
    if (n == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    int len = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (!len || (size_t)len > n)
        return 0;
    unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;  /* the second byte is where overlong forms, */
    unsigned char high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf; /* surrogates and too large numbers show */
    if (s[1] < low || s[1] > high)
        return 0;
    for (int i = 2; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

#endif
