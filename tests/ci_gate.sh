#!/bin/sh
# ci/gate and the steps of the two templates that call it, in clones of a repository whose builds are stand-ins (tests/standin.sh).
# SPDX-License-Identifier: MIT
set -u
. tests/frame.sh
top=$PWD
export BENCH="$bench" BENCH_PLOTS="$top/plots" JOBS=1 GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

# The origin: a Makefile that makes a stand-in as slow as the file `speed` says, and this project's ci/.
origin=$dir/origin
git init -q -b main "$origin"
git -C "$origin" config user.name n
git -C "$origin" config user.email e
mkdir "$origin/ci"
cp ci/gate ci/github-gate.yml ci/gitlab-gate.yml "$origin/ci"
cp tests/standin.sh "$origin"
printf '[gate]\nruntime = null\ncontext = 1\nlooks = 6\nrounds = 2\nalpha = 0.05\n' >"$origin/ci/gate.ini"
cat >"$origin/Makefile" <<'END'
all:
	@test ! -e broken || { echo 'error: it is broken'; exit 1; }
	@mkdir -p $(O); . ./standin.sh; standin $(O)/bench "`git rev-parse --short=12 HEAD`" "`cat speed`"
relinked: all
	@cp $(O)/bench $(O)/bench-relinked
END
printf 'build/\ngate-out/\n' >"$origin/.gitignore"
commit() # BRANCH FILE CONTENTS
{
    git -C "$origin" checkout -q -B "$1" main
    printf '%s\n' "$3" >"$origin/$2"
    git -C "$origin" add -A
    git -C "$origin" commit -q -m "$1"
}
echo 1000000 >"$origin/speed"
git -C "$origin" add -A
git -C "$origin" commit -q -m first
commit equal n 1
commit slow speed 1200000
# shellcheck disable=SC2016 # for the stand-in to expand
commit noisy speed '$((850000 + 100 * ${#BENCH_PAD}))'
commit crash speed '$(kill -SEGV $$)'
commit broken broken ''
git -C "$origin" checkout -q main

# The one line of a template that runs the gate.
step_of() # FILE
{
    sed -n 's/^ *\(run:\|-\) \(ci\/gate .*\)$/\2/p' "$1"
}
github=$(step_of ci/github-gate.yml) gitlab=$(step_of ci/gitlab-gate.yml)
for step in "$github" "$gitlab"; do
    echo "$step" >"$dir/out"
    [ -n "$step" ] && sh -n "$dir/out"
    verdict $? 'a template has not one step that runs ci/gate:'
done

ci() # BRANCH EXIT-CODE PATTERN COMMAND
{
    rm -rf "$dir/clone" "$dir/summary"
    git clone -q -b "$1" "$origin" "$dir/clone"
    (cd "$dir/clone" && GITHUB_BASE_REF=main GITHUB_STEP_SUMMARY=$dir/summary CI_MERGE_REQUEST_DIFF_BASE_SHA=$(git merge-base origin/main HEAD) \
        sh -c "$4") >"$dir/out" 2>&1 </dev/null
    status=$?
    [ $status -eq "$2" ] && grep -q -e "$3" "$dir/out"
    verdict $? "$4 on $1: exit $status, not $2, or no \"$3\" in:"
    [ "$(git -C "$dir/clone" worktree list | wc -l)" -eq 1 ] && [ -z "$(git -C "$dir/clone" status --porcelain)" ]
    verdict $? "$4 on $1 leaves something behind"
}
has() # FILE PATTERN
{
    grep -q -e "$2" "$dir/clone/$1" 2>"$dir/out"
    verdict $? "no \"$2\" in $1"
}

ci equal 0 '^gate 1: pass' "$github"
has gate-out/gate.xml 'failures="0"'
has ../summary '## bench gate: pass'
has gate-out/gate.txt "^base:      bench 0.1.0 ($(git -C "$origin" rev-parse --short=12 main))"
for file in gate.db gate.tsv gate.svg gate.png; do
    [ -s "$dir/clone/gate-out/$file" ]
    verdict $? "no $file"
done
ci slow 1 '^::error title=bench gate::file, context 1: ms_per_token regressed' "$github"
ci noisy 0 '^::warning title=bench gate::inconclusive; the job summary' "$github"
has ../summary '## bench gate: inconclusive'
ci crash 4 'crashed' "$github"
ci slow 1 '^gate 1: regressed' "$gitlab"
has gate-out/gl-code-quality.json '"severity": "critical"'
ci noisy 3 '^gate 1: inconclusive' "$gitlab"
ci slow 0 'exit code 1 is reported and not counted' 'ci/gate --for report'
ci crash 4 'crashed' 'ci/gate --for report'
ci broken 5 'error: it is broken' ci/gate
ci main 5 'HEAD is no newer than origin/main' "$github"
ci equal 2 'unknown option' 'ci/gate -- --bugdet 3'
ci equal 5 'github, gitlab or report' 'ci/gate --for jenkins'
ci equal 5 "unknown argument '--budget'" 'ci/gate --budget 3'

rm -rf "$dir/clone"
git clone -q --depth 1 -b equal "file://$origin" "$dir/clone"
(cd "$dir/clone" && ci/gate) >"$dir/out" 2>&1
[ $? -eq 5 ] && grep -q 'fetch the whole history' "$dir/out"
verdict $? 'a shallow clone is not told what to do:'
(cd "$dir/clone" && ci/gate --for report) >"$dir/out" 2>&1
[ $? -eq 0 ] && grep -qx '0 passed, 0 failed, 1 skipped' "$dir/out" && grep -q '^SKIP: the gate, for this clone has no HEAD~1' "$dir/out"
verdict $? 'a shallow clone is not skipped by name:'

# Valid YAML, and what stands where the services look for it.
if python3 -c 'import yaml' 2>/dev/null; then
    python3 - >"$dir/out" 2>&1 <<'END'
import yaml
hub = yaml.safe_load(open('ci/github-gate.yml'))
lab = yaml.safe_load(open('ci/gitlab-gate.yml'))
steps = hub['jobs']['gate']['steps']
assert steps[0]['with']['fetch-depth'] == 0 and steps[-1]['if'] == 'always()'
assert all(('run' in s) != ('uses' in s) for s in steps)
assert lab['gate']['allow_failure'] == {'exit_codes': [3]} and lab['gate']['variables']['GIT_DEPTH'] == '0'
assert lab['gate']['artifacts']['when'] == 'always' and all(isinstance(s, str) for s in lab['gate']['script'])
END
    verdict $? 'the templates are not what the services take:'
else
    skipped=1
    echo 'SKIP: whether the templates are valid YAML: no python3 with yaml'
fi

sum
