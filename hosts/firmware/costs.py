"""The tables of costs.sh, from lists of symbols with their sizes: `PROFILE NAME`, one file each."""

import pathlib
import re
import sys
from collections import Counter

PARTS = {
    "client_flash": "mqtt5_session|mqtt5_codec|firmware|compiler_builtins",
    "consumer_flash": "openc2_mqtt::[a-z_]+|mqtt5_session|mqtt5_codec|firmware|compiler_builtins",
}


def symbols(name):
    """The size of each symbol; those of one name together."""
    sizes = Counter()
    for line in (pathlib.Path(sys.argv[1]) / name).read_text().splitlines():
        match = re.match(r"\d+ (\d+) [tTrRdD] (.*)", line)
        # Constants are nameless in a program that is linked, so all that is here is code and named tables.
        if match and match[2] != "__INTERRUPTS":
            sizes[match[2].lstrip("<").replace("firmware::script::", "script ")] += int(match[1])
    return sizes


def first(parts, symbol):
    match = re.search(parts, symbol)
    return match[0] if match else "core"


names = [path.name.split(" ", 1)[1] for path in pathlib.Path(sys.argv[1]).iterdir() if path.name.startswith("release ")]
before = {profile: symbols(f"{profile} nothing") for profile in ("release", "fast")}
print("| a feature of the client | bytes at z | at 3 | the most of it, at z |\n|---|---|---|---|")
rows = []
for name in names:
    if name in PARTS or name == "nothing":
        continue
    after = {profile: symbols(f"{profile} {name}") for profile in before}
    costs = [after[profile].total() - before[profile].total() for profile in before]
    grown = Counter({symbol: size - before["release"][symbol] for symbol, size in after["release"].items()})
    most = [f"`{re.sub('[<>]', '', symbol)[:60]}` {size}" for symbol, size in grown.most_common(3) if size > 30 and "feature_flash" not in symbol]
    rows.append((costs[0], f"| {name} | {costs[0]} | {costs[1]} | {', '.join(most)} |"))
print(*(row for _, row in sorted(rows, reverse=True)), sep="\n")
for program, parts in PARTS.items():
    sizes = [Counter(), Counter()]
    for sums, profile in zip(sizes, before):
        for symbol, size in symbols(f"{profile} {program}").items():
            sums[first(parts, symbol)] += size
    print(f"\n| part of `{program}`, code | bytes at z | at 3 |\n|---|---|---|")
    for part, size in sizes[0].most_common():
        print(f"| `{part}` | {size} | {sizes[1][part]} |")
