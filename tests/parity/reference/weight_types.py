"""What the bits of each weight type mean, as doubles.

A type's function takes blocks as [block][byte] and gives [block][value]. All products of a scale, of the scale
of a part and of an integer are exact in a double, so these are the values themselves and not a rounding of
them.
"""
import os
import re

import numpy as np

_HERE = os.path.dirname(os.path.abspath(__file__))
# The points of the IQ types' grids are data that ggml's library gives (tests/golden/make_weight_types.py).
_GRIDS = os.path.join(_HERE, "../../../engine/kernels/types/iq_grids.inc")

_IQ4_LEVELS = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113.0])
_FP4_LEVELS = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6])


def _view(blocks, kind):
    return np.ascontiguousarray(blocks).view(kind)


def _half(blocks, at):
    """[block][1]"""
    return _view(blocks[:, at:at + 2], "<f2").astype(float)


def _fields(values, width, n):
    """[...][value] to [...][n][value]: field k holds bits k * width and up of every value."""
    shifts = np.arange(n, dtype=values.dtype)[:, None] * values.dtype.type(width)
    return (values[..., None, :] >> shifts) & values.dtype.type(2 ** width - 1)


def _each(values, width, n):
    """[...][value] to [...][value * n]: the fields of one value lie together."""
    return np.swapaxes(_fields(values, width, n), -1, -2).reshape(values.shape[:-1] + (-1,))


def _nibbles(blocks):
    """The low halves of all bytes, then the high ones."""
    return _fields(blocks, 4, 2).reshape(len(blocks), -1).astype(float)


def _times(scales, values):
    """Each scale on its equal share of a block's values."""
    n = scales.shape[1]
    return (scales[:, :, None] * values.reshape(len(values), n, -1)).reshape(len(values), -1)


def _f32(blocks):
    return _view(blocks, "<f4").astype(float)


def _f16(blocks):
    return _view(blocks, "<f2").astype(float)


def _bf16(blocks):
    return (_view(blocks, "<u2").astype("<u4") << np.uint32(16)).view("<f4").astype(float)


def _q8_0(blocks):
    return _half(blocks, 0) * _view(blocks[:, 2:], "i1")


def _q4_0(blocks):
    return _half(blocks, 0) * (_nibbles(blocks[:, 2:]) - 8)


def _q4_1(blocks):
    return _half(blocks, 0) * _nibbles(blocks[:, 4:]) + _half(blocks, 2)


def _fifth_bits(blocks, at):
    return 16.0 * _each(_view(blocks[:, at:at + 4], "<u4"), 1, 32)


def _q5_0(blocks):
    return _half(blocks, 0) * (_nibbles(blocks[:, 6:]) + _fifth_bits(blocks, 2) - 16)


def _q5_1(blocks):
    return _half(blocks, 0) * (_nibbles(blocks[:, 8:]) + _fifth_bits(blocks, 4)) + _half(blocks, 2)


def _two_bits(blocks):
    """64 bytes: of each half, 32 of the lowest pairs of bits, 32 of the next and so on."""
    return _fields(blocks.reshape(-1, 2, 32), 2, 4).reshape(-1, 256).astype(float)


def _q2_k(blocks):
    scales = blocks[:, :16]
    return _times(_half(blocks, 80) * (scales & 15), _two_bits(blocks[:, 16:80])) - \
        np.repeat(_half(blocks, 82) * (scales >> 4), 16, 1)


def _q3_k(blocks):
    packed = blocks[:, 96:108]
    low = np.concatenate([packed[:, :8] & 15, packed[:, :8] >> 4], 1)
    high = _fields(packed[:, 8:], 2, 4).reshape(-1, 16)
    scales = (low | high << 4).astype(float) - 32
    third = _fields(blocks[:, :32], 1, 8).reshape(-1, 256)
    return _times(_half(blocks, 108) * scales, _two_bits(blocks[:, 32:96]) + 4.0 * third - 4)


def _scales_and_minima(packed):
    """12 bytes: 8 scales and 8 minima of 6 bits, of which the last four of each lie in three pieces."""
    a, b, c = packed[:, :4], packed[:, 4:8], packed[:, 8:]
    scales = np.concatenate([a & 63, (c & 15) | (a >> 6) << 4], 1)
    minima = np.concatenate([b & 63, (c >> 4) | (b >> 6) << 4], 1)
    return scales.astype(float), minima.astype(float)


def _four_bits(blocks):
    """128 bytes: of each 32 the low halves, then the high ones."""
    return _fields(blocks.reshape(-1, 4, 32), 4, 2).reshape(-1, 256).astype(float)


def _scaled_k(blocks, values):
    scales, minima = _scales_and_minima(blocks[:, 4:16])
    return _times(_half(blocks, 0) * scales, values) - np.repeat(_half(blocks, 2) * minima, 32, 1)


def _q4_k(blocks):
    return _scaled_k(blocks, _four_bits(blocks[:, 16:]))


def _q5_k(blocks):
    fifth = _fields(blocks[:, 16:48], 1, 8).reshape(-1, 256)
    return _scaled_k(blocks, _four_bits(blocks[:, 48:]) + 16.0 * fifth)


def _q6_k(blocks):
    low = np.swapaxes(_fields(blocks[:, :128].reshape(-1, 2, 2, 32), 4, 2), 2, 3).reshape(-1, 256)
    high = _two_bits(blocks[:, 128:192])
    return _times(_half(blocks, 208) * _view(blocks[:, 192:208], "i1"), low + 16 * high - 32)


def _iq4_nl(blocks):
    return _half(blocks, 0) * _IQ4_LEVELS[_nibbles(blocks[:, 2:]).astype(int)]


def _iq4_xs(blocks):
    low = _each(blocks[:, 4:8], 4, 2)
    high = _each(_view(blocks[:, 2:4], "<u2"), 2, 8)
    levels = _fields(blocks[:, 8:].reshape(-1, 8, 16), 4, 2).reshape(-1, 256)
    return _times(_half(blocks, 0) * ((low | high << 4) - 32.0), _IQ4_LEVELS[levels])


def _mxfp4(blocks):
    """OCP Microscaling Formats 1.0: floats of 4 bits, and a power of two."""
    return np.ldexp(1.0, blocks[:, :1].astype(int) - 127) * _FP4_LEVELS[_nibbles(blocks[:, 1:]).astype(int)]


def _digits(bytes_, n):
    """The first n digits in base 3 of bytes that are fractions: [block][digit * byte]."""
    powers = 3 ** np.arange(n)[:, None]
    return ((bytes_[:, None, :] * powers) % 256 * 3 // 256).reshape(len(bytes_), -1)


def _tq1_0(blocks):
    values = [_digits(blocks[:, :32].astype(int), 5), _digits(blocks[:, 32:48].astype(int), 5),
              _digits(blocks[:, 48:52].astype(int), 4)]
    return _half(blocks, 52) * (np.concatenate(values, 1) - 1.0)


def _tq2_0(blocks):
    return _half(blocks, 64) * (_two_bits(blocks[:, :64]) - 1)


def _grid(name, levels):
    """[point][value], from codes of as few bits a value as number the levels."""
    with open(_GRIDS) as file:
        codes = re.search(r"k%sCodes\[\d+\] = \{([^}]*)\}" % name, file.read()).group(1)
    codes = np.array([int(code, 16) for code in codes.replace(",", " ").split()], "<u2")
    bits, values = (3, 4) if len(levels) == 8 else (2, 8)
    return np.array(levels + [0] * (2 ** bits - len(levels)), float)[_each(codes[:, None], bits, values)]


_GRID_LEVELS = {"IQ1S": [-1, 0, 1], "IQ2XXS": [8, 25, 43], "IQ2XS": [8, 25, 43], "IQ2S": [8, 25, 43],
                "IQ3XXS": [4, 12, 20, 28, 36, 44, 52, 62], "IQ3S": [1, 3, 5, 7, 9, 11, 13, 15]}
_grids = {}


def _points(name, indices):
    """[block][value] of [block][index]"""
    if name not in _grids:
        _grids[name] = _grid(name, _GRID_LEVELS[name])
    return _grids[name][indices].reshape(len(indices), -1)


def _signs(bits):
    """1 or -1 for each of 8 bits of each byte."""
    return 1.0 - 2.0 * _each(bits, 1, 8)


def _even_signs(seven):
    """The eighth bit makes the number of ones even."""
    ones = _fields(seven.astype("<u4"), 1, 7).sum(-2)
    return _signs((seven | (ones & 1) << 7).astype(np.uint8))


def _odd(scales):
    return 2.0 * scales + 1


def _iq2_xxs(blocks):
    words = _view(blocks[:, 2:], "<u4").reshape(-1, 8, 2)
    points = _view(words[:, :, 0], np.uint8).reshape(-1, 32).astype(int)
    signs = _even_signs(_each(words[:, :, 1], 7, 4))
    return _times(_half(blocks, 0) / 8 * _odd(words[:, :, 1] >> 28), signs * _points("IQ2XXS", points))


def _iq2_xs(blocks):
    codes = _view(blocks[:, 2:66], "<u2")
    signs = _even_signs((codes >> 9).astype("<u4"))
    return _times(_half(blocks, 0) / 8 * _odd(_each(blocks[:, 66:], 4, 2)), signs * _points("IQ2XS", codes & 511))


def _iq2_s(blocks):
    points = blocks[:, 2:34].astype(int) | _each(blocks[:, 66:74], 2, 4).astype(int) << 8
    return _times(_half(blocks, 0) / 8 * _odd(_each(blocks[:, 74:], 4, 2)),
                  _signs(blocks[:, 34:66]) * _points("IQ2S", points))


def _iq3_xxs(blocks):
    words = _view(blocks[:, 66:], "<u4")
    return _times(_half(blocks, 0) / 4 * _odd(words >> 28),
                  _even_signs(_each(words, 7, 4)) * _points("IQ3XXS", blocks[:, 2:66].astype(int)))


def _iq3_s(blocks):
    points = blocks[:, 2:66].astype(int) | _each(blocks[:, 66:74], 1, 8).astype(int) << 8
    return _times(_half(blocks, 0) * _odd(_each(blocks[:, 106:], 4, 2)),
                  _signs(blocks[:, 74:106]) * _points("IQ3S", points))


def _moved(points, down):
    """Points of IQ1, all of whose values move by an eighth."""
    return _points("IQ1S", points) + np.repeat(np.where(down, -0.125, 0.125), 8, 1)


def _iq1_s(blocks):
    words = _view(blocks[:, 34:], "<u2")
    points = blocks[:, 2:34].astype(int) | _each(words, 3, 4).astype(int) << 8
    return _times(_half(blocks, 0) * _odd(words >> 12 & 7), _moved(points, np.repeat(words >> 15, 4, 1)))


def _iq1_m(blocks):
    words = _view(blocks[:, 48:], "<u2")
    bits = sum((words[:, i:i + 1] >> 12) << (4 * i) for i in range(4))
    high = _each(blocks[:, 32:48], 4, 2).astype(int)
    points = blocks[:, :32].astype(int) | (high & 7) << 8
    return _times(_view(bits.astype("<u2"), "<f2").astype(float) * _odd(_each(words, 3, 4)), _moved(points, high >> 3))


# The type's number in a file: its name, values and bytes of a block, and what unpacks it.
TYPES = {
    0: ("F32", 1, 4, _f32), 1: ("F16", 1, 2, _f16), 30: ("BF16", 1, 2, _bf16),
    2: ("Q4_0", 32, 18, _q4_0), 3: ("Q4_1", 32, 20, _q4_1), 6: ("Q5_0", 32, 22, _q5_0),
    7: ("Q5_1", 32, 24, _q5_1), 8: ("Q8_0", 32, 34, _q8_0), 10: ("Q2_K", 256, 84, _q2_k),
    11: ("Q3_K", 256, 110, _q3_k), 12: ("Q4_K", 256, 144, _q4_k), 13: ("Q5_K", 256, 176, _q5_k),
    14: ("Q6_K", 256, 210, _q6_k), 16: ("IQ2_XXS", 256, 66, _iq2_xxs),
    17: ("IQ2_XS", 256, 74, _iq2_xs), 18: ("IQ3_XXS", 256, 98, _iq3_xxs),
    19: ("IQ1_S", 256, 50, _iq1_s), 20: ("IQ4_NL", 32, 18, _iq4_nl), 21: ("IQ3_S", 256, 110, _iq3_s),
    22: ("IQ2_S", 256, 82, _iq2_s), 23: ("IQ4_XS", 256, 136, _iq4_xs), 29: ("IQ1_M", 256, 56, _iq1_m),
    34: ("TQ1_0", 256, 54, _tq1_0), 35: ("TQ2_0", 256, 66, _tq2_0), 39: ("MXFP4", 32, 17, _mxfp4),
}


def dequantize(kind, raw):
    """All values of whole blocks, in order."""
    _, _, size, unpack = TYPES[kind]
    return unpack(np.asarray(raw).reshape(-1, size)).reshape(-1)
