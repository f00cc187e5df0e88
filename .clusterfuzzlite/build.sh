#!/bin/bash -eu
# Builds every target of fuzz/ into $OUT, each with its corpus and its dictionary. ClusterFuzzLite and OSS-Fuzz call it with $OUT set and
# with flags for the sanitizer; OUT=folder .clusterfuzzlite/build.sh does the same here, without one.
cd "$(dirname "$0")/.."
[ -d fuzz ] || cd "$SRC/project"
: "${OUT:?where the targets go}"
options=(--fuzz-dir fuzz -O --debug-assertions)
if [ -z "${SANITIZER:-}" ]; then
    export RUSTC_BOOTSTRAP=1
    options+=(--sanitizer none)
fi
cargo fuzz build "${options[@]}"
built=$(find fuzz/target -maxdepth 2 -name release -path '*linux*' | head -n 1)
vectors=$(mktemp -d)
cargo run --quiet --release -p conformance -- seeds "$vectors"
for source in fuzz/fuzz_targets/*.rs; do
    target=$(basename "$source" .rs)
    cp "$built/$target" "$OUT/"
    words=fuzz/mqtt.dict
    seeds=$vectors
    case $target in
        openc2_*)
            words=fuzz/openc2.dict
            seeds=$(mktemp -d)
            cargo run --quiet --release -p benches --bin openc2-seeds -- "$seeds" "${target#openc2_}"
            ;;
        operations | structured | topics) seeds= ;;
    esac
    cp "$words" "$OUT/$target.dict"
    [ -z "$seeds" ] || python3 - "$OUT/${target}_seed_corpus.zip" "$seeds" <<'PYTHON'
import pathlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    for file in sorted(pathlib.Path(sys.argv[2]).iterdir()):
        archive.write(file, file.name)
PYTHON
done
