"""Tells in a line now and then how far a fuzzer is, from what libFuzzer prints: progress.py TARGET. All it prints is shown once it finds
something, or does not start."""

import re
import sys
import time

target = sys.argv[1]
EVERY = 5  # seconds between two lines
begin = time.monotonic()
shown = begin
state = {"runs": 0, "cov": 0, "ft": 0, "corp": "0", "speed": 0}
finds, tail, executed, units = 0, [], None, None
pulse = re.compile(r"^#(\d+)\s.*?cov: (\d+) ft: (\d+) corp: (\d+)/.*?exec/s: (\d+)")


def tell(end="\r"):
    seconds = time.monotonic() - begin
    runs = executed or state["runs"]
    speed = int(executed / max(seconds, 1)) if executed else state["speed"]
    line = f"{target:<16} {seconds:5.0f} s  {runs:>12,} executions  {speed:>9,}/s  coverage {state['cov']:>6,} edges, {state['ft']:,} features  corpus {state['corp']}  finds {finds}"
    print(line, end=end if sys.stdout.isatty() else "\n", flush=True)


for line in sys.stdin:
    tail = (tail + [line])[-200:]
    if found := pulse.match(line):
        if not state["runs"]:
            begin = time.monotonic()
        state = dict(zip(("runs", "cov", "ft", "corp", "speed"), (int(g) for g in found.groups())))
    elif line.startswith("artifact_prefix=") or "Test unit written to" in line:
        finds += 1
    elif "stat::number_of_executed_units" in line:
        executed = int(line.split()[-1])
    if time.monotonic() - shown > EVERY and state["runs"]:
        shown = time.monotonic()
        tell()
tell(end="\n")
if finds or not (state["runs"] or executed):
    sys.stdout.writelines(tail)
    sys.exit(1)
