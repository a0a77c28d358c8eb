#include "retrieval/posting_segment.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

namespace conclave::retrieval {
namespace {

// The bytes go to the database of the machine that made them; all that is supported is
// little-endian.
static_assert(std::endian::native == std::endian::little);

constexpr std::uint32_t kMagic = 0x53504343;  // "CCPS"
constexpr std::uint32_t kFormatVersion = 2;
/// A list of more postings than this share of the rows is dense: about as long, and read faster.
constexpr std::size_t kDenseShare = 4;
constexpr std::uint32_t kLargestDenseCount = 15;
constexpr std::size_t kKeyBytes = kTermKeyBits / 8;
/// Larger segments are hardly ever merged, so that nobody asks where their lists end.
constexpr std::size_t kSoonMergedRows = std::size_t{1} << 14u;
constexpr TermKey kKeyMask = (TermKey{1} << kTermKeyBits) - 1;

struct Header {
    std::uint32_t magic = kMagic;
    std::uint32_t version = kFormatVersion;
    std::uint64_t checksum = 0;  ///< of all that follows the header
    std::uint32_t nRows = 0;
    std::uint32_t nTerms = 0;
    std::uint64_t nPostingBytes = 0;
};

/// The bytes as one number, low ones first, without a call or a loop: each term passes here.
std::uint64_t fewerThanEight(std::string_view bytes) {
    const std::size_t n = bytes.size();
    if (n == 0) return 0;
    if (n >= sizeof(std::uint32_t)) {
        std::uint32_t first = 0;
        std::uint32_t last = 0;
        std::memcpy(&first, bytes.data(), sizeof first);
        std::memcpy(&last, bytes.data() + n - sizeof last, sizeof last);
        return first | std::uint64_t{last} << (8 * (n - sizeof last));
    }
    const auto byteAt = [&](std::size_t i) {
        return std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    };
    return byteAt(0) | byteAt(n / 2) | byteAt(n - 1);
}

std::uint64_t checksumOf(std::span<const std::byte> bytes) {
    std::uint64_t sum = bytes.size();
    std::size_t i = 0;
    for (; i + sizeof(std::uint64_t) <= bytes.size(); i += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + i, sizeof word);
        sum = (std::rotl(sum, 23) ^ word) * kHashFactor;
    }
    for (; i < bytes.size(); ++i) {
        sum = (std::rotl(sum, 23) ^ std::to_integer<std::uint64_t>(bytes[i])) * kHashFactor;
    }
    return mixedHash(sum);
}

bool isWhole(const MergeInput& input) {
    return std::all_of(input.isAlive.begin(), input.isAlive.end(),
                       [](std::uint8_t alive) { return alive != 0; });
}

constexpr std::size_t kLongestNumber = 5;

/// Writes up to kLongestNumber bytes and gives where they end.
std::byte* putNumber(std::byte* to, std::uint32_t value) {
    for (; value >= 0x80; value >>= 7u) {
        *to++ = static_cast<std::byte>((value & 0x7Fu) | 0x80u);
    }
    *to++ = static_cast<std::byte>(value);
    return to;
}

std::uint32_t headOf(std::size_t nPostings, bool isDense) {
    return static_cast<std::uint32_t>(nPostings) << 1u | (isDense ? 1u : 0u);
}

/// `distance`: rows without the term before this one.
std::byte* putPosting(std::byte* to, std::uint32_t distance, std::uint32_t count) {
    const std::uint32_t hasCount = count != 1 ? 1 : 0;
    to = putNumber(to, distance << 1u | hasCount);
    return hasCount != 0 ? putNumber(to, count) : to;
}

void putDense(std::byte* rows, Row row, std::uint32_t count) {
    rows[row / 2] |= static_cast<std::byte>(count << (row % 2 * 4));
}

/// What of a list that is not dense changes when its rows move.
struct SparseRange {
    std::uint32_t firstHead = 0;  ///< of the first posting: its row, and whether a count follows
    const std::uint8_t* afterHead = nullptr;
    Row endRow = 0;  ///< one more than the last row
};

/// None for damaged bytes.
std::optional<SparseRange> rangeOf(const PostingList& list, std::optional<Row> lastRow) {
    SparseRange range;
    const std::uint8_t* at = list.begin;
    if (lastRow) {
        const std::uint32_t head = list.number(at);
        return SparseRange{head, at, *lastRow + 1};
    }
    for (std::uint32_t i = 0; i < list.nPostings; ++i) {
        if (at == list.end) return std::nullopt;
        const std::uint32_t head = list.number(at);
        if (i == 0) range = {head, at, 0};
        if ((head & 1u) != 0) list.number(at);
        range.endRow += (head >> 1u) + 1;
        if (range.endRow > list.nRows) return std::nullopt;
    }
    if (at != list.end || list.nPostings == 0) return std::nullopt;
    return range;
}

template <typename T>
void append(std::vector<std::byte>& to, std::span<const T> values) {
    const auto bytes = std::as_bytes(values);
    to.insert(to.end(), bytes.begin(), bytes.end());
}

/// The next `n` values of `bytes` where they lie; none if there are fewer.
template <typename T>
std::span<const T> take(std::span<const std::byte>& bytes, std::size_t n) {
    if (n > bytes.size() / sizeof(T)) {
        bytes = {};
        return {};
    }
    const std::span<const T> taken{reinterpret_cast<const T*>(bytes.data()), n};
    bytes = bytes.subspan(n * sizeof(T));
    return taken;
}

/// Key bytes are padded so that the arrays behind them stay aligned.
std::size_t paddedKeyBytes(std::size_t nTerms) {
    constexpr std::size_t kAlignment = alignof(std::uint64_t);
    return (nTerms * kKeyBytes + kAlignment) / kAlignment * kAlignment;  // at least 2 to spare
}

std::size_t denseBytes(std::size_t nRows) { return (nRows + 1) / 2; }

Error damaged() { return {ErrorCode::Corrupt, "a stored piece of the keyword index is damaged"}; }

}  // namespace

std::uint64_t termHash(std::string_view term) {
    std::uint64_t hash = term.size() * kHashFactor;
    std::size_t i = 0;
    for (; i + sizeof(std::uint64_t) <= term.size(); i += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, term.data() + i, sizeof word);
        hash = mixedHash((hash ^ word) * kHashFactor);
    }
    const std::uint64_t rest = fewerThanEight(term.substr(i));
    return mixedHash((hash ^ rest) * kHashFactor);
}

Result<std::shared_ptr<const PostingSegment>> PostingSegment::fromBytes(
    std::vector<std::byte> bytes) {
    std::shared_ptr<PostingSegment> segment(new PostingSegment(std::move(bytes)));
    if (auto read = segment->readLayout(); !read) return tl::unexpected(read.error());
    Header header;
    const std::span<const std::byte> all = segment->m_bytes;
    std::memcpy(&header, all.data(), sizeof header);
    if (checksumOf(all.subspan(sizeof header)) != header.checksum) {
        return tl::unexpected(damaged());
    }
    return segment;
}

Result<void> PostingSegment::readLayout() {
    Header header;
    if (m_bytes.size() < sizeof header) return tl::unexpected(damaged());
    std::memcpy(&header, m_bytes.data(), sizeof header);
    if (header.magic != kMagic) return tl::unexpected(damaged());
    if (header.version != kFormatVersion) {
        return fail(ErrorCode::Unsupported, "a piece of the keyword index is of another version");
    }
    auto rest = std::span<const std::byte>(m_bytes).subspan(sizeof header);
    m_chunks = take<ChunkId>(rest, header.nRows);
    const auto keys = take<std::byte>(rest, paddedKeyBytes(header.nTerms));
    m_lengths = take<std::uint32_t>(rest, header.nRows);
    m_ends = take<std::uint32_t>(rest, header.nTerms);
    m_postings = rest;
    m_keys = keys.data();
    const bool isWhole = m_chunks.size() == header.nRows && m_lengths.size() == header.nRows &&
                         m_ends.size() == header.nTerms && !keys.empty() &&
                         m_postings.size() == header.nPostingBytes &&
                         std::is_sorted(m_chunks.begin(), m_chunks.end()) &&
                         std::is_sorted(m_ends.begin(), m_ends.end()) &&
                         (m_ends.empty() || m_ends.back() == m_postings.size());
    if (!isWhole) return tl::unexpected(damaged());
    return {};
}

TermKey PostingSegment::key(std::size_t term) const {
    TermKey word = 0;
    std::memcpy(&word, m_keys + term * kKeyBytes, sizeof word);
    return word & kKeyMask;
}

PostingList PostingSegment::postings(std::size_t term) const {
    const std::size_t start = term > 0 ? m_ends[term - 1] : 0;
    PostingList list{.begin = reinterpret_cast<const std::uint8_t*>(m_postings.data()) + start,
                     .end = reinterpret_cast<const std::uint8_t*>(m_postings.data()) + m_ends[term],
                     .nPostings = 0,
                     .nRows = nRows()};
    // The list begins with its length and kind.
    for (std::uint32_t shift = 0; list.begin < list.end && shift < 32; shift += 7) {
        const std::uint32_t byte = *list.begin++;
        list.nPostings |= (byte & 0x7Fu) << shift;
        if (byte < 0x80) break;
    }
    list.isDense = (list.nPostings & 1u) != 0;
    list.nPostings >>= 1u;
    if (list.isDense && static_cast<std::size_t>(list.end - list.begin) != denseBytes(nRows())) {
        return {};
    }
    return list;
}

PostingList PostingSegment::find(TermKey wanted) const {
    // Keys are hashes, so a key's share of the range is nearly its share of the array.
    std::size_t low = 0;
    std::size_t high = nTerms();
    for (int guesses = 0; guesses < 4 && low < high; ++guesses) {
        const TermKey first = key(low);
        const TermKey last = key(high - 1);
        if (wanted < first || wanted > last) return {};
        const double share =
            last > first ? static_cast<double>(wanted - first) / static_cast<double>(last - first)
                         : 0.0;
        const auto guess =
            low + static_cast<std::size_t>(share * static_cast<double>(high - 1 - low));
        const TermKey found = key(guess);
        if (found == wanted) return postings(guess);
        (found < wanted ? low : high) = found < wanted ? guess + 1 : guess;
    }
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        const TermKey found = key(middle);
        if (found == wanted) return postings(middle);
        (found < wanted ? low : high) = found < wanted ? middle + 1 : middle;
    }
    return {};
}

bool SegmentWriter::isDense(std::size_t nPostings) const {
    return nPostings * kDenseShare > m_nRows;
}

std::byte* SegmentWriter::room(std::size_t nBytes) {
    if (m_capacity - m_nWritten < nBytes) {
        m_capacity = std::max(2 * m_capacity, m_nWritten + nBytes);
        auto larger = std::make_unique_for_overwrite<std::byte[]>(m_capacity);
        std::copy_n(m_postings.get(), m_nWritten, larger.get());
        m_postings = std::move(larger);
    }
    return m_postings.get() + m_nWritten;
}

void SegmentWriter::keep(const std::byte* end) {
    m_nWritten = static_cast<std::size_t>(end - m_postings.get());
}

void SegmentWriter::endList(TermKey key) {
    CONCLAVE_CHECK(m_nWritten <= std::numeric_limits<std::uint32_t>::max());
    m_keys.push_back(key);
    m_ends.push_back(static_cast<std::uint32_t>(m_nWritten));
}

void SegmentWriter::add(TermKey key, std::span<const Posting> postings) {
    const auto fits = [](const Posting& posting) { return posting.count <= kLargestDenseCount; };
    if (isDense(postings.size()) && std::all_of(postings.begin(), postings.end(), fits)) {
        addDense(postings);
    } else {
        // Room for the longest numbers, so that writing them checks nothing.
        std::byte* to = room((1 + 2 * postings.size()) * kLongestNumber);
        to = putNumber(to, headOf(postings.size(), false));
        Row next = 0;
        for (const Posting& posting : postings) {
            to = putPosting(to, posting.row - next, posting.count);
            next = posting.row + 1;
        }
        keep(to);
    }
    m_lastRows.push_back(postings.empty() ? 0 : postings.back().row);
    endList(key);
}

void SegmentWriter::addDense(std::span<const Posting> postings) {
    std::byte* to = room(kLongestNumber + denseBytes(m_nRows));
    to = putNumber(to, headOf(postings.size(), true));
    std::fill_n(to, denseBytes(m_nRows), std::byte{0});
    for (const Posting& posting : postings) putDense(to, posting.row, posting.count);
    keep(to + denseBytes(m_nRows));
}

void SegmentWriter::join(TermKey key, std::span<const ShiftedList> lists) {
    std::size_t nPostings = 0;
    std::size_t nDense = 0;
    for (const ShiftedList& each : lists) {
        nPostings += each.list.nPostings;
        nDense += each.list.isDense ? 1 : 0;
    }
    if (isDense(nPostings) && nDense == lists.size()) {
        joinDense(lists, nPostings);
        return endList(key);
    }
    if (!isDense(nPostings) && nDense == 0 && joinSparse(lists, nPostings)) return endList(key);
    m_joined.clear();
    for (const ShiftedList& each : lists) {
        each.list.forEach([&](Row row, std::uint32_t count) {
            m_joined.push_back({each.firstRow + row, count});
        });
    }
    if (!m_joined.empty()) add(key, m_joined);
}

/// Only the distance to a list's first row changes. False, and nothing is written: the bytes of one
/// are damaged.
bool SegmentWriter::joinSparse(std::span<const ShiftedList> lists, std::size_t nPostings) {
    std::size_t nBytes = kLongestNumber;
    for (const ShiftedList& each : lists) {
        nBytes += kLongestNumber + static_cast<std::size_t>(each.list.end - each.list.begin);
    }
    std::byte* to = room(nBytes);
    to = putNumber(to, headOf(nPostings, false));
    Row next = 0;
    for (const ShiftedList& each : lists) {
        const std::optional<SparseRange> range = rangeOf(each.list, each.lastRow);
        if (!range) return false;
        const std::uint32_t distance = each.firstRow + (range->firstHead >> 1u) - next;
        to = putNumber(to, distance << 1u | (range->firstHead & 1u));
        const auto nRest = static_cast<std::size_t>(each.list.end - range->afterHead);
        std::memcpy(to, range->afterHead, nRest);
        to += nRest;
        next = each.firstRow + range->endRow;
    }
    keep(to);
    return true;
}

void SegmentWriter::joinDense(std::span<const ShiftedList> lists, std::size_t nPostings) {
    std::byte* to = room(kLongestNumber + denseBytes(m_nRows));
    to = putNumber(to, headOf(nPostings, true));
    std::fill_n(to, denseBytes(m_nRows), std::byte{0});
    for (const ShiftedList& each : lists) {
        each.list.forEach(
            [&](Row row, std::uint32_t count) { putDense(to, each.firstRow + row, count); });
    }
    keep(to + denseBytes(m_nRows));
}

std::shared_ptr<const PostingSegment> SegmentWriter::finish(
    std::span<const ChunkId> chunks, std::span<const std::uint32_t> lengths) {
    CONCLAVE_CHECK(chunks.size() == lengths.size() && chunks.size() == m_nRows);
    Header header;
    header.nRows = static_cast<std::uint32_t>(chunks.size());
    header.nTerms = static_cast<std::uint32_t>(m_ends.size());
    header.nPostingBytes = m_nWritten;
    const std::size_t nKeyBytes = paddedKeyBytes(m_keys.size());
    std::vector<std::byte> bytes;
    bytes.reserve(sizeof header + chunks.size_bytes() + nKeyBytes + lengths.size_bytes() +
                  m_ends.size() * sizeof(std::uint32_t) + m_nWritten);
    bytes.resize(sizeof header);
    append(bytes, chunks);
    bytes.resize(bytes.size() + nKeyBytes);
    std::byte* packed = bytes.data() + bytes.size() - nKeyBytes;
    for (const TermKey key : m_keys) {
        std::memcpy(packed, &key, kKeyBytes);
        packed += kKeyBytes;
    }
    append(bytes, lengths);
    append<std::uint32_t>(bytes, m_ends);
    append<std::byte>(bytes, {m_postings.get(), m_nWritten});
    header.checksum = checksumOf(std::span<const std::byte>(bytes).subspan(sizeof header));
    std::memcpy(bytes.data(), &header, sizeof header);
    std::shared_ptr<PostingSegment> segment(new PostingSegment(std::move(bytes)));
    CONCLAVE_CHECK(segment->readLayout().has_value());
    const bool areKnown = m_lastRows.size() == m_keys.size() && m_nRows <= kSoonMergedRows;
    if (areKnown) segment->m_lastRows = std::move(m_lastRows);
    *this = SegmentWriter(0);
    return segment;
}

std::shared_ptr<const PostingSegment> mergeSegments(std::span<const MergeInput> inputs) {
    struct Source {
        ChunkId chunk;
        std::uint32_t length;
        std::uint32_t input;
        Row row;
    };
    std::vector<Source> sources;
    for (std::uint32_t input = 0; input < inputs.size(); ++input) {
        const PostingSegment& segment = *inputs[input].segment;
        for (Row row = 0; row < segment.nRows(); ++row) {
            if (inputs[input].isAlive[row] == 0) continue;
            sources.push_back({segment.chunks()[row], segment.lengths()[row], input, row});
        }
    }
    const auto isBefore = [](const Source& a, const Source& b) { return a.chunk < b.chunk; };
    const bool areInOrder = std::is_sorted(sources.begin(), sources.end(), isBefore);
    if (!areInOrder) std::sort(sources.begin(), sources.end(), isBefore);
    constexpr Row kGone = std::numeric_limits<Row>::max();
    std::vector<std::vector<Row>> newRows;
    for (const MergeInput& input : inputs) newRows.emplace_back(input.segment->nRows(), kGone);
    std::vector<ChunkId> chunks;
    std::vector<std::uint32_t> lengths;
    for (const Source& source : sources) {
        newRows[source.input][source.row] = static_cast<Row>(chunks.size());
        chunks.push_back(source.chunk);
        lengths.push_back(source.length);
    }

    // As after reading a folder: all rows live, and those of one input follow those of another.
    const bool areWhole = areInOrder && std::all_of(inputs.begin(), inputs.end(), isWhole);
    std::vector<Row> firstRows;
    std::size_t nPostingBytes = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        firstRows.push_back(newRows[i].empty() ? 0 : newRows[i].front());
        nPostingBytes += inputs[i].segment->bytes().size();
    }

    SegmentWriter writer(chunks.size(), nPostingBytes);
    constexpr TermKey kNone = std::numeric_limits<TermKey>::max();
    std::vector<std::size_t> next(inputs.size(), 0);
    std::vector<TermKey> keys;  // the next ones
    const auto keyAt = [&](std::size_t i) {
        const PostingSegment& segment = *inputs[i].segment;
        return next[i] < segment.nTerms() ? segment.key(next[i]) : kNone;
    };
    for (std::size_t i = 0; i < inputs.size(); ++i) keys.push_back(keyAt(i));
    std::vector<Posting> postings;
    std::vector<ShiftedList> lists;
    while (true) {
        TermKey least = kNone;
        for (const TermKey key : keys) least = std::min(least, key);
        if (least == kNone) break;
        if (areWhole) {
            lists.clear();
            for (std::size_t i = 0; i < inputs.size(); ++i) {
                if (keys[i] != least) continue;
                const PostingSegment& segment = *inputs[i].segment;
                lists.push_back(
                    {segment.postings(next[i]), firstRows[i], segment.lastRow(next[i])});
                ++next[i];
                keys[i] = keyAt(i);
            }
            writer.join(least, lists);
            continue;
        }
        postings.clear();
        bool isSorted = true;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            if (keys[i] != least) continue;
            const PostingList list = inputs[i].segment->postings(next[i]++);
            keys[i] = keyAt(i);
            list.forEach([&](Row row, std::uint32_t count) {
                const Row newRow = newRows[i][row];
                if (newRow == kGone) return;
                isSorted = isSorted && (postings.empty() || postings.back().row < newRow);
                postings.push_back({newRow, count});
            });
        }
        if (postings.empty()) continue;
        if (!isSorted) {
            std::sort(postings.begin(), postings.end(),
                      [](const Posting& a, const Posting& b) { return a.row < b.row; });
        }
        writer.add(least, postings);
    }
    return writer.finish(chunks, lengths);
}

}  // namespace conclave::retrieval
