#!/usr/bin/env python3
"""tidy.py BUILD_FOLDER: clang-tidy over every source of the product that the build compiles, on all
cores. Tests and benchmarks are left out: GoogleTest's macros cost most of the time and say little.

A file that passed is not looked at again until it, a file of ours that it includes, its compile
command, .clang-tidy or clang-tidy itself changes; the build's own dependency records tell.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys

QUIET = ["--extra-arg=-Wno-unknown-warning-option",  # g++ has some that clang lacks
         "--extra-arg=-Wno-ignored-optimization-argument",
         "--extra-arg=-Wno-unused-command-line-argument"]
PRODUCT = {"app", "base", "engine", "retrieval", "storage", "ui"}
NOISE = re.compile(r"^(\d+ (warning|error)s?\b.*|Suppressed .*|Use -header-filter.*|Error while processing .*)\n", re.M)


def dependencies(build):
    """Object file -> files that its compilation read, as ninja recorded them."""
    found, current = {}, []
    for line in subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.splitlines():
        if line.startswith(" "):
            current.append(line.strip())
        elif ": #deps" in line:
            current = found.setdefault(line.split(": #deps")[0], [])
    return found


def main(build, with_tests):
    top = os.getcwd()
    passed = os.path.join(top, "build", "tidy")
    os.makedirs(passed, exist_ok=True)
    read = {}

    def digest(path):
        if path not in read:
            with open(path, "rb") as file:
                read[path] = hashlib.sha256(file.read()).hexdigest()
        return read[path]

    tool = subprocess.run(["clang-tidy", "--version"], check=True, stdout=subprocess.PIPE).stdout
    deps, work, seen = dependencies(build), [], set()
    for entry in json.load(open(os.path.join(build, "compile_commands.json"))):
        source = os.path.join(entry["directory"], entry["file"])
        if source.startswith(top + "/tests/") and not with_tests:
            continue
        folder = os.path.relpath(source, top).split("/")[0]
        if folder not in PRODUCT or source in seen:
            continue
        seen.add(source)
        command = shlex.split(entry["command"])
        object_file = command[command.index("-o") + 1]
        key = hashlib.sha256(tool + digest(".clang-tidy").encode() + entry["command"].encode())
        for path in sorted({os.path.join(entry["directory"], p) for p in deps.get(object_file, [])} | {source}):
            if path.startswith(top + "/") and os.path.exists(path):
                key.update(path.encode() + digest(path).encode())
        mark = os.path.join(passed, key.hexdigest())
        if not os.path.exists(mark):
            work.append((source, mark))
    print(f"clang-tidy: {len(seen)} sources, {len(seen) - len(work)} unchanged since they passed", flush=True)

    def check(source, mark):
        run = subprocess.run(["clang-tidy", "--quiet", "-p", build, *QUIET, source], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if run.returncode == 0:
            open(mark, "w").close()
            return True
        print(NOISE.sub("", run.stdout), flush=True)
        return False

    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        good = list(pool.map(lambda item: check(*item), work))
    bad = good.count(False)
    print(f"clang-tidy: {bad} of {len(seen)} sources have findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--tests" in sys.argv[2:]))
