// Attention, also with windows, sinks and capped scores, against its formula in double precision.
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "bare_model.h"
#include "engine/model/attend.h"
#include "engine/model/attend_latents.h"

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
    int queryDim = 16;
    int valueDim = 16;
    bool isLatent = false;     ///< values are the beginning of keys
    bool hasOutliers = false;  ///< in some queries and positions
};

constexpr float kScale = 0.3f;

/// Random queries, and a cache of keys and values as GroupedAttention fills it.
class Attention {
public:
    explicit Attention(const Shape& shape)
        : m_shape(shape),
          m_keysDim(count(shape.nKvHeads, shape.queryDim)),
          m_valuesBegin(shape.isLatent ? 0 : m_keysDim),
          m_entryDim(m_keysDim + (shape.isLatent ? 0 : count(shape.nKvHeads, shape.valueDim))),
          m_nPositions(static_cast<std::size_t>(shape.firstPosition + shape.nTokens)),
          m_queries(values(count(shape.nTokens, shape.nHeads * shape.queryDim))),
          m_sinks(values(shape.sinks ? static_cast<std::size_t>(shape.nHeads) : 0)),
          m_exact(values(m_nPositions * m_entryDim)),
          m_cache(m_exact),
          m_halves(m_cache.size()) {
        if (shape.hasOutliers) {
            addOutliers(m_queries, size(shape.queryDim), 9, 5);
            addOutliers(m_cache, m_entryDim, 5, 9);
            m_exact = m_cache;
        }
        // All positions one behind the other, each with all of its heads.
        const auto* entries = reinterpret_cast<const std::byte*>(m_halves.data());
        for (std::size_t first = 0; first < m_nPositions; first += kAttendChunk) {
            m_chunks.push_back(entries + first * rowBytes());
        }
        scalarKernels().toHalf(m_cache.data(), static_cast<int>(m_cache.size()), m_halves.data());
        scalarKernels()
            .find(TensorType::F16)
            ->dequantize(reinterpret_cast<const std::byte*>(m_halves.data()),
                         static_cast<int>(m_cache.size()), m_cache.data());
    }

    /// Computed in batches of at most `step` tokens.
    [[nodiscard]] std::vector<float> run(const KernelTable& kernels, int nThreads, int step) const {
        ThreadPool pool(nThreads);
        std::vector<float> out(nOutputs());
        for (int first = 0; first < m_shape.nTokens; first += step) {
            const std::size_t pair = count(first, m_shape.nHeads);
            attend(kernels, pool,
                   {.queries = m_queries.data() + pair * size(m_shape.queryDim),
                    .outputs = out.data() + pair * size(m_shape.valueDim),
                    .keys = heads(0, m_shape.queryDim),
                    .values = heads(m_valuesBegin, m_shape.valueDim),
                    .queryDim = m_shape.queryDim,
                    .valueDim = m_shape.valueDim,
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

    /// Some numbers stand far out, but products stay as they are.
    void addOutliers(std::vector<float>& rows, std::size_t rowLength, std::size_t large,
                     std::size_t small) {
        constexpr float kFactor = 300.0f;
        for (std::size_t row = 0; row < rows.size() / rowLength; ++row) {
            float* values = rows.data() + row * rowLength;
            values[small] /= kFactor;
            if (row % 5 == 3) values[large] *= kFactor;
        }
    }

    [[nodiscard]] bool isFixedPoint(const KernelTable& kernels) const {
        return fitsLatents(kernels, {.keys = heads(0, m_shape.queryDim),
                                     .values = heads(m_valuesBegin, m_shape.valueDim),
                                     .queryDim = m_shape.queryDim,
                                     .valueDim = m_shape.valueDim,
                                     .nKvHeads = m_shape.nKvHeads});
    }

    /// @param ofHalves  of what the cache holds; else of the numbers before they were rounded
    [[nodiscard]] std::vector<double> formula(bool ofHalves = true) const {
        std::vector<double> out(nOutputs());
        const std::vector<float>& cache = ofHalves ? m_cache : m_exact;
        for (int token = 0; token < m_shape.nTokens; ++token) {
            for (int head = 0; head < m_shape.nHeads; ++head) {
                attendExactly(cache, token, head, out);
            }
        }
        return out;
    }

private:
    [[nodiscard]] std::size_t rowBytes() const { return m_entryDim * sizeof(std::uint16_t); }
    /// @param first  number of an entry
    [[nodiscard]] CachedHeads heads(std::size_t first, int dim) const {
        return {.chunks = m_chunks.data(),
                .begin = first * sizeof(std::uint16_t),
                .rowBytes = rowBytes(),
                .headBytes = size(dim) * sizeof(std::uint16_t)};
    }
    static std::size_t size(int n) { return static_cast<std::size_t>(n); }
    static std::size_t count(int a, int b) { return size(a) * size(b); }
    [[nodiscard]] std::size_t nOutputs() const {
        return count(m_shape.nTokens, m_shape.nHeads) * size(m_shape.valueDim);
    }
    std::vector<float> values(std::size_t n) {
        std::normal_distribution<float> normal;
        std::vector<float> all(n);
        for (float& value : all) value = normal(m_random);
        return all;
    }
    void attendExactly(const std::vector<float>& cache, int token, int head,
                       std::vector<double>& out) const {
        const std::size_t pair = count(token, m_shape.nHeads) + size(head);
        const float* query = m_queries.data() + pair * size(m_shape.queryDim);
        double* result = out.data() + pair * size(m_shape.valueDim);
        const auto kvHead = size(head / (m_shape.nHeads / m_shape.nKvHeads));
        const int position = m_shape.firstPosition + token;
        int first = m_shape.window > 0 ? std::max(0, position + 1 - m_shape.window) : 0;
        if (m_shape.chunked) first = position - position % m_shape.window;
        double total = m_shape.sinks ? std::exp(m_sinks[static_cast<std::size_t>(head)]) : 0.0;
        for (int p = first; p <= position; ++p) {
            const float* entry = cache.data() + size(p) * m_entryDim;
            const float* key = entry + kvHead * size(m_shape.queryDim);
            const float* value = entry + m_valuesBegin + kvHead * size(m_shape.valueDim);
            double score = 0.0;
            for (int d = 0; d < m_shape.queryDim; ++d) score += double{query[d]} * key[d];
            score *= kScale;
            if (m_shape.softCap > 0) score = m_shape.softCap * std::tanh(score / m_shape.softCap);
            const double weight = std::exp(score);
            total += weight;
            for (int d = 0; d < m_shape.valueDim; ++d) result[d] += weight * value[d];
        }
        for (int d = 0; d < m_shape.valueDim; ++d) result[d] /= total;
    }

    Shape m_shape;
    std::mt19937 m_random{7};
    std::size_t m_keysDim;      ///< of all kv heads
    std::size_t m_valuesBegin;  ///< in an entry
    std::size_t m_entryDim;     ///< keys and values
    std::size_t m_nPositions;
    std::vector<float> m_queries;  ///< [token][head][queryDim]
    std::vector<float> m_sinks;
    std::vector<float> m_exact;  ///< [position][keys, values]
    std::vector<float> m_cache;  ///< the same, as fp16 holds them
    std::vector<std::uint16_t> m_halves;
    std::vector<const std::byte*> m_chunks;
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
    // Heads of one kv head, which threads share out where there are few chunks.
    shapes.push_back({16, 1, 1, 200, 0, 0.0f, false, false, 96, 64});
    shapes.push_back({14, 1, 2, 400, 0, 0.0f, true, false, 64, 40});
    shapes.push_back({4, 2, 33, 5, 8, 0.0f, false, true});
    shapes.push_back({4, 1, 9, 300, 128, 0.0f, true, true});
    // Batches whose keys are unpacked, in whole panels and not, and one whose heads do not fit
    // them.
    shapes.push_back({6, 3, 70, 250, 0, 0.0f, false, false, 128, 128});
    shapes.push_back({8, 8, 100, 0, 0, 0.0f, true, false, 48, 80});
    shapes.push_back({16, 1, 40, 200, 0, 0.0f, false, false, 96, 64});
    shapes.push_back({14, 2, 45, 270, 30, 1.5f, true, false, 64, 112});
    shapes.push_back({4, 2, 90, 10, 40, 0.0f, false, true, 24, 8});
    shapes.push_back({200, 1, 3, 300, 0, 0.0f, false, false, 16, 48});
    shapes.push_back({4, 2, 20, 100, 0, 0.0f, false, false, 20, 20});
    // Latents: blocks of them in part and in whole, a rotated part that is filled up, more queries
    // than are weighed at once, and sizes that are no multiple of a register's.
    shapes.push_back({16, 1, 1, 700, 0, 0.0f, false, false, 576, 512, true});
    shapes.push_back({16, 1, 37, 300, 0, 0.0f, false, false, 576, 512, true});
    shapes.push_back({8, 1, 70, 0, 0, 0.0f, false, false, 144, 128, true});
    shapes.push_back({5, 1, 3, 30, 0, 0.0f, false, false, 104, 96, true});
    shapes.push_back({70, 1, 3, 255, 0, 0.0f, false, false, 192, 160, true});
    shapes.push_back({6, 1, 9, 100, 0, 0.0f, false, false, 72, 48, true});
    shapes.push_back({16, 1, 9, 290, 0, 0.0f, false, false, 576, 512, true, true});
    shapes.push_back({16, 1, 40, 30, 0, 0.0f, false, false, 296, 256, true, true});
    for (const Shape& shape : shapes) {
        const Attention attention(shape);
        const std::vector<double> expected = attention.formula();
        for (const KernelTable* kernels : test::runnableKernelSets()) {
            const std::vector<float> whole = attention.run(*kernels, 2, shape.nTokens);
            double largest = 0.0;
            for (std::size_t i = 0; i < whole.size(); ++i) {
                const double size = std::max(1.0, std::abs(expected[i]));
                largest = std::max(largest, std::abs(whole[i] - expected[i]) / size);
            }
            // Values that stand out cancel one another, and leave the errors of their weights.
            const double ofFixed = shape.hasOutliers ? 0.1 : 1e-2;
            const double allowed =
                attention.isFixedPoint(*kernels) ? ofFixed : 2e-7 * shape.queryDim;
            EXPECT_LT(largest, std::max(allowed, 1e-5))
                << kernels->isa << " window " << shape.window << " of " << shape.valueDim;
            EXPECT_EQ(attention.run(*kernels, 1, 1), whole) << kernels->isa;
            EXPECT_EQ(attention.run(*kernels, 3, 7), whole) << kernels->isa;
        }
    }
}

double rmsOfDifference(const std::vector<double>& exact, const auto& found) {
    double sum = 0.0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
        sum += (found[i] - exact[i]) * (found[i] - exact[i]);
    }
    return std::sqrt(sum / static_cast<double>(exact.size()));
}

TEST(Attend, LosesLessInFixedPointThanTheCacheLosesInHalves) {
    const Attention attention({16, 1, 2, 1500, 0, 0.0f, false, false, 576, 512, true});
    const std::vector<double> expected = attention.formula();
    const double lostInHalves = rmsOfDifference(attention.formula(false), expected);
    for (const KernelTable* kernels : test::runnableKernelSets()) {
        if (!attention.isFixedPoint(*kernels)) continue;
        EXPECT_LT(rmsOfDifference(expected, attention.run(*kernels, 2, 2)), lostInHalves)
            << kernels->isa;
    }
}

}  // namespace
}  // namespace conclave::engine
