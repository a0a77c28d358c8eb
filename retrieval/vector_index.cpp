#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>

#include "retrieval/int8_dot.h"
#include "retrieval/retrieval.h"

namespace conclave::retrieval {
namespace {

constexpr float kLargestCode = 127.0F;

/// A query as 16-bit integers, and the factor that makes an integer sum a cosine (but for the
/// code's own scale).
struct IntegerQuery {
    std::vector<std::int16_t> values;
    double factor = 0.0;  ///< 0: no direction, nothing is similar
};

IntegerQuery toIntegers(std::span<const float> query) {
    float largest = 0.0F;
    double squares = 0.0;
    for (const float value : query) {
        if (!std::isfinite(value)) return {};
        largest = std::max(largest, std::abs(value));
        squares += static_cast<double>(value) * static_cast<double>(value);
    }
    if (largest <= 0.0F) return {};
    IntegerQuery made;
    made.values.reserve(query.size());
    const float scale = static_cast<float>(kMaxDotQuery) / largest;
    for (const float value : query) {
        made.values.push_back(static_cast<std::int16_t>(std::lround(value * scale)));
    }
    made.factor = 1.0 / (static_cast<double>(scale) * std::sqrt(squares));
    return made;
}

bool isBetter(const ScoredChunk& a, const ScoredChunk& b) {
    return a.score != b.score ? a.score > b.score : a.chunk < b.chunk;
}

}  // namespace

std::vector<std::byte> encodeVector(std::span<const float> vector) {
    float largest = 0.0F;
    for (const float value : vector) {
        if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
    }
    const float scale = largest / kLargestCode;
    std::vector<std::byte> code(sizeof(float) + vector.size());
    std::memcpy(code.data(), &scale, sizeof(float));
    if (scale <= 0.0F) return code;
    for (std::size_t i = 0; i < vector.size(); ++i) {
        const float value = std::isfinite(vector[i]) ? vector[i] : 0.0F;
        const long rounded = std::lround(std::clamp(value / scale, -kLargestCode, kLargestCode));
        code[sizeof(float) + i] = static_cast<std::byte>(static_cast<std::int8_t>(rounded));
    }
    return code;
}

VectorIndex::VectorIndex(int dimension) : m_dimension(dimension) {
    CONCLAVE_CHECK(dimension > 0 && static_cast<std::size_t>(dimension) <= kMaxDotDimension);
}

Result<void> VectorIndex::add(ChunkId chunk, CollectionId collection,
                              std::span<const std::byte> code) {
    const auto dimension = static_cast<std::size_t>(m_dimension);
    if (code.size() != sizeof(float) + dimension) {
        return fail(ErrorCode::Corrupt, "the embedding of chunk " + std::to_string(chunk) +
                                            " has " + std::to_string(code.size()) +
                                            " bytes instead of " +
                                            std::to_string(sizeof(float) + dimension));
    }
    float scale = 0.0F;
    std::memcpy(&scale, code.data(), sizeof(float));
    if (!std::isfinite(scale) || scale < 0.0F || scale > 1.0F) {
        return fail(ErrorCode::Corrupt,
                    "the embedding of chunk " + std::to_string(chunk) + " has a bad scale");
    }
    const std::unique_lock lock(m_mutex);
    const auto [found, isNew] = m_rows.try_emplace(chunk, m_chunks.size());
    const std::size_t row = found->second;
    if (isNew) {
        m_chunks.push_back(chunk);
        m_collections.push_back(collection);
        m_scales.push_back(scale);
        m_codes.resize(m_codes.size() + dimension);
    } else {
        m_collections[row] = collection;
        m_scales[row] = scale;
    }
    std::memcpy(m_codes.data() + row * dimension, code.data() + sizeof(float), dimension);
    return {};
}

void VectorIndex::remove(ChunkId chunk) {
    const std::unique_lock lock(m_mutex);
    const auto found = m_rows.find(chunk);
    if (found == m_rows.end()) return;
    const auto dimension = static_cast<std::size_t>(m_dimension);
    const std::size_t row = found->second;
    const std::size_t last = m_chunks.size() - 1;
    m_rows.erase(found);
    if (row != last) {
        m_chunks[row] = m_chunks[last];
        m_collections[row] = m_collections[last];
        m_scales[row] = m_scales[last];
        std::memcpy(m_codes.data() + row * dimension, m_codes.data() + last * dimension, dimension);
        m_rows[m_chunks[row]] = row;
    }
    m_chunks.pop_back();
    m_collections.pop_back();
    m_scales.pop_back();
    m_codes.resize(m_codes.size() - dimension);
}

void VectorIndex::clear() {
    const std::unique_lock lock(m_mutex);
    m_chunks.clear();
    m_collections.clear();
    m_scales.clear();
    m_codes.clear();
    m_rows.clear();
}

std::size_t VectorIndex::size() const {
    const std::shared_lock lock(m_mutex);
    return m_chunks.size();
}

std::vector<ScoredChunk> VectorIndex::search(std::span<const float> query,
                                             std::span<const CollectionId> collections,
                                             int limit) const {
    CONCLAVE_CHECK(query.size() == static_cast<std::size_t>(m_dimension));
    const IntegerQuery integers = toIntegers(query);
    if (integers.factor <= 0.0 || limit <= 0) return {};
    const Int8Dot dot = int8Dot();
    const auto dimension = static_cast<std::size_t>(m_dimension);
    const auto nWanted = static_cast<std::size_t>(limit);
    std::vector<ScoredChunk> best;  // a heap with the worst of the best in front
    best.reserve(nWanted + 1);

    const std::shared_lock lock(m_mutex);
    for (std::size_t row = 0; row < m_chunks.size(); ++row) {
        if (!collections.empty() && std::find(collections.begin(), collections.end(),
                                              m_collections[row]) == collections.end()) {
            continue;
        }
        const std::int32_t sum =
            dot(m_codes.data() + row * dimension, integers.values.data(), dimension);
        const ScoredChunk candidate{
            m_chunks[row],
            static_cast<double>(sum) * static_cast<double>(m_scales[row]) * integers.factor};
        if (best.size() == nWanted && !isBetter(candidate, best.front())) continue;
        best.push_back(candidate);
        std::push_heap(best.begin(), best.end(), isBetter);
        if (best.size() > nWanted) {
            std::pop_heap(best.begin(), best.end(), isBetter);
            best.pop_back();
        }
    }
    std::sort_heap(best.begin(), best.end(), isBetter);
    return best;
}

std::vector<ScoredChunk> VectorIndex::scores(std::span<const float> query,
                                             std::span<const ChunkId> chunks) const {
    CONCLAVE_CHECK(query.size() == static_cast<std::size_t>(m_dimension));
    const IntegerQuery integers = toIntegers(query);
    if (integers.factor <= 0.0) return {};
    const Int8Dot dot = int8Dot();
    const auto dimension = static_cast<std::size_t>(m_dimension);
    std::vector<ScoredChunk> found;
    found.reserve(chunks.size());
    const std::shared_lock lock(m_mutex);
    for (const ChunkId chunk : chunks) {
        const auto place = m_rows.find(chunk);
        if (place == m_rows.end()) continue;
        const std::size_t row = place->second;
        const std::int32_t sum =
            dot(m_codes.data() + row * dimension, integers.values.data(), dimension);
        found.push_back({chunk, static_cast<double>(sum) * static_cast<double>(m_scales[row]) *
                                    integers.factor});
    }
    return found;
}

}  // namespace conclave::retrieval
