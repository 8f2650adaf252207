#!/bin/sh
# bench kernels --model: measured, stored, printed.
# SPDX-License-Identifier: MIT
set -u
. tests/frame.sh

check() # EXIT-CODE PATTERN COMMAND...
{
    code=$1 pattern=$2
    shift 2
    expect "$code" "$pattern" "$bench" "$@"
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
else
    echo 'SKIP: no gnuplot, which draws the roofline'
    skipped=$((skipped + 3))
fi

sum
