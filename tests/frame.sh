# frame.sh - what the tests of commands share.
#
# Sourced first, in the root of the repository.  It makes a folder $dir that is removed at the end, $bench (the program, an absolute
# path), and counts; the last line of a test is `sum`.
# SPDX-License-Identifier: MIT
bench=$(realpath "${BENCH:-build/bench}")
data=${BENCH_TESTDATA:-../shared/data}
dir=$(mktemp -d "${TMPDIR:-/tmp}/bench-test-XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0 skipped=0

# Counts one check; where it failed, says WHAT and what the program said.
verdict() # STATUS WHAT
{
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$2"
        sed 's/^/    /' "$dir/out"
    fi
}

# Runs a command; its exit code must be this one, and a line of what it says must match.  What it said stays in $dir/out.
expect() # EXIT-CODE PATTERN COMMAND...
{
    code=$1 pattern=$2
    shift 2
    "$@" >"$dir/out" 2>&1 </dev/null
    status=$?
    [ $status -eq "$code" ] && grep -q -e "$pattern" "$dir/out"
    verdict $? "$*: exit $status, not $code, or no \"$pattern\" in:"
}

sum()
{
    echo "$passed passed, $failed failed, $skipped skipped"
    [ $failed -eq 0 ]
}
