/* SPDX-License-Identifier: MIT */
#include "bench/cmd/cmd.h"

int main(int argc, char **argv)
{
    return command_main(argc, argv);
}
