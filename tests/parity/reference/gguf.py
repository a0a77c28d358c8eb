"""Reads GGUF files: metadata, and tensors as doubles."""
import struct

import numpy as np

from .weight_types import TYPES, dequantize

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9


class _Header:
    """What comes before the tensors' values, read from front to back."""

    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def number(self, form):
        value, = struct.unpack_from("<" + form, self.raw, self.at)
        self.at += struct.calcsize("<" + form)
        return value

    def text(self):
        n = self.number("Q")
        self.at += n
        return bytes(self.raw[self.at - n:self.at]).decode("utf-8", "replace")

    def value(self, kind):
        if kind == _TEXT:
            return self.text()
        if kind == _LIST:
            kind, n = self.number("I"), self.number("Q")
            return [self.value(kind) for _ in range(n)]
        return self.number(_NUMBERS[kind])


_OF_LAYERS = ("head_count", "head_count_kv", "feed_forward_length", "expert_used_count")


class Model:
    """The metadata and the tensors of one file. Nothing is unpacked before it is asked for."""

    def __init__(self, path):
        self._raw = np.memmap(path, np.uint8, "r")
        header = _Header(self._raw)
        if bytes(self._raw[:4]) != b"GGUF":
            raise ValueError("%s is not a GGUF file" % path)
        header.at = 8  # after the version, too
        n_tensors, n_keys = header.number("Q"), header.number("Q")
        self.metadata = {}
        for _ in range(n_keys):
            key = header.text()
            self.metadata[key] = header.value(header.number("I"))
        self._found = {}
        for _ in range(n_tensors):
            name = header.text()
            shape = [header.number("Q") for _ in range(header.number("I"))]
            self._found[name] = (shape[::-1], header.number("I"), header.number("Q"))
        alignment = self.metadata.get("general.alignment", 32)
        self._start = -(-header.at // alignment) * alignment
        self.architecture = self.metadata["general.architecture"]

    def __getitem__(self, key):
        """A key of the architecture: "block_count" of "olmoe.block_count". What layers have alike may be a list."""
        value = self.metadata[self.architecture + "." + key]
        return value[0] if key.endswith(_OF_LAYERS) and isinstance(value, list) and len(set(value)) == 1 else value

    def get(self, key, default=None):
        return self[key] if self.architecture + "." + key in self.metadata else default

    def has(self, name):
        return name in self._found

    def types(self):
        """Those of all tensors, by their numbers in the file."""
        return {kind for _, kind, _ in self._found.values()}

    def tensor(self, name):
        """In the order of numpy: the length of a row, first in the file, comes last."""
        shape, kind, offset = self._found[name]
        return self._values(kind, offset, int(np.prod(shape))).reshape(shape)

    def rows(self, name, indices):
        """Some rows of a matrix."""
        (_, width), kind, offset = self._found[name]
        values, size = TYPES[kind][1:3]
        row_bytes = width // values * size
        return np.stack([self._values(kind, offset + i * row_bytes, width) for i in indices])

    def _values(self, kind, offset, n):
        if kind not in TYPES:
            raise ValueError("tensors of type %d are not supported" % kind)
        values, size = TYPES[kind][1:3]
        first = self._start + offset
        return dequantize(kind, self._raw[first:first + n // values * size])
