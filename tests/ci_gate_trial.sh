#!/bin/sh
# ci/gate_trial and bench audit, from the first draw to the report: on programs that are shell scripts and tell made-up times, and on
# this program itself.  No time of this machine is judged; that the stored verdicts come out again when the samples are judged anew is.
# SPDX-License-Identifier: MIT
set -u
. tests/frame.sh
. tests/standin.sh
export BENCH="$bench"
db=$dir/trial.db

# A program whose tokens take that long, and a little more with the length of its environment.
fake() # NAME NANOSECONDS
{
    standin "$dir/$1" abc "\$(($2 + \${#BENCH_PAD}))"
}

fake base 1000000
fake effect-4 1040000
fake effect-20 1200000
printf '[gate]\nruntime = null\ncontext = 1\nlooks = 8\nrounds = 2\nalpha = 0.05\n' >"$dir/tiny.ini"
trial() # EXIT-CODE PATTERN OPTIONS...
{
    code=$1 pattern=$2
    shift 2
    expect "$code" "$pattern" ci/gate_trial --programs "$dir" --config "$dir/tiny.ini" --work "$dir/work" --db "$db" --effects 4,20 \
        "$@"
}

# -- what is refused ----------------------------------------------------------------------------------------------------------------
expect 0 'usage: ci/gate_trial' ci/gate_trial --help
expect 2 'there is no option --equal' ci/gate_trial --equal 3
expect 2 'needs a value' ci/gate_trial --aa
expect 2 'it can be idle, make, hog' ci/gate_trial --conditions idle,sleep
expect 2 'none.ini: cannot be read' ci/gate_trial --config none.ini
expect 5 'no database there yet' "$bench" audit --db "$db"
expect 2 'it can be report, rules, scores, draw, record, inject' "$bench" audit score --db "$db"
trial 0 'the time is up' --minutes 0 --conditions idle
expect 0 '^calibrate ' "$bench" audit draw --db "$dir/fresh.db"
expect 4 'has not come to its end, or there is none' "$bench" audit record --kind equal --condition idle --db "$dir/fresh.db"
expect 2 'kind tune, calibrate, equal or effect' "$bench" audit record --kind slow --condition idle --db "$dir/fresh.db"
expect 2 'effect PERCENT is needed' "$bench" audit record --kind effect --condition idle --db "$dir/fresh.db"
expect 2 'percentages from 0.1 to 100' "$bench" audit draw --effects 3,none --db "$dir/fresh.db"
expect 4 'ci/gate_trial makes some' "$bench" audit --db "$dir/fresh.db"
expect 4 'ci/gate_trial tunes first' "$bench" audit inject --db "$dir/fresh.db"

# -- a trial: killed while it works, started again, and asked for more ---------------------------------------------------------------
# A kill that nothing can catch leaves the gate behind, which goes on to its end and is not disturbed before.
ci/gate_trial --programs "$dir" --config "$dir/tiny.ini" --work "$dir/work" --db "$db" --effects 4,20 --conditions idle \
    --aa 2 --effect 2 --calibrate 1 >"$dir/out" 2>&1 &
pid=$!
n=0
until grep -q stored "$dir/out" || [ $((n += 1)) -gt 600 ]; do sleep 0.1; done
kill -KILL $pid
wait $pid 2>/dev/null
grep -q stored "$dir/out" && ! grep -q 'all runs are done' "$dir/out"
verdict $? 'killed between its first run and its last'
n=0
while ci/gate_trial --programs "$dir" --config "$dir/tiny.ini" --work "$dir/work" --db "$db" --minutes 0 2>&1 | grep -q 'still at work' &&
    [ $((n += 1)) -le 600 ]; do sleep 0.1; done
trial 0 'all runs are done' --aa 2 --effect 2 --calibrate 1 --conditions idle
n=$(grep -c stored "$dir/out")
[ "$n" -le 7 ] && [ "$n" -ge 1 ]
verdict $? "it went on from what was stored: $n runs, not 1 to 7 of 8"
trial 0 'all runs are done' --aa 2 --effect 2 --calibrate 1 --conditions idle
[ "$(wc -l <"$dir/out")" -eq 1 ]
verdict $? 'nothing is left to be run'
trial 0 'all runs are done' --aa 3 --effect 2 --calibrate 0 --conditions idle,hog
[ "$(grep -c stored "$dir/out")" -eq 3 ]
verdict $? 'more was asked for, under another condition: an equal one, and one of each effect'

# -- what it says --------------------------------------------------------------------------------------------------------------------
expect 0 '^equal  *-  *all  *3  *0  *0.0% \[0.0%, 70.8%\]  *0  *0 of 3 ' ci/gate_trial --report --db "$db" --work "$dir/work"
for row in 'slower  *4%  *all  *3  *3  ' 'slower  *20%  *hog  *1  *1  ' 'ms_per_token  *all  *4%  *all  *4.0%  *[34]\.[90]%  *4\..%  *3  *3  *100.0% \[29.2%, 100.0%\]' \
    'all  *all  *20%  *idle  *[12][90]\.[09]%' 'all  *all  *20%  *hog  *-  *-  *-  *4' 'equal: 0  *all  *18 ' \
    'slower: the calibrated effect  *ms_per_token  *4 ' 'replayed: [1-9][0-9]* verdicts, 0 of them not what is stored$'; do
    grep -q "$row" "$dir/out"
    verdict $? "a row of \"$row\""
done
printf 'before\n<!-- ci/gate_trial --rules -->\nold\n<!-- end of ci/gate_trial --rules -->\nbehind\n' >"$dir/doc.md"
expect 0 'the table is in' ci/gate_trial --rules "$dir/doc.md" --db "$db" --work "$dir/work"
cp "$dir/doc.md" "$dir/out"
for row in '^| the gate | pairs | 0 of 3, 0.0% \[0.0%, 70.8%\] | 0.0% | 100.0% | 100.0% |$' '^| 10% | in turns | 0 of 3.* | 0.0% | 100.0% |$' \
    '^| asv | in sequence |.* | 0.0% | 100.0% |$' '^before$' '^behind$'; do
    grep -q "$row" "$dir/out"
    verdict $? "the table has \"$row\""
done
grep -q '^old$' "$dir/out"
[ $? -eq 1 ]
verdict $? 'the old table is gone'
expect 2 'has no lines' ci/gate_trial --rules Makefile --db "$db" --work "$dir/work"

# -- this program on the shipped model: metrics that may be absent, rounds that are left out, whatever the machine does ----------------
"$bench" gate --base "$bench" --head "$bench" --model models/home.gguf --text prompts/home/stories.txt --context 4 --decode 2 --looks 6,8 \
    --rounds 2 --alpha 0.05 --threads 1,2 --quiet --db "$dir/real.db" >"$dir/out" 2>&1
[ $? -le 4 ] && "$bench" audit record --kind equal --condition idle --db "$dir/real.db"
verdict $? 'a gate of the program itself'
expect 0 'replayed: [1-9][0-9]* verdicts, 0 of them not what is stored$' "$bench" audit --db "$dir/real.db"

sum
