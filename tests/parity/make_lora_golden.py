#!/usr/bin/python3
"""Make tiny LoRA adapters for models of architectures.py, and the golden values of llama.cpp with them.

    PEER_DIR=DIR tests/parity/make_lora_golden.py

DIR holds node_modules with the public npm package node-llama-cpp, whose shared library is called
directly. Adapters are NAME.lora.gguf, values are as in make_golden.py; a case without adapters is
compared with the file that script made, which shows that both call llama.cpp alike. Needs
python3-numpy.
"""
import ctypes as c
import glob
import os
import sys

import numpy as np

sys.dont_write_bytecode = True
import architectures
from make_golden import HERE, POSITIONS, log_probabilities, read_golden, tokens_of, write_golden
from tiny_gguf import F16, F32, TinyModel


class Adapter(TinyModel):
    """Changes large enough to show, small enough that the model stays what it is."""

    def __init__(self, model, seed, rank, alpha=None, kind=F16):
        super().__init__(model.architecture, seed, kind)
        self.shapes = {name: shape for name, shape, _, _ in model.tensors}
        self.rank = rank
        self.metadata.update({"general.type": "adapter", "adapter.type": "lora",
                              "general.name": "a random adapter"})
        if alpha is not None:
            self.metadata["adapter.lora.alpha"] = alpha

    def change(self, name):
        shape = self.shapes[name]
        down = (self.rank, shape[1]) if name == "token_embd.weight" else (shape[0], self.rank)
        up = (self.rank, shape[0] if name == "token_embd.weight" else shape[1])
        for ending, size in ((".lora_a", down + shape[2:]), (".lora_b", up + shape[2:])):
            values = self._gauss(name + ending, size) * np.float32(0.35 / np.sqrt(size[0]))
            self._add(name + ending, size, self.kind, values)


def adapt(model, endings, *arguments, **options):
    adapter = Adapter(model, *arguments, **options)
    for name in adapter.shapes:
        if name.endswith(tuple(endings)):
            adapter.change(name)
    return adapter


ATTENTION = ("attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_output.weight")


def adapters():
    """File name: the adapter. What ends alike in all layers is changed in all of them."""
    models = architectures.MODELS
    olmoe = models["olmoe"]()
    return {
        "qwen3": adapt(models["qwen3"](), ATTENTION + (
            "ffn_gate.weight", "ffn_up.weight", "ffn_down.weight", "token_embd.weight",
            "output.weight"), 11, 4, alpha=8.0),
        "phi3": adapt(models["phi3"](), ("attn_qkv.weight", "ffn_up.weight", "ffn_down.weight"),
                      12, 3, alpha=3.0, kind=F32),
        "olmoe": adapt(olmoe, ("_exps.weight", "ffn_gate_inp.weight", "blk.1.attn_output.weight"),
                       13, 4, alpha=6.0),
        "gpt-oss-q8": adapt(models["gpt-oss-q8"](), ATTENTION + ("_exps.weight",), 15, 4, alpha=4.0),
        "olmoe-2": adapt(olmoe, ATTENTION + ("blk.0.ffn_up_exps.weight",), 14, 5),
    }


# Golden file: the model, and the adapters with their scales.
CASES = {
    "qwen3-lora": ("qwen3", [("qwen3", 1.0)]),
    "phi3-lora": ("phi3", [("phi3", 0.75)]),
    "olmoe-lora": ("olmoe", [("olmoe", 1.0)]),
    "olmoe-loras": ("olmoe", [("olmoe", 0.5), ("olmoe-2", -0.7)]),
    "gpt-oss-q8-lora": ("gpt-oss-q8", [("gpt-oss-q8", 1.0)]),
    "olmoe": ("olmoe", []),
}


class Opaque(c.Structure):
    """Stands for a struct passed through unread; longer than the real one."""
    _fields_ = [("bytes", c.c_char * 512)]


def load_library():
    folder = os.path.join(os.environ["PEER_DIR"],
                          "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64")
    for name in ("libggml-base.so", "libggml.v*.so", "libllama.v*.so"):
        path = glob.glob(os.path.join(folder, name))
        if not path:
            sys.exit("there is no %s in %s" % (name, folder))
        library = c.CDLL(path[0], mode=c.RTLD_GLOBAL)
        if name.startswith("libggml.v"):
            library.ggml_backend_load_all_from_path(folder.encode())
    p = c.c_void_p
    for name, result, arguments in (
            ("llama_model_default_params", Opaque, []), ("llama_context_default_params", Opaque, []),
            ("llama_model_load_from_file", p, [c.c_char_p, Opaque]),
            ("llama_init_from_model", p, [p, Opaque]), ("llama_free", None, [p]),
            ("llama_set_n_threads", None, [p, c.c_int32, c.c_int32]),
            ("llama_adapter_lora_init", p, [p, c.c_char_p]),
            ("llama_set_adapters_lora", c.c_int32,
             [p, c.POINTER(p), c.c_size_t, c.POINTER(c.c_float)]),
            ("llama_batch_get_one", Opaque, [c.POINTER(c.c_int32), c.c_int32]),
            ("llama_decode", c.c_int32, [p, Opaque]),
            ("llama_get_logits_ith", c.POINTER(c.c_float), [p, c.c_int32])):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def peer_logits(library, path, wanted, tokens):
    """[position][token], decoded one by one."""
    model = library.llama_model_load_from_file(path.encode(), library.llama_model_default_params())
    context = library.llama_init_from_model(model, library.llama_context_default_params())
    library.llama_set_n_threads(context, 1, 1)  # tiny, and its threads would wait for each other
    loaded = [library.llama_adapter_lora_init(model, file.encode()) for file, _ in wanted]
    if not model or not context or not all(loaded):
        sys.exit("llama.cpp cannot load " + path)
    scales = (c.c_float * len(wanted))(*[scale for _, scale in wanted])
    if library.llama_set_adapters_lora(context, (c.c_void_p * len(loaded))(*loaded), len(loaded),
                                       scales):
        sys.exit("llama.cpp refuses the adapters")
    rows = []
    for token in tokens:
        batch = library.llama_batch_get_one((c.c_int32 * 1)(token), 1)
        if library.llama_decode(context, batch):
            sys.exit("llama.cpp cannot decode")
        logits = library.llama_get_logits_ith(context, -1)
        rows.append(np.ctypeslib.as_array(logits, (architectures.VOCABULARY,)).astype(np.float64))
    library.llama_free(context)
    return np.array(rows)


def main():
    library = load_library()
    for name, adapter in adapters().items():
        adapter.write(os.path.join(HERE, name + ".lora.gguf"))
    tokens = tokens_of(architectures.VOCABULARY, POSITIONS)
    for case, (model, wanted) in CASES.items():
        files = [(os.path.join(HERE, name + ".lora.gguf"), scale) for name, scale in wanted]
        logits = peer_logits(library, os.path.join(HERE, model + ".gguf"), files, tokens)
        if wanted:
            write_golden(os.path.join(HERE, case + ".top20"), logits)
            print("%-12s logits' deviation %.2f" % (case, logits.std()))
            continue
        tokens_known, logs_known = read_golden(os.path.join(HERE, case + ".top20"))
        logs = np.take_along_axis(log_probabilities(logits), tokens_known, 1)
        print("%-12s without adapters: %.1e from the known values" %
              (case, np.abs(logs - logs_known).max()))


if __name__ == "__main__":
    main()
