// Tiny random models of every kind against an independent reference: see tests/parity.
#include <fstream>

#include <gtest/gtest.h>

#include "bare_model.h"
#include "models.h"

namespace conclave::engine {
namespace {

constexpr int kVocabulary = 320;
constexpr int kTokens = 40;

std::vector<TokenId> parityTokens() {
    std::vector<TokenId> tokens;
    for (int i = 0; i < kTokens; ++i) tokens.push_back((i * i * 37 + 11 * i + 5) % kVocabulary);
    return tokens;
}

std::vector<float> referenceLogits(const std::string& name) {
    std::ifstream file(test::parity(name + ".logits"), std::ios::binary);
    std::vector<float> logits(std::size_t{kTokens} * kVocabulary);
    file.read(reinterpret_cast<char*>(logits.data()),
              static_cast<std::streamsize>(logits.size() * sizeof(float)));
    EXPECT_TRUE(file.good()) << name;
    return logits;
}

double meanDivergence(std::span<const float> reference, std::span<const float> logits) {
    double total = 0.0;
    for (std::size_t row = 0; row < kTokens; ++row) {
        const auto p = reference.subspan(row * kVocabulary, kVocabulary);
        const auto q = logits.subspan(row * kVocabulary, kVocabulary);
        const double pSum = test::logSum(p);
        const double qSum = test::logSum(q);
        for (std::size_t i = 0; i < p.size(); ++i) {
            const double logP = p[i] - pSum;
            total += std::exp(logP) * (logP - (q[i] - qSum));
        }
    }
    return total / kTokens;
}

struct Case {
    std::string model;
    std::string reference;
};

class Parity : public testing::TestWithParam<Case> {};

TEST_P(Parity, LogitsEqualTheReferenceInEveryKernelSet) {
    const std::vector<float> reference = referenceLogits(GetParam().reference);
    for (const KernelTable* kernels : test::runnableKernelSets()) {
        test::BareModel model(test::parity(GetParam().model + ".gguf"), *kernels);
        const std::vector<float> logits = model.logits(parityTokens());
        // The fp16 KV cache alone leaves some 1e-7; llama.cpp's distance is 1e-6.
        EXPECT_LT(meanDivergence(reference, logits), 1e-6) << kernels->isa;
        float largest = 0.0f;
        for (std::size_t i = 0; i < logits.size(); ++i) {
            largest = std::max(largest, std::fabs(logits[i] - reference[i]));
        }
        EXPECT_LT(largest, 0.01f) << kernels->isa;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Models, Parity,
    testing::Values(Case{"deepseek3", "deepseek3"}, Case{"deepseek3-bf16", "deepseek3-bf16"},
                    Case{"deepseek2", "deepseek2"}, Case{"deepseek2-legacy", "deepseek2-legacy"},
                    Case{"mixtral", "mixtral"}, Case{"mixtral-split", "mixtral"},
                    Case{"llama-dense", "llama-dense"}, Case{"llama-f32", "llama-f32"}),
    [](const auto& instance) {
        std::string name = instance.param.model;
        std::replace(name.begin(), name.end(), '-', '_');
        return name;
    });

/// Bits must not depend on how a prompt is cut into batches, on what was computed before, or on the
/// number of threads.
class Invariance : public testing::TestWithParam<std::string> {};

TEST_P(Invariance, BatchesThreadsAndCacheLeaveEveryBitAlone) {
    const std::vector<TokenId> tokens = parityTokens();
    for (const KernelTable* kernels : test::runnableKernelSets()) {
        const auto path = test::parity(GetParam() + ".gguf");
        test::BareModel whole(path, *kernels, 1);
        const std::vector<float> expected = whole.logits(tokens);
        test::BareModel pieces(path, *kernels, 2);
        for (const std::vector<int>& batches :
             {std::vector{1}, {39, 1}, {1, 39}, {7}, {2, 5, 3, 16, 4}}) {
            EXPECT_EQ(pieces.logits(tokens, batches), expected) << kernels->isa;
        }
        test::BareModel crowd(path, *kernels, 5);
        EXPECT_EQ(crowd.logits(tokens, {13}), expected) << kernels->isa;

        // Cut back to 20 tokens after another continuation, then go on as before.
        std::vector<TokenId> other(tokens.begin() + 20, tokens.end());
        std::reverse(other.begin(), other.end());
        static_cast<void>(pieces.logits(other, {}, 20));
        const std::vector<float> rest =
            pieces.logits(std::span(tokens).subspan(20), {1, 4, 15}, 20);
        EXPECT_TRUE(std::equal(rest.begin(), rest.end(),
                               expected.begin() + std::ptrdiff_t{20} * kVocabulary))
            << kernels->isa;
    }
}

INSTANTIATE_TEST_SUITE_P(Models, Invariance,
                         testing::Values("deepseek3", "deepseek3-bf16", "deepseek2-legacy",
                                         "mixtral", "llama-dense"),
                         [](const auto& instance) {
                             std::string name = instance.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace conclave::engine
