#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "retrieval/int8_dot.h"
#include "retrieval/ranking.h"
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

/// Rows are sorted by chunk id, which is how the database gives and makes them.
class VectorIndex::Rows {
public:
    explicit Rows(std::size_t dimension) : m_dimension(dimension) {}

    Result<void> add(ChunkId chunk, const DocumentPlace& place, std::span<const std::byte> code);
    void remove(std::span<const ChunkId> chunks);
    void move(const DocumentPlace& place);
    void clear();
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::size_t sizeBytes() const;
    [[nodiscard]] std::vector<ScoredChunk> search(std::span<const float> query,
                                                  std::span<const CollectionId> collections,
                                                  int limit) const;
    [[nodiscard]] std::vector<ScoredChunk> scores(std::span<const float> query,
                                                  std::span<const ChunkId> chunks) const;

private:
    /// In place of a document: the row is to be dropped.
    static constexpr std::uint32_t kDead = std::numeric_limits<std::uint32_t>::max();

    /// The row of `chunk`, or where it would be; living or dead.
    [[nodiscard]] std::size_t rowOf(ChunkId chunk) const {
        return static_cast<std::size_t>(std::lower_bound(m_chunks.begin(), m_chunks.end(), chunk) -
                                        m_chunks.begin());
    }
    [[nodiscard]] std::uint32_t slotOf(const DocumentPlace& place);
    [[nodiscard]] double cosine(std::size_t row, const IntegerQuery& query, Int8Dot dot) const {
        const std::int32_t sum =
            dot(m_codes.data() + row * m_dimension, query.values.data(), m_dimension);
        return static_cast<double>(sum) * static_cast<double>(m_scales[row]) * query.factor;
    }
    [[nodiscard]] ScoredChunk scored(std::size_t row, double cosine) const {
        const DocumentPlace& place = m_documents[m_documentOf[row]];
        return {m_chunks[row], cosine, place.order, place.document};
    }
    void dropDead();

    std::size_t m_dimension;
    mutable std::shared_mutex m_mutex;
    std::vector<ChunkId> m_chunks;
    std::vector<std::uint32_t> m_documentOf;  ///< index into m_documents, or kDead
    std::vector<float> m_scales;
    std::vector<std::int8_t> m_codes;  ///< [row][dimension]
    std::vector<DocumentPlace> m_documents;
    std::unordered_map<DocumentId, std::uint32_t> m_slots;
    std::size_t m_nDead = 0;
};

std::uint32_t VectorIndex::Rows::slotOf(const DocumentPlace& place) {
    const auto [found, isNew] =
        m_slots.try_emplace(place.document, static_cast<std::uint32_t>(m_documents.size()));
    if (isNew) {
        m_documents.push_back(place);
    } else {
        m_documents[found->second] = place;
    }
    return found->second;
}

Result<void> VectorIndex::Rows::add(ChunkId chunk, const DocumentPlace& place,
                                    std::span<const std::byte> code) {
    if (code.size() != sizeof(float) + m_dimension) {
        return fail(ErrorCode::Corrupt, "the embedding of chunk " + std::to_string(chunk) +
                                            " has " + std::to_string(code.size()) +
                                            " bytes instead of " +
                                            std::to_string(sizeof(float) + m_dimension));
    }
    float scale = 0.0F;
    std::memcpy(&scale, code.data(), sizeof(float));
    if (!std::isfinite(scale) || scale < 0.0F || scale > 1.0F) {
        return fail(ErrorCode::Corrupt,
                    "the embedding of chunk " + std::to_string(chunk) + " has a bad scale");
    }
    const std::unique_lock lock(m_mutex);
    const std::size_t row = rowOf(chunk);
    const auto at = static_cast<std::ptrdiff_t>(row);
    if (row == m_chunks.size() || m_chunks[row] != chunk) {
        m_chunks.insert(m_chunks.begin() + at, chunk);
        m_documentOf.insert(m_documentOf.begin() + at, kDead);
        m_scales.insert(m_scales.begin() + at, 0.0F);
        m_codes.insert(m_codes.begin() + at * static_cast<std::ptrdiff_t>(m_dimension), m_dimension,
                       0);
    } else if (m_documentOf[row] == kDead) {
        --m_nDead;
    }
    m_documentOf[row] = slotOf(place);
    m_scales[row] = scale;
    std::memcpy(m_codes.data() + row * m_dimension, code.data() + sizeof(float), m_dimension);
    return {};
}

void VectorIndex::Rows::remove(std::span<const ChunkId> chunks) {
    const std::unique_lock lock(m_mutex);
    for (const ChunkId chunk : chunks) {
        const std::size_t row = rowOf(chunk);
        if (row == m_chunks.size() || m_chunks[row] != chunk || m_documentOf[row] == kDead) {
            continue;
        }
        m_documentOf[row] = kDead;
        ++m_nDead;
    }
    constexpr std::size_t kFewDead = 64;
    if (m_nDead > kFewDead && m_nDead > m_chunks.size() / 8) dropDead();
}

void VectorIndex::Rows::dropDead() {
    std::size_t to = 0;
    for (std::size_t row = 0; row < m_chunks.size(); ++row) {
        if (m_documentOf[row] == kDead) continue;
        m_chunks[to] = m_chunks[row];
        m_documentOf[to] = m_documentOf[row];
        m_scales[to] = m_scales[row];
        std::memmove(m_codes.data() + to * m_dimension, m_codes.data() + row * m_dimension,
                     m_dimension);
        ++to;
    }
    m_chunks.resize(to);
    m_documentOf.resize(to);
    m_scales.resize(to);
    m_codes.resize(to * m_dimension);
    m_nDead = 0;
}

void VectorIndex::Rows::move(const DocumentPlace& place) {
    const std::unique_lock lock(m_mutex);
    const auto found = m_slots.find(place.document);
    if (found != m_slots.end()) m_documents[found->second] = place;
}

void VectorIndex::Rows::clear() {
    const std::unique_lock lock(m_mutex);
    m_chunks.clear();
    m_documentOf.clear();
    m_scales.clear();
    m_codes.clear();
    m_documents.clear();
    m_slots.clear();
    m_nDead = 0;
}

std::size_t VectorIndex::Rows::size() const {
    const std::shared_lock lock(m_mutex);
    return m_chunks.size() - m_nDead;
}

std::size_t VectorIndex::Rows::sizeBytes() const {
    const std::shared_lock lock(m_mutex);
    constexpr std::size_t kPerSlot = 32;  // of the hash table, about
    return m_chunks.size() * (sizeof(ChunkId) + sizeof(std::uint32_t) + sizeof(float)) +
           m_codes.size() + m_documents.size() * (sizeof(DocumentPlace) + kPerSlot);
}

std::vector<ScoredChunk> VectorIndex::Rows::search(std::span<const float> query,
                                                   std::span<const CollectionId> collections,
                                                   int limit) const {
    const IntegerQuery integers = toIntegers(query);
    if (integers.factor <= 0.0 || limit <= 0) return {};
    const Int8Dot dot = int8Dot();
    BestChunks best(static_cast<std::size_t>(limit));
    const std::shared_lock lock(m_mutex);
    std::vector<std::uint8_t> chosen;
    for (const DocumentPlace& place : m_documents) {
        chosen.push_back(collections.empty() || std::find(collections.begin(), collections.end(),
                                                          place.collection) != collections.end()
                             ? 1
                             : 0);
    }
    for (std::size_t row = 0; row < m_chunks.size(); ++row) {
        const std::uint32_t document = m_documentOf[row];
        if (document == kDead || chosen[document] == 0) continue;
        const double similarity = cosine(row, integers, dot);
        if (best.mayTake(similarity)) best.add(scored(row, similarity));
    }
    return best.take();
}

std::vector<ScoredChunk> VectorIndex::Rows::scores(std::span<const float> query,
                                                   std::span<const ChunkId> chunks) const {
    const IntegerQuery integers = toIntegers(query);
    if (integers.factor <= 0.0) return {};
    const Int8Dot dot = int8Dot();
    std::vector<ScoredChunk> found;
    found.reserve(chunks.size());
    const std::shared_lock lock(m_mutex);
    for (const ChunkId chunk : chunks) {
        const std::size_t row = rowOf(chunk);
        if (row == m_chunks.size() || m_chunks[row] != chunk || m_documentOf[row] == kDead) {
            continue;
        }
        found.push_back(scored(row, cosine(row, integers, dot)));
    }
    return found;
}

// ----------------------------------------------------------------------------------- the index

VectorIndex::VectorIndex(int dimension)
    : m_rows(std::make_unique<Rows>(static_cast<std::size_t>(std::max(dimension, 0)))),
      m_dimension(dimension) {
    CONCLAVE_CHECK(dimension > 0 && static_cast<std::size_t>(dimension) <= kMaxDotDimension);
}
VectorIndex::~VectorIndex() = default;

Result<void> VectorIndex::add(ChunkId chunk, const DocumentPlace& place,
                              std::span<const std::byte> code) {
    return m_rows->add(chunk, place, code);
}
void VectorIndex::remove(std::span<const ChunkId> chunks) { m_rows->remove(chunks); }
void VectorIndex::move(const DocumentPlace& place) { m_rows->move(place); }
void VectorIndex::clear() { m_rows->clear(); }
std::size_t VectorIndex::size() const { return m_rows->size(); }
std::size_t VectorIndex::sizeBytes() const { return m_rows->sizeBytes(); }

std::vector<ScoredChunk> VectorIndex::search(std::span<const float> query,
                                             std::span<const CollectionId> collections,
                                             int limit) const {
    CONCLAVE_CHECK(query.size() == static_cast<std::size_t>(m_dimension));
    return m_rows->search(query, collections, limit);
}

std::vector<ScoredChunk> VectorIndex::scores(std::span<const float> query,
                                             std::span<const ChunkId> chunks) const {
    CONCLAVE_CHECK(query.size() == static_cast<std::size_t>(m_dimension));
    return m_rows->scores(query, chunks);
}

}  // namespace conclave::retrieval
