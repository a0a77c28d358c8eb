"""How much each column of a model's matrices matters, measured as llama.cpp's imatrix tool does, and llama.cpp's
quantizer, which wants to know it for the types of one to three bits."""
import ctypes
import glob
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "..", folder) for folder in ("parity", "golden")]
import reference
from make_quantized_files import Params, use
from reference.layer import Part


def measured(model, texts):
    """Means of the squares that each column of a matrix was multiplied with, over texts of tokens: {tensor: values},
    one expert behind the other. An expert that was never chosen has ones, as in llama.cpp."""
    sums, counts = {}, {}
    multiply = Part.linear

    def watched(part, name, x, expert=None):
        full = part._full(name)
        shape = part.weight(name).shape
        if full not in sums:
            n = shape[0] if len(shape) == 3 else 1
            sums[full], counts[full] = np.zeros((n, shape[-1])), np.zeros((n, 1))
        sums[full][expert or 0] += (x * x).sum(0)
        counts[full][expert or 0] += len(x)
        return multiply(part, name, x, expert)

    Part.linear = watched
    try:
        for tokens in texts:
            reference.logits(model, [tokens])
    finally:
        Part.linear = multiply
    return {name: np.where(counts[name] > 0, sums[name] / np.maximum(counts[name], 1), 1.0).ravel().tolist()
            for name in sums}


class PeerQuantizer:
    """That of libllama; `folder` is that of the shared libraries in the npm package @node-llama-cpp/linux-x64."""

    def __init__(self, folder):
        for name in ("libggml-base.so", "libggml.v*.so"):
            ctypes.CDLL(glob.glob(os.path.join(folder, name))[0], ctypes.RTLD_GLOBAL)
        self._llama = ctypes.CDLL(glob.glob(os.path.join(folder, "libllama.v*.so"))[0])
        self._silent = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
        self._llama.llama_log_set(self._silent, None)
        self._llama.llama_model_quantize_default_params.restype = Params
        self._llama.llama_model_quantize.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(Params)]

    def write(self, source, target, file_type, means):
        params = self._llama.llama_model_quantize_default_params()
        params.file_type, params.n_threads = file_type, 1
        kept = use(params, means, "imatrix")
        if self._llama.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(params)) or not kept:
            sys.exit("error: llama.cpp could not write file type %d" % file_type)
