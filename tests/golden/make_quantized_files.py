#!/usr/bin/env python3
"""Writes quantized_files.jsonl: hashes of the files that llama.cpp's quantizer writes.

    tests/golden/make_quantized_files.py FOLDER_OF_LIBLLAMA

The folder is that of the shared libraries in the npm package @node-llama-cpp/linux-x64; run with
LD_LIBRARY_PATH set to it. Inputs are the models of tests/parity, and many_layers.gguf, which this
script makes: a model of 24 layers in name only, for what depends on the layer.
"""
import ctypes
import glob
import json
import os
import struct
import sys
import tempfile

from make_weight_types import Random, fnv

HERE = os.path.dirname(os.path.abspath(__file__))
FILE_TYPES = {"F16": 1, "BF16": 32, "Q8_0": 7, "Q4_0": 2, "Q4_1": 3, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10,
              "Q3_K_S": 11, "Q3_K_M": 12, "Q3_K_L": 13, "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_S": 16,
              "Q5_K_M": 17, "Q6_K": 18, "IQ4_NL": 25, "IQ4_XS": 30, "TQ1_0": 36, "TQ2_0": 37,
              "MXFP4_MOE": 38}


class Params(ctypes.Structure):
    """llama_model_quantize_params"""
    _fields_ = [("n_threads", ctypes.c_int32), ("file_type", ctypes.c_int), ("output", ctypes.c_int),
                ("embedding", ctypes.c_int), ("flags", ctypes.c_bool * 6), ("imatrix", ctypes.c_void_p),
                ("overrides", ctypes.c_void_p), ("types", ctypes.c_void_p), ("prune", ctypes.c_void_p)]


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def many_layers(path):
    numbers = {"block_count": 24, "context_length": 64, "embedding_length": 256,
               "feed_forward_length": 256, "attention.head_count": 8, "attention.head_count_kv": 2}
    metadata = [text("general.architecture") + struct.pack("<I", 8) + text("llama")]
    metadata += [text("llama." + key) + struct.pack("<II", 4, n) for key, n in numbers.items()]
    metadata.append(text("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", 6, 1e-5))
    names = ["token_embd.weight", "output.weight"]
    for layer in range(24):
        names += [f"blk.{layer}.{part}.weight" for part in (
            "attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")]
    table, data = b"", b""
    random = Random(7)
    for name in names:
        table += text(name) + struct.pack("<IQQIQ", 2, 256, 2, 1, len(data))
        data += struct.pack("<512e", *(random.bell() for _ in range(512)))
    header = b"GGUF" + struct.pack("<IQQ", 3, len(names), len(metadata)) + b"".join(metadata) + table
    with open(path, "wb") as out:
        out.write(header + bytes(-len(header) % 32) + data)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    ctypes.CDLL(os.path.join(sys.argv[1], "libggml-base.so"), ctypes.RTLD_GLOBAL)
    llama = ctypes.CDLL(glob.glob(os.path.join(sys.argv[1], "libllama.v*.so"))[0])
    llama.llama_model_quantize_default_params.restype = Params
    llama.llama_model_quantize.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(Params)]
    many_layers(os.path.join(HERE, "many_layers.gguf"))
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "out.gguf")
        for model in ("golden/many_layers", "parity/deepseek3-bf16", "parity/llama-dense",
                      "parity/llama-f32", "parity/mixtral", "parity/mixtral-split"):
            source = os.path.join(HERE, "..", model + ".gguf")
            for name, number in FILE_TYPES.items():
                params = llama.llama_model_quantize_default_params()
                params.file_type, params.n_threads = number, 1
                code = llama.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(params))
                assert code == 0, (model, name)
                with open(target, "rb") as written:
                    cases.append({"model": model, "type": name, "hash": fnv(written.read())})
    with open(os.path.join(HERE, "quantized_files.jsonl"), "w", encoding="utf-8") as out:
        for case in cases:
            out.write(json.dumps(case) + "\n")


if __name__ == "__main__":
    main()
