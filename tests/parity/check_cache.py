#!/usr/bin/python3
"""See that quantized KV caches give the same bits however they came about, and stay near one in F16.

    tests/parity/check_cache.py build/release/tests/text_runner [MODEL ...]

The tiny models' heads do not divide into blocks of 32, so these are models of architectures.py made wider, with heads
of 32 to 256 values and latents of 128 to 512. In each type of cache tests/text_runner compares batches of 1, 7, 64 and 256
tokens, one to three threads, a session that was used for something else, one that begins with what another left, and one
that was saved and restored: all must have the bits of a new session. The text is longer than a page of the cache and than
all windows. The mean divergence of next tokens from a cache in F16, at the 95 % nearest positions, must be below a bar
for each type, and larger than zero, since else nothing was quantized. With experts a few positions make up most of the
mean of all, where a router is close to a tie; it has a bar, too. Ends with 1 if something is missed, with 77 if numpy is missing.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # tests run beside each other
try:
    import numpy
except ImportError:
    print("skipped: this needs numpy (apt-get install python3-numpy)")
    sys.exit(77)

import architectures
import wide_models
from make_golden import tokens_of

POSITIONS = 272  # a page of the cache has 256
# How many times as wide as the tiny model; what its attention has.
MODELS = {
    "llama-dense 4": "two queries a key, heads of 32",
    "llama-dense 8": "heads of 64",
    "llama-dense 12": "heads of 96",
    "llama-dense 16": "heads of 128",
    "qwen3moe 8": "normalized heads of 128",
    "qwen3moe 16": "normalized heads of 256",
    "deepseek3 4": "latents of 96 with keys of 32",
    "deepseek3 16": "latents of 384 with keys of 128",
    "deepseek2-mtp 8": "latents of 192 with keys of 64",
    "gpt-oss 8": "sinks, windows",
    "gemma2 8": "windows, soft caps",
    "gemma3 8": "windows",
    "cohere2 8": "windows, and layers without positions",
    "granitemoe 8": "scaled scores",
    "glm4moe 4": "half of a head rotated",
    "qwen3next 4": "one layer of four attends",
    "lfm2 8": "convolutions between",
}
RECURRENT = ("qwen3next 4", "lfm2 8")  # a state that has gone past a position is not shared
# Mean divergence from F16 of the nearest that each (keys, values) may have, without experts and with: some twice the
# largest of these models.
BARS = {("q8_0", "q8_0"): (5e-5, 4e-4), ("q8_0", "q4_0"): (1e-2, 1.5e-2), ("q4_0", "q4_0"): (1.2e-2, 7e-2)}
TYPICAL, ALL = 0.95, 0.2


def check(name, folder, runner):
    base, scale = name.rsplit(" ", 1)
    path = os.path.join(folder, "model.gguf")
    wide_models.SCALE = int(scale)
    wide_models.write(base, path)
    requests = [{"tokens": tokens_of(architectures.VOCABULARY, POSITIONS), "keys": keys, "values": values,
                 "scratch": os.path.join(folder, "session.kv")} for keys, values in BARS]
    lines = "".join(json.dumps(each) + "\n" for each in requests)
    done = subprocess.run([runner, "cache", path], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
    results = [json.loads(line) for line in done.splitlines()]
    good, text = len(results) == len(BARS), ""
    for (types, bar), result in zip(BARS.items(), results):
        rows = numpy.sort(result["divergences"])
        typical = rows[:int(len(rows) * TYPICAL)].mean()
        good &= len(rows) == POSITIONS and 0 < typical <= bar[wide_models.has_experts(base)] and rows.mean() <= ALL
        good &= not result["differences"] and (result["shared"] > 0) != (name in RECURRENT)
        text += "  %s/%s %.1e, all %.1e%s" % (*types, typical, rows.mean(), "".join(
            ", differs: " + each for each in result["differences"]))
    print("%-6s %-18s%s  (%s)" % ("ok" if good else "MISSED", name, text, MODELS.get(name, "")), flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runner", help="tests/text_runner of a build")
    parser.add_argument("models", nargs="*", help='as "llama-dense 8"')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = [check(name, folder, options.runner) for name in options.models or MODELS]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
