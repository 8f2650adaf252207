#!/bin/sh
# Tests of ci/run-tests: what it says of programs that pass, fail, crash or never come to their end.
# SPDX-License-Identifier: MIT
set -u
. tests/frame.sh

program() # NAME BODY
{
    printf '#!/bin/sh\n%s\n' "$2" >"$dir/$1"
    chmod +x "$dir/$1"
}

program two 'echo "2 passed, 0 failed, 0 skipped"'
program three 'sleep 0.2; echo "3 passed, 0 failed, 1 skipped"'
program bad 'echo "what went wrong"; echo "1 passed, 1 failed, 0 skipped"; exit 1'
program silent :
program killed 'echo "4 passed, 0 failed, 0 skipped"; kill -9 $$'
program cmocka 'echo "[  PASSED  ] 7 test(s)."'

run() # EXIT-CODE PATTERN PROGRAM...
{
    code=$1 pattern=$2
    shift 2
    expect "$code" "$pattern" ci/run-tests "$dir/logs" "$@"
}

# Ends in another order than they began.
run 0 '^12 passed, 0 failed, 1 skipped$' "$dir/three" "$dir/two" "$dir/cmocka"
expect 0 '^5 passed, 0 failed, 1 skipped$' env JOBS=1 ci/run-tests "$dir/logs" "$dir/two" "$dir/three"
run 1 '^3 passed, 1 failed, 0 skipped$' "$dir/two" "$dir/bad"
run 1 '^    what went wrong$' "$dir/two" "$dir/bad"
run 1 '^silent .*FAILED (exit 0) no summary' "$dir/silent" "$dir/two"
run 1 '^killed .*FAILED (exit 137) no test failed, but the program did' "$dir/killed" "$dir/two"
run 1 '^2 passed, 1 failed, 0 skipped$' "$dir/two" "$dir/absent"
run 2 'there is no test to run'

sum
