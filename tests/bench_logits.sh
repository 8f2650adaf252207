#!/bin/sh
# bench logits: what the file holds, that the options which must not change it do not, and what is refused.
# SPDX-License-Identifier: MIT
set -u
. tests/frame.sh

check() # EXIT-CODE PATTERN OPTIONS...
{
    code=$1 pattern=$2
    shift 2
    expect "$code" "$pattern" "$bench" logits "$@"
}

ids() # NAME JSON
{
    echo "$2" >"$dir/$1"
}

ids ok '[1, 403, 407, 261, 378]'
check 2 '--model FILE is needed' --tokens "$dir/ok" -o "$dir/x"
check 2 '--tokens FILE is needed' --model none.gguf -o "$dir/x"
check 2 '--out FILE is needed' --model none.gguf --tokens "$dir/ok"
check 5 'none.gguf: cannot open' --model none.gguf --tokens "$dir/ok" -o "$dir/x"
check 0 'row i is the prediction of token i + 1' --help

model=$data/models/stories260K.gguf
if [ -r "$model" ]; then
    m="--model $model"
    # shellcheck disable=SC2086 # two words
    {
        check 0 '^.*/a: 5 tokens x 512 logits' $m --tokens "$dir/ok" -o "$dir/a" --compute exact --kv f32
        [ "$(wc -c <"$dir/a")" -eq $((5 * 512 * 4)) ]
        verdict $? 'the file is 5 x 512 floats'
        check 0 '"tokens":5,"vocabulary":512,"bytes":10240' $m --tokens "$dir/ok" -o "$dir/b" --compute exact --kv f32 --batch 2 \
            --context 9 --threads 1 --json
        cmp "$dir/a" "$dir/b" >"$dir/out" 2>&1
        verdict $? 'on the exact path neither batch nor context nor threads change the logits'
        check 0 'MiB' $m --tokens "$dir/ok" -o "$dir/b" --compute exact --kv f16
        ! cmp -s "$dir/a" "$dir/b"
        verdict $? 'a 16-bit cache changes the logits'

        check 0 'MiB' $m --tokens "$dir/ok" -o "$dir/b" --compute exact --kv f32 --policy sinks:1+4
        cmp "$dir/a" "$dir/b" >"$dir/out" 2>&1
        verdict $? 'a window that never slides changes nothing'
        check 0 'MiB' $m --tokens "$dir/ok" -o "$dir/b" --compute exact --kv f32 --policy window:2
        cmp -s -n $((2 * 512 * 4)) "$dir/a" "$dir/b" && ! cmp -s "$dir/a" "$dir/b"
        verdict $? 'a window of 2 changes the logits from the third token on'
        check 2 'policy window: it can be full, window:W' $m --tokens "$dir/ok" -o "$dir/x" --policy window

        check 5 'no-such-file' $m --tokens "$dir/no-such-file" -o "$dir/x"
        ids bad '[1, 2'
        check 5 "bad: line .* it must be a JSON array" $m --tokens "$dir/bad" -o "$dir/x"
        ids bad '{"ids": [1]}'
        check 5 'bad: it holds no array' $m --tokens "$dir/bad" -o "$dir/x"
        ids bad '[]'
        check 5 'bad: it holds an empty array' $m --tokens "$dir/bad" -o "$dir/x"
        ids bad '[1, 512]'
        check 5 'element 2 of 2 is 512, but the vocabulary of this model has the ids 0 to 511' $m --tokens "$dir/bad" -o "$dir/x"
        ids bad '[-1]'
        check 5 'element 1 of 1 is -1' $m --tokens "$dir/bad" -o "$dir/x"
        ids bad '[1, 2.5]'
        check 5 'element 2 of 2 is 2.5' $m --tokens "$dir/bad" -o "$dir/x"
        ids bad '["1"]'
        check 5 'element 1 of 1 is "1"' $m --tokens "$dir/bad" -o "$dir/x"
        check 2 'it holds 5 tokens, --context 4 has no room' $m --tokens "$dir/ok" -o "$dir/x" --context 4
        check 2 '--batch 0: must be' $m --tokens "$dir/ok" -o "$dir/x" --batch 0
        check 2 'did you mean q8_0' $m --tokens "$dir/ok" -o "$dir/x" --kv q8_O
        check 5 'none/x: cannot create' $m --tokens "$dir/ok" -o "$dir/none/x"

        # A disk that fills up: a limit of 8 blocks of 512 bytes for the file.
        (ulimit -f 8 && trap '' XFSZ && exec "$bench" logits $m --tokens "$dir/ok" -o "$dir/full") >"$dir/out" 2>&1 </dev/null
        status=$?
        [ $status -eq 5 ] && grep -q 'full: cannot write .* free some space' "$dir/out"
        verdict $? "a full disk: exit $status"
    }
    ls "$dir" >"$dir/out"
    [ "$(ls "$dir")" = "$(printf 'a\nb\nbad\nok\nout')" ]
    verdict $? 'nothing half written is left behind'
else
    skipped=$((skipped + 25))
    echo "SKIP: models/stories260K.gguf is not in $data"
fi

sum
