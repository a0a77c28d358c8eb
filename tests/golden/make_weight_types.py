#!/usr/bin/env python3
"""Writes weight_types.jsonl: what ggml makes of each weight type, and the grids of the IQ types.

    tests/golden/make_weight_types.py PATH/TO/libggml-base.so tests/golden/weight_types.jsonl
    tests/golden/make_weight_types.py PATH/TO/libggml-base.so --grids engine/kernels/types/iq_grids.inc

The library is llama.cpp's, as in the npm package @node-llama-cpp/linux-x64. It is called directly.
Blocks and values come from a generator that tests/engine/core/weight_types_test.cpp repeats, so the
file needs to hold little more than hashes.

Cases:
  dequantize  blocks of random bits (so scales that are infinite, NaN or subnormal too); the hash of
              the floats, with every NaN as 0x7fc00000
  quantize    rows of values of a kind, with or without importances; the hash of the blocks
"""
import ctypes
import json
import struct
import sys

MASK = (1 << 64) - 1

# name: (ggml's number, values of a block, bytes of a block, can be written by `conclave quantize`)
TYPES = {
    "F16": (1, 1, 2, True), "BF16": (30, 1, 2, True),
    "Q4_0": (2, 32, 18, True), "Q4_1": (3, 32, 20, True), "Q5_0": (6, 32, 22, True),
    "Q5_1": (7, 32, 24, True), "Q8_0": (8, 32, 34, True), "Q2_K": (10, 256, 84, True),
    "Q3_K": (11, 256, 110, True), "Q4_K": (12, 256, 144, True), "Q5_K": (13, 256, 176, True),
    "Q6_K": (14, 256, 210, True), "IQ2_XXS": (16, 256, 66, False), "IQ2_XS": (17, 256, 74, False),
    "IQ3_XXS": (18, 256, 98, False), "IQ4_NL": (20, 32, 18, True), "IQ3_S": (21, 256, 110, False),
    "IQ2_S": (22, 256, 82, False), "IQ4_XS": (23, 256, 136, True), "TQ1_0": (34, 256, 54, True),
    "TQ2_0": (35, 256, 66, True), "MXFP4": (39, 32, 17, True), "IQ1_S": (19, 256, 50, False),
    "IQ1_M": (29, 256, 56, False),
}


class Random:
    """splitmix64"""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def bell(self):
        """About normal, in steps of 2^-15: every step of the way is exact in fp32."""
        z = self.next()
        total = sum((z >> shift) & 0xFFFF for shift in (0, 16, 32, 48))
        return (total - 131070) / 32768.0


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return f"{value:016x}"


def rows_of(kind, seed, n_rows, n_columns):
    """Values whose arithmetic is exact in fp32, so that C++ makes the same."""
    random = Random(seed)
    out = []
    for row in range(n_rows):
        for column in range(n_columns):
            value = random.bell()
            if kind == "outliers" and column % 37 == 5:
                value *= 64.0
            elif kind == "tiny":
                value *= 2.0 ** -40
            elif kind == "huge":
                value *= 2.0 ** 14
            elif kind == "zeros" and (column // 16) % 3 != 0:
                value = 0.0
            elif kind == "constant":
                value = 0.375 * (row - 1)
            elif kind == "positive":
                value = abs(value) + 1.0
            elif kind == "grid":
                value = round(value * 4) / 4
            out.append(value)
    return out


def importances_of(seed, n_columns):
    random = Random(seed)
    return [abs(random.bell()) + 2.0 ** -10 for _ in range(n_columns)]


def load(path):
    ggml = ctypes.CDLL(path)
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    ggml.ggml_quantize_chunk.argtypes = [
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64,
        ctypes.c_int64, ctypes.c_void_p]
    return ggml


def dequantize(ggml, name, data, n):
    out = (ctypes.c_float * n)()
    if name in ("F16", "BF16"):
        function = getattr(ggml, "ggml_fp16_to_fp32_row" if name == "F16" else "ggml_bf16_to_fp32_row")
    else:
        function = getattr(ggml, "dequantize_row_" + name.lower().replace("_k", "_K"))
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    function.restype = None
    function(ctypes.c_char_p(data), out, n)
    return bytes(out)


def quantize(ggml, name, values, n_rows, n_columns, importances):
    number, block_values, block_bytes, _ = TYPES[name]
    size = n_rows * n_columns // block_values * block_bytes
    source = (ctypes.c_float * len(values))(*values)
    weights = (ctypes.c_float * n_columns)(*importances) if importances else None
    out = (ctypes.c_uint8 * size)()
    written = ggml.ggml_quantize_chunk(number, source, out, 0, n_rows, n_columns, weights)
    assert written == size, (name, written, size)
    return bytes(out)


def same_nans(floats):
    words = struct.unpack(f"<{len(floats) // 4}I", floats)
    return struct.pack(f"<{len(words)}I", *(0x7FC00000 if w & 0x7FFFFFFF > 0x7F800000 else w for w in words))


def golden(ggml, path):
    cases = []
    for index, (name, (_, block_values, block_bytes, writable)) in enumerate(TYPES.items()):
        seed = 1000 + index
        n_blocks = 8192 // block_values
        random = Random(seed)
        data = bytearray()
        while len(data) < n_blocks * block_bytes:
            data += struct.pack("<Q", random.next())
        data = bytes(data[:n_blocks * block_bytes])
        floats = same_nans(dequantize(ggml, name, data, n_blocks * block_values))
        cases.append({"case": "dequantize", "type": name, "seed": seed, "blocks": n_blocks,
                      "hash": fnv(floats), "first": floats[:32].hex()})
        if not writable:
            continue
        for kind_index, kind in enumerate(
                ("plain", "outliers", "tiny", "huge", "zeros", "constant", "positive", "grid")):
            for weighted in (False, True):
                seed = 2000 + 100 * index + 2 * kind_index + weighted
                values = rows_of(kind, seed, 4, 512)
                importances = importances_of(seed + 50, 512) if weighted else None
                blocks = quantize(ggml, name, values, 4, 512, importances)
                floats = same_nans(dequantize(ggml, name, blocks, len(values)))
                cases.append({"case": "quantize", "type": name, "kind": kind, "seed": seed,
                              "importances": weighted, "rows": 4, "columns": 512,
                              "hash": fnv(blocks), "floats": fnv(floats),
                              "first": blocks[:24].hex()})
    with open(path, "w", encoding="utf-8") as out:
        for case in cases:
            out.write(json.dumps(case) + "\n")


def grids(ggml, path):
    """Each grid point as a code of 2 or 3 bits a value, read off blocks that point at it."""
    def block(name, index):
        half_one = struct.pack("<H", 0x3C00)
        if name == "IQ1_S":  # all moved up by an eighth
            return half_one + bytes([index & 255]) + bytes(31) + bytes([index >> 8]) + bytes(15), 1.0, 8
        if name == "IQ2_XXS":  # scale (0.5 + 0) / 4
            return half_one + bytes([index & 255]) + bytes(63), 0.125, 8
        if name == "IQ2_XS":
            return half_one + struct.pack("<H", index) + bytes(62 + 8), 0.125, 8
        if name == "IQ2_S":
            return half_one + bytes([index & 255]) + bytes(63) + bytes([index >> 8]) + bytes(7 + 8), 0.125, 8
        if name == "IQ3_XXS":
            return half_one + bytes([index]) + bytes(95), 0.25, 4
        return half_one + bytes([index & 255]) + bytes(63) + bytes([index >> 8]) + bytes(7 + 32 + 4), 1.0, 4

    levels = {"IQ1": [-0.875, 0.125, 1.125], "IQ2": [8, 25, 43], "IQ3_XXS": [4, 12, 20, 28, 36, 44, 52, 62],
              "IQ3_S": [1, 3, 5, 7, 9, 11, 13, 15]}
    lines = ["// iq_grids.inc: the points that the IQ types choose from; written by",
             "// tests/golden/make_weight_types.py --grids. Value i of a point is the level that bits",
             "// 2i and 2i+1 (IQ1 and IQ2) or 3i to 3i+2 (IQ3) number."]
    for name, count in (("IQ1_S", 2048), ("IQ2_XXS", 256), ("IQ2_XS", 512), ("IQ2_S", 1024), ("IQ3_XXS", 256), ("IQ3_S", 512)):
        of = levels.get(name[:3], levels.get(name))
        bits = 3 if name.startswith("IQ3") else 2
        codes = []
        for index in range(count):
            data, unit, width = block(name, index)
            assert len(data) == TYPES[name][2]
            floats = struct.unpack("<256f", dequantize(ggml, name, data, 256))[:width]
            codes.append(sum(of.index(v / unit) << (bits * i) for i, v in enumerate(floats)))
        lines.append(f"constexpr std::uint16_t k{name.replace('_', '')}Codes[{count}] = {{")
        for at in range(0, count, 12):
            lines.append("    " + ", ".join(f"0x{code:04x}" for code in codes[at:at + 12]) + ",")
        lines.append("};")
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")


def main():
    if len(sys.argv) not in (3, 4) or (len(sys.argv) == 4) != ("--grids" in sys.argv):
        sys.exit(__doc__)
    ggml = load(sys.argv[1])
    if "--grids" in sys.argv:
        grids(ggml, sys.argv[3])
    else:
        golden(ggml, sys.argv[2])


if __name__ == "__main__":
    main()
