#!/usr/bin/env python3
"""tidy.py BUILD_FOLDER: clang-tidy over every source of the product, on all cores. The sources should be
joined in that build (CONCLAVE_JOINED): reading the headers is most of the work, and they share it. Tests and benchmarks are left out: GoogleTest's macros cost
much and say little.

Sources that passed are not looked at again until they, a file of ours that they include, their compile
command, .clang-tidy or clang-tidy itself changes.
"""
import concurrent.futures
import functools
import hashlib
import json
import os
import re
import subprocess
import sys

QUIET = ["--extra-arg=-Wno-unknown-warning-option",  # g++ has some that clang lacks
         "--extra-arg=-Wno-ignored-optimization-argument",
         "--extra-arg=-Wno-unused-command-line-argument",
         "--checks=-bugprone-suspicious-include"]  # what joining is
FOLDERS = "app|base|engine|retrieval|storage|ui"
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
NOISE = re.compile(r"^(\d+ (warning|error)s?\b.*|Suppressed .*|Use -header-filter.*|Error while processing .*)\n", re.M)
TOP = os.getcwd()
OURS = re.compile(rf"{re.escape(TOP)}/({FOLDERS})/")


@functools.cache
def includes(path):
    """The files of ours that a file includes."""
    with open(path, encoding="utf-8") as file:
        names = INCLUDE.findall(file.read())
    found = (os.path.join(folder, name) for name in names for folder in (TOP, os.path.dirname(path)))
    return [os.path.normpath(each) for each in found if os.path.isfile(each)]


def closure(path):
    seen, waiting = set(), [path]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += includes(current)
    return sorted(seen)


@functools.cache
def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).digest()


def main(build):
    passed = os.path.join(TOP, "build", "tidy")
    os.makedirs(passed, exist_ok=True)
    tool = subprocess.run(["clang-tidy", "--version"], check=True, stdout=subprocess.PIPE).stdout
    work, sources, seen = [], set(), set()
    for entry in json.load(open(os.path.join(build, "compile_commands.json"), encoding="utf-8")):
        unit = os.path.join(entry["directory"], entry["file"])
        if not os.path.exists(unit):  # made by a build, from headers that we see anyway
            continue
        files = closure(unit)
        ours = {path for path in [unit, *includes(unit)] if OURS.match(path) and path.endswith(".cpp")}
        if not ours or unit in seen:
            continue
        seen.add(unit)
        sources |= ours
        key = hashlib.sha256(tool + digest(".clang-tidy") + digest(__file__) + entry["command"].encode())
        for path in files:
            key.update(path.encode() + digest(path))
        mark = os.path.join(passed, key.hexdigest())
        if not os.path.exists(mark):
            work.append((len(files), unit, mark))
    print(f"clang-tidy: {len(sources)} sources joined to {len(seen)}, "
          f"{len(seen) - len(work)} unchanged since they passed", flush=True)

    def check(unit, mark):
        run = subprocess.run(["clang-tidy", "--quiet", "-p", build, f"--header-filter={OURS.pattern}", *QUIET, unit],
                             text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if run.returncode == 0:
            open(mark, "w").close()
            return True
        print(NOISE.sub("", run.stdout), flush=True)
        return False

    work.sort(reverse=True)  # the longest first, so that the cores end together
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        good = list(pool.map(lambda item: check(*item[1:]), work))
    bad = good.count(False)
    print(f"clang-tidy: {bad} of {len(seen)} have findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
