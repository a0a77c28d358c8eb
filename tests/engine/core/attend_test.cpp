// Attention, also with windows, sinks and capped scores, against its formula in double precision.
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "bare_model.h"
#include "engine/model/attend.h"

namespace conclave::engine {
namespace {

struct Shape {
    int nHeads = 1;
    int nKvHeads = 1;
    int nTokens = 1;
    int firstPosition = 0;
    int window = 0;
    float softCap = 0.0f;
    bool sinks = false;
    bool chunked = false;
};

constexpr int kHeadDim = 16;
constexpr float kScale = 0.3f;

/// Random queries, and a cache of keys and values as GroupedAttention fills it.
class Attention {
public:
    explicit Attention(const Shape& shape)
        : m_shape(shape),
          m_kvDim(static_cast<std::size_t>(shape.nKvHeads) * kHeadDim),
          m_nPositions(static_cast<std::size_t>(shape.firstPosition + shape.nTokens)),
          m_queries(values(count(shape.nTokens, shape.nHeads) * kHeadDim)),
          m_sinks(values(shape.sinks ? static_cast<std::size_t>(shape.nHeads) : 0)),
          m_cache(values(m_nPositions * 2 * m_kvDim)),
          m_halves(m_cache.size()) {
        scalarKernels().toHalf(m_cache.data(), static_cast<int>(m_cache.size()), m_halves.data());
        scalarKernels()
            .find(TensorType::F16)
            ->dequantize(reinterpret_cast<const std::byte*>(m_halves.data()),
                         static_cast<int>(m_cache.size()), m_cache.data());
    }

    /// Computed in batches of at most `step` tokens.
    [[nodiscard]] std::vector<float> run(const KernelTable& kernels, int nThreads, int step) const {
        ThreadPool pool(nThreads);
        std::vector<float> out(m_queries.size());
        for (int first = 0; first < m_shape.nTokens; first += step) {
            const std::size_t at = count(first, m_shape.nHeads) * kHeadDim;
            const auto* entries = reinterpret_cast<const std::byte*>(m_halves.data());
            attend(kernels, pool,
                   {.queries = m_queries.data() + at,
                    .outputs = out.data() + at,
                    .keys = entries,
                    .values = entries + m_kvDim * sizeof(std::uint16_t),
                    .strideBytes = 2 * m_kvDim * sizeof(std::uint16_t),
                    .queryDim = kHeadDim,
                    .valueDim = kHeadDim,
                    .nHeads = m_shape.nHeads,
                    .nKvHeads = m_shape.nKvHeads,
                    .nTokens = std::min(step, m_shape.nTokens - first),
                    .firstPosition = m_shape.firstPosition + first,
                    .scale = kScale,
                    .window = m_shape.window,
                    .windowIsChunk = m_shape.chunked,
                    .softCap = m_shape.softCap,
                    .sinks = m_sinks});
        }
        return out;
    }

    [[nodiscard]] std::vector<double> formula() const {
        std::vector<double> out(m_queries.size());
        for (int token = 0; token < m_shape.nTokens; ++token) {
            for (int head = 0; head < m_shape.nHeads; ++head) attendExactly(token, head, out);
        }
        return out;
    }

private:
    static std::size_t count(int a, int b) {
        return static_cast<std::size_t>(a) * static_cast<std::size_t>(b);
    }
    std::vector<float> values(std::size_t n) {
        std::normal_distribution<float> normal;
        std::vector<float> all(n);
        for (float& value : all) value = normal(m_random);
        return all;
    }
    void attendExactly(int token, int head, std::vector<double>& out) const {
        const std::size_t query =
            (count(token, m_shape.nHeads) + static_cast<std::size_t>(head)) * kHeadDim;
        const auto kvOffset =
            static_cast<std::size_t>(head / (m_shape.nHeads / m_shape.nKvHeads)) * kHeadDim;
        const int position = m_shape.firstPosition + token;
        int first = m_shape.window > 0 ? std::max(0, position + 1 - m_shape.window) : 0;
        if (m_shape.chunked) first = position - position % m_shape.window;
        double total = m_shape.sinks ? std::exp(m_sinks[static_cast<std::size_t>(head)]) : 0.0;
        for (int p = first; p <= position; ++p) {
            const float* key =
                m_cache.data() + static_cast<std::size_t>(p) * 2 * m_kvDim + kvOffset;
            double score = 0.0;
            for (std::size_t d = 0; d < kHeadDim; ++d) score += m_queries[query + d] * key[d];
            score *= kScale;
            if (m_shape.softCap > 0) score = m_shape.softCap * std::tanh(score / m_shape.softCap);
            const double weight = std::exp(score);
            total += weight;
            for (std::size_t d = 0; d < kHeadDim; ++d) out[query + d] += weight * key[m_kvDim + d];
        }
        for (std::size_t d = 0; d < kHeadDim; ++d) out[query + d] /= total;
    }

    Shape m_shape;
    std::mt19937 m_random{7};
    std::size_t m_kvDim;
    std::size_t m_nPositions;
    std::vector<float> m_queries;  ///< [token][head][kHeadDim]
    std::vector<float> m_sinks;
    std::vector<float> m_cache;  ///< [position][keys, values]
    std::vector<std::uint16_t> m_halves;
};

TEST(Attend, EqualsTheFormulaAndKeepsItsBitsInAnyBatch) {
    std::vector<Shape> shapes = {
        {4, 2, 33, 0, 5, 0.0f, false}, {4, 2, 33, 0, 5, 1.5f, true},
        {4, 4, 9, 40, 16, 0.0f, true}, {4, 1, 30, 3, 0, 2.0f, false},
        {4, 4, 30, 3, 0, 0.0f, true},  {64, 2, 5, 20, 1, 0.0f, true},
        {64, 1, 40, 0, 7, 0.7f, true}, {50, 2, 3, 100, 1000, 3.0f, true},
        {1, 1, 1, 0, 1, 0.0f, false},  {8, 2, 1, 300, 128, 0.0f, true},
    };
    // Several chunks, shared out among threads or not.
    shapes.push_back({2, 1, 2, 5000, 0, 0.0f, false});
    shapes.push_back({48, 1, 3, 2000, 0, 0.0f, true});
    shapes.push_back({8, 2, 5, 3000, 700, 0.0f, false});
    shapes.push_back({8, 1, 1, 9000, 0, 0.0f, true});
    shapes.push_back({4, 2, 33, 5, 8, 0.0f, false, true});
    shapes.push_back({4, 1, 9, 300, 128, 0.0f, true, true});
    for (const Shape& shape : shapes) {
        const Attention attention(shape);
        const std::vector<double> expected = attention.formula();
        for (const KernelTable* kernels : test::runnableKernelSets()) {
            const std::vector<float> whole = attention.run(*kernels, 2, shape.nTokens);
            double largest = 0.0;
            for (std::size_t i = 0; i < whole.size(); ++i) {
                largest = std::max(largest, std::abs(whole[i] - expected[i]));
            }
            EXPECT_LT(largest, 1e-5) << kernels->isa << " window " << shape.window;
            EXPECT_EQ(attention.run(*kernels, 1, 1), whole) << kernels->isa;
            EXPECT_EQ(attention.run(*kernels, 3, 7), whole) << kernels->isa;
        }
    }
}

}  // namespace
}  // namespace conclave::engine
