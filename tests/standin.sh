# standin.sh - a stand-in for a build of bench, for tests of what is done with builds: a shell script that tells made-up times.
#
# Sourced.  standin FILE COMMIT NS [ARENA]: writes a program that says it was built from COMMIT and takes NS per token; NS may be
# shell code.  It answers what a gate asks (bench/protocol.h), and nothing of it is measured.
# SPDX-License-Identifier: MIT
standin() # FILE COMMIT NS [ARENA]
{
    cat >"$1" <<END
#!/bin/sh
if [ "\$1" = --version ]; then printf 'bench 0.1.0 ($2)\ncc 1\nflags\n'; exit 0; fi
while read -r line; do
    case \$line in
    *'"do":"measure"'*)
        t=$3
        c='["sched.utime","ns","ok",'\$t',""],["sched.stime","ns","ok",0,""],["sched.run_delay","ns","ok",0,""]'
        echo '{"v":1,"ok":true,"stretches":[{"kind":"prefill","real":1,"begin":1,"ns":'\$t',"tokens":1,"readings":['\$c']},' \\
            '{"kind":"decode","real":1,"begin":1,"ns":'\$((2 * t))',"tokens":2,"token_ns":['\$t','\$t'],"readings":['\$c']}]}'
        ;;
    *'"do":"facts"'*)
        echo '{"v":1,"ok":true,"stretches":[{"kind":"facts","real":0,"begin":0,"ns":0,"tokens":0,' \\
            '"readings":[["arena","B","ok",${4:-65536},""],["logits","","ok",77,""]]}]}'
        ;;
    *'"do":"exit"'*)
        echo '{"v":1,"ok":true,"stretches":[{"kind":"trial","real":1,"begin":1,"ns":5,"tokens":0,"readings":[["memory.peak","B","ok",10485760,""]]}]}'
        exit 0
        ;;
    *) echo '{"v":1,"ok":true,"stretches":[]}' ;;
    esac
done
END
    chmod +x "$1"
}
