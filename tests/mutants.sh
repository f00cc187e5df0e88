#!/bin/sh
# Changes codec and session in a thousand places each, one at a time, and counts how many changes their own tests notice.
#   tests/mutants.sh                       both crates
#   tests/mutants.sh codec                 one of them; the other is `session`
#   tests/mutants.sh codec --shard 0/8     an eighth of it, spread evenly; every other option goes to cargo-mutants as well:
#   tests/mutants.sh session -F 'replace Engine<.*>::close'
# Survivors are in mutants.out/CRATE/mutants.out/missed.txt; those that stand are explained in tests/mutants.md. The last
# line says what came of it; the status is 0 if at least 95 % of the mutants that compile were noticed.
# About a second a mutant: only the crate's own tests are built, without debug information and incrementally.
set -eu
cd "$(dirname "$0")/.."
case ${1-} in
    codec | session) crates=$1; shift ;;
    *) crates="codec session" ;;
esac
command -v cargo-mutants >/dev/null || cargo install cargo-mutants --locked
export CARGO_INCREMENTAL=1 CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0 PROPTEST_CASES="${PROPTEST_CASES:-64}"
caught=0 missed=0 timeout=0 unviable=0
case "$*" in *--shard*) set -- --sharding round-robin "$@" ;; esac
for crate in $crates; do
    out=mutants.out/$crate
    mkdir -p "$out"
    # Status 2 is "some survived", 3 "some did not end": both are counted below.
    status=0
    nice -n 15 cargo mutants --package "mqtt5-$crate" --all-features --cargo-test-arg=--lib --cargo-test-arg=--tests \
        --timeout "${MUTANT_SECONDS:-20}" --output "$out" --colors never "$@" || status=$?
    case $status in 0 | 2 | 3) ;; *) exit "$status" ;; esac
    for outcome in caught missed timeout unviable; do
        eval "$outcome=\$(($outcome + $(wc -l <"$out/mutants.out/$outcome.txt")))"
    done
done
# A mutant that does not end is noticed: a test that runs it fails.
viable=$((caught + timeout + missed)) noticed=$((caught + timeout))
[ "$viable" -gt 0 ] || { echo "mutants: none"; exit 0; }
echo "mutants: $viable compile, $caught caught, $timeout don't end, $missed missed: $((noticed * 1000 / viable)) of 1,000 noticed; $unviable don't compile"
[ $((noticed * 100)) -ge $((viable * 95)) ]
