#!/usr/bin/env python3
"""Writes quantized_files.jsonl: hashes of the files that llama.cpp's quantizer writes, and the importance
matrices that some of them are written with.

    tests/golden/make_quantized_files.py FOLDER_OF_LIBLLAMA

The folder is that of the shared libraries in the npm package @node-llama-cpp/linux-x64; run with
LD_LIBRARY_PATH set to it. Inputs are the models of tests/parity, and many_layers.gguf, which this
script makes: a model of 24 layers in name only, for what depends on the layer. The matrices are made up,
in the binary form and as GGUF; llama.cpp's own loader must take each of them.
"""
import ctypes
import glob
import json
import os
import struct
import sys
import tempfile

from make_weight_types import Random, fnv, importances_of

HERE = os.path.dirname(os.path.abspath(__file__))
FILE_TYPES = {"F16": 1, "BF16": 32, "Q8_0": 7, "Q4_0": 2, "Q4_1": 3, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10,
              "Q3_K_S": 11, "Q3_K_M": 12, "Q3_K_L": 13, "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_S": 16,
              "Q5_K_M": 17, "Q6_K": 18, "IQ4_NL": 25, "IQ4_XS": 30, "TQ1_0": 36, "TQ2_0": 37,
              "MXFP4_MOE": 38}


class Params(ctypes.Structure):
    """llama_model_quantize_params"""
    _fields_ = [("n_threads", ctypes.c_int32), ("file_type", ctypes.c_int), ("output", ctypes.c_int),
                ("embedding", ctypes.c_int), ("flags", ctypes.c_bool * 6), ("imatrix", ctypes.c_void_p),
                ("overrides", ctypes.c_void_p), ("types", ctypes.c_void_p), ("prune", ctypes.c_void_p),
                ("buffer", ctypes.c_size_t)]


class OpenParams(ctypes.Structure):
    """gguf_init_params"""
    _fields_ = [("no_alloc", ctypes.c_bool), ("context", ctypes.POINTER(ctypes.c_void_p))]


class Entry(ctypes.Structure):
    """llama_model_imatrix_data"""
    _fields_ = [("name", ctypes.c_char_p), ("data", ctypes.POINTER(ctypes.c_float)), ("size", ctypes.c_size_t)]


class Override(ctypes.Structure):
    """llama_model_kv_override: tag 0 is a whole number, 3 a text"""
    _fields_ = [("tag", ctypes.c_int), ("key", ctypes.c_char * 128), ("gap", ctypes.c_int),
                ("value", ctypes.c_char * 128)]

    def __init__(self, key=b"", value=0):
        if isinstance(value, int):
            super().__init__(0, key, 0, struct.pack("<q", value).rstrip(b"\0"))
        else:
            super().__init__(3, key, 0, value)


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


def shapes_of(ggml, path):
    """Names of the matrices of a model, with their columns and how many there are of each."""
    context = ctypes.c_void_p()
    file = ggml.gguf_init_from_file(path.encode(), OpenParams(True, ctypes.pointer(context)))
    shapes = {}
    for index in range(ggml.gguf_get_n_tensors(ctypes.c_void_p(file))):
        name = ggml.gguf_get_tensor_name(ctypes.c_void_p(file), ctypes.c_int64(index))
        tensor = ggml.ggml_get_tensor(context, name)
        columns, rows, n, _ = (ctypes.c_int64 * 4).from_address(tensor + 16)
        if rows > 1:
            shapes[name.decode()] = columns, n
    return shapes


def made_up(shapes, seed):
    """Sums of squares and counts for each matrix; one expert in four was never used."""
    random = Random(seed)
    return {name: [(importances_of(seed + 97 * index + matrix, columns),
                    0 if n > 1 and matrix % 4 == 2 else 1 + random.next() % 50) for matrix in range(n)]
            for index, (name, (columns, n)) in enumerate(shapes.items())}


def as_float(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def binary_form(measured, path):
    """Entries with one count of calls each, then the number of chunks and the name of the text. Returns
    the means that the quantizer works with."""
    data, means = struct.pack("<i", len(measured)), {}
    for index, (name, matrices) in enumerate(measured.items()):
        sums = [as_float(value) for values, _ in matrices for value in values]
        calls = 3 + index % 4
        data += struct.pack("<i", len(name)) + name.encode() + struct.pack("<ii", calls, len(sums))
        data += struct.pack(f"<{len(sums)}f", *sums)
        means[name] = [as_float(value / calls) for value in sums]
    with open(path, "wb") as out:
        out.write(data + struct.pack("<ii", 12, 8) + b"wiki.txt")
    return means


def gguf_form(measured, path):
    def datasets(names):
        return text("imatrix.datasets") + struct.pack("<IIQ", 9, 8, len(names)) + b"".join(map(text, names))

    metadata = [text("general.type") + struct.pack("<I", 8) + text("imatrix"), datasets(["wiki.txt"]),
                text("imatrix.chunk_count") + struct.pack("<II", 4, 12),
                text("imatrix.chunk_size") + struct.pack("<II", 4, 512)]
    table, data, means = b"", b"", {}
    for name, matrices in measured.items():
        means[name] = [as_float(as_float(value) / n) if n else 1.0 for values, n in matrices for value in values]
        for kind, columns, values in (
                (".in_sum2", len(matrices[0][0]), [value for values, _ in matrices for value in values]),
                (".counts", 1, [n for _, n in matrices])):
            table += text(name + kind) + struct.pack("<IQQIQ", 2, columns, len(matrices), 0, len(data))
            data += struct.pack(f"<{len(values)}f", *values)
            data += bytes(-len(data) % 32)
    header = b"GGUF" + struct.pack("<IQQ", 3, 2 * len(measured), len(metadata)) + b"".join(metadata) + table
    with open(path, "wb") as out:
        out.write(header + bytes(-len(header) % 32) + data)
    return means


def check_is_read(common, path, n_entries):
    """common_imatrix starts with a std::map, whose last word is the number of its entries."""
    loaded, name = (ctypes.c_uint64 * 64)(), path.encode()
    root = ctypes.addressof(loaded) + 8
    loaded[3] = loaded[4] = root
    given = (ctypes.c_uint64 * 4)(ctypes.cast(ctypes.c_char_p(name), ctypes.c_void_p).value, len(name))
    load = common._Z19common_imatrix_loadRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEER14common_imatrix
    load.restype = ctypes.c_bool
    assert load(given, loaded) and loaded[5] == n_entries, path


def use(params, means, file):
    """What llama.cpp's program does with a matrix once it is read."""
    entries = [Entry(name.encode(), (ctypes.c_float * len(values))(*values), len(values))
               for name, values in means.items()]
    entries = (Entry * (len(entries) + 1))(*entries)
    overrides = (Override * 5)(
        Override(b"quantize.imatrix.file", file.encode()), Override(b"quantize.imatrix.dataset", b"wiki.txt"),
        Override(b"quantize.imatrix.entries_count", len(means)), Override(b"quantize.imatrix.chunks_count", 12))
    params.imatrix = ctypes.cast(entries, ctypes.c_void_p)
    params.overrides = ctypes.cast(overrides, ctypes.c_void_p)
    return entries, overrides


def importance_cases(ggml, llama, common, target):
    """Of many_layers the first and the last layer were measured, of mixtral all but the router."""
    for model in ("golden/many_layers", "parity/mixtral"):
        source = os.path.join(HERE, "..", model + ".gguf")
        shapes = {name: shape for name, shape in shapes_of(ggml, source).items()
                  if ".ffn_gate_inp." not in name and (shape[0] < 256 or ".0." in name or ".23." in name)}
        measured = made_up(shapes, 41)
        for ending, write in ((".imatrix.dat", binary_form), (".imatrix.gguf", gguf_form)):
            name = os.path.basename(model) + ending
            path = os.path.join(HERE, name)
            means = write(measured, path)
            check_is_read(common, path, len(means))
            for file_type, number in FILE_TYPES.items():
                params = llama.llama_model_quantize_default_params()
                params.file_type, params.n_threads = number, 1
                kept = use(params, means, name)
                code = llama.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(params))
                assert code == 0 and kept, (name, file_type)
                with open(target, "rb") as written:
                    yield {"model": model, "type": file_type, "imatrix": name, "hash": fnv(written.read())}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    ggml = ctypes.CDLL(os.path.join(sys.argv[1], "libggml-base.so"), ctypes.RTLD_GLOBAL)
    ggml.gguf_init_from_file.restype = ggml.ggml_get_tensor.restype = ctypes.c_void_p
    ggml.gguf_get_n_tensors.restype = ctypes.c_int64
    ggml.gguf_get_tensor_name.restype = ctypes.c_char_p
    llama = ctypes.CDLL(glob.glob(os.path.join(sys.argv[1], "libllama.v*.so"))[0])
    common = ctypes.CDLL(os.path.join(sys.argv[1], "libllama-common.so"))
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
        cases += importance_cases(ggml, llama, common, target)
    with open(os.path.join(HERE, "quantized_files.jsonl"), "w", encoding="utf-8") as out:
        for case in cases:
            out.write(json.dumps(case) + "\n")


if __name__ == "__main__":
    main()
