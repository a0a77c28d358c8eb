#!/usr/bin/env python3
"""Writes the golden values of prediction layers: NAME-prediction.top20 beside the models that have one.

  tests/parity/make_prediction_golden.py [NAME...]

The formulas of DeepSeek-V3 (arXiv:2412.19437), sections 2.1 and 2.2, and of GLM-4.5 (arXiv:2508.06471) in
numpy and double precision, with nothing of the engine: all positions at once, heads decompressed, experts
one after the other. Position i tells what the layer makes of the model's state of token i and of token
i + 1. The files have the form of make_golden.py's. Needs python3-numpy. Output is the same at every run.
"""
import os
import struct
import sys

import numpy as np

sys.dont_write_bytecode = True
from make_golden import HERE, POSITIONS, tokens_of, write_golden

NAMES = ["deepseek2-mtp", "glm4moe"]


def read_gguf(path):
    """Metadata, and tensors as doubles with the row's length last. For files of tiny_gguf.py."""
    with open(path, "rb") as file:
        raw = file.read()
    at = 4

    def take(form):
        nonlocal at
        values = struct.unpack_from("<" + form, raw, at)
        at += struct.calcsize("<" + form)
        return values[0] if len(values) == 1 else values

    def text():
        return take("%ds" % take("Q")).decode()

    def value(kind):
        if kind == 9:
            inner, n = take("I"), take("Q")
            return [value(inner) for _ in range(n)]
        return text() if kind == 8 else take({4: "I", 5: "i", 6: "f", 7: "?"}[kind])

    take("I")
    n_tensors, n_keys = take("Q"), take("Q")
    keys, found, tensors = {}, [], {}
    for _ in range(n_keys):
        key = text()
        keys[key.split(".", 1)[-1]] = value(take("I"))
    for _ in range(n_tensors):
        name = text()
        shape = [take("Q") for _ in range(take("I"))]
        found.append((name, shape, take("I"), take("Q")))
    at = (at + 31) // 32 * 32
    for name, shape, kind, offset in found:
        values = np.frombuffer(raw, {0: "<f4", 1: "<f2"}[kind], int(np.prod(shape)), at + offset)
        tensors[name] = values.astype(float).reshape(shape[::-1])
    return keys, tensors


def silu(x):
    return x / (1 + np.exp(-x))


class Model:
    def __init__(self, name):
        self.keys, self.tensors = read_gguf(os.path.join(HERE, name + ".gguf"))
        self.heads, self.dim = self.keys["attention.head_count"], self.keys["rope.dimension_count"]

    def weight(self, name, layer=None):
        return self.tensors[("" if layer is None else "blk.%d." % layer) + name + ".weight"]

    def norm(self, x, weight):
        epsilon = self.keys["attention.layer_norm_rms_epsilon"]
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight

    def rotate(self, x, halves):
        """[token][head][value], of which the first `dim` turn."""
        n = self.dim // 2
        angles = np.outer(np.arange(len(x)),
                          self.keys["rope.freq_base"] ** (-np.arange(n) / n))[:, None]
        first, second = (slice(0, n), slice(n, 2 * n)) if halves else \
            (slice(0, 2 * n, 2), slice(1, 2 * n, 2))
        out = x.copy()
        out[..., first] = x[..., first] * np.cos(angles) - x[..., second] * np.sin(angles)
        out[..., second] = x[..., first] * np.sin(angles) + x[..., second] * np.cos(angles)
        return out

    def attend(self, q, k, v):
        """[token][head][value] each; a key and value head may serve several queries' heads."""
        share = q.shape[1] // k.shape[1]
        k, v = np.repeat(k, share, 1), np.repeat(v, share, 1)
        scores = np.einsum("thd,shd->hts", q, k) / np.sqrt(q.shape[2])
        scores[:, np.triu(np.ones((len(q), len(q)), bool), 1)] = -np.inf
        chances = np.exp(scores - scores.max(-1, keepdims=True))
        chances /= chances.sum(-1, keepdims=True)
        return np.einsum("hts,shd->thd", chances, v).reshape(len(q), -1)

    def latent(self, x, layer):
        w = lambda name: self.weight(name, layer)
        rank = self.keys["attention.kv_lora_rank"]
        nope = self.keys["attention.key_length_mla"] - self.dim
        q = self.norm(x @ w("attn_q_a").T, w("attn_q_a_norm")) @ w("attn_q_b").T
        q = q.reshape(len(x), self.heads, -1)
        down = x @ w("attn_kv_a_mqa").T
        latent = self.norm(down[:, :rank], w("attn_kv_a_norm"))
        shared = self.rotate(down[:, None, rank:], False)
        k = np.concatenate([np.einsum("tl,hld->thd", latent, w("attn_k_b").reshape(self.heads, rank, nope)),
                            np.repeat(shared, self.heads, 1)], -1)
        q = np.concatenate([q[..., :nope], self.rotate(q[..., nope:], False)], -1)
        return self.attend(q, k, np.einsum("tl,hvl->thv", latent, w("attn_v_b")))

    def grouped(self, x, layer):
        def heads(name):
            y = x @ self.weight(name, layer).T + self.tensors["blk.%d.%s.bias" % (layer, name)]
            return y.reshape(len(x), -1, self.keys["attention.key_length"])
        norm = lambda y, name: self.norm(y, self.weight(name, layer))
        q, k = norm(heads("attn_q"), "attn_q_norm"), norm(heads("attn_k"), "attn_k_norm")
        return self.attend(self.rotate(q, True), self.rotate(k, True), heads("attn_v"))

    def network(self, x, layer, kind="", expert=None):
        gate, up, down = (self.weight("ffn_%s%s" % (part, kind), layer) for part in ("gate", "up", "down"))
        if expert is not None:
            gate, up, down = gate[expert], up[expert], down[expert]
        return (silu(x @ gate.T) * (x @ up.T)) @ down.T

    def experts(self, x, layer):
        scores = 1 / (1 + np.exp(-x @ self.weight("ffn_gate_inp", layer).T))
        ranked = scores + self.tensors["blk.%d.exp_probs_b.bias" % layer]
        out = self.network(x, layer, "_shexp")
        for i in range(len(x)):
            best = np.argsort(-ranked[i], kind="stable")[:self.keys["expert_used_count"]]
            weights = scores[i, best] / scores[i, best].sum() * self.keys["expert_weights_scale"]
            for expert, weight in zip(best, weights):
                out[i] += weight * self.network(x[i], layer, "_exps", expert)
        return out

    def layer(self, x, index):
        is_latent = "attention.kv_lora_rank" in self.keys
        normed = self.norm(x, self.weight("attn_norm", index))
        attended = (self.latent if is_latent else self.grouped)(normed, index)
        x = x + attended @ self.weight("attn_output", index).T
        normed = self.norm(x, self.weight("ffn_norm" if is_latent else "post_attention_norm", index))
        is_dense = index < self.keys["leading_dense_block_count"]
        return x + (self.network if is_dense else self.experts)(normed, index)

    def prediction(self, tokens):
        """Logits of every pair of neighbours."""
        last = self.keys["block_count"] - 1
        embedding = self.weight("token_embd")
        x = embedding[tokens[:-1]]
        for index in range(last):
            x = self.layer(x, index)
        state = self.norm(x, self.weight("output_norm"))
        own = lambda name: self.weight("nextn." + name, last)
        joined = np.concatenate([self.norm(embedding[tokens[1:]], own("enorm")),
                                 self.norm(state, own("hnorm"))], -1)
        x = self.layer(joined @ own("eh_proj").T, last)
        head_norm = "blk.%d.nextn.shared_head_norm.weight" % last
        norm = self.tensors[head_norm] if head_norm in self.tensors else self.weight("output_norm")
        return self.norm(x, norm) @ self.weight("output").T


def main():
    for name in sys.argv[1:] or NAMES:
        model = Model(name)
        tokens = tokens_of(model.keys["vocab_size"], POSITIONS + 1)
        write_golden(os.path.join(HERE, name + "-prediction.top20"), model.prediction(tokens))


if __name__ == "__main__":
    main()
