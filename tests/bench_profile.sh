#!/bin/sh
# bench profile: what it prints, and what is refused.
# SPDX-License-Identifier: MIT
set -u
. tests/frame.sh

check() # EXIT-CODE PATTERN OPTIONS...
{
    code=$1 pattern=$2
    shift 2
    expect "$code" "$pattern" "$bench" profile "$@"
}

check 2 '--model FILE is needed'
check 5 'none.gguf: cannot open' --model none.gguf
check 2 'decode' --model models/home.gguf --decode 0
check 0 'share of' --help
check 0 '^Decode: ' --model models/home.gguf --context 20 --decode 8 --threads 2
for row in 'embedding ' 'norm, rounding ' 'q, k, v, rope ' 'attention ' 'head ' 'waiting ' 'all  *100.0%'; do
    [ "$(grep -c "^$row" "$dir/out")" -eq 2 ]
    verdict $? "two rows of \"$row\""
done
grep -q '^Weights: [0-9]* MiB mapped, [0-9]*% in huge pages' "$dir/out" || ! grep -q FilePmdMapped /proc/self/smaps_rollup
verdict $? 'the pages of the weights'
check 0 '"threads":1' --model models/home.gguf --context 20 --decode 8 --threads 1 --json
grep -Eq '"mapped_bytes":[0-9]+,"mapped_huge_bytes":([0-9]+|null),' "$dir/out"
verdict $? 'the pages of the weights in JSON'
# The shares of prefill and those of decode: 2 together.
grep -o '"share":[0-9.e-]*' "$dir/out" | awk -F: '{ sum += $2 } END { exit !(sum > 1.99 && sum <= 2.0001) }'
verdict $? 'the shares add up to 1'

sum
