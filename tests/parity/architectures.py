"""A tiny model of every architecture, with the features that tell it from the others.

Sizes are as small as the architecture allows: the widths differ wherever files may differ, so that a
mix-up fails, windows and original contexts are shorter than the golden files' text, and all scales are
other than one. Names of keys and tensors are those of llama.cpp's converter.
"""
import numpy as np

from tiny_gguf import F16, F32, Q8_0, TinyModel

VOCABULARY = 96
EMBEDDING = 32


class Builder(TinyModel):
    """The parts that architectures share."""

    def __init__(self, architecture, layers, seed=1, heads=4, kv_heads=2, head_dim=8, ff=48,
                 kind=F16, residual=0.5):
        """
        @param residual  how much a block adds; small enough that a stack of random layers does not amplify rounding
        """
        super().__init__(architecture, seed, kind)
        self.layers, self.heads, self.kv_heads = layers, heads, kv_heads
        self.head_dim, self.ff, self.residual = head_dim, ff, residual
        self.metadata.update({
            "general.name": "random weights",
            "general.file_type": {F16: 1, Q8_0: 7}[kind],
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": "gpt-2",
            "tokenizer.ggml.tokens": [chr(33 + i) for i in range(VOCABULARY - 3)] +
                                     ["\u010a", "\u0120", "<|end|>"],
            "tokenizer.ggml.token_type": [1] * (VOCABULARY - 1) + [3],
            "tokenizer.ggml.merges": ["a b"],
            "tokenizer.ggml.bos_token_id": VOCABULARY - 1,
            "tokenizer.ggml.eos_token_id": VOCABULARY - 1,
        })
        self.set(block_count=layers, context_length=1024, embedding_length=EMBEDDING,
                 feed_forward_length=ff, attention__head_count=heads,
                 attention__head_count_kv=kv_heads, attention__layer_norm_rms_epsilon=1e-5,
                 attention__key_length=head_dim, attention__value_length=head_dim,
                 rope__dimension_count=head_dim, rope__freq_base=10000.0, vocab_size=VOCABULARY)

    def ends(self, output=True, norm_bias=False, norm="output_norm"):
        # As the output matrix, too, it must not make logits too far apart.
        self.embedding("token_embd", EMBEDDING, VOCABULARY, scale=1.0 if output else 0.25)
        self.norm(norm, EMBEDDING)
        if norm_bias:
            self.vector("output_norm.bias", EMBEDDING)
        if output:
            self.matrix("output", EMBEDDING, VOCABULARY, gain=2.0)

    def attention(self, layer, bias=False, output_bias=False, norm=None, fused=False, sinks=False):
        b = "blk.%d." % layer
        q, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        if fused:
            self.matrix(b + "attn_qkv", EMBEDDING, q + 2 * kv)
        else:
            for name, n in (("attn_q", q), ("attn_k", kv), ("attn_v", kv)):
                self.matrix(b + name, EMBEDDING, n)
                if bias:
                    self.vector(b + name + ".bias", n)
        self.matrix(b + "attn_output", q, EMBEDDING, gain=self.residual)
        if output_bias:
            self.vector(b + "attn_output.bias", EMBEDDING)
        if norm == "own":  # each head has weights of its own
            self.vector(b + "attn_q_norm.weight", self.head_dim, self.heads, offset=1.0, scale=0.2)
            self.vector(b + "attn_k_norm.weight", self.head_dim, self.kv_heads, offset=1.0, scale=0.2)
        elif norm:
            self.norm(b + "attn_q_norm", self.head_dim if norm == "head" else q)
            self.norm(b + "attn_k_norm", self.head_dim if norm == "head" else kv)
        if sinks:
            self.vector(b + "attn_sinks.weight", self.heads, scale=1.0)

    def dense(self, layer, fused=False):
        b = "blk.%d." % layer
        if fused:
            self.matrix(b + "ffn_up", EMBEDDING, 2 * self.ff)
        else:
            self.matrix(b + "ffn_gate", EMBEDDING, self.ff)
            self.matrix(b + "ffn_up", EMBEDDING, self.ff)
        self.matrix(b + "ffn_down", self.ff, EMBEDDING, gain=self.residual)

    def experts(self, layer, n, width, shared=0, bias=False, choice_bias=False, shared_gate=False,
                fused=False):
        b = "blk.%d." % layer
        self.matrix(b + "ffn_gate_inp", EMBEDDING, n, gain=2.0, kind=F32)
        if fused:
            self.matrix(b + "ffn_gate_up_exps", EMBEDDING, 2 * width, n)
        else:
            self.matrix(b + "ffn_gate_exps", EMBEDDING, width, n)
            self.matrix(b + "ffn_up_exps", EMBEDDING, width, n)
        self.matrix(b + "ffn_down_exps", width, EMBEDDING, n, gain=2 * self.residual)
        if bias:
            self.vector(b + "ffn_gate_inp.bias", n)
            self.vector(b + "ffn_gate_exps.bias", width, n)
            self.vector(b + "ffn_up_exps.bias", width, n)
            self.vector(b + "ffn_down_exps.bias", EMBEDDING, n)
        if choice_bias:
            self.vector(b + "exp_probs_b.bias", n, scale=0.1)
        if shared:
            self.matrix(b + "ffn_gate_shexp", EMBEDDING, shared)
            self.matrix(b + "ffn_up_shexp", EMBEDDING, shared)
            self.matrix(b + "ffn_down_shexp", shared, EMBEDDING, gain=self.residual)
        if shared_gate:
            self.matrix(b + "ffn_gate_inp_shexp", EMBEDDING, kind=F32)

    def norms(self, layer, *names, bias=False, size=1.0):
        for name in names or ("attn_norm", "ffn_norm"):
            self.norm("blk.%d.%s" % (layer, name), EMBEDDING, size)
            if bias:
                self.vector("blk.%d.%s.bias" % (layer, name), EMBEDDING)


def olmoe():
    m = Builder("olmoe", 2, ff=16, kv_heads=4)
    m.set(expert_count=6, expert_used_count=3)
    m.ends()
    for i in range(m.layers):
        m.norms(i)
        m.attention(i, norm="all")
        m.experts(i, 6, 16)
    return m


def qwen3moe(architecture="qwen3moe"):
    m = Builder(architecture, 2, head_dim=16)
    m.set(expert_count=6, expert_used_count=3, expert_feed_forward_length=16)
    m.ends()
    for i in range(m.layers):
        m.norms(i)
        m.attention(i, norm="head")
        m.experts(i, 6, 16)
    return m


def qwen3next(architecture="qwen3next"):
    key_heads, value_heads, dim, kernel = 2, 4, 8, 4
    keys, values = key_heads * dim, value_heads * dim
    tiled, dense = architecture != "qwen3next", architecture == "qwen35"
    # With some other seeds llama.cpp's rounding of activations to F16 takes a position past 0.01.
    seed = {"qwen3next": 4, "qwen35": 2, "qwen35moe": 5}[architecture]
    m = Builder(architecture, 4, seed=seed, head_dim=16)
    attends = [i % 4 == 3 for i in range(m.layers)]
    if tiled:
        attends = [False, True, False, False]
        m.set(rope__dimension_sections=[2, 1, 1, 0],
              attention__recurrent_layers=[not each for each in attends])
    if not dense:
        m.set(expert_count=6, expert_used_count=3, expert_feed_forward_length=16,
              expert_shared_feed_forward_length=24)
    if tiled and not dense:  # as in published files
        del m.metadata[architecture + ".feed_forward_length"]
    m.set(rope__dimension_count=8, full_attention_interval=4,
          ssm__conv_kernel=kernel, ssm__inner_size=values, ssm__state_size=dim,
          ssm__time_step_rank=value_heads, ssm__group_count=key_heads)
    m.ends()
    for i in range(m.layers):
        b = "blk.%d." % i
        m.norms(i, "attn_norm", "post_attention_norm")
        if attends[i]:
            q, kv = m.heads * m.head_dim, m.kv_heads * m.head_dim
            for name, n in (("attn_q", 2 * q), ("attn_k", kv), ("attn_v", kv)):
                m.matrix(b + name, EMBEDDING, n)
            m.matrix(b + "attn_output", q, EMBEDDING, gain=m.residual)
            m.norm(b + "attn_q_norm", m.head_dim)
            m.norm(b + "attn_k_norm", m.head_dim)
        else:
            m.matrix(b + "attn_qkv", EMBEDDING, 2 * keys + values)
            m.matrix(b + "attn_gate", EMBEDDING, values)
            for name in ("ssm_beta", "ssm_alpha") if tiled else ():
                m.matrix(b + name, EMBEDDING, value_heads)
            if not tiled:
                m.matrix(b + "ssm_ba", EMBEDDING, 2 * value_heads)
            m.matrix(b + "ssm_conv1d", kernel, 2 * keys + values, kind=F32)
            m.vector(b + "ssm_dt.bias", value_heads)
            m.vector(b + "ssm_a", value_heads, offset=-0.6, scale=0.15)  # -exp of something
            m.norm(b + "ssm_norm", dim)
            # A head's result is normalized, however small: so is its rounding.
            m.matrix(b + "ssm_out", values, EMBEDDING, gain=0.25)
        if dense:
            m.dense(i)
        else:
            m.experts(i, 6, 16, shared=24, shared_gate=True, fused=tiled)
    return m


def qwen3next_by_heads():
    """As early files have it: one tensor holds, head of keys by head of keys, what attn_qkv and attn_gate do."""
    m, found = qwen3next(), {}
    heads, dim = m.metadata["qwen3next.ssm.group_count"], m.metadata["qwen3next.ssm.state_size"]

    def by_heads(rows):
        return rows.reshape(heads, -1, EMBEDDING)

    tensors = []
    for name, shape, kind, values in m.tensors:
        prefix, _, part = name.rpartition("attn_")
        if part not in ("qkv.weight", "gate.weight"):
            tensors.append((name, shape, kind, values))
            continue
        found[part] = values.reshape(-1, EMBEDDING)
        if part == "gate.weight":  # comes behind the other
            q, k, v = np.split(found["qkv.weight"], [heads * dim, 2 * heads * dim])
            joined = np.concatenate([by_heads(each) for each in (q, k, v, found["gate.weight"])], 1)
            tensors.append((prefix + "ssm_in.weight", (EMBEDDING, joined.size // EMBEDDING), kind, joined))
    m.tensors = tensors
    return m


def granite_scales(m):
    m.set(embedding_scale=3.0, residual_scale=0.4, logit_scale=0.5, attention__scale=0.2)


def granitemoe():
    m = Builder("granitemoe", 2, ff=16)
    m.set(expert_count=6, expert_used_count=3, expert_shared_feed_forward_length=24)
    granite_scales(m)
    m.ends(output=False)
    for i in range(m.layers):
        m.norms(i)
        m.attention(i)
        m.experts(i, 6, 16, shared=24)
    return m


def granite():
    m = Builder("granite", 2)
    granite_scales(m)
    m.ends(output=False)
    for i in range(m.layers):
        m.norms(i)
        m.attention(i)
        m.dense(i)
    return m


def qwen2moe():
    m = Builder("qwen2moe", 2)
    m.set(expert_count=6, expert_used_count=3, expert_feed_forward_length=16,
          expert_shared_feed_forward_length=24)
    m.ends()
    for i in range(m.layers):
        m.norms(i)
        m.attention(i, bias=True)
        m.experts(i, 6, 16, shared=24, shared_gate=True)
    return m


def deepseek():
    m = Builder("deepseek", 2)
    m.set(expert_count=6, expert_used_count=2, expert_feed_forward_length=16, expert_shared_count=2,
          expert_weights_scale=1.0, leading_dense_block_count=1)
    m.ends()
    for i in range(m.layers):
        m.norms(i)
        m.attention(i)
        m.experts(i, 6, 16, shared=32) if i else m.dense(i)
    return m


def longrope(m, original):
    """Factors for short and long contexts, as Phi's."""
    m.set(rope__scaling__type="longrope", rope__scaling__original_context_length=original,
          rope__scaling__attn_factor=1.19)
    for name in ("short", "long"):
        m.vector("rope_factors_%s.weight" % name, m.head_dim // 2, offset=2.5, scale=0.5)


def phimoe():
    m = Builder("phimoe", 2, ff=16)
    m.set(expert_count=6, expert_used_count=2)
    m.ends(norm_bias=True)
    m.vector("output.bias", VOCABULARY)
    longrope(m, 64)
    for i in range(m.layers):
        m.norms(i, bias=True)
        m.attention(i, bias=True, output_bias=True)
        m.experts(i, 6, 16)
    return m


def glm4moe():
    m = Builder("glm4moe", 3, head_dim=16)  # the last layer predicts further tokens
    m.set(expert_count=6, expert_used_count=2, expert_feed_forward_length=16, expert_shared_count=1,
          expert_weights_scale=1.5, expert_weights_norm=True, expert_gating_func=2,
          expert_group_count=1, expert_group_used_count=1, leading_dense_block_count=1,
          nextn_predict_layers=1, rope__dimension_count=8)
    m.ends()
    for i in range(m.layers):
        m.norms(i, "attn_norm", "post_attention_norm")
        m.attention(i, bias=True, norm="head")
        m.experts(i, 6, 16, shared=16, choice_bias=True) if i else m.dense(i)
    m.matrix("blk.2.nextn.eh_proj", 2 * EMBEDDING, EMBEDDING)
    m.norm("blk.2.nextn.enorm", EMBEDDING)
    m.norm("blk.2.nextn.hnorm", EMBEDDING)
    return m


def deepseek2(n_experts=6, predicts=False, rank=24, seed=1, **more):
    nope, rope, value, query_rank = 16, 8, 12, 20
    m = Builder("deepseek2", 3, kv_heads=1, seed=seed)
    dense = 1 if n_experts else m.layers
    m.set(attention__q_lora_rank=query_rank, attention__kv_lora_rank=rank,
          attention__key_length=rank + rope, attention__value_length=rank,
          attention__key_length_mla=nope + rope, attention__value_length_mla=value,
          rope__dimension_count=rope, expert_count=n_experts, expert_used_count=min(2, n_experts),
          expert_feed_forward_length=16, expert_shared_count=min(1, n_experts), expert_weights_scale=1.5,
          expert_weights_norm=True, expert_gating_func=2, leading_dense_block_count=dense, **more)
    if predicts:  # the last layer, further tokens: without it llama.cpp gives the same values
        m.set(nextn_predict_layers=1)
    m.ends()
    for i in range(m.layers):
        b = "blk.%d." % i
        m.norms(i)
        m.matrix(b + "attn_q_a", EMBEDDING, query_rank)
        m.norm(b + "attn_q_a_norm", query_rank)
        m.matrix(b + "attn_q_b", query_rank, m.heads * (nope + rope))
        m.matrix(b + "attn_kv_a_mqa", EMBEDDING, rank + rope)
        m.norm(b + "attn_kv_a_norm", rank)
        m.matrix(b + "attn_k_b", nope, rank, m.heads)
        m.matrix(b + "attn_v_b", rank, value, m.heads)
        m.matrix(b + "attn_output", m.heads * value, EMBEDDING, gain=m.residual)
        m.experts(i, n_experts, 16, shared=16, choice_bias=True) if i >= dense else m.dense(i)
    if predicts:
        m.matrix("blk.2.nextn.eh_proj", 2 * EMBEDDING, EMBEDDING)
        for name in ("enorm", "hnorm", "shared_head_norm"):
            m.norm("blk.2.nextn." + name, EMBEDDING)
    return m


def deepseek3():
    return deepseek2(n_experts=8, expert_group_count=4, expert_group_used_count=2, rope__scaling__type="yarn",
                     rope__scaling__factor=40.0, rope__scaling__original_context_length=64,
                     rope__scaling__yarn_log_multiplier=0.1)


def deepseek2_yarn():
    """Without "yarn_log_multiplier"."""
    return deepseek2(seed=5, rope__scaling__type="yarn", rope__scaling__factor=40.0, rope__scaling__attn_factor=0.6,
                     rope__scaling__original_context_length=64)


def llama(n_experts=0):
    m = Builder("llama", 3, ff=16)
    if n_experts:
        m.set(expert_count=n_experts, expert_used_count=2)
    m.ends()
    for i in range(m.layers):
        m.norms(i)
        m.attention(i)
        m.experts(i, n_experts, 16) if n_experts else m.dense(i)
    return m


def ernie45_moe():
    m = Builder("ernie4_5-moe", 2, seed=2)
    m.set(expert_count=6, expert_used_count=3, expert_feed_forward_length=16,
          expert_shared_feed_forward_length=24, interleave_moe_layer_step=1,
          leading_dense_block_count=1)
    m.ends(output=False)
    for i in range(m.layers):
        m.norms(i)
        m.attention(i)
        m.experts(i, 6, 16, shared=24, choice_bias=True) if i else m.dense(i)
    return m


def gpt_oss(kind=F16, width=16):
    m = Builder("gpt-oss", 2, head_dim=16, kind=kind)
    m.set(expert_count=6, expert_used_count=3, expert_feed_forward_length=width,
          attention__sliding_window=12, rope__scaling__type="yarn", rope__scaling__factor=32.0,
          rope__scaling__original_context_length=64)
    m.ends()
    for i in range(m.layers):
        m.norms(i, "attn_norm", "post_attention_norm")
        m.attention(i, bias=True, output_bias=True, sinks=True)
        m.experts(i, 6, width, bias=True)
    return m


def qwen2():
    m = Builder("qwen2", 2)
    m.ends(output=False)
    for i in range(m.layers):
        m.norms(i)
        m.attention(i, bias=True)
        m.dense(i)
    return m


def qwen3():
    m = Builder("qwen3", 2, head_dim=16)
    m.set(rope__scaling__type="yarn", rope__scaling__factor=4.0,
          rope__scaling__original_context_length=32)
    m.ends()
    for i in range(m.layers):
        m.norms(i)
        m.attention(i, norm="head")
        m.dense(i)
    return m


def llama4():
    m = Builder("llama4", 4)
    m.set(expert_count=6, expert_used_count=2, expert_feed_forward_length=16,
          interleave_moe_layer_step=2)
    m.ends()
    for i in range(m.layers):
        m.norms(i)
        m.attention(i)
        m.experts(i, 6, 16, shared=16) if i % 2 else m.dense(i)
    return m


def smollm3():
    m = Builder("smollm3", 4, seed=3)
    m.ends(output=False)
    for i in range(m.layers):
        m.norms(i)
        m.attention(i)
        m.dense(i)
    return m


def gemma2():
    m = Builder("gemma2", 2, head_dim=16)
    m.set(attention__sliding_window=12, attn_logit_softcapping=2.0, final_logit_softcapping=8.0)
    m.ends(output=False)
    for i in range(m.layers):
        m.norms(i, "attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
        m.attention(i)
        m.dense(i)
    return m


def gemma3():
    m = Builder("gemma3", 6, head_dim=16, ff=32)
    m.set(attention__sliding_window=12, rope__freq_base=1e6, rope__scaling__type="linear",
          rope__scaling__factor=8.0)
    m.ends(output=False)
    for i in range(m.layers):
        m.norms(i, "attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
        m.attention(i, norm="head")
        m.dense(i)
    return m


def phi3(original=4096):
    m = Builder("phi3", 2)
    m.set(attention__sliding_window=16)  # not obeyed
    m.ends()
    longrope(m, original)
    for i in range(m.layers):
        m.norms(i)
        m.attention(i, fused=True)
        m.dense(i, fused=True)
    return m


def glm4():
    m = Builder("glm4", 2, head_dim=16)
    m.set(rope__dimension_count=8)
    m.ends()
    for i in range(m.layers):
        m.norms(i, "attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
        m.attention(i, bias=True)
        m.dense(i, fused=True)
    return m


def plain(architecture, *norms, layers=2, seed=1, output=True, norm=None, bias=False, norm_size=1.0, **sizes):
    """Dense layers, all alike."""
    m = Builder(architecture, layers, seed=seed, **sizes)
    m.ends(output=output)
    for i in range(m.layers):
        m.norms(i, *norms, size=norm_size)
        m.attention(i, norm=norm, bias=bias)
        m.dense(i)
    return m


def with_sections(m, *sections):
    """Pairs that turn for time, height and width, which are alike in text."""
    m.set(rope__dimension_sections=[*sections, 0])
    return m


def mistral3():
    m = plain("mistral3", head_dim=16)
    m.set(rope__scaling__type="yarn", rope__scaling__factor=16.0, rope__scaling__original_context_length=64,
          rope__scaling__yarn_beta_fast=2.0, rope__scaling__yarn_beta_slow=0.25,
          rope__scaling__yarn_log_multiplier=0.4, attention__temperature_scale=0.15)
    return m


AFTER_BLOCKS = ("post_attention_norm", "post_ffw_norm")


def olmo2(has_window=False):
    m = plain("olmo2", *AFTER_BLOCKS, layers=4 if has_window else 2, norm="all", heads=2, head_dim=16,
              norm_size=0.5 if has_window else 1.0)
    if has_window:  # OLMo 3
        m.set(attention__sliding_window=12, rope__scaling__type="yarn", rope__scaling__factor=8.0,
              rope__scaling__original_context_length=64, rope__scaling__attn_factor=1.2)
    return m


def command_r(architecture="command-r", layers=2, **more):
    m = plain(architecture, "attn_norm", layers=layers, output=False, **more)
    del m.metadata[architecture + ".attention.layer_norm_rms_epsilon"]
    m.set(attention__layer_norm_epsilon=1e-5, logit_scale=0.5)
    return m


def command_r_plus():
    """llama.cpp looks for norms of heads in models of 64 layers or more."""
    return command_r(layers=64, norm="own", ff=16, residual=0.1)


def cohere2():
    m = command_r("cohere2", 4)
    m.set(attention__sliding_window=12)
    return m


def dots1():
    m = Builder("dots1", 2, seed=3, kv_heads=4, head_dim=16)
    m.set(expert_count=6, expert_used_count=2, expert_feed_forward_length=16, expert_shared_count=2,
          expert_weights_scale=1.5, expert_weights_norm=True, expert_gating_func=2, leading_dense_block_count=1)
    m.ends()
    for i in range(m.layers):
        m.norms(i)
        m.attention(i, norm="head")
        m.experts(i, 6, 16, shared=32, choice_bias=True) if i else m.dense(i)
    return m


def hunyuan_dense():
    m = plain("hunyuan-dense", output=False, norm="head", head_dim=16)
    m.set(rope__scaling__alpha=4.0)
    return m


def hunyuan_moe():
    m = Builder("hunyuan-moe", 2, seed=2, ff=16, head_dim=16)
    m.set(expert_count=6, expert_used_count=2, expert_feed_forward_length=16, expert_shared_feed_forward_length=24)
    m.ends(output=False)
    for i in range(m.layers):
        m.norms(i)
        m.attention(i, norm="head")
        m.experts(i, 6, 16, shared=24)
    return m


def bailingmoe():
    m = Builder("bailingmoe", 2)
    m.set(expert_count=6, expert_used_count=2, expert_feed_forward_length=16, expert_shared_count=2,
          expert_weights_scale=1.5, expert_weights_norm=True, leading_dense_block_count=0)
    m.ends()
    for i in range(m.layers):
        m.norms(i)
        m.attention(i)
        m.experts(i, 6, 16, shared=32)
    return m


def bailingmoe2():
    m = Builder("bailingmoe2", 3, seed=2, heads=2, kv_heads=1, head_dim=16)
    m.set(expert_count=8, expert_used_count=2, expert_feed_forward_length=16, expert_shared_count=1,
          expert_shared_feed_forward_length=24, expert_weights_scale=1.5, expert_weights_norm=True,
          expert_gating_func=2, expert_group_count=4, expert_group_used_count=2, leading_dense_block_count=1,
          rope__dimension_count=8)
    m.ends()
    for i in range(m.layers):
        m.norms(i)
        m.attention(i, norm="head", fused=True)
        m.experts(i, 8, 16, shared=24, choice_bias=True) if i else m.dense(i)
    return m


def minimax_m2():
    m = Builder("minimax-m2", 2, head_dim=16, ff=16)
    m.set(expert_count=6, expert_used_count=2, expert_feed_forward_length=16, expert_gating_func=2,
          rope__dimension_count=8)
    m.ends()
    for i in range(m.layers):
        m.norms(i)
        m.attention(i, norm="all")
        m.experts(i, 6, 16, choice_bias=True)
    return m


def lfm2(architecture="lfm2", taps=3):
    m = Builder(architecture, 4, seed=2, heads=2, kv_heads=1, head_dim=16)
    kv_heads = [0, 0, 1, 0]
    m.set(attention__head_count_kv=kv_heads, shortconv__l_cache=taps)
    has_experts = architecture == "lfm2moe"
    if has_experts:
        m.set(expert_count=6, expert_used_count=2, expert_feed_forward_length=16, expert_gating_func=2,
              leading_dense_block_count=1)
    m.ends(norm="token_embd_norm")
    for i in range(m.layers):
        b = "blk.%d." % i
        m.norms(i)
        if kv_heads[i]:
            m.attention(i, norm="head")
        else:
            m.matrix(b + "shortconv.in_proj", EMBEDDING, 3 * EMBEDDING)
            m.matrix(b + "shortconv.conv", taps, EMBEDDING, kind=F32)
            # A product of three, whose rounding adds up.
            m.matrix(b + "shortconv.out_proj", EMBEDDING, EMBEDDING, gain=0.25)
        m.experts(i, 6, 16, choice_bias=True) if has_experts and i else m.dense(i)
    return m


def granitehybrid(has_experts=False):
    heads, inner, groups, state, taps = 4, 64, 2, 8, 4
    m = Builder("granitehybrid", 3, seed=2 if has_experts else 5, head_dim=16, ff=16 if has_experts else 48)
    kv_heads = [0, 2, 0]
    m.set(attention__head_count_kv=kv_heads, ssm__conv_kernel=taps, ssm__inner_size=inner, ssm__state_size=state,
          ssm__time_step_rank=heads, ssm__group_count=groups, rope__scaling__finetuned=has_experts)
    if has_experts:
        m.set(expert_count=6, expert_used_count=3, expert_shared_feed_forward_length=24)
    granite_scales(m)
    m.ends(output=False)
    for i in range(m.layers):
        b = "blk.%d." % i
        m.norms(i)
        if kv_heads[i]:
            m.attention(i)
        else:
            mixed = inner + 2 * groups * state
            m.matrix(b + "ssm_in", EMBEDDING, inner + mixed, more_rows=heads)
            m.matrix(b + "ssm_conv1d", taps, mixed, kind=F32)
            m.vector(b + "ssm_conv1d.bias", mixed)
            m.vector(b + "ssm_dt.bias", heads)
            m.vector(b + "ssm_a", 1, heads, offset=-0.6, scale=0.15)  # -exp of something
            m.vector(b + "ssm_d", 1, heads, offset=1.0)
            m.vector(b + "ssm_norm.weight", inner // groups, groups, offset=1.0, scale=0.2)
            m.matrix(b + "ssm_out", inner, EMBEDDING, gain=m.residual)
        m.experts(i, 6, 16, shared=24) if has_experts else m.dense(i)
    return m


def changed(m, **keys):
    m.set(**keys)
    return m


def with_outliers(m, rank, scale):
    """The same model but for rounding: two numbers of each latent are larger, and what reads them less so."""
    outliers = [5, 6]
    for i, (name, shape, kind, values) in enumerate(m.tensors):
        values = np.array(values, dtype=np.float32)
        if "attn_kv_a_norm" in name:
            values[outliers] *= scale
            m.tensors[i] = (name, shape, kind, values.astype("<f4"))
        elif "attn_k_b" in name:
            values.reshape(-1, rank, shape[0])[:, outliers, :] /= scale
            m.tensors[i] = (name, shape, kind, values.astype("<f2"))
        elif "attn_v_b" in name:
            values.reshape(-1, shape[1], rank)[:, :, outliers] /= scale
            m.tensors[i] = (name, shape, kind, values.astype("<f2"))
    return m


def llama4_divided():
    """As Scout, whose file has factors for all layers that turn; the window is 8,192 whatever the file says."""
    m = llama4()
    m.set(attention__sliding_window=16)
    m.vector("rope_freqs.weight", m.head_dim // 2, offset=2.0, scale=0.3)
    return m


# Keys that some files of an architecture have and others have not. These models are not made wide.
VARIANTS = {
    "glm4-sections": lambda: with_sections(glm4(), 2, 1, 1),  # GLM-4.1V, 4.6V-Flash
    "deepseek2-growth": lambda: changed(deepseek3(), rope__scaling__attn_factor=0.6,  # Mistral Large 3
                                        attention__temperature_scale=0.1, attention__temperature_length=24),
    "deepseek2-latents": lambda: deepseek2(n_experts=0, rank=256),  # fixed point, see engine/model/attend_latents.h
    "deepseek2-outliers": lambda: with_outliers(deepseek2(n_experts=0, rank=256), 256, 256),
    "gemma3-list": lambda: changed(gemma3(), rope__freq_base_swa=500.0, attention__sliding_window_pattern=[
        False, True, True, False, True, True]),
    "gpt-oss-local": lambda: changed(gpt_oss(), rope__freq_base_swa=500.0,
                                     attention__sliding_window_pattern=[False, True]),
    "llama4-divided": llama4_divided,
    "qwen3next-by-heads": qwen3next_by_heads,
    "command-r-plus": command_r_plus,
    "deepseek2-yarn": deepseek2_yarn,
}
# File name: how the model is made. Those of OTHERS are made wide alone (wide_models.py); the small models of these
# names are make_parity.py's.
OTHERS = {"deepseek3": deepseek3, "mixtral": lambda: llama(4), "llama-dense": llama}
MODELS = {
    "olmoe": olmoe, "qwen3moe": qwen3moe, "granitemoe": granitemoe, "qwen2moe": qwen2moe,
    "qwen3next": qwen3next, "qwen35": lambda: qwen3next("qwen35"),
    "qwen35moe": lambda: qwen3next("qwen35moe"), "deepseek": deepseek, "phimoe": phimoe,
    "glm4moe": glm4moe, "ernie4_5-moe": ernie45_moe,
    "deepseek2-mtp": lambda: deepseek2(predicts=True),
    "gpt-oss": gpt_oss, "gpt-oss-q8": lambda: gpt_oss(Q8_0, 32), "qwen2": qwen2, "qwen3": qwen3,
    "smollm3": smollm3, "granite": granite, "gemma2": gemma2, "gemma3": gemma3, "phi3": phi3,
    "phi3-long": lambda: phi3(64), "glm4": glm4, "llama4": llama4,
    "mistral3": mistral3, "gemma": lambda: plain("gemma", head_dim=16, output=False),
    "ernie4_5": lambda: plain("ernie4_5", output=False, head_dim=16), "olmo2": olmo2,
    "olmo2-window": lambda: olmo2(has_window=True),
    "seed_oss": lambda: plain("seed_oss", "attn_norm", "post_attention_norm", bias=True, head_dim=16),
    "command-r": command_r, "cohere2": cohere2, "dots1": dots1, "hunyuan-moe": hunyuan_moe,
    "hunyuan-dense": hunyuan_dense, "bailingmoe": bailingmoe,
    "bailingmoe2": bailingmoe2, "minimax-m2": minimax_m2,
    "qwen2vl": lambda: with_sections(plain("qwen2vl", bias=True, heads=2, kv_heads=1, head_dim=16), 4, 2, 2),
    "qwen3vl": lambda: with_sections(plain("qwen3vl", norm="head", head_dim=16), 3, 3, 2),
    "qwen3vlmoe": lambda: with_sections(qwen3moe("qwen3vlmoe"), 3, 3, 2),
    "lfm2": lfm2, "lfm2moe": lambda: lfm2("lfm2moe"), "granitehybrid": granitehybrid,
    "granitehybrid-moe": lambda: granitehybrid(has_experts=True),
    "exaone4": lambda: plain("exaone4", *AFTER_BLOCKS, seed=3, norm="head", heads=2, kv_heads=1, head_dim=16),
}
