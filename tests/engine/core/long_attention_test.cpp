// Attention behind 128 Ki positions: rounding against the formula in double precision, a needle at
// any depth, and the memory that latent keys and values take.
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bare_model.h"
#include "engine/engine.h"
#include "engine/model/attend.h"
#include "engine/model/rope.h"
#include "models.h"

namespace conclave::engine {
namespace {

constexpr int kLong = 128 * 1024;
constexpr int kLongHeads = 2;

struct CacheCase {
    std::string name;
    AttentionKind attention = AttentionKind::Grouped;
    KvTypes types = {};
};

/// A cache of one layer, filled with random values, and one query a head behind it.
class LongAttention {
public:
    explicit LongAttention(const CacheCase& cacheCase)
        : m_isLatent(cacheCase.attention == AttentionKind::Latent),
          m_queryDim(m_isLatent ? 96 : 32),
          m_valueDim(m_isLatent ? 64 : 32) {
        ModelConfig config;
        config.nLayers = 1;
        config.nHeads = kLongHeads;
        config.attention = cacheCase.attention;
        config.grouped.nKvHeads = 1;
        config.grouped.headDim = 32;
        config.latent.latentDim = 64;
        config.rope.dim = 32;
        m_cache = KvCache::create(config, kLong, 1, cacheCase.types).value();
        m_cache.makeRoom(0, kLong);
        m_row.resize(static_cast<std::size_t>(config.cacheDim()));
        m_queries.resize(static_cast<std::size_t>(kLongHeads * m_queryDim));
        for (float& value : m_queries) value = next();
        for (int position = 0; position < kLong; ++position) {
            for (float& value : m_row) value = next();
            keep(position);
        }
    }

    /// Makes the entry at `position` one that the first head's query looks for.
    void hide(int position) {
        for (float& value : m_row) value = next();
        for (int d = 0; d < m_queryDim; ++d) {
            m_row[static_cast<std::size_t>(d)] = 3.0f * m_queries[static_cast<std::size_t>(d)];
        }
        keep(position);
    }

    /// Makes it one among many again.
    void forget(int position) {
        for (float& value : m_row) value = next();
        keep(position);
    }

    /// @param nPositions  the query stands at the last of these
    [[nodiscard]] std::vector<float> run(const KernelTable& set, int nThreads, float scale,
                                         int nPositions = kLong) {
        ThreadPool pool(nThreads);
        std::vector<float> out(static_cast<std::size_t>(kLongHeads * m_valueDim));
        attend(set, pool,
               {.queries = m_queries.data(),
                .outputs = out.data(),
                .keys = m_cache.keys(0),
                .values = m_cache.values(0),
                .queryDim = m_queryDim,
                .valueDim = m_valueDim,
                .nHeads = kLongHeads,
                .nKvHeads = 1,
                .nTokens = 1,
                .firstPosition = nPositions - 1,
                .scale = scale});
        return out;
    }

    [[nodiscard]] std::vector<double> formula(float scale) {
        std::vector<double> out(static_cast<std::size_t>(kLongHeads * m_valueDim));
        std::vector<double> sums(kLongHeads);
        for (int position = 0; position < kLong; ++position) {
            const std::vector<float>& entry = at(position);
            for (int head = 0; head < kLongHeads; ++head) {
                double score = 0.0;
                for (int d = 0; d < m_queryDim; ++d) {
                    score += double{m_queries[static_cast<std::size_t>(head * m_queryDim + d)]} *
                             entry[static_cast<std::size_t>(d)];
                }
                const double weight = std::exp(score * scale);
                sums[static_cast<std::size_t>(head)] += weight;
                for (int d = 0; d < m_valueDim; ++d) {
                    out[static_cast<std::size_t>(head * m_valueDim + d)] +=
                        weight * entry[static_cast<std::size_t>(valuesAt() + d)];
                }
            }
        }
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i] /= sums[i / static_cast<std::size_t>(m_valueDim)];
        }
        return out;
    }

    /// The value of `position`, as it is kept.
    [[nodiscard]] std::vector<float> valueOf(int position) {
        const std::vector<float>& entry = at(position);
        return {entry.begin() + valuesAt(), entry.begin() + valuesAt() + m_valueDim};
    }

private:
    /// Writes m_row.
    void keep(int position) {
        const std::span<const float> row = m_row;
        const auto nKeys = static_cast<std::size_t>(m_queryDim);
        m_cache.writeKeys(kernels(), 0, position, row.first(nKeys));
        if (!m_isLatent) m_cache.writeValues(kernels(), 0, position, row.subspan(nKeys));
    }

    [[nodiscard]] int valuesAt() const { return m_isLatent ? 0 : m_queryDim; }

    /// Uniform in [-1, 1).
    float next() {
        m_state = m_state * 6364136223846793005u + 1442695040888963407u;
        return static_cast<float>(static_cast<std::int32_t>(m_state >> 32u)) * 0x1p-31f;
    }

    void unpack(const CachedHeads& heads, int position, int first, int n) {
        float* to = m_row.data() + first;
        const auto chunk = static_cast<std::size_t>(position / kAttendChunk);
        const auto place = static_cast<std::size_t>(position % kAttendChunk);
        scalarKernels()
            .find(heads.type)
            ->dequantize(heads.chunks[chunk] + heads.begin + place * heads.rowBytes, n, to);
        if (heads.type == TensorType::F16) return;
        m_halves.resize(m_row.size());
        scalarKernels().toHalf(to, n, m_halves.data());
        scalarKernels()
            .find(TensorType::F16)
            ->dequantize(reinterpret_cast<const std::byte*>(m_halves.data()), n, to);
    }

    /// An entry as attention reads it: quantized ones are unpacked to F16.
    const std::vector<float>& at(int position) {
        unpack(m_cache.keys(0), position, 0, m_queryDim);
        if (!m_isLatent) unpack(m_cache.values(0), position, m_queryDim, m_valueDim);
        return m_row;
    }

    bool m_isLatent;
    int m_queryDim;
    int m_valueDim;
    std::uint64_t m_state = 1;
    KvCache m_cache;
    std::vector<float> m_row;
    std::vector<std::uint16_t> m_halves;
    std::vector<float> m_queries;  ///< [head][queryDim]
};

class LongContext : public testing::TestWithParam<CacheCase> {};

TEST_P(LongContext, RoundsNoWorseThanASumOfFloatsBehind128KiPositions) {
    LongAttention attention(GetParam());
    // Weights that are nearly equal, so that all positions count, and ones of which a few do.
    for (const float scale : {0.001f, 2.0f}) {
        const std::vector<double> expected = attention.formula(scale);
        for (const KernelTable* set : test::nativeKernelSets()) {
            const std::vector<float> found = attention.run(*set, 2, scale);
            double largest = 0.0;
            for (std::size_t i = 0; i < found.size(); ++i) {
                largest = std::max(largest, std::abs(found[i] - expected[i]));
            }
            // Values are below 1 and 512 partial sums are joined.
            EXPECT_LT(largest, 2e-6) << set->isa << " scale " << scale;
            EXPECT_EQ(attention.run(*set, 1, scale), found) << set->isa;
        }
    }
}

TEST_P(LongContext, FindsANeedleAtAnyDepthOfAnyLength) {
    constexpr int kDepths = 20;
    LongAttention attention(GetParam());
    for (const int length : {kLong / 16, kLong / 8, kLong / 4, kLong / 2, kLong}) {
        std::vector<int> depths{255, 256, length - 257};  // at the borders of parts of the sum
        for (int i = 0; i < kDepths; ++i) depths.push_back(i * (length - 1) / (kDepths - 1));
        for (const int depth : depths) {
            attention.hide(depth);
            const std::vector<float> needle = attention.valueOf(depth);
            const std::vector<float> found = attention.run(kernels(), 2, 4.0f, length);
            for (std::size_t d = 0; d < needle.size(); ++d) {
                EXPECT_NEAR(found[d], needle[d], 2e-3) << "depth " << depth << " of " << length;
            }
            attention.forget(depth);
        }
    }
}

/// So that positions may be far from the first one. An angle in floats is 0.004 off there.
TEST(LongContextRope, ProductsDependOnTheDistanceAloneBehind128KiPositions) {
    RopeConfig config;
    config.dim = 64;
    config.base = 10000.0;
    RopeTable rope(config, {}, 1);
    std::vector<float> one(64);
    for (std::size_t i = 0; i < one.size(); ++i) one[i] = std::cos(static_cast<float>(i));
    const auto rotated = [&](int position) {
        std::vector<float> values = one;
        rope.prepare(position, 1);
        rope.rotate(0, values.data());
        return values;
    };
    const auto product = [&](int query, int key) {
        const std::vector<float> q = rotated(query);
        const std::vector<float> k = rotated(key);
        return std::inner_product(q.begin(), q.end(), k.begin(), 0.0);
    };
    for (const int distance : {0, 1, 5, 1000}) {
        EXPECT_NEAR(product(kLong - 1, kLong - 1 - distance), product(distance, 0), 1e-5)
            << "distance " << distance;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Caches, LongContext,
    testing::Values(CacheCase{"grouped_F16"},
                    CacheCase{"grouped_Q8_0", AttentionKind::Grouped, KvType::Q8_0},
                    CacheCase{
                        "grouped_Q8_0_Q4_0", AttentionKind::Grouped, {KvType::Q8_0, KvType::Q4_0}},
                    CacheCase{"latent_F16", AttentionKind::Latent},
                    CacheCase{"latent_Q8_0", AttentionKind::Latent, KvType::Q8_0}),
    [](const auto& instance) { return instance.param.name; });

TEST(LongContextMemory, IsThatOfTheLatentsAlone) {
    const auto model = Model::load(test::parity("deepseek3.gguf")).value();
    // Three layers of 64 latents and 16 rotated values, two bytes each; four heads of 48 and 32
    // would be four times as much.
    EXPECT_EQ(model->forecast(kLong).kvCacheBytes, std::uint64_t{3} * kLong * (64 + 16) * 2);

    const auto file = GgufFile::open(test::parity("deepseek3.gguf")).value();
    ModelConfig config = ModelConfig::read(file).value();
    config.nLayers = 61;
    config.nHeads = 128;
    config.latent.latentDim = 512;
    config.rope.dim = 64;
    // DeepSeek-V3: 8.6 GiB for 128 Ki tokens, however many heads there are.
    EXPECT_EQ(KvCache::bytes(config, kLong, 512), std::uint64_t{61} * kLong * (512 + 64) * 2);
}

}  // namespace
}  // namespace conclave::engine
