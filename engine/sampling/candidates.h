// candidates.h: the tokens that may come next, which the steps of the sampler thin out.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace conclave::engine {

struct Candidate {
    TokenId token = 0;
    float logit = 0.0f;
    double probability = 0.0;  ///< as computeProbabilities() left it
};

/// Best first; equal logits go by the lower id, so that the order is always the same.
[[nodiscard]] bool isBetter(const Candidate& a, const Candidate& b);

/// Steps of llama.cpp's sampler chain, in double precision and the same on every CPU. Each keeps at
/// least one candidate of a set that is not empty, in llama.cpp's order: a draw counts along it.
class Candidates {
public:
    /// All tokens of a vocabulary. A damaged model gives infinities and NaN: they become finite,
    /// and tokens of -infinity are left out, unless nothing else is there.
    void gather(std::span<const float> logits);

    [[nodiscard]] bool empty() const { return m_all.empty(); }
    [[nodiscard]] std::size_t size() const { return m_all.size(); }
    /// Those left, and those that keepTopSigma() took out: llama.cpp keeps these at no probability.
    [[nodiscard]] std::size_t nSeen() const { return m_all.size() + m_nImpossible; }
    [[nodiscard]] std::span<const Candidate> all() const { return m_all; }
    [[nodiscard]] TokenId best() const;

    /// Tokens that are not there are ignored.
    void addToLogit(TokenId token, float delta);
    /// To be changed; null if it is not there.
    [[nodiscard]] float* logitOf(TokenId token);
    /// Divides the logits by `temperature`, > 0.
    void heat(float temperature);
    /// probability = softmax of the logits
    void computeProbabilities();
    void sortBestFirst();

    /// Top-n-sigma (arXiv:2411.07641): logits within n standard deviations of the largest.
    void keepTopSigma(double n);
    void keepTop(std::size_t k);
    /// Locally typical sampling (arXiv:2202.00666): the tokens whose surprise is nearest to the
    /// entropy, until they hold `share`.
    void keepTypical(double share);
    /// Nucleus sampling (arXiv:1904.09751): the best tokens that together hold `share`.
    void keepNucleus(double share);
    /// Min-p sampling (arXiv:2407.01082): at least `share` times as likely as the best.
    void keepMinP(double share);
    /// "Exclude top choices" (github.com/oobabooga/text-generation-webui, pull 6335): of the tokens
    /// with at least this probability only the least likely stays.
    void dropTopChoices(double threshold);
    /// Logits that fall with the distance of a token's probability from `target` (adaptive-p).
    void preferProbability(double target);
    /// Candidates that all() has, in its order, or one that ends the text.
    void keepOnly(std::vector<Candidate> kept);
    /// The temperature between `lowest` and `highest` that the entropy of the candidates calls for:
    /// the share of the largest possible entropy, to the power `exponent`, says where. As in
    /// llama.cpp tokens that only keepTopSigma() left out count for what is possible.
    [[nodiscard]] double dynamicTemperature(double lowest, double highest, double exponent);
    /// How flat the tail falls: exponent s of Zipf's law, fitted to the best `n` (Mirostat,
    /// arXiv:2007.14966, algorithm 1).
    [[nodiscard]] double zipfExponent(std::size_t n);
    /// The best whose surprise, in bits, is at most `bits` (Mirostat 2).
    void keepLessSurprising(double bits);

    /// The candidate at which the running sum of probabilities reaches `uniform`, in 0..1, with its
    /// probability. The sum runs in the order that the steps left: the vocabulary's until one
    /// sorts.
    [[nodiscard]] Candidate draw(double uniform);

private:
    [[nodiscard]] float largestLogit() const;

    std::vector<Candidate> m_all;
    std::size_t m_nImpossible = 0;  ///< left out by keepTopSigma() alone
    bool m_isByToken = false;       ///< in the order of their ids
    bool m_isSorted = false;        ///< best first
};

}  // namespace conclave::engine
