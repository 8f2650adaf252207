#!/bin/sh
# bench bisect on a repository made for it.  A commit's file `speed` says what its build takes per token; the build command makes a
# stand-in of it (tests/standin.sh), or fails where the commit has a file `broken`.  Whatever happens, the repository stays as it was.
# SPDX-License-Identifier: MIT
set -u
. tests/frame.sh
. tests/standin.sh
top=$PWD
mkdir "$dir/tmp"
export BENCH_DB="$dir/b.db" TMPDIR="$dir/tmp" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
repo=$dir/repo
quick='--runtime null --looks 6 --rounds 2 --alpha 0.05 --cell context=1'

# What must be the same before and after: HEAD, branches, worktrees, a bisection of the user's, files, the temporary folder.
state()
{
    git -C "$repo" rev-parse HEAD
    git -C "$repo" symbolic-ref HEAD
    git -C "$repo" for-each-ref
    git -C "$repo" worktree list
    git -C "$repo" status --porcelain --ignored
    git -C "$repo" bisect log 2>&1
    ls "$repo" "$repo/.git" "$repo/.git/worktrees" "$TMPDIR" 2>/dev/null | grep -vx packed-refs
}

check() # EXIT-CODE PATTERN ARGUMENTS...
{
    code=$1 pattern=$2
    shift 2
    expect "$code" "$pattern" "$bench" bisect --repo "$repo" "$@"
    state >"$dir/after"
    diff "$dir/before" "$dir/after" >>"$dir/out"
    verdict $? 'the repository is not as it was after:'
}
says()
{
    grep -q -e "$1" "$dir/out"
    verdict $? "no \"$1\" in:"
}

cat >"$dir/build.sh" <<END
#!/bin/sh
. $top/tests/standin.sh
[ ! -e broken ] || { echo 'error: it is broken'; exit 2; }
[ ! -e empty ] || exit 0
mkdir -p build
standin build/bench "\$(git describe --always --abbrev=12 --exclude='*')" "\$(cat speed)" "\$(cat arena)"
echo touched >>speed # a build that changes the tree does not stand in the way
END
chmod +x "$dir/build.sh"

git init -q -b main "$repo"
git -C "$repo" config user.name n
git -C "$repo" config user.email e
printf 'build/\n' >"$repo/.gitignore"
commit() # SUBJECT
{
    git -C "$repo" add -A
    git -C "$repo" commit -q -m "$1"
}
echo 65536 >"$repo/arena"
for i in 1 2 3 4 5 6 7 8 9 10 11; do
    echo 1000000 >"$repo/speed"
    [ $i -lt 6 ] || echo 1150000 >"$repo/speed"
    [ $i -lt 10 ] || echo 1500000 >"$repo/speed"
    # shellcheck disable=SC2016 # for the stand-in to expand: noise, for the padding is drawn anew each time
    [ $i -lt 11 ] || echo '$((1000000 + 80 * ${#BENCH_PAD}))' >"$repo/speed"
    [ $i -lt 3 ] || echo 69632 >"$repo/arena"
    rm -f "$repo/broken"
    { [ $i -ne 4 ] && [ $i -ne 9 ]; } || : >"$repo/broken"
    echo $i >"$repo/n"
    commit "change $i"
    eval "c$i=$(git -C "$repo" rev-parse HEAD)"
done
short() { printf '%.12s' "$1"; }
echo 'not committed' >"$repo/mine"
state >"$dir/before"

# shellcheck disable=SC2086 # $quick is a list of options
{
    check 2 'needs GOOD BAD -- BUILD-COMMAND' "$c1" "$c8"
    check 2 'nowhere: no commit of the repository' nowhere "$c8" -- true
    check 2 'are one commit' HEAD main -- true
    check 2 "is not an ancestor of $c1, so nothing leads from one to the other; they part at $(short "$c1")" "$c8" "$c1" -- true
    check 2 'must be axis=value' "$c1" "$c8" --cell 6 -- true
    check 2 'follows one metric' "$c1" "$c8" --metric arena,kv -- true
    check 2 'did you mean "ms_per_token"' "$c1" "$c8" $quick --metric ms_per_tokn -- "$dir/build.sh"
    check 2 'these are 2 cells' "$c1" "$c8" $quick --threads 1,2 --metric arena -- "$dir/build.sh"
    check 4 'error: it is broken; name a GOOD that can' "$c4" "$c8" $quick -- "$dir/build.sh"
    check 4 'made no build/bench' "$c1" "$c8" $quick -- true
    check 4 'no-such-command' "$c1" "$c8" $quick -- no-such-command
    check 1 "$c5 is not worse than $c1 (+0.0%)" "$c1" "$c5" $quick -- "$dir/build.sh"

    check 0 "^the first bad commit is $(short "$c6"), change 6" "$c1" HEAD~3 $quick -- "$dir/build.sh"
    says "^ms_per_token +15.0% \[+15.0%, +15.0%\] against $(short "$c1")"
    says "^$(short "$c8")  BAD  *+15.0%"
    check 0 "^the first bad commit is $(short "$c3"), change 3" "$c1" main~3 $quick --metric arena -- "$dir/build.sh"
    check 0 "\"first_bad\":{\"commit\":\"$c6\",\"subject\":\"change 6\",\"is\":\"bad\",\"ratio\":1.15" "$c5" "$c8" $quick --json -- "$dir/build.sh"

    check 0 "$(short "$c4") skipped: cannot be built (exit status 2): error: it is broken" "$c2" "$c6" $quick -- "$dir/build.sh"
    says "^the first bad commit is $(short "$c6")"

    # Only what cannot be built is left between good and bad: it is one of two.
    check 3 'only skipped commits are left; the first bad one is one of' "$c8" "$c10" $quick -- "$dir/build.sh"
    says "^$c9"
    check 3 "whether $c11 is worse than $c8 could not be told: undecided after 12 units" "$c8" "$c11" $quick -- "$dir/build.sh"

    # Interrupted while it builds: what it started is ended too.
    rm -f "$dir/building"
    "$bench" bisect --repo "$repo" "$c1" "$c8" $quick -- sh -c "echo \$\$ >$dir/building; exec sleep 600" >"$dir/out" 2>&1 &
    pid=$!
    until [ -s "$dir/building" ]; do sleep 0.1; done
    kill -INT $pid
    wait $pid
    verdict $(($? != 3)) 'an interrupted bisection ends with 3, not so:'
    says 'interrupted'
    kill -0 "$(cat "$dir/building")" 2>"$dir/out"
    verdict $(($? == 0)) 'its build is still running'
    state >"$dir/after"
    diff "$dir/before" "$dir/after" >"$dir/out"
    verdict $? 'the repository is not as it was after an interruption:'
}
sum
