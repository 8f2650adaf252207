#!/bin/sh
# Tests of ci/setup on machines made of stubs: a PATH with just the programs of that machine, a folder for its headers, a package
# manager that writes down what it was asked for and "installs" by making the file.
# SPDX-License-Identifier: MIT
set -u
script=$PWD/ci/setup
dir=$(mktemp -d "${TMPDIR:-/tmp}/bench-test-XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

stub() # NAME BODY
{
    printf '#!/bin/sh\n%s\n' "$2" >"$dir/bin/$1"
    chmod +x "$dir/bin/$1"
}

# A machine with every dependency but those named: programs, headers and the font.
machine() # USER-ID WITHOUT...
{
    rm -rf "${dir:?}"/*
    mkdir -p "$dir/include/linux"
    mkdir "$dir/bin" "$dir/fonts"
    : >"$dir/log"
    for p in sh env tr find cat touch; do
        ln -s "$(command -v $p)" "$dir/bin/$p"
    done
    stub id "echo $1"
    shift
    for p in gcc ar git gnuplot clang clang-tidy clang-format cppcheck; do
        stub $p :
    done
    for h in stdio linux/futex sqlite3 jansson ini sodium libstemmer pcre2 cmocka hwloc papi; do
        : >"$dir/include/$h.h"
    done
    : >"$dir/fonts/DejaVuSans.ttf"
    for w; do
        rm "$dir/bin/$w" "$dir/include/$w" "$dir/fonts/$w" 2>/dev/null
    done
}

# A package manager that notes its arguments; `body` decides what happens.
manager() # NAME BODY
{
    stub "$1" "echo \"$1 \$*\" >>'$dir/log'
$2"
}
installs="case \"\$*\" in *'install -s'*|*update*|*--prefix*) ;; *) touch '$dir/include/sqlite3.h' '$dir/bin/cppcheck'
    PATH=$PATH chmod +x '$dir/bin/cppcheck' ;; esac"

setup() # [VARIABLE=VALUE...] [lint]
{
    out=$(env -i PATH="$dir/bin" SETUP_INCLUDE="$dir/include" SETUP_FONTS="$dir/fonts" "${@:-A=}" 2>&1)
    status=$?
}

check() # WHAT CONDITION...
{
    what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n  status %s, output:\n%s\n  asked of the manager:\n%s\n' "$what" "$status" "$out" "$(cat "$dir/log")"
    fi
}
says() { case $out in *"$1"*) true ;; *) false ;; esac }
asked() { case "$(cat "$dir/log")" in *"$1"*) true ;; *) false ;; esac }
is() { [ "$1" = "$2" ]; }
lines() { is "$(printf '%s\n' "$out" | wc -l)" "$1"; }

machine 0
setup "$script"
check 'nothing missing: success' is $status 0
check 'nothing missing: silent' is "$out" ''

machine 0 sqlite3.h
manager apt-get "$installs"
setup "$script"
check 'apt-get as root: success' is $status 0
check 'apt-get: says what is missing' says 'missing: sqlite3.h'
check 'apt-get: says the command' says 'apt-get install'
check 'apt-get: only what is missing' asked 'apt-get install -q -y --no-install-recommends libsqlite3-dev'
check 'apt-get: no update without need' is "$(grep -c update "$dir/log")" 0

machine 0 sqlite3.h
manager apt-get "case \"\$*\" in *'install -s'*) [ -e '$dir/lists' ] || exit 100 ;; *update*) touch '$dir/lists' ;; esac
$installs"
setup "$script"
check 'apt-get without package lists: success' is $status 0
check 'apt-get without package lists: update' asked 'apt-get update'

machine 0 sqlite3.h
manager dnf "$installs"
setup "$script"
check 'dnf: success' is $status 0
check 'dnf: its own package name' asked 'dnf install -q -y sqlite-devel'

machine 0 sqlite3.h
manager pacman "$installs"
setup "$script"
check 'pacman' asked 'pacman -S --noconfirm --needed sqlite'

machine 0 sqlite3.h
manager apk "$installs"
setup "$script"
check 'apk' asked 'apk add sqlite-dev'

machine 1000 sqlite3.h
manager brew "$installs"
setup "$script"
check 'brew: success without root' is $status 0
check 'brew' asked 'brew install sqlite'

machine 1000 sqlite3.h
manager apt-get "$installs"
setup "$script"
check 'no root, no sudo: exit 5' is $status 5
check 'no root, no sudo: one line' lines 1
check 'no root, no sudo: says which packages' says 'libsqlite3-dev'

machine 1000 sqlite3.h
manager apt-get "$installs"
# shellcheck disable=SC2016 # for the stub to expand
manager sudo 'shift; exec "$@"'
setup "$script"
check 'sudo: success' is $status 0
check 'sudo: nobody to type a password' asked 'sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install'

machine 0 sqlite3.h
setup "$script"
check 'no manager: exit 5' is $status 5
check 'no manager: one line' lines 1

machine 0 papi.h
manager pacman "$installs"
setup "$script"
check 'no package: exit 5' is $status 5
check 'no package: says what to do' says 'make PAPI=0'
setup PAPI=0 "$script"
check 'PAPI=0: not wanted' is $status 0

machine 0 hwloc.h
setup HWLOC=0 "$script"
check 'HWLOC=0: not wanted' is $status 0

machine 0 sqlite3.h
manager apt-get 'case $* in *"install -s"*) ;; *install*) exit 100 ;; esac'
setup "$script"
check 'install fails: exit 5' is $status 5
check 'install fails: tried again after update' is "$(grep -c ' install -q' "$dir/log")" 2

machine 0 sqlite3.h
manager apt-get :
setup "$script"
check 'installed, and still not there: exit 5' is $status 5
check 'installed, and still not there: says so' says 'still not found'

machine 0 cppcheck
manager apt-get "$installs"
setup "$script"
check 'lint tools are not wanted' is $status 0
setup "$script" lint
check 'lint tools are wanted by lint: success' is $status 0
check 'lint tools are wanted by lint' asked 'recommends cppcheck'

machine 0 gcc
setup CC=clang "$script"
check 'CC=clang needs no gcc' is $status 0

setup "$script" nonsense
check 'unknown argument: exit 5' is $status 5

echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
