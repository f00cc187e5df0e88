"""Puts reports side by side: results.py FOLDER OUTPUT REVISION NAME=WHAT… -- NAME=WHAT… (brokers, then clients)."""

import datetime
import json
import pathlib
import platform
import sys

folder, output, revision = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
split = sys.argv.index("--")
SIGNS = {"pass": "✓", "fail": "✗", "should": "(✗)", "not_seen": ""}


def table(title, judge, names):
    reports = {}
    for name in names:
        key, _, what = name.partition("=")
        reports[what.replace("~", " ") or key] = json.loads((folder / f"{key}.json").read_text())
    if not reports:
        return []
    lines = [f"## {title}", "", "| | " + " | ".join(reports) + " |", "|---|" + "---|" * len(reports)]
    for count in ("pass", "fail", "should", "not_seen"):
        counts = [str(report["counts"][count]) for report in reports.values()]
        lines.append(f"| {count.replace('_', ' ')} | " + " | ".join(counts) + " |")
    lines += ["", "| statement | | " + " | ".join(reports) + " |", "|---|---|" + ":-:|" * len(reports)]
    verdicts = [{v["id"]: v for v in report["verdicts"]} for report in reports.values()]
    order = {v["id"]: v["says"] for report in reports.values() for v in report["verdicts"]}
    kept = []
    for statement in sorted(order, key=lambda s: [int(n) for n in s.replace("MQTT", "").replace("-", ".").split(".") if n.strip().isdigit()]):
        found = [v.get(statement, {}).get("verdict", "not_seen") for v in verdicts]
        if set(found) <= {"pass", "not_seen"}:
            kept.append((statement, found))
            continue
        lines.append(f"| {statement} | {order[statement]} | " + " | ".join(SIGNS[f] for f in found) + " |")
    seen = [statement for statement, found in kept if "pass" in found]
    unseen = [statement for statement, found in kept if "pass" not in found]
    lines += ["", f"Kept by all who showed it ({len(seen)}): {', '.join(seen)}.", ""]
    if unseen:
        lines += [f"Seen of none ({len(unseen)}): {', '.join(unseen)}.", ""]
    lines += [f"### What was seen", ""]
    for what, found in zip(reports, verdicts):
        for statement, verdict in found.items():
            if verdict["verdict"] == "fail":
                finding = verdict["found"]
                shown = finding["bytes"]["hex"] if finding["bytes"] else ""
                shown = f", `{shown[:60]}`" + ("…" if len(shown) > 60 else "") if shown else ""
                lines.append(f"- **{what}**, {statement}, {finding['trial']}: expected {finding['expected']}; seen: {finding['seen']}{shown}")
    return lines + [""]


today = datetime.date.today().isoformat()
lines = [
    "# Who keeps what",
    "",
    f"Written by `tests/results.sh` on {today}, {platform.system()} {platform.machine()}, at revision {revision or 'unknown'}.",
    "",
    "✓ kept · ✗ broken · (✗) not as it should be: the standard recommends it, or binds the sender alone · blank: not seen. "
    "Each is judged as it comes, with the command that the script shows; names of trials and what they do are in `tests/src/judge`.",
    "",
]
lines += table("Brokers", "broker", sys.argv[4:split]) + table("Clients", "peer", sys.argv[split + 1:])
output.write_text("\n".join(lines).rstrip() + "\n")
