"""The models of architectures.py, 16 times as wide: their rows divide into blocks of 256, as the K
types need. Some of a few megabytes each, so they are made where they are needed and not kept."""
import itertools

import numpy as np

import architectures
import tiny_gguf
from reference.weight_types import dequantize

SCALE = 16
WIDTHS = ("embedding_length", "feed_forward_length", "expert_feed_forward_length",
          "expert_shared_feed_forward_length", "attention__key_length", "attention__value_length",
          "attention__key_length_mla", "attention__value_length_mla", "attention__q_lora_rank",
          "attention__kv_lora_rank", "rope__dimension_count", "ssm__inner_size", "ssm__state_size")
# Bytes of a block of 256 in types that no quantizer of ours writes, and about what one scale of its
# block makes of a weight on average.
RANDOM_BLOCKS = {"IQ2_XXS": (16, 66, 40), "IQ2_XS": (17, 74, 40), "IQ3_XXS": (18, 98, 90),
                 "IQ3_S": (21, 110, 90), "IQ2_S": (22, 82, 40), "IQ1_S": (19, 50, 7),
                 "IQ1_M": (29, 56, 7)}
# As what write() gives: matrices of all K types, one after another.
ALL_K = "K"
# Type, bytes of a block, and where its scales are, with values whose blocks of random bits have no mean.
_K_BLOCKS = ((10, 84, {80: 1, 82: 1.5}), (11, 110, {108: 1}), (12, 144, {0: 1, 2: 7.5}),
             (13, 176, {0: 1, 2: 15.5}), (14, 210, {208: 1}))
# Those among architectures.MODELS that are another's description in another type.
SAME = ("gpt-oss-q8",)
_RECIPES = {**architectures.MODELS, **architectures.OTHERS}


def names():
    return [name for name in _RECIPES if name not in SAME]


def has_experts(name):
    return any("_exps" in tensor[0] for tensor in _RECIPES[name]().tensors)


class WideBuilder(architectures.Builder):
    kind_wanted = None
    next_k_type = None  # of an iterator

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        if self.kind_wanted is not None:
            self.kind = self.kind_wanted

    def set(self, **keys):
        super().set(**{key: value * SCALE if key in WIDTHS else value
                       for key, value in keys.items()})

    @staticmethod
    def _wide(name, shape):
        """Numbers of experts, heads and tokens stay."""
        part = name.split(".")[-1] if name.startswith("blk.") else name
        if part in ("ffn_gate_inp", "token_embd", "output", "ssm_ba", "ssm_beta", "ssm_alpha"):
            return (shape[0] * SCALE,) + shape[1:]
        if part in ("ssm_conv1d", "conv"):
            return (shape[0], shape[1] * SCALE)
        if name.endswith("ssm_norm.weight"):  # of groups, whose number stays
            return (shape[0] * SCALE,) + shape[1:]
        if name.endswith(("ffn_gate_inp.bias", "exp_probs_b.bias", "attn_sinks.weight", "ssm_dt.bias",
                          "ssm_a", "ssm_d")) or name == "output.bias":
            return shape
        last_stays = "_exps" in name or part in ("attn_k_b", "attn_v_b")
        return tuple(n if last_stays and i == len(shape) - 1 else n * SCALE
                     for i, n in enumerate(shape))

    def _choose_k_type(self, row):
        if self.next_k_type is not None:
            self.kind = next(self.next_k_type) if row % 256 == 0 else tiny_gguf.F16

    def matrix(self, name, *shape, kind=None, **keywords):
        shape = self._wide(name, shape)
        if kind is None:
            self._choose_k_type(shape[0])
        super().matrix(name, *shape, kind=kind, **keywords)

    def embedding(self, name, *shape, scale=1.0):
        self._choose_k_type(shape[0] * SCALE)
        # One that is the output matrix, too, would let each token predict itself and nothing else.
        super().embedding(name, *self._wide(name, shape), scale=scale if scale == 1.0 else scale / SCALE)

    def norm(self, name, n, size=1.0):
        super().norm(name, *self._wide(name, (n,)), size)

    def vector(self, name, *shape, **keywords):
        super().vector(name, *self._wide(name, shape), **keywords)


def _random_blocks(size, gain):
    """Blocks of random bits: every pattern of these types means something."""
    def pack(values):
        generator = np.random.Generator(np.random.SFC64([size, values.size]))
        blocks = generator.integers(0, 256, (values.size // 256, size), dtype=np.uint8)
        scale = np.full((len(blocks), 1), values.std() / gain, dtype="<f2")
        if size == RANDOM_BLOCKS["IQ1_M"][1]:  # a quarter of it at the end of each of the last four words
            bits = int(scale.view("<u2")[0, 0])
            for i, at in enumerate(range(49, 56, 2)):
                blocks[:, at] = blocks[:, at] & 15 | (bits >> 4 * i & 15) << 4
        else:
            blocks[:, :2] = scale.view(np.uint8)
        return blocks
    return pack


def _random_k_blocks(kind, size, scales, generator):
    """Blocks of random bits whose values are as far from zero as those to pack."""
    def pack(values):
        blocks = generator.integers(0, 256, (values.size // 256, size), dtype=np.uint8)

        def scale_by(factor):
            for at, scale in scales.items():
                blocks[:, at:at + 2] = np.array([scale * factor], "<f2").view(np.uint8)
        scale_by(1)
        scale_by(values.std() / dequantize(kind, blocks.ravel()).std())
        return blocks
    return pack


def _prepare_k_types():
    generator = np.random.Generator(np.random.SFC64(1))
    for kind, size, scales in _K_BLOCKS:
        tiny_gguf._PACK[kind] = _random_k_blocks(kind, size, scales, generator)
    WideBuilder.next_k_type = itertools.cycle(block[0] for block in _K_BLOCKS)


def write(name, path, random_type=None):
    """Writes the model as F16, or its matrices as random blocks of a type of RANDOM_BLOCKS, or of ALL_K."""
    before = architectures.Builder
    try:
        architectures.Builder = WideBuilder
        if random_type == ALL_K:
            _prepare_k_types()
        elif random_type:
            kind, size, gain = RANDOM_BLOCKS[random_type]
            tiny_gguf._PACK[kind] = _random_blocks(size, gain)
            WideBuilder.kind_wanted = kind
        _RECIPES[name]().write(path)
    finally:
        architectures.Builder = before
        WideBuilder.kind_wanted = WideBuilder.next_k_type = None
