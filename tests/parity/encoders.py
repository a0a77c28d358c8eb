"""A tiny model of every encoder, with the features that tell it from the others.

As architectures.py, whose sizes and scales it shares. Names of keys and tensors are those of llama.cpp's
converter.
"""
from architectures import EMBEDDING, Builder
from tiny_gguf import F16, F32, Q8_0

MEAN, FIRST, LAST, RANK = 1, 2, 3, 4

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# Pieces that tests/engine/text/wordpiece_test.cpp cuts texts into.
WORDS = ["the", "un", "hello", "world", "cafe", "resume", "2024", "ab", "中", "文", "か", "и", "ж", "ά", "!", "?",
         ",", ".", "(", ")", "$", "+", "#", "¿", "strasse", "ß"]
LETTERS = [chr(ord("a") + i) for i in range(26)]
PARTS = LETTERS + ["ing", "able", "aff", "か", "и", "ж", "0", "1", "2", "3", "é"]
PIECES = ["\u2581" + w for w in WORDS + LETTERS[:20] + ["x", "1"]] + PARTS


class Encoder(Builder):
    """BERT's parts: LayerNorm with bias, after the sum of stream and block."""

    def __init__(self, architecture, layers=2, pooling=MEAN, heads=4, kind=F16, **sizes):
        super().__init__(architecture, layers, heads=heads, kv_heads=heads,
                         head_dim=EMBEDDING // heads, kind=kind, **sizes)
        for key in ("attention.head_count_kv", "attention.layer_norm_rms_epsilon",
                    "attention.key_length", "attention.value_length", "rope.dimension_count",
                    "rope.freq_base", "vocab_size"):
            del self.metadata[architecture + "." + key]
        self.set(attention__layer_norm_epsilon=1e-6, attention__causal=False, pooling_type=pooling,
                 context_length=64)
        self.vocabulary = len(SPECIAL) + len(PIECES)
        self.metadata.update({
            "tokenizer.ggml.model": "bert",
            "tokenizer.ggml.tokens": SPECIAL + PIECES,
            "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * len(PIECES),
            "tokenizer.ggml.token_type_count": 2,
            "tokenizer.ggml.bos_token_id": 2, "tokenizer.ggml.cls_token_id": 2,
            "tokenizer.ggml.unknown_token_id": 1, "tokenizer.ggml.seperator_token_id": 3,
            "tokenizer.ggml.padding_token_id": 0, "tokenizer.ggml.mask_token_id": 4,
        })
        for key in ("pre", "merges", "eos_token_id"):
            del self.metadata["tokenizer.ggml." + key]

    def layer_norm(self, name, n=EMBEDDING):
        self.norm(name, n)
        self.vector(name + ".bias", n)

    def starts(self, positions=False):
        self.embedding("token_embd", EMBEDDING, self.vocabulary)
        self.vector("token_types.weight", EMBEDDING, 2, scale=0.5)
        if positions:
            self.vector("position_embd.weight", EMBEDDING, 64, scale=0.5)
        self.layer_norm("token_embd_norm")

    def around(self, layer):
        self.layer_norm("blk.%d.attn_output_norm" % layer)
        self.layer_norm("blk.%d.layer_output_norm" % layer)

    def network(self, layer, bias=False, gate=False):
        b = "blk.%d." % layer
        if gate:
            self.matrix(b + "ffn_gate", EMBEDDING, self.ff)
        self.matrix(b + "ffn_up", EMBEDDING, self.ff, gain=1.5)
        self.matrix(b + "ffn_down", self.ff, EMBEDDING, gain=1.5)
        if bias:
            self.vector(b + "ffn_up.bias", self.ff)
            self.vector(b + "ffn_down.bias", EMBEDDING)


def bert(pooling=MEAN, kind=F16):
    m = Encoder("bert", pooling=pooling, kind=kind, ff=64 if kind == Q8_0 else 48)
    m.starts(positions=True)
    for i in range(m.layers):
        m.attention(i, bias=True, output_bias=True)
        m.network(i, bias=True)
        m.around(i)
    return m


def bert_rank():
    m = bert(RANK)
    m.matrix("cls", EMBEDDING, EMBEDDING)
    m.vector("cls.bias", EMBEDDING)
    m.matrix("cls.output", EMBEDDING, 1, gain=2.0)
    m.vector("cls.output.bias", 1)
    return m


def nomic_bert():
    m = Encoder("nomic-bert")
    m.set(rope__freq_base=1000.0)
    m.starts()
    for i in range(m.layers):
        m.attention(i, fused=True)
        m.network(i, gate=True)
        m.around(i)
    return m


def nomic_bert_moe():
    m = Encoder("nomic-bert-moe", layers=4)
    m.set(rope__freq_base=10000.0, moe_every_n_layers=2, expert_count=6, expert_used_count=2)
    m.starts()
    for i in range(m.layers):
        b = "blk.%d." % i
        m.attention(i, fused=True, output_bias=True)
        m.vector(b + "attn_qkv.bias", 3 * EMBEDDING)
        if i % 2:
            m.matrix(b + "ffn_gate_inp", EMBEDDING, 6, gain=2.0, kind=F32)
            m.matrix(b + "ffn_up_exps", EMBEDDING, m.ff, 6)
            m.matrix(b + "ffn_down_exps", m.ff, EMBEDDING, 6)
        else:
            m.network(i, bias=True)
        m.around(i)
    return m


def jina_bert_v2(fused=False):
    m = Encoder("jina-bert-v2", heads=2 if fused else 4)
    m.starts()
    for i in range(m.layers):
        b = "blk.%d." % i
        m.attention(i, bias=True, output_bias=True)
        if fused:
            m.layer_norm(b + "attn_q_norm")
            m.layer_norm(b + "attn_k_norm")
            m.layer_norm(b + "attn_norm_2")
            m.matrix(b + "ffn_up", EMBEDDING, 2 * m.ff)
            m.matrix(b + "ffn_down", m.ff, EMBEDDING)
        else:
            m.network(i, gate=True)
        m.vector(b + "ffn_down.bias", EMBEDDING)
        m.around(i)
    return m


def qwen3(pooling=LAST):
    m = Builder("qwen3", 2, head_dim=16)
    m.set(pooling_type=pooling, rope__freq_base=1e6)
    m.metadata["tokenizer.ggml.add_eos_token"] = True
    m.ends(output=False)
    for i in range(m.layers):
        m.norms(i)
        m.attention(i, norm="head")
        m.dense(i)
    if pooling == RANK:
        m.matrix("cls.output", EMBEDDING, 2, gain=2.0)
        m.metadata["qwen3.classifier.output_labels"] = ["yes", "no"]
    return m


def gemma_embedding(dense=True):
    m = Builder("gemma-embedding", 6, head_dim=16, ff=32)
    m.set(pooling_type=MEAN, attention__sliding_window=12, rope__freq_base=1e6)
    m.metadata["tokenizer.ggml.add_eos_token"] = True
    m.ends(output=False)
    if dense:
        m.set(dense_2_feat_in=EMBEDDING, dense_2_feat_out=64, dense_3_feat_in=64,
              dense_3_feat_out=EMBEDDING)
        m.matrix("dense_2", EMBEDDING, 64)
        m.matrix("dense_3", 64, EMBEDDING)
    for i in range(m.layers):
        m.norms(i, "attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
        m.attention(i, norm="head")
        m.dense(i)
    return m


# File name: how the model is made.
ENCODERS = {
    "bert": bert, "bert-cls": lambda: bert(FIRST), "bert-q8": lambda: bert(kind=Q8_0),
    "bert-rank": bert_rank, "nomic-bert": nomic_bert, "nomic-bert-moe": nomic_bert_moe,
    "jina-bert-v2": jina_bert_v2, "jina-bert-v2-geglu": lambda: jina_bert_v2(True),
    "qwen3-embedding": qwen3, "qwen3-reranker": lambda: qwen3(RANK),
    "gemma-embedding": gemma_embedding, "gemma-embedding-plain": lambda: gemma_embedding(False),
}
