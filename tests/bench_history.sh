#!/bin/sh
# bench history on a repository made for it, whose builds are stand-ins: who makes a point, in which order, what is found and named.
# SPDX-License-Identifier: MIT
set -u
. tests/frame.sh
. tests/standin.sh
export BENCH_DB="$dir/h.db" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

check() # EXIT-CODE PATTERN OPTIONS...
{
    code=$1 pattern=$2
    shift 2
    expect "$code" "$pattern" "$bench" history --repo "$dir/repo" "$@"
}

# Commits c1 .. c12, one behind the other; 100% is what the anchor takes, from c9 on it is 12% more, and c7 has a larger arena.
git init -q "$dir/repo"
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    git -C "$dir/repo" -c user.name=n -c user.email=e commit -q --allow-empty -m "change $i"
    eval "c$i=$(git -C "$dir/repo" rev-parse --short=12 HEAD)"
done
c() { eval "echo \$c$1"; }
gate() # HEAD
{
    "$bench" gate --base "$dir/anchor" --head "$1" --runtime null --context 1 --looks 6 --rounds 2 --alpha 0.05 --quiet >"$dir/gate" 2>&1
    [ $? -le 3 ] || { echo "FAILED: no gate:" && cat "$dir/gate" && failed=$((failed + 1)); }
}
point() # NUMBER NS ARENA
{
    standin "$dir/head" "$(c "$1")" "$2" "$3"
    gate "$dir/head"
}

standin "$dir/anchor" "$(c 1)" 1000000
check 5 'no database there yet'
check 2 'say why with --reason' --anchor "$dir/anchor"
check 2 'name a program with --anchor' --reason because
check 4 'does not answer --version as bench does' --anchor /bin/true --reason because
standin "$dir/dirty" "$(c 1)-dirty" 1000000
check 2 'which nobody can build again' --anchor "$dir/dirty" --reason because
check 0 "the anchor is now bench 0.1.0 ($(c 1)): the first release" --anchor "$dir/anchor" --reason 'the first release'
check 4 'no gate with bench 0.1.0' --metric arena

# Not in the order of the commits, which is git's business.
for i in 3 1 2 5 4 6; do
    point $i 1000000 65536
done
check 0 '^order:  of the commits that HEAD comes from' --metric ms_per_token
check 0 'too few points' --metric ms_per_token
point 8 1000000 65540
point 7 1000000 65540
check 1 "worse at $(c 7), +0.0% to +0.0%; it stands" --metric arena
check 0 '^all *ms_per_token *8 *0.8% *+0.0%' --metric ms_per_token
for i in 10 9 12 11; do
    point $i 1120000 65536
done
check 1 "worse at $(c 9) (p = 0.00[0-9]*), +0.0% to +12.0%, known at $(c 11); it stands" --metric ms_per_token
grep "^[0-9a-f]\{12\} " "$dir/out" | cut -d' ' -f1 >"$dir/got"
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do c $i; done >"$dir/want"
cmp -s "$dir/got" "$dir/want" && passed=$((passed + 1)) || { echo 'FAILED: not in the order of the commits' && failed=$((failed + 1)); }
check 1 "worse than the budget of 3%, from $(c 9) on" --metric ms_per_token
check 0 "better at $(c 9)" --metric arena
check 0 'worse at .*mended since' --metric arena
check 1 '"order":"git","standing":[1-9].*"commit":"'"$(c 9)"'","p":0.00' --json
check 1 '"points":\[{"commit":"'"$(c 1)"'","gate":2,"ratio":1.0' --json --metric ms_per_token

# Gates that are no points.
standin "$dir/head" "$(c 12)-dirty" 1000000
gate "$dir/head"
standin "$dir/head" 0123456789ab 1000000
gate "$dir/head"
check 1 '^left out: 1 gates of a tree that was not clean'
check 0 '^left out: 1 gates of a tree that was not clean' --metric peak_memory
check 1 '^left out: 1 gates of commits that HEAD does not come from'
"$bench" history --repo "$dir" --metric ms_per_token >"$dir/out" 2>&1
grep -q 'of time: git knows none' "$dir/out" && passed=$((passed + 1)) || { echo 'FAILED: outside a repository' && failed=$((failed + 1)); }

check 2 'did you mean ms_per_token?' --metric ms_per_tokn
check 2 'must be axis=value' --cell contxt=1
check 4 'has what is asked for' --cell context=2
check 1 '^all' --cell context=1,runtime=null

# Another anchor begins another history.
standin "$dir/anchor2" "$(c 12)" 1120000
check 0 'the anchor is now' --anchor "$dir/anchor2" --reason 'accepted: safer arithmetic'
check 4 'no gate with bench 0.1.0'
"$bench" gate --base "$dir/anchor2" --head "$dir/anchor2" --runtime null --context 1 --looks 6 --rounds 2 --quiet >/dev/null 2>&1
check 0 '^before: bench 0.1.0 (.*the first release'

sum
