#!/bin/sh
# bench kernels --model: measured, stored, printed.
# SPDX-License-Identifier: MIT
set -u
bench=${BENCH:-build/bench}
dir=$(mktemp -d "${TMPDIR:-/tmp}/bench-test-XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

verdict() # OK WHAT
{
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$2"
        sed 's/^/    /' "$dir/out"
    fi
}

check() # EXIT-CODE PATTERN COMMAND OPTIONS...
{
    code=$1 pattern=$2
    shift 2
    "$bench" "$@" >"$dir/out" 2>&1 </dev/null
    status=$?
    [ $status -eq "$code" ] && grep -q -e "$pattern" "$dir/out"
    verdict $? "bench $*: exit $status, not $code, or no \"$pattern\" in:"
}

check 0 '^scalar  *2 kernels checked' kernels --check --model models/tiny.gguf --columns 2,3 --isa scalar
check 0 '^0 failed' kernels --check --model models/tiny.gguf --filter matmul
check 0 'x 1 column' kernels --model models/tiny.gguf --columns 2,8 --threads 1 --db "$dir/t.db"
for row in 'rows .* of roof  binds' 'Read bandwidth' 'Measured again behind them: read ' 'All matrices once'; do
    [ "$(grep -c "^$row" "$dir/out")" -eq 1 ]
    verdict $? "a line of \"$row\""
done
# Every shape with one, two and eight columns, and a total of each.
for columns in 1 2 8; do
    [ "$(grep -c "^ *[0-9]* *[0-9]* .* $columns .*_mat" "$dir/out")" -ge 4 ] && grep -q "^ *$columns  *[0-9.]* .*%" "$dir/out"
    verdict $? "$columns columns"
done
if command -v gnuplot >/dev/null; then
    check 0 'trials' sweep --model models/tiny.gguf --format f16 --context 8 --decode 2 --trials 1 --text prompts/story.txt --db "$dir/t.db"
    check 0 'roofline.svg' plot --db "$dir/t.db" --figure roofline --format svg -o "$dir"
    [ "$(cut -f 2 "$dir/roofline.tsv" | sort -u | tr '\n' ' ')" = 'batch decode kind peak read ' ]
    verdict $? 'the four kinds of rows'
fi

echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
