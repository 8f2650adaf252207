/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    if (!e)
        return -1;
    e->code = code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    return -1;
}

int err_where(struct err *e, const char *fmt, ...)
{
    if (!e)
        return -1;
    struct err was = *e;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    int room = (int)sizeof e->msg - n - 3; /* for the message behind ": " */
    if (n >= 0 && room > 0)
        snprintf(e->msg + n, sizeof e->msg - (size_t)n, ": %.*s", room, was.msg);
    return -1;
}
