#include "retrieval/keyword_parts.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <utility>

#include "retrieval/stemmer.h"

namespace conclave::retrieval {
namespace {

/// Scores of one segment fit into the processor's second-level cache.
constexpr std::size_t kMaxRows = std::size_t{1} << 17u;
/// A search may have to encode so much first: about 15 ms.
constexpr std::size_t kMaxPendingTokens = std::size_t{1} << 20u;
constexpr std::size_t kMaxPendingRows = std::size_t{1} << 14u;
/// So many segments of one size become one: each posting is written about log32 times. With fewer
/// a first run over a folder would merge what it compacts a moment later.
constexpr std::size_t kFanIn = 32;
/// Segments below it are merged by compact().
constexpr std::size_t kSmallRows = std::size_t{1} << 14u;

constexpr unsigned kRowBits = 64 - kTermKeyBits;
static_assert(kMaxPendingRows <= std::size_t{1} << kRowBits);

/// Sorts by the key above kRowBits; rows come in ascending order and stay so. Keys are hashes, so
/// hardly any two share the digits that radix sort looks at, and those are sorted afterwards.
/// `other` is memory.
void sortByKey(std::vector<std::uint64_t>& tokens, std::vector<std::uint64_t>& other) {
    constexpr unsigned kDigitBits = 11;
    constexpr unsigned kSortedFrom = 64 - 2 * kDigitBits;
    constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;
    std::array<std::array<std::uint32_t, kDigits>, 2> places{};
    const auto digitOf = [](std::uint64_t token, std::size_t pass) {
        return (token >> (kSortedFrom + pass * kDigitBits)) % kDigits;
    };
    for (const std::uint64_t token : tokens) {
        for (std::size_t pass = 0; pass < 2; ++pass) ++places[pass][digitOf(token, pass)];
    }
    other.resize(tokens.size());
    for (std::size_t pass = 0; pass < 2; ++pass) {
        auto& place = places[pass];
        std::uint32_t before = 0;
        for (std::uint32_t& each : place) before += std::exchange(each, before);
        for (const std::uint64_t token : tokens) other[place[digitOf(token, pass)]++] = token;
        tokens.swap(other);
    }
    const auto digits = [](std::uint64_t token) { return token >> kSortedFrom; };
    for (std::size_t i = 1; i < tokens.size(); ++i) {
        if (tokens[i - 1] <= tokens[i]) continue;
        std::size_t first = i - 1;
        std::size_t last = i + 1;
        while (first > 0 && digits(tokens[first - 1]) == digits(tokens[i])) --first;
        while (last < tokens.size() && digits(tokens[last]) == digits(tokens[i])) ++last;
        std::sort(tokens.begin() + static_cast<std::ptrdiff_t>(first),
                  tokens.begin() + static_cast<std::ptrdiff_t>(last));
        i = last;
    }
}

/// Of the rows of a segment that is left as it is; more dead ones are not worth their memory, and
/// what they said should go.
bool isThinnedOut(const KeywordPart& part) { return part.nAlive * 8 < part.isAlive.size() * 7; }

}  // namespace

void KeywordIndex::Parts::noteChange() {
    static std::atomic<std::uint64_t> last = 0;
    m_version = ++last;
}

void KeywordPart::setSegment(std::shared_ptr<const PostingSegment> made) {
    segment = std::move(made);
    languages = 0;
    for (unsigned i = 1; i < kLanguages; ++i) {
        const TermKey mark = Stemmer::markOf(static_cast<Language>(i));
        if (segment->find(mark).nPostings > 0) languages |= LanguageSet{1} << i;
    }
}

void KeywordPart::addRow(const DocumentPlace& place) {
    if (documents.empty() || documents.back().document != place.document) {
        documents.push_back(place);
    }
    documentOf.push_back(static_cast<std::uint32_t>(documents.size() - 1));
}

void KeywordIndex::Parts::add(const DocumentPlace& place, std::span<const ChunkId> chunks,
                              std::span<const ChunkTerms> terms) {
    CONCLAVE_CHECK(chunks.size() == terms.size());
    {
        const std::unique_lock lock(m_mutex);
        noteChange();
        for (std::size_t i = 0; i < chunks.size(); ++i) {
            // Within a segment ids ascend; another program may have stored later ones meanwhile.
            if (!m_pending.chunks.empty() && chunks[i] <= m_pending.chunks.back()) seal();
            const std::uint64_t row = m_pending.chunks.size();
            auto& tokens = m_pending.tokens;
            const std::size_t nBefore = tokens.size();
            tokens.resize(nBefore + terms[i].keys.size());
            std::transform(terms[i].keys.begin(), terms[i].keys.end(),
                           tokens.begin() + static_cast<std::ptrdiff_t>(nBefore),
                           [row](TermKey key) { return key << kRowBits | row; });
            m_pending.chunks.push_back(chunks[i]);
            m_pending.lengths.push_back(terms[i].length);
            m_pending.places.push_back(place);
            ++m_nAlive;
            m_aliveLength += terms[i].length;
            if (m_pending.tokens.size() >= kMaxPendingTokens ||
                m_pending.chunks.size() >= kMaxPendingRows) {
                seal();
            }
        }
    }
    // Whoever changes parts meanwhile merges them, or the next one who adds does.
    const std::unique_lock change(m_changes, std::try_to_lock);
    if (change.owns_lock()) mergeTail();
}

void KeywordIndex::Parts::seal() {
    if (m_pending.chunks.empty()) return;
    noteChange();
    Pending& pending = m_pending;
    sortByKey(pending.tokens, pending.sorting);
    // Most postings take two bytes or three.
    SegmentWriter writer(pending.chunks.size(), 3 * pending.tokens.size());
    std::vector<Posting> postings;
    const auto& tokens = pending.tokens;
    for (std::size_t i = 0; i < tokens.size();) {
        const TermKey key = tokens[i] >> kRowBits;
        postings.clear();
        for (; i < tokens.size() && tokens[i] >> kRowBits == key; ++i) {
            const auto row = static_cast<Row>(tokens[i] & ((1u << kRowBits) - 1));
            if (!postings.empty() && postings.back().row == row) {
                ++postings.back().count;
            } else {
                postings.push_back({row, 1});
            }
        }
        writer.add(key, postings);
    }
    KeywordPart part;
    part.setSegment(writer.finish(pending.chunks, pending.lengths));
    for (const DocumentPlace& place : pending.places) part.addRow(place);
    part.nAlive = pending.chunks.size();
    part.isAlive.assign(part.nAlive, 1);
    for (const std::uint32_t length : pending.lengths) part.aliveLength += length;
    m_parts.push_back(std::move(part));
    m_pending.clear();
}

void KeywordIndex::Parts::Pending::clear() {
    tokens.clear();
    chunks.clear();
    lengths.clear();
    places.clear();
}

void KeywordIndex::Parts::sealForSearch() {
    {
        const std::shared_lock lock(m_mutex);
        if (m_pending.chunks.empty()) return;
    }
    const std::unique_lock lock(m_mutex);
    seal();
}

/// As one counts: many small ones carry over to a larger one.
void KeywordIndex::Parts::mergeTail() {
    while (true) {
        std::size_t first = 0;
        std::size_t last = 0;
        {
            const std::shared_lock lock(m_mutex);
            last = first = m_parts.size();
            std::size_t nRows = 0;
            std::size_t largest = 0;
            for (std::size_t i = m_parts.size(); i-- > 0;) {
                largest = std::max(largest, m_parts[i].nAlive);
                nRows += m_parts[i].nAlive;
                if (nRows > kMaxRows) break;
                // Merging pays once the largest is but a part of the whole.
                if (last - i >= kFanIn && largest <= nRows / (kFanIn / 2)) first = i;
            }
        }
        if (last - first < kFanIn) return;
        merge(first, last);
    }
}

std::size_t KeywordIndex::Parts::merge(std::size_t first, std::size_t last) {
    // Only this thread changes parts but for the end of the list, where others may add one.
    std::vector<KeywordPart> old;
    {
        const std::shared_lock lock(m_mutex);
        old.assign(m_parts.begin() + static_cast<std::ptrdiff_t>(first),
                   m_parts.begin() + static_cast<std::ptrdiff_t>(last));
    }
    std::vector<MergeInput> inputs;
    for (const KeywordPart& part : old) inputs.push_back({part.segment.get(), part.isAlive});
    KeywordPart made;
    made.setSegment(mergeSegments(inputs));
    // Each input's living rows come in the order in which the merged segment has them.
    std::vector<std::size_t> next(old.size(), 0);
    for (const ChunkId chunk : made.segment->chunks()) {
        for (std::size_t i = 0; i < old.size(); ++i) {
            const auto chunks = old[i].segment->chunks();
            while (next[i] < chunks.size() && old[i].isAlive[next[i]] == 0) ++next[i];
            if (next[i] == chunks.size() || chunks[next[i]] != chunk) continue;
            made.addRow(old[i].documents[old[i].documentOf[next[i]++]]);
            break;
        }
    }
    made.nAlive = made.segment->nRows();
    made.isAlive.assign(made.nAlive, 1);
    for (const std::uint32_t length : made.segment->lengths()) made.aliveLength += length;

    const std::unique_lock lock(m_mutex);
    noteChange();
    for (const KeywordPart& part : old) {
        if (part.keptId != 0) m_obsolete.push_back(part.keptId);
    }
    const auto from = m_parts.begin() + static_cast<std::ptrdiff_t>(first);
    const auto after = m_parts.erase(from, from + static_cast<std::ptrdiff_t>(last - first));
    if (made.nAlive == 0) return 0;
    m_parts.insert(after, std::move(made));
    return 1;
}

void KeywordIndex::Parts::remove(std::span<const ChunkId> chunks) {
    if (chunks.empty()) return;  // a new document must not end the run of pending ones
    const std::lock_guard change(m_changes);
    const std::unique_lock lock(m_mutex);
    noteChange();
    seal();
    for (KeywordPart& part : m_parts) {
        const auto known = part.segment->chunks();
        for (const ChunkId chunk : chunks) {
            const auto found = std::lower_bound(known.begin(), known.end(), chunk);
            if (found == known.end() || *found != chunk) continue;
            const auto row = static_cast<std::size_t>(found - known.begin());
            if (part.isAlive[row] == 0) continue;
            const std::uint32_t length = part.segment->lengths()[row];
            part.isAlive[row] = 0;
            --part.nAlive;
            part.aliveLength -= length;
            --m_nAlive;
            m_aliveLength -= length;
        }
    }
}

void KeywordIndex::Parts::move(const DocumentPlace& place) {
    const std::lock_guard change(m_changes);
    const std::unique_lock lock(m_mutex);
    for (KeywordPart& part : m_parts) {
        for (DocumentPlace& known : part.documents) {
            if (known.document == place.document) known = place;
        }
    }
    for (DocumentPlace& known : m_pending.places) {
        if (known.document == place.document) known = place;
    }
}

void KeywordIndex::Parts::clear() {
    const std::lock_guard change(m_changes);
    const std::unique_lock lock(m_mutex);
    noteChange();
    m_parts.clear();
    m_pending = {};
    m_obsolete.clear();
    m_nAlive = 0;
    m_aliveLength = 0;
}

std::size_t KeywordIndex::Parts::size() const {
    const std::shared_lock lock(m_mutex);
    return m_nAlive;
}

std::vector<ChunkId> KeywordIndex::Parts::chunks() {
    sealForSearch();
    const std::shared_lock lock(m_mutex);
    std::vector<ChunkId> all;
    all.reserve(m_nAlive);
    for (const KeywordPart& part : m_parts) {
        for (std::size_t row = 0; row < part.isAlive.size(); ++row) {
            if (part.isAlive[row] != 0) all.push_back(part.segment->chunks()[row]);
        }
    }
    std::sort(all.begin(), all.end());
    return all;
}

std::size_t KeywordIndex::Parts::sizeBytes() const {
    const std::shared_lock lock(m_mutex);
    std::size_t sum =
        (m_pending.tokens.capacity() + m_pending.sorting.capacity()) * sizeof(std::uint64_t);
    for (const KeywordPart& part : m_parts) {
        sum += part.segment->sizeBytes() + part.isAlive.size() +
               part.documentOf.size() * sizeof(std::uint32_t) +
               part.documents.size() * sizeof(DocumentPlace);
    }
    return sum;
}

bool KeywordIndex::Parts::isHere(ChunkId chunk) const {
    return std::any_of(m_parts.begin(), m_parts.end(), [&](const KeywordPart& part) {
        const auto known = part.segment->chunks();
        if (known.empty() || chunk < known.front() || chunk > known.back()) return false;
        const auto found = std::lower_bound(known.begin(), known.end(), chunk);
        return *found == chunk &&
               part.isAlive[static_cast<std::size_t>(found - known.begin())] != 0;
    });
}

Result<void> KeywordIndex::Parts::addSegment(
    KeywordSegment segment, const std::function<std::optional<DocumentPlace>(ChunkId)>& placeOf) {
    auto read = PostingSegment::fromBytes(std::move(segment.bytes));
    if (!read) return tl::unexpected(read.error());
    const std::lock_guard change(m_changes);
    const std::unique_lock lock(m_mutex);
    noteChange();
    seal();
    KeywordPart part;
    part.setSegment(std::move(*read));
    part.keptId = segment.id;
    for (Row row = 0; row < part.segment->nRows(); ++row) {
        const ChunkId chunk = part.segment->chunks()[row];
        const auto place = isHere(chunk) ? std::optional<DocumentPlace>() : placeOf(chunk);
        part.addRow(place.value_or(DocumentPlace{}));
        part.isAlive.push_back(place ? 1 : 0);
        if (!place) continue;
        ++part.nAlive;
        part.aliveLength += part.segment->lengths()[row];
    }
    if (part.nAlive == 0) {
        m_obsolete.push_back(segment.id);
        return {};
    }
    m_nAlive += part.nAlive;
    m_aliveLength += part.aliveLength;
    m_parts.push_back(std::move(part));
    return {};
}

void KeywordIndex::Parts::compact(Forget forget) {
    const std::lock_guard change(m_changes);
    const auto isWell = [forget](const KeywordPart& part) {
        if (forget == Forget::Now && !part.isWhole()) return false;
        return part.nAlive >= kSmallRows && !isThinnedOut(part);
    };
    std::size_t first = 0;
    std::size_t end = 0;  // what comes later is left as it is
    {
        const std::unique_lock lock(m_mutex);
        noteChange();
        seal();
        // Those that need it to the end, where they merge in runs of up to kMaxRows.
        const auto middle = std::stable_partition(m_parts.begin(), m_parts.end(), isWell);
        first = static_cast<std::size_t>(middle - m_parts.begin());
        end = m_parts.size();
    }
    while (first < end) {
        std::size_t last = first;
        bool needsIt = false;
        {
            const std::shared_lock lock(m_mutex);
            std::size_t nRows = 0;
            while (last < end && (last == first || nRows + m_parts[last].nAlive <= kMaxRows)) {
                nRows += m_parts[last++].nAlive;
            }
            needsIt = last - first > 1 || !m_parts[first].isWhole();
        }
        const std::size_t nLeft = needsIt ? merge(first, last) : 1;
        end -= last - first - nLeft;
        first += nLeft;
    }
}

void KeywordIndex::Parts::giveBackMemory() {
    const std::unique_lock lock(m_mutex);
    seal();
    m_pending = {};
}

KeywordIndex::ToKeep KeywordIndex::Parts::toKeep() {
    sealForSearch();
    const std::shared_lock lock(m_mutex);
    ToKeep found;
    found.obsolete = m_obsolete;
    for (const KeywordPart& part : m_parts) {
        if (part.keptId == 0) found.segments.push_back(part.segment);
    }
    return found;
}

void KeywordIndex::Parts::kept(const ToKeep& segments, std::span<const std::int64_t> ids) {
    CONCLAVE_CHECK(segments.segments.size() == ids.size());
    const std::lock_guard change(m_changes);
    const std::unique_lock lock(m_mutex);
    std::erase_if(m_obsolete, [&](std::int64_t id) {
        return std::find(segments.obsolete.begin(), segments.obsolete.end(), id) !=
               segments.obsolete.end();
    });
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto part = std::find_if(
            m_parts.begin(), m_parts.end(),
            [&](const KeywordPart& each) { return each.segment == segments.segments[i]; });
        if (part != m_parts.end()) {
            part->keptId = ids[i];
        } else {
            m_obsolete.push_back(ids[i]);  // merged away meanwhile
        }
    }
}

}  // namespace conclave::retrieval
