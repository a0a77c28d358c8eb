#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "base/log.h"
#include "retrieval/code_rows.h"
#include "retrieval/int8_dot.h"
#include "retrieval/ranking.h"
#include "retrieval/retrieval.h"
#include "retrieval/sign_codes.h"

namespace conclave::retrieval {
namespace {

constexpr float kLargestCode = 127.0F;

/// The first pass keeps so many rows for each that is wanted: the fewest that find enough.
constexpr std::size_t kFewestKept = 8;
constexpr std::size_t kMostKept = 64;
/// Share of the best rows that the first pass must keep; below it every row is compared.
constexpr double kLeastRecall = 0.98;

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

/// Rounds half away from zero as lround() does, which is exact here as |x| < 2^22. Nothing branches
/// and no numbers are compared but integers, so that compilers do several at once.
void roundTo(std::int8_t* __restrict code, const float* __restrict vector, std::size_t n,
             float scale) {
    constexpr auto kMost = static_cast<std::int32_t>(kLargestCode);
    for (std::size_t i = 0; i < n; ++i) {
        const float x = vector[i] / scale;
        const auto whole = static_cast<std::int32_t>(x);
        const float rest = x - static_cast<float>(whole);
        const std::int32_t rounded = whole + static_cast<std::int32_t>(2.0F * rest);
        code[i] = static_cast<std::int8_t>(std::clamp(rounded, -kMost, kMost));
    }
}

std::vector<std::byte> encodeVector(std::span<const float> vector) {
    // Without their sign, numbers are in the order of their bits, of which compilers compare
    // several at once; those that are not finite come last.
    std::int32_t largestBits = 0;
    for (const float value : vector) {
        largestBits = std::max(largestBits, std::bit_cast<std::int32_t>(value) & 0x7FFFFFFF);
    }
    const auto largest = std::bit_cast<float>(largestBits);
    if (!std::isfinite(largest)) {
        std::vector<float> finite(vector.begin(), vector.end());
        for (float& value : finite) value = std::isfinite(value) ? value : 0.0F;
        return encodeVector(finite);
    }
    const float scale = largest / kLargestCode;
    std::vector<std::byte> code(sizeof(float) + vector.size());
    std::memcpy(code.data(), &scale, sizeof(float));
    if (scale <= 0.0F) return code;
    roundTo(reinterpret_cast<std::int8_t*>(code.data() + sizeof(float)), vector.data(),
            vector.size(), scale);
    return code;
}

/// Rows are sorted by chunk id, which is how the database gives and makes them.
class VectorIndex::Rows {
public:
    Rows(std::size_t dimension, std::size_t firstPassFrom)
        : m_dimension(dimension),
          m_codes(dimension),
          m_firstPassFrom(firstPassFrom),
          m_nextCheck(firstPassFrom) {}

    Result<void> add(ChunkId chunk, const DocumentPlace& place, std::span<const std::byte> code);
    void remove(std::span<const ChunkId> chunks);
    void move(const DocumentPlace& place);
    void clear();
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::size_t sizeBytes() const;
    [[nodiscard]] std::vector<ScoredChunk> search(std::span<const float> query,
                                                  const SearchScope& scope, int limit) const;
    [[nodiscard]] std::vector<ScoredChunk> scores(std::span<const float> query,
                                                  std::span<const ChunkId> chunks) const;
    [[nodiscard]] FirstPass firstPass() const;

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
        const std::int32_t sum = dot(m_codes.at(row), query.values.data(), m_dimension);
        return static_cast<double>(sum) * static_cast<double>(m_scales[row]) * query.factor;
    }
    [[nodiscard]] ScoredChunk scored(std::size_t row, double cosine) const {
        const DocumentPlace& place = m_documents[m_documentOf[row]];
        return {m_chunks[row], cosine, place.order, place.document};
    }
    void dropDead();

    void checkFirstPass();
    [[nodiscard]] double recallOf(std::size_t nKept, std::size_t nWanted) const;
    /// The `nKept` best rows of [first, first + n) by their signs, of those that `isWanted(row)`.
    template <typename IsWanted>
    [[nodiscard]] std::vector<std::size_t> bestBySigns(std::span<const float> query,
                                                       std::size_t first, std::size_t n,
                                                       std::size_t nKept,
                                                       const IsWanted& isWanted) const;

    std::size_t m_dimension;
    mutable std::shared_mutex m_mutex;
    std::vector<ChunkId> m_chunks;
    std::vector<std::uint32_t> m_documentOf;  ///< index into m_documents, or kDead
    std::vector<float> m_scales;
    CodeRows m_codes;
    std::vector<DocumentPlace> m_documents;
    std::unordered_map<DocumentId, std::uint32_t> m_slots;
    std::size_t m_nDead = 0;

    std::size_t m_firstPassFrom;  ///< rows
    std::size_t m_nextCheck;      ///< of the first pass, when there are so many rows
    std::unique_ptr<SignCodes> m_signs;
    std::size_t m_nKept = 0;  ///< for each row that is wanted; 0: all rows are compared
    double m_recall = 1.0;
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
    const bool isNew = row == m_chunks.size() || m_chunks[row] != chunk;
    if (isNew) {
        m_chunks.insert(m_chunks.begin() + at, chunk);
        m_documentOf.insert(m_documentOf.begin() + at, kDead);
        m_scales.insert(m_scales.begin() + at, 0.0F);
        m_codes.insert(row);
    } else if (m_documentOf[row] == kDead) {
        --m_nDead;
    }
    m_documentOf[row] = slotOf(place);
    m_scales[row] = scale;
    std::memcpy(m_codes.at(row), code.data() + sizeof(float), m_dimension);
    if (m_signs && isNew) {
        m_signs->insert(row, m_codes[row], scale);
    } else if (m_signs) {
        m_signs->set(row, m_codes[row], scale);
    }
    if (m_chunks.size() >= m_nextCheck) checkFirstPass();
    return {};
}

/// Looks, at a size and then each time there are half as many more rows, how much the signs miss.
void VectorIndex::Rows::checkFirstPass() {
    m_nextCheck = m_chunks.size() + m_chunks.size() / 2;
    if (!m_signs) {
        m_signs = std::make_unique<SignCodes>(m_dimension);
        for (std::size_t row = 0; row < m_chunks.size(); ++row) {
            m_signs->insert(row, m_codes[row], m_scales[row]);
        }
    }
    constexpr std::size_t kUsualLimit = 200;
    const std::size_t nWanted = std::clamp<std::size_t>(m_chunks.size() / 500, 1, kUsualLimit);
    for (m_nKept = kFewestKept; m_nKept <= kMostKept; m_nKept *= 2) {
        m_recall = recallOf(m_nKept, nWanted);
        if (m_recall < kLeastRecall) continue;
        log().info("vectors: a first pass keeps {} for each that is wanted, and finds {:.3f}",
                   m_nKept, m_recall);
        return;
    }
    log().info("vectors: a first pass finds {:.3f}, so all {} are compared", m_recall,
               m_chunks.size());
    m_nKept = 0;
    m_signs.reset();
}

/// Of the best rows for some questions, the share that a first pass would keep. A part of the rows
/// stands for all: who is among the best `nWanted` of all is among so much fewer of the part.
double VectorIndex::Rows::recallOf(std::size_t nKept, std::size_t nWanted) const {
    constexpr std::size_t kPart = std::size_t{1} << 16U;
    constexpr std::size_t kQuestions = 24;
    const std::size_t n = std::min(kPart, m_chunks.size());
    const std::size_t first = (m_chunks.size() - n) / 2;
    const std::size_t nBest =
        std::max<std::size_t>(nWanted * n / std::max<std::size_t>(m_chunks.size(), 1), 1);
    const Int8Dot dot = int8Dot();
    std::size_t nFound = 0;
    std::size_t nAll = 0;
    for (std::size_t question = 0; question < kQuestions; ++question) {
        // Between two texts, as a question is like several and like none of them.
        const std::size_t a = first + question * n / kQuestions;
        const std::size_t b = first + (question * 7 + 3) % kQuestions * n / kQuestions;
        std::vector<float> query(m_dimension);
        for (std::size_t i = 0; i < m_dimension; ++i) {
            query[i] = m_scales[a] * static_cast<float>(m_codes[a][i]) +
                       m_scales[b] * static_cast<float>(m_codes[b][i]);
        }
        const IntegerQuery integers = toIntegers(query);
        if (integers.factor <= 0.0) continue;
        BestChunks best(nBest);
        for (std::size_t row = first; row < first + n; ++row) {
            if (m_documentOf[row] == kDead) continue;
            const double similarity = cosine(row, integers, dot);
            if (best.mayTake(similarity)) best.add(scored(row, similarity));
        }
        const auto isAlive = [this](std::size_t row) { return m_documentOf[row] != kDead; };
        std::vector<std::size_t> kept = bestBySigns(query, first, n, nKept * nBest, isAlive);
        std::sort(kept.begin(), kept.end());
        for (const ScoredChunk& wanted : best.take()) {
            ++nAll;
            nFound += std::binary_search(kept.begin(), kept.end(), rowOf(wanted.chunk)) ? 1 : 0;
        }
    }
    return nAll > 0 ? static_cast<double>(nFound) / static_cast<double>(nAll) : 1.0;
}

template <typename IsWanted>
std::vector<std::size_t> VectorIndex::Rows::bestBySigns(std::span<const float> query,
                                                        std::size_t first, std::size_t n,
                                                        std::size_t nKept,
                                                        const IsWanted& isWanted) const {
    struct Estimated {
        float value;
        std::size_t row;
    };
    const auto isBetter = [](const Estimated& x, const Estimated& y) {
        return x.value != y.value ? x.value > y.value : x.row < y.row;
    };
    const SignCodes::Query signs = m_signs->query(query);
    std::vector<Estimated> best;
    best.reserve(2 * nKept);
    const auto keepBest = [&] {
        if (best.size() <= nKept) return;
        std::nth_element(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(nKept),
                         best.end(), isBetter);
        best.resize(nKept);
    };
    constexpr std::size_t kStep = 2048;
    std::array<float, kStep> estimates{};
    float least = -std::numeric_limits<float>::infinity();
    for (std::size_t from = first; from < first + n; from += kStep) {
        const std::size_t count = std::min(kStep, first + n - from);
        m_signs->estimate(signs, from, std::span(estimates).first(count));
        for (std::size_t i = 0; i < count; ++i) {
            if (estimates[i] < least || !isWanted(from + i)) continue;
            best.push_back({estimates[i], from + i});
            if (best.size() < 2 * nKept) continue;
            keepBest();
            least = std::min_element(
                        best.begin(), best.end(),
                        [](const Estimated& x, const Estimated& y) { return x.value < y.value; })
                        ->value;
        }
    }
    keepBest();
    std::vector<std::size_t> rows;
    rows.reserve(best.size());
    for (const Estimated& each : best) rows.push_back(each.row);
    return rows;
}

VectorIndex::FirstPass VectorIndex::Rows::firstPass() const {
    const std::shared_lock lock(m_mutex);
    return {.isUsed = m_nKept > 0, .recall = m_recall};
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
        m_codes.copy(to, row);
        if (m_signs) m_signs->copy(to, row);
        ++to;
    }
    if (m_signs) m_signs->truncate(to);
    m_chunks.resize(to);
    m_documentOf.resize(to);
    m_scales.resize(to);
    m_codes.truncate(to);
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
    m_codes.truncate(0);
    m_documents.clear();
    m_slots.clear();
    m_nDead = 0;
    m_signs.reset();
    m_nKept = 0;
    m_nextCheck = m_firstPassFrom;
}

std::size_t VectorIndex::Rows::size() const {
    const std::shared_lock lock(m_mutex);
    return m_chunks.size() - m_nDead;
}

std::size_t VectorIndex::Rows::sizeBytes() const {
    const std::shared_lock lock(m_mutex);
    constexpr std::size_t kPerSlot = 32;  // of the hash table, about
    return m_chunks.size() * (sizeof(ChunkId) + sizeof(std::uint32_t) + sizeof(float)) +
           m_codes.sizeBytes() + m_documents.size() * (sizeof(DocumentPlace) + kPerSlot) +
           (m_signs ? m_signs->sizeBytes() : 0);
}

std::vector<ScoredChunk> VectorIndex::Rows::search(std::span<const float> query,
                                                   const SearchScope& scope, int limit) const {
    const IntegerQuery integers = toIntegers(query);
    if (integers.factor <= 0.0 || limit <= 0) return {};
    const Int8Dot dot = int8Dot();
    BestChunks best(static_cast<std::size_t>(limit));
    const std::shared_lock lock(m_mutex);
    std::vector<std::uint8_t> chosen;
    for (const DocumentPlace& place : m_documents) {
        chosen.push_back(scope.holds(place) ? 1 : 0);
    }
    const auto isWanted = [&](std::size_t row) {
        const std::uint32_t document = m_documentOf[row];
        return document != kDead && chosen[document] != 0;
    };
    const auto compare = [&](std::size_t row) {
        const double similarity = cosine(row, integers, dot);
        if (best.mayTake(similarity)) best.add(scored(row, similarity));
    };
    if (m_nKept > 0) {
        const std::size_t nKept = m_nKept * static_cast<std::size_t>(limit);
        for (const std::size_t row : bestBySigns(query, 0, m_chunks.size(), nKept, isWanted)) {
            compare(row);
        }
        return best.take();
    }
    for (std::size_t row = 0; row < m_chunks.size(); ++row) {
        if (isWanted(row)) compare(row);
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

VectorIndex::VectorIndex(int dimension, std::size_t firstPassFrom)
    : m_rows(
          std::make_unique<Rows>(static_cast<std::size_t>(std::max(dimension, 0)), firstPassFrom)),
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
VectorIndex::FirstPass VectorIndex::firstPass() const { return m_rows->firstPass(); }

std::vector<ScoredChunk> VectorIndex::search(std::span<const float> query, const SearchScope& scope,
                                             int limit) const {
    CONCLAVE_CHECK(query.size() == static_cast<std::size_t>(m_dimension));
    return m_rows->search(query, scope, limit);
}

std::vector<ScoredChunk> VectorIndex::scores(std::span<const float> query,
                                             std::span<const ChunkId> chunks) const {
    CONCLAVE_CHECK(query.size() == static_cast<std::size_t>(m_dimension));
    return m_rows->scores(query, chunks);
}

}  // namespace conclave::retrieval
