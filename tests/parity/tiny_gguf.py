"""Writes tiny GGUF files with random weights: metadata as a dictionary, tensors as a list.

Values are drawn per tensor, from the seed and the tensor's name, so a tensor that is added or moved
leaves the others alone.
"""
import struct
import zlib

import numpy as np

F32, F16, Q8_0 = 0, 1, 8


def _q8_0(values):
    """Blocks of 32: a scale as F16, then bytes."""
    blocks = values.reshape(-1, 32)
    scale = np.abs(blocks).max(1) / 127
    out = np.empty(len(blocks), dtype=[("scale", "<f2"), ("values", "i1", 32)])
    out["scale"] = scale
    out["values"] = np.rint(blocks / np.where(scale == 0, 1, scale)[:, None])
    return out


_PACK = {F32: lambda v: v.astype("<f4"), F16: lambda v: v.astype("<f2"), Q8_0: _q8_0}


def _string(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(value):
    """Type and bytes of a metadata value."""
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _string(value)
    if isinstance(value[0], bool):
        return struct.pack("<IIQ%d?" % len(value), 9, 7, len(value), *value)
    if isinstance(value[0], int):
        return struct.pack("<IIQ%di" % len(value), 9, 5, len(value), *value)
    return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_string, value))


class TinyModel:
    """Collects one model. Matrices are of type `kind`; norms, biases and routers F32, as in published
    files."""

    def __init__(self, architecture, seed, kind=F16):
        self.architecture, self.seed, self.kind = architecture, seed, kind
        self.metadata, self.tensors = {"general.architecture": architecture}, []

    def set(self, **keys):
        """Keys of the architecture; a double underscore stands for the dot."""
        for key, value in keys.items():
            self.metadata["%s.%s" % (self.architecture, key.replace("__", "."))] = value

    def _gauss(self, name, shape):
        generator = np.random.Generator(np.random.SFC64([self.seed, zlib.crc32(name.encode())]))
        return generator.standard_normal(int(np.prod(shape)), dtype=np.float32)

    def _add(self, name, shape, kind, values):
        self.tensors.append((name, shape, kind, _PACK[kind](values)))

    def matrix(self, name, *shape, gain=1.0, kind=None, more_rows=0):
        """`shape` as in the file, the row's length first; values keep the scale of their input.

        @param more_rows  behind those of `shape`, as many however wide the model is made
        """
        shape = shape[:1] + (shape[1] + more_rows,) + shape[2:] if more_rows else shape
        values = self._gauss(name, shape) * np.float32(gain / np.sqrt(shape[0]))
        self._add(name + ".weight", shape, self.kind if kind is None else kind, values)

    def embedding(self, name, *shape, scale=1.0):
        self._add(name + ".weight", shape, self.kind, self._gauss(name, shape) * np.float32(scale))

    def norm(self, name, n, size=1.0):
        self._add(name + ".weight", (n,), F32, size * (1 + 0.2 * self._gauss(name, (n,))))

    def vector(self, name, *shape, scale=0.3, offset=0.0):
        """`name` with its ending."""
        self._add(name, shape, F32, offset + scale * self._gauss(name, shape))

    def write(self, path):
        head = b"GGUF" + struct.pack("<IQQ", 3, len(self.tensors), len(self.metadata))
        for key, value in self.metadata.items():
            head += _string(key) + _value(value)
        body = b""
        for name, shape, kind, values in self.tensors:
            head += _string(name) + struct.pack("<I", len(shape))
            head += struct.pack("<%dQ" % len(shape), *shape) + struct.pack("<IQ", kind, len(body))
            raw = values.tobytes()
            body += raw + b"\0" * (-len(raw) % 32)
        with open(path, "wb") as file:
            file.write(head + b"\0" * (-len(head) % 32) + body)
