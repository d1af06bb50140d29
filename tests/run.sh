#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# tests/run.sh [--fast] [--soak] [--rounds N] [-k EXPRESSION]
#
# Installs what is missing, builds (release and sanitizers, warnings are errors), runs everything, quick suites first, and ends
# with the line "N passed, N failed, N skipped". Exits non-zero when anything failed or nothing ran. Wants root on Debian 12.
#   --fast   the tree's rules, the unit tests and the quick part of the integration tests
#   --soak   also the package under a booted systemd, and what takes hours: 50 rounds of every row of the matrix, 200 kills of the agent instead of 20, every fault at every call
#   -k       is handed to pytest
set -uo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
cache=${SLACKWATER_LAB_CACHE:-/var/cache/slackwater-lab}
python=/usr/bin/python3         # Debian's: the one that has the packages
export PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

fast= soak= pytest_options=()
while [ $# -gt 0 ]; do
    case $1 in
        --fast) fast=yes; pytest_options+=(--fast) ;;
        --soak) soak=yes; pytest_options+=(--soak) ;;
        --rounds) pytest_options+=("--rounds=$2"); shift ;;
        -k) pytest_options+=("-k=$2"); shift ;;
        -h|--help) sed -n '3,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "tests/run.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift
done

# Much of a test is waiting, for a server or for a moment: one more at a time than there are processors.
processors=$(nproc)
lanes=${SLACKWATER_LANES:-$((processors < 5 ? processors + 1 : 6))}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/slackwater-run.XXXXXX") || exit 1
child=
besides=() commands=() beside_pids=()
# A signal reaches what is running now; its servers end with it.
stop() {
    trap '' INT TERM
    # shellcheck disable=SC2206  # there may be several
    local all=($child "${beside_pids[@]}")
    [ ${#all[@]} = 0 ] || { kill -TERM "${all[@]}" 2>/dev/null; wait "${all[@]}" 2>/dev/null; }
    exit "$1"
}
trap 'stop 130' INT
trap 'stop 143' TERM HUP
trap 'rm -rf "$scratch"' EXIT

run() { "$@" & child=$!; local rc=0; wait "$child" || rc=$?; child=; return $rc; }

passed=0 failed=0 skipped=0 begun=$SECONDS summary=()

# suite NAME COUNTS-FILE SECONDS: add up the last line "counts P F S", show the rest
suite() {
    local p f s
    read -r _ p f s < <(tail -n 1 "$2" | grep -E '^counts [0-9]+ [0-9]+ [0-9]+$' || echo 'counts 0 1 0')
    grep -vE '^counts ' "$2"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    summary+=("$(printf '%-34s %5d passed %3d failed %3d skipped %6d s' "$1" "$p" "$f" "$s" "$3")")
    echo "== ${summary[-1]}"
}

single() {  # single NAME STATUS SECONDS [TEXT]: a suite of one; STATUS is ok, failed or skipped
    local counts
    case $2 in ok) counts='1 0 0' ;; failed) counts='0 1 0' ;; *) counts='0 0 1' ;; esac
    { [ "$2" = ok ] || echo "$2: $1${4:+: $4}"; echo "counts $counts"; } >"$scratch/single"
    suite "$1" "$scratch/single" "$3"
}

build() {   # build PRESET [CMAKE-OPTION...]: quiet unless it fails
    local preset=$1 start=$SECONDS log=$scratch/build.log; shift
    if run cmake --preset "$preset" "$@" >"$log" 2>&1 && run cmake --build --preset "$preset" >>"$log" 2>&1; then
        single "build ($preset)" ok $((SECONDS - start))
    else
        tail -n 60 "$log"
        single "build ($preset)" failed $((SECONDS - start))
        return 1
    fi
}

unit() {    # unit NAME BUILD-DIRECTORY [PREFIX...]: every test function of every cmocka program
    local name=$1 where=$2 start=$SECONDS; shift 2
    run "$@" ctest --test-dir "$where" -L unit -V -j "$((processors * 2))" >"$scratch/unit.log" 2>&1 || grep -aE 'ERROR|\*\*\*|runtime error|SUMMARY|^[0-9]+: .*(\.c:|Error)' "$scratch/unit.log" | head -n 60
    $python tests/lab/tally.py cmocka "$scratch/unit.log" >"$scratch/counts"
    suite "$name" "$scratch/counts" $((SECONDS - start))
}

fuzz() {    # every fuzzer over its corpus, and some seconds more; one to each processor
    local source name start log=$scratch/fuzz.log seconds=10 names=() pids=() begins=() i
    [ -z "$soak" ] || seconds=600
    start=$SECONDS
    if ! grep -q 'SLACKWATER_CAN_FUZZ:INTERNAL=1' build-clang/CMakeCache.txt 2>/dev/null; then
        single fuzzers skipped 0 "clang's fuzzing library is not here"
        return
    fi
    if ! run cmake --build --preset ci-clang --target fuzzers >"$log" 2>&1; then
        tail -n 40 "$log"
        single "build (fuzzers)" failed $((SECONDS - start))
        return
    fi
    for source in tests/fuzz/fuzz_*.c; do
        name=$(basename "$source" .c)
        mkdir -p "$scratch/$name"
        while [ "$(jobs -pr | wc -l)" -ge "$processors" ]; do wait -n; done
        "build-clang/tests/fuzz/$name" -max_total_time="$seconds" -artifact_prefix="$scratch/$name-" \
            "$scratch/$name" "tests/fuzz/corpus/${name#fuzz_}" >"$scratch/$name.log" 2>&1 &
        names+=("$name") pids+=("$!") begins+=("$(date +%s)")
        child=${pids[*]}
    done
    for i in "${!pids[@]}"; do
        name=${names[i]}
        if wait "${pids[i]}"; then
            single "$name" ok $(($(stat -c %Y "$scratch/$name.log") - begins[i]))
        else
            tail -n 40 "$scratch/$name.log"
            base64 "$scratch/$name"-crash-* "$scratch/$name"-leak-* 2>/dev/null | head -n 40
            single "$name" failed $(($(stat -c %Y "$scratch/$name.log") - begins[i]))
        fi
    done
    child=
}

oracle() {  # the program against Oracle's own libmysqlclient, inside the sid root
    local start=$SECONDS root=$cache/sid into=$cache/sid/lab/source log=$scratch/build.log name='unit (libmysqlclient 9.7)'
    if [ ! -x "$root/usr/bin/ninja" ]; then
        single "$name" skipped 0 'there is no Debian sid root with a compiler here'
        return
    fi
    mkdir -p "$into"
    find "$into" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
    tar -cf - --exclude='./build*' --exclude=./.git . | tar -xf - -C "$into" --no-same-owner
    if ! { run chroot "$root" cmake -S /lab/source -B /lab/source/build -G Ninja &&
           run chroot "$root" cmake --build /lab/source/build -j 2; } >"$log" 2>&1; then
        grep -E 'error|FAILED' -A 3 "$log" | head -n 40
        single "$name" failed $((SECONDS - start)) 'does not build'
        return
    fi
    if ! chroot "$root" ldd /lab/source/build/slackwater | grep libmysqlclient >/dev/null; then       # -q would end ldd by SIGPIPE
        single "$name" failed $((SECONDS - start)) 'is not linked with it'
        return
    fi
    unit "$name" /lab/source/build chroot "$root"
}

# Tests of time on a machine whose processors others use as well: a suite that fails is run once more by itself, and named even when it passes then.
measured() {    # measured NAME COMMAND...: a suite that runs by itself
    local name=$1 start=$SECONDS; shift
    SLACKWATER_BIN="$top/build/slackwater" run "$@" >"$scratch/counts" 2>&1
    if ! grep -qE '^counts [0-9]+ 0 ' "$scratch/counts"; then
        grep -vE '^counts ' "$scratch/counts"
        echo "again: $name"
        SLACKWATER_BIN="$top/build/slackwater" run "$@" >"$scratch/counts" 2>&1
    fi
    suite "$name" "$scratch/counts" $((SECONDS - start))
}

beside() {      # beside NAME PORTS COMMAND...: start a suite that waits more than it computes; gather waits for all of them
    local name=$1 ports=$2; shift 2
    date +%s >"$scratch/begun${#besides[@]}"
    SLACKWATER_LAB_PORTS=$ports SLACKWATER_BIN="$top/build/slackwater" "$@" >"$scratch/beside${#besides[@]}" 2>&1 &
    besides+=("$name") commands+=("$(printf '%q ' "$@")") beside_pids+=("$!")
}

gather() {
    local i file
    for i in "${!beside_pids[@]}"; do wait "${beside_pids[i]}" || true; done
    beside_pids=()
    for i in "${!besides[@]}"; do
        file=$scratch/beside$i
        if grep -qE '^counts [0-9]+ 0 ' "$file"; then
            suite "${besides[i]}" "$file" $(($(stat -c %Y "$file") - $(cat "$scratch/begun$i")))
        else
            grep -vE '^counts ' "$file"
            echo "again: ${besides[i]}"
            eval "measured \"\${besides[i]}\" ${commands[i]}"
        fi
    done
    besides=() commands=()
}

if ! run tests/lab/install.sh; then
    single install failed "$SECONDS"
    echo '0 passed, 1 failed, 0 skipped'
    exit 1
fi

built=yes
build ci-release || built=
build ci-dev
[ -n "$fast" ] || build ci-clang

start=$SECONDS
(cd tests && $python -m lab.tree ${built:+"$top/build"}) >"$scratch/counts" 2>&1
suite "rules of the tree" "$scratch/counts" $((SECONDS - start))

if [ -n "$built" ]; then
    unit "unit" build
    unit "unit (ASan, UBSan)" build-dev
    [ -n "$fast" ] || fuzz
    [ -n "$fast" ] || oracle
    start=$SECONDS
    integration() {     # integration JUNIT-FILE WHAT...; in the background only
        local xml=$1; shift
        exec $python -m pytest -p no:cacheprovider -q --tb=short -o junit_family=xunit1 --junit-xml="$xml" "$@"
    }
    # Its builds are niced, and the rest of it waits; it has ended before what is measured by itself begins.
    [ -n "$fast" ] || beside "the Debian package" 25000-25249 packaging/test-deb.sh "$scratch/deb"
    # Several runs side by side, each with ports of its own, share the tests.
    pids=()
    mkdir "$scratch/share"
    for ((lane = 1; lane <= lanes; lane++)); do
        SLACKWATER_LAB_PORTS=$((20500 + lane * 500))-$((20999 + lane * 500)) integration "$scratch/junit$lane.xml" --share="$scratch/share" \
            ${pytest_options[@]+"${pytest_options[@]}"} tests/integration >"$scratch/lane$lane" 2>&1 &
        pids+=("$!")
    done
    child="${pids[*]}" rc=0
    for ((lane = 1; lane <= lanes; lane++)); do
        wait "${pids[lane - 1]}" || { rc=$?; grep -vE '^[.sFE]+( *\[ *[0-9]+%\])?$' "$scratch/lane$lane"; }
    done
    child=
    results=()
    grep -hE '^\| ' "$scratch"/lane*           # figures and tables of tests
    for ((lane = 1; lane <= lanes; lane++)); do
        [ ! -f "$scratch/junit$lane.xml" ] || results+=("$scratch/junit$lane.xml")
    done
    whole=${#results[@]}
    # Tests of time on a machine whose processors others use as well: what fails, unless it is much, is run once more by itself,
    # and named even when it passes then.
    mapfile -t again < <(for one in "${results[@]}"; do $python tests/lab/tally.py failed "$one"; done 2>/dev/null | grep .)
    if [ $rc != 0 ] && [ ${#again[@]} -gt 0 ] && [ ${#again[@]} -le 15 ]; then
        run integration "$scratch/again.xml" "${again[@]}"
        [ ! -f "$scratch/again.xml" ] || results+=("$scratch/again.xml")
    fi
    if [ "$whole" = "$lanes" ]; then
        $python tests/lab/tally.py pytest "${results[@]}" >"$scratch/counts"
    else
        echo "pytest ended with $rc before all had run" >"$scratch/counts"
    fi
    suite "integration" "$scratch/counts" $((SECONDS - start))
    gather
    if [ -z "$fast" ]; then
        rounds=20
        [ -z "$soak" ] || rounds=200
        measured "agent killed, frozen, cut off" tests/fault/run.sh --rounds $rounds
        beside "the n-th call fails" 21500-21749 tests/fault/inject.sh ${soak:+--soak}
        [ -z "$soak" ] || beside "the package under systemd" 25000-25099 packaging/test-systemd.sh "$scratch/deb"
        beside "the agent under load" 21750-21999 tests/agent/run.sh ${soak:+--soak}
        gather
    fi
fi

echo
printf '%s\n' "${summary[@]}"
echo "total $((SECONDS - begun)) s"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] && [ $passed -gt 0 ]
