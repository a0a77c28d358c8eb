#!/usr/bin/python3
"""Make the tiny random models of this folder and the logits that an independent reference gives.

    tests/parity/make_parity.py ../shared/tools

The folder named holds synth_gguf.py, which writes random models in the shapes of real ones, and
ref_logits.py, a plain numpy forward pass that shares no code with the engine. Models are cut down
to some 300 kB, so that they are in the repository and tests/engine/core/parity_test.cpp always runs.
Needs python3-numpy. Output is the same at every run.
"""
import os
import struct
import sys

sys.path.insert(0, sys.argv[1] if len(sys.argv) > 1 else "../shared/tools")
import numpy as np
import ref_logits
import synth_gguf

HERE = os.path.dirname(os.path.abspath(__file__))
VOCABULARY = 320
TOKENS = [(i * i * 37 + 11 * i + 5) % VOCABULARY for i in range(40)]
MLA = dict(layers=3, embd=64, heads=4, kv_lora=64, rope=16, nope=32, vdim=32, ff=96, ff_exp=32,
           ctx=4096)
PLAIN = dict(layers=3, embd=64, heads=4, kv=2, hd=16, ff=96, ff_exp=96, experts=4, used=2)
YARN_ORIGINAL = 16  # so that 40 tokens already reach past the original context

# name: (preset, what differs, old attn_kv_b, weight type)
MODELS = {
    "deepseek3": ("deepseek-v3-mini", dict(MLA, q_lora=32, experts=8, used=2, groups=4,
                                           groups_used=2), False, "f16"),
    "deepseek3-bf16": ("deepseek-v3-mini", dict(MLA, q_lora=32, experts=8, used=2, groups=4,
                                                groups_used=2), False, "bf16"),
    "deepseek2": ("deepseek-v2-lite", dict(MLA, experts=8, used=3), False, "f16"),
    "deepseek2-legacy": ("deepseek-v2-lite", dict(MLA, experts=8, used=3), True, "f16"),
    "mixtral": ("mixtral-tiny", PLAIN, False, "f16"),
    "llama-dense": ("mixtral-tiny", dict(PLAIN, experts=0, used=0, dense_lead=3), False, "f16"),
    "llama-f32": ("mixtral-tiny", dict(PLAIN, experts=0, used=0, dense_lead=3), False, "f32"),
}


def write_model(path, preset, changes, legacy, kind):
    p = dict(synth_gguf.PRESETS[preset], vocab=VOCABULARY)
    p.update(changes)
    if "yarn" in p:
        p["yarn"] = dict(p["yarn"], orig=YARN_ORIGINAL)
    synth_gguf.PRESETS["parity"] = p
    argv = ["synth_gguf.py", "parity", "--type", kind, "-o", path]
    sys.argv = argv + (["--legacy-mla"] if legacy else [])
    synth_gguf.main()


def split_experts(source, target):
    """The same model with a tensor for each expert, as files were before April 2024."""
    data = open(source, "rb").read()
    n_tensors, n_keys = struct.unpack_from("<QQ", data, 8)
    at = 24

    def string():
        nonlocal at
        n, = struct.unpack_from("<Q", data, at)
        at += 8 + n
        return data[at - n:at]

    def skip(kind):
        nonlocal at
        if kind == 8:
            string()
        elif kind == 9:
            of, n = struct.unpack_from("<IQ", data, at)
            at += 12
            for _ in range(n):
                skip(of)
        else:
            at += {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}[kind]

    for _ in range(n_keys):
        string()
        kind, = struct.unpack_from("<I", data, at)
        at += 4
        skip(kind)
    metadata, tensors = data[24:at], []
    for _ in range(n_tensors):
        name = string().decode()
        n, = struct.unpack_from("<I", data, at)
        shape = struct.unpack_from("<%dQ" % n, data, at + 4)
        kind, offset = struct.unpack_from("<IQ", data, at + 4 + 8 * n)
        at += 16 + 8 * n
        tensors.append((name, shape, kind, offset))
    start = -(-at // 32) * 32
    out = []
    for name, shape, kind, offset in tensors:
        size = int(np.prod(shape)) * {0: 4, 1: 2}[kind]
        raw = data[start + offset:start + offset + size]
        if "_exps" in name:
            part = size // shape[2]
            for e in range(shape[2]):
                out.append((name.replace("_exps", ".%d" % e), shape[:2], kind,
                            raw[e * part:(e + 1) * part]))
        else:
            out.append((name, shape, kind, raw))
    head, body = b"GGUF" + struct.pack("<IQQ", 3, len(out), n_keys) + metadata, b""
    for name, shape, kind, raw in out:
        head += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", len(shape))
        head += struct.pack("<%dQ" % len(shape), *shape) + struct.pack("<IQ", kind, len(body))
        body += raw + b"\0" * (-len(raw) % 32)
    with open(target, "wb") as f:
        f.write(head + b"\0" * (-len(head) % 32) + body)


def main():
    for name, recipe in MODELS.items():
        path = os.path.join(HERE, name + ".gguf")
        write_model(path, *recipe)
        logits = ref_logits.forward(path, TOKENS).astype("<f4")
        logits.tofile(os.path.join(HERE, name + ".logits"))
    # One reference serves both layouts of the same weights.
    split_experts(os.path.join(HERE, "mixtral.gguf"), os.path.join(HERE, "mixtral-split.gguf"))


if __name__ == "__main__":
    main()
