#!/bin/sh
# Checks the published vectors as anybody could: they are written twice alike, there are at least 1,500, and the judge of
# packets (or any other program that reads the same lines) says of each what the vector says.
#   tests/vectors.sh                       with `conformance codec`
#   tests/vectors.sh other-judge --its-options
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cargo build --quiet --release -p conformance
tool=$target/release/conformance
[ $# -gt 0 ] || set -- "$tool" codec
"$tool" vectors --output "$folder/vectors.jsonl"
"$tool" vectors | cmp - "$folder/vectors.jsonl"
cat >"$folder/ask.py" <<'END'
import json, subprocess, sys

vectors = [json.loads(line) for line in open(sys.argv[1])]
lines = "".join(("c2s " if v["from"] == "client" else "s2c ") + v["hex"] + "\n" for v in vectors)
answers = subprocess.run(sys.argv[2:], input=lines, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
wanted = {
    "valid": lambda v: "valid " + v["canonical"],
    "incomplete": lambda v: "incomplete",
    "reject": lambda v: "reject 0x%02X %s" % (v["reason"], v["statement"].replace(" ", "")),
}
wrong = [(v, a) for v, a in zip(vectors, answers) if a != wanted[v["verdict"]](v)]
for vector, answer in wrong[:20]:
    print(answer, "for", json.dumps(vector))
print(len(vectors), "vectors,", len(wrong), "answered otherwise")
sys.exit(len(vectors) < 1500 or len(answers) != len(vectors) or bool(wrong))
END
python3 "$folder/ask.py" "$folder/vectors.jsonl" "$@"
