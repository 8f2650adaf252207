#!/bin/sh
# The shipped model: it is what its card says (hash, perplexity on the exact path), it does what it was trained for, and it shows
# what a format costs.
# SPDX-License-Identifier: MIT
set -u
bench=${BENCH:-build/bench}
dir=$(mktemp -d "${TMPDIR:-/tmp}/bench-test-XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

check() # WHAT, then a command that must succeed
{
    what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        echo "FAILED: $what"
        failed=$((failed + 1))
    fi
}

# A number of the JSON object in a file.
number() # KEY FILE
{
    sed -n "s/.*\"$1\":\([-+.e0-9]*\).*/\1/p" "$2"
}

below() # A B
{
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && b != "" && a + 0 < b + 0) }'
}

for model in home tiny; do
    file=models/$model.gguf
    sum=$(sha256sum "$file" 2>/dev/null || shasum -a 256 "$file")
    check "models/README.md does not have the SHA-256 of $file, ${sum%% *}" grep -q "${sum%% *}" models/README.md

    "$bench" score --model "$file" --text prompts/home/stories.txt --compute exact --kv f32 --json >"$dir/exact" 2>"$dir/error" ||
        cat "$dir/error"
    value=$(number perplexity "$dir/exact")
    check "models/README.md does not have the perplexity of $file on the exact path, $value" \
        grep -q "perplexity $(printf %.4f "${value:-0}")" models/README.md

    for format in q8_0 q4_0; do
        "$bench" quantize "$file" "$dir/$format.gguf" --format $format >/dev/null &&
            "$bench" score --model "$dir/$format.gguf" --reference "$file" --text prompts/home/stories.txt --json >"$dir/$format"
    done
    check "$file: q8_0 is not near it" below "$(number kl_divergence "$dir/q8_0")" 0.005
    check "$file: q4_0 costs no more than q8_0" below "$(number kl_divergence "$dir/q8_0")" \
        "$(number kl_divergence_low "$dir/q4_0")"
done

"$bench" generate --model models/home.gguf --decode 40 --json --prompt '### intent
turn on the lamp in the kitchen
### answer
' >"$dir/said"
check "models/home.gguf does not understand a command: $(cat "$dir/said")" \
    grep -qF '"text":"{\"intent\":\"turn_on\",\"device\":\"lamp\",\"room\":\"kitchen\"}' "$dir/said"

echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
