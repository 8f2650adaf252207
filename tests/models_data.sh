#!/bin/sh
# The shipped models' test sets: they are what models/train/generate.py writes, byte for byte, none of their items is among the
# training items drawn, and prompts/README.md has the hash of every file of prompts/.
# SPDX-License-Identifier: MIT
set -u
dir=$(mktemp -d "${TMPDIR:-/tmp}/bench-test-XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0 skipped=0

pass() { passed=$((passed + 1)); }
fail() # WHY
{
    echo "FAILED: $*"
    failed=$((failed + 1))
}

for file in prompts/*/*; do
    sum=$(sha256sum "$file" 2>/dev/null || shasum -a 256 "$file")
    row=$(grep -F "| \`${file#prompts/}\`" prompts/README.md)
    case $row in
    *"${sum%% *}"*) pass ;;
    *) fail "prompts/README.md does not have $file with its SHA-256 ${sum%% *}" ;;
    esac
    case $file in *.jsonl) ;; *) continue ;; esac
    case $row in
    *"| $(grep -c . "$file") |"*) pass ;;
    *) fail "prompts/README.md does not say that $file has $(grep -c . "$file") items" ;;
    esac
done

if command -v python3 >/dev/null 2>&1; then
    if PYTHONDONTWRITEBYTECODE=1 python3 models/train/generate.py --out "$dir" --check 10000 >"$dir/log" 2>&1; then
        pass
    else
        cat "$dir/log"
        fail "models/train/generate.py (above)"
    fi
    rm -f "$dir/log"
    if diff -rq "$dir" prompts/home; then
        pass
    else
        fail "prompts/home is not what models/train/generate.py writes: generate it again, or undo the change"
    fi
else
    skipped=$((skipped + 2))
    echo "SKIP: no python3, which the training data is made with"
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
