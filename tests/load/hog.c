/* hog N - keeps the memory busy with N processes that copy 128 MiB to and fro, more than caches hold, until whoever started it is
 * gone or it is killed.  What ci/gate_trial lets run beside the gate. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HALF ((size_t)128 << 20)

/* The copy is between halves, so each byte is read and written once a turn. */
static void copy_while(pid_t parent)
{
    char *p = malloc(2 * HALF);
    if (!p)
        abort();
    memset(p, 1, 2 * HALF); /* pages of its own: untouched ones are all the same page of zeros */
    for (size_t turn = 0; getppid() == parent; turn++)
        memcpy(p + turn % 2 * HALF, p + (turn + 1) % 2 * HALF, HALF);
    free(p);
}

int main(int argc, char **argv)
{
    pid_t parent = getppid(), self = getpid();
    int n = argc == 2 ? atoi(argv[1]) : 0;
    if (n < 1 || n > 1024) {
        fputs("usage: hog N (processes, 1 to 1024)\n", stderr);
        return 2;
    }
    for (int i = 1; i < n; i++) {
        pid_t pid = fork();
        if (pid < 0) {
            perror("hog: fork");
            return 5;
        }
        if (!pid) {
            copy_while(self);
            return 0;
        }
    }
    copy_while(parent);
    return 0;
}
