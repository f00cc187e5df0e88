#!/usr/bin/env python3
"""Prints how the three core crates are built: files, their lengths, who imports whom, and what shapes them for the compiler.

    tests/picture.py             the working tree
    tests/picture.py COMMIT...   as it was then, beside it

Lines are lines of code: neither blank nor comment nor test. An import is `crate::...` or `super::...`, to another file of the crate;
it goes upward where ARCHITECTURE.md draws floors and the other file's room isn't on a lower one. Files that reach each other by
imports are a circle.
"""

import re
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRATES = {"codec": "the codec", "session": "the session", "openc2": "openc2"}


def tree(commit, folder):
    """The files of a folder, by path, of a commit or (None) as they are."""
    if commit is None:
        return {str(path.relative_to(ROOT)): path.read_text() for path in sorted((ROOT / folder).rglob("*.rs"))}
    names = git("ls-tree", "-r", "--name-only", commit, folder + "/").splitlines()
    return {name: git("show", f"{commit}:{name}") for name in names if name.endswith(".rs")}


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, capture_output=True, text=True).stdout


def code(text):
    """The lines of code of a file, without its tests."""
    text = text.split("#[cfg(test)]\nmod tests")[0]
    lines = (line.split("//")[0].rstrip() for line in text.splitlines())
    return [line for line in lines if line.strip()]


def paths(text):
    """The paths that begin here: one, or those of a group."""
    text = text.lstrip()
    if text.startswith("{"):
        depth, start, found = 0, 1, []
        for at in range(1, len(text)):
            c = text[at]
            if depth == 0 and c in ",}":
                found += paths(text[start:at])
                start = at + 1
                if c == "}":
                    break
            depth += (c == "{") - (c == "}")
        return found
    name = re.match(r"\w*", text).group()
    if not name:
        return []
    rest = paths(text[len(name) + 2 :]) if text.startswith("::", len(name)) else []
    return [[name] + path for path in rest] or [[name]]


def within(path, module):
    return path == module or path.startswith(module + "/")


def imports(modules, lib):
    """For each module those that it imports."""
    passed_on = {path[-1]: "/".join(path[:-1]) for rest in lib.split("pub use ")[1:] for path in paths(rest)}
    graph = {}
    for module, text in modules.items():
        parent = module.split("/")[:-1]
        named = [path for rest in text.split("crate::")[1:] for path in paths(rest)]
        named += [parent + path for rest in text.split("super::")[1:] for path in paths(rest)]
        found = set()
        for path in named:
            inside = [other for other in modules if within("/".join(path), other)]
            other = max(inside, key=len) if inside else passed_on.get(path[0] if path else "")
            if other in modules and other != module:
                found.add(other)
        graph[module] = found
    return graph


def floors(text, title):
    """The floors of a picture in ARCHITECTURE.md, from the ground up; none where there is no picture."""
    section = text.split(f"# Floors of {title}\n")[1:]
    rooms = []
    for line in section[0].split("```")[1].splitlines() if section else []:
        floor = []
        for name in line.strip().split("   ")[0].split("·"):
            folder, brace, files = name.strip().partition("/{")
            floor += [f"{folder}/{file}" for file in files.rstrip("}").split()] if brace else [folder]
        if any(floor):
            rooms.insert(0, floor)
    return rooms


def upward(graph, rooms):
    """The imports that go up, or stay on a floor between two rooms."""
    place = {room: at for at, floor in enumerate(rooms) for room in floor}
    room = lambda module: max((name for name in place if within(module, name)), key=len, default=None)
    pairs = {(room(module), room(other)) for module, others in graph.items() for other in others}
    return {(a, b) for a, b in pairs if a != b and a and b and place[b] >= place[a]}


def circles(graph):
    """The sets of files that reach each other."""
    reach = {}
    for start in graph:
        reach[start], open_ = set(), list(graph[start])
        while open_:
            module = open_.pop()
            if module not in reach[start]:
                reach[start].add(module)
                open_ += graph[module]
    return {frozenset(b for b in graph if b in reach[a] and a in reach[b]) for a in graph if a in reach[a]}


def picture(commit):
    architecture = (ROOT / "ARCHITECTURE.md").read_text() if commit is None else git("show", f"{commit}:ARCHITECTURE.md")
    for crate, title in CRATES.items():
        files = tree(commit, f"{crate}/src")
        lib = files[f"{crate}/src/lib.rs"]
        texts, lengths = {}, {}
        for path, text in files.items():
            module = path.removeprefix(f"{crate}/src/").removesuffix(".rs").removesuffix("/mod")
            if f"#[cfg(test)]\nmod {module.split('/')[-1]};" in lib:
                continue
            lines = code(text)
            lengths[module] = len(lines)
            if module != "lib":
                texts[module] = "\n".join(lines)
        graph = imports(texts, lib)
        rooms = floors(architecture, title)
        longest = max(lengths, key=lengths.get)
        attributes = sum(len(re.findall(r"#\[inline|\binline(?:\(\w+\))?\)\]", text)) for text in texts.values())
        shaped = sum(text.count("cfg_attr(target_pointer_width") + text.count("cfg_attr(not(target_pointer_width") for text in texts.values())
        print(
            f"| {commit or 'now'} | {crate} | {len(lengths)} | {sum(lengths.values()):,} | {statistics.median(lengths.values()):.0f} "
            f"| {longest}, {lengths[longest]} | {sum(length > 400 for length in lengths.values())} "
            f"| {len(upward(graph, rooms)) if rooms else '–'} | {len(circles(graph))} | {attributes} | {shaped} |"
        )
        if "-v" in sys.argv:
            for pair in sorted(upward(graph, rooms)):
                print("   upward:", *pair)
            for circle in circles(graph):
                print("   circle:", *sorted(circle))


def main():
    print("| | crate | files | lines | median file | longest file | above 400 | imports upward | circles | `inline` | of which by width |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for commit in [name for name in sys.argv[1:] if name != "-v"] + [None]:
        picture(commit)


if __name__ == "__main__":
    main()
