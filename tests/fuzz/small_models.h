// small_models.h: complete models of a few kilobytes with random weights, for campaigns that load
// thousands of damaged copies.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/gguf_writer.h"

namespace conclave::test {

class SmallModel {
public:
    /// Latent attention, a dense layer and one of four experts, Q8_0, SentencePiece BPE.
    [[nodiscard]] static std::string deepSeek() {
        SmallModel model;
        GgufWriter& file = model.m_file;
        const std::string a = "deepseek2.";
        model.describe("deepseek2", 2);
        model.setNumbers(a, {{"attention.kv_lora_rank", 32},
                             {"attention.key_length", 40},
                             {"attention.value_length", 32},
                             {"attention.key_length_mla", 24},
                             {"attention.value_length_mla", 32},
                             {"rope.dimension_count", 8},
                             {"expert_count", 4},
                             {"expert_used_count", 2},
                             {"expert_shared_count", 1},
                             {"expert_feed_forward_length", 32},
                             {"expert_gating_func", 2},
                             {"leading_dense_block_count", 1}});
        file.set(a + "expert_weights_norm", true);
        file.set(a + "expert_weights_scale", 1.0f);
        file.set("tokenizer.ggml.model", "llama");
        std::vector<float> scores(kVocabulary);
        for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = -static_cast<float>(i);
        file.setFloats("tokenizer.ggml.scores", scores);

        model.addQ8("token_embd.weight", {kEmbedding, kVocabulary});
        for (const std::string layer : {"blk.0.", "blk.1."}) {
            model.addF32(layer + "attn_norm.weight", {kEmbedding});
            model.addQ8(layer + "attn_q.weight", {kEmbedding, 2 * 24});
            model.addQ8(layer + "attn_kv_a_mqa.weight", {kEmbedding, 32 + 8});
            model.addF32(layer + "attn_kv_a_norm.weight", {32});
            model.addF32(layer + "attn_k_b.weight", {16, 32, 2});
            model.addQ8(layer + "attn_v_b.weight", {32, 32, 2});
            model.addQ8(layer + "attn_output.weight", {2 * 32, kEmbedding});
            model.addF32(layer + "ffn_norm.weight", {kEmbedding});
        }
        model.addFeedForward("blk.0.ffn_", ".weight", kFeedForward);
        model.addF32("blk.1.ffn_gate_inp.weight", {kEmbedding, 4});
        model.addF32("blk.1.exp_probs_b.bias", {4});
        model.addQ8("blk.1.ffn_gate_exps.weight", {kEmbedding, 32, 4});
        model.addQ8("blk.1.ffn_up_exps.weight", {kEmbedding, 32, 4});
        model.addQ8("blk.1.ffn_down_exps.weight", {32, kEmbedding, 4});
        model.addFeedForward("blk.1.ffn_", "_shexp.weight", 32);
        model.addF32("output_norm.weight", {kEmbedding});
        model.addQ8("output.weight", {kEmbedding, kVocabulary});
        return file.bytes();
    }

    /// Grouped attention, dense, F32, byte-level BPE, no chat template.
    [[nodiscard]] static std::string llama() {
        SmallModel model;
        GgufWriter& file = model.m_file;
        model.describe("llama", 1);
        model.setNumbers("llama.", {{"attention.head_count_kv", 1}, {"rope.dimension_count", 32}});
        file.set("tokenizer.ggml.model", "gpt2");
        file.set("tokenizer.ggml.pre", "llama-bpe");
        file.setStrings("tokenizer.ggml.merges", {"a b", "ab c", "h e", "l l"});

        model.addF32("token_embd.weight", {kEmbedding, kVocabulary});
        model.addF32("blk.0.attn_norm.weight", {kEmbedding});
        model.addF32("blk.0.attn_q.weight", {kEmbedding, 64});
        model.addF32("blk.0.attn_k.weight", {kEmbedding, 32});
        model.addF32("blk.0.attn_v.weight", {kEmbedding, 32});
        model.addF32("blk.0.attn_output.weight", {64, kEmbedding});
        model.addF32("blk.0.ffn_norm.weight", {kEmbedding});
        model.addFeedForward("blk.0.ffn_", ".weight", kFeedForward);
        model.addF32("output_norm.weight", {kEmbedding});
        return file.bytes();
    }

private:
    static constexpr std::uint64_t kEmbedding = 64;
    static constexpr std::uint64_t kFeedForward = 64;
    static constexpr std::uint64_t kVocabulary = 3 + 256;

    struct Number {
        const char* key;
        std::uint32_t value;
    };

    /// What every architecture needs, and a vocabulary of all bytes.
    void describe(const std::string& architecture, std::uint32_t nLayers) {
        m_file.set("general.architecture", architecture);
        m_file.set("general.name", "Small");
        setNumbers(architecture + ".", {{"block_count", nLayers},
                                        {"context_length", 64},
                                        {"embedding_length", kEmbedding},
                                        {"feed_forward_length", kFeedForward},
                                        {"attention.head_count", 2},
                                        {"vocab_size", kVocabulary}});
        m_file.set(architecture + ".attention.layer_norm_rms_epsilon", 1e-5f);
        m_file.set(architecture + ".rope.freq_base", 10000.0f);
        std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
        std::vector<std::int32_t> types = {2, 3, 3};
        for (unsigned byte = 0; byte < 256; ++byte) {
            constexpr const char* kDigits = "0123456789ABCDEF";
            tokens.push_back(std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + ">");
            types.push_back(6);
        }
        m_file.setStrings("tokenizer.ggml.tokens", tokens);
        m_file.setInts("tokenizer.ggml.token_type", types);
        m_file.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});
        m_file.set("tokenizer.ggml.eos_token_id", std::uint32_t{2});
        m_file.set("tokenizer.chat_template",
                   "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}");
    }

    void setNumbers(const std::string& prefix, const std::vector<Number>& numbers) {
        for (const Number& number : numbers) m_file.set(prefix + number.key, number.value);
    }

    void addFeedForward(const std::string& prefix, const std::string& suffix,
                        std::uint64_t hidden) {
        addQ8(prefix + "gate" + suffix, {kEmbedding, hidden});
        addQ8(prefix + "up" + suffix, {kEmbedding, hidden});
        addQ8(prefix + "down" + suffix, {hidden, kEmbedding});
    }

    void addF32(const std::string& name, const std::vector<std::uint64_t>& shape) {
        std::uniform_real_distribution<float> uniform(-0.5f, 0.5f);
        std::vector<float> values(countOf(shape));
        for (float& value : values) value = uniform(m_random);
        m_file.addTensor(name, 0, shape, bytesOf(values));
    }

    /// Blocks of a half-precision scale (1/128) and 32 signed bytes.
    void addQ8(const std::string& name, const std::vector<std::uint64_t>& shape) {
        std::string data;
        for (std::uint64_t block = 0; block < countOf(shape) / 32; ++block) {
            data += bytesOf(std::vector<std::uint16_t>{0x2000});
            for (int i = 0; i < 32; ++i) data += static_cast<char>(m_random() & 0x3Fu);
        }
        m_file.addTensor(name, 8, shape, data);
    }

    static std::uint64_t countOf(const std::vector<std::uint64_t>& shape) {
        std::uint64_t count = 1;
        for (const std::uint64_t extent : shape) count *= extent;
        return count;
    }

    GgufWriter m_file;
    std::mt19937 m_random{1};
};

}  // namespace conclave::test
