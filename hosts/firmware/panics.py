"""Who can panic in a program that has line tables: `panics.py PROGRAM FOLDER...` prints each place from which a panic is reached, with
the file it stands in, and fails if one of them is not below one of these folders' names. Functions of `core` that panic count as
panics themselves. Needs llvm-objdump and llvm-symbolizer."""

import re
import subprocess
import sys

CORE = re.compile(r"^<*core::")


def run(*command, text=None):
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def calls(program):
    """(address, function, function called) for each direct branch from one function to another."""
    function = None
    for line in run("llvm-objdump", "--disassemble", "--demangle", program).splitlines():
        if head := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            # $t and $d only mark where code and data begin.
            function = function if head[1].startswith("$") else head[1]
        elif branch := re.match(r"\s*([0-9a-f]+):.*\tb[a-z.]*\t.*<(.*)>", line):
            target = re.sub(r"\+0x[0-9a-f]+$", "", branch[2])
            if target != function:
                yield branch[1], function, target


def main(program, *folders):
    edges = list(calls(program))
    panics, more = {"__rustc::rust_begin_unwind"}, True
    while more:
        more = {caller for _, caller, called in edges if called in panics and CORE.match(caller)} - panics
        panics |= more
    sites = [address for address, caller, called in edges if called in panics and caller not in panics]
    if not sites:
        sys.exit("no panic at all: is this the program, and is it built with line tables?")
    found = run("llvm-symbolizer", "--inlines", f"--obj={program}", text="".join(f"0x{site}\n" for site in sites))
    foreign = 0
    for frames in found.strip().split("\n\n"):
        lines = frames.splitlines()
        # The innermost frame first, each as a function and its place.
        inner = next((place for name, place in zip(lines[::2], lines[1::2]) if "/library/core/" not in place), "?")
        own = not any(f"/{folder}" in inner for folder in folders)
        foreign += own
        print(("NOT ALLOWED " if own else "            ") + re.sub(r"^.*/((?:[^/]*/){2})", r"\1", inner))
    sys.exit(1 if foreign else 0)


main(*sys.argv[1:])
