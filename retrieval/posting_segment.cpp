#include "retrieval/posting_segment.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
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
constexpr TermKey kKeyMask = (TermKey{1} << kTermKeyBits) - 1;

struct Header {
    std::uint32_t magic = kMagic;
    std::uint32_t version = kFormatVersion;
    std::uint64_t checksum = 0;  ///< of all that follows the header
    std::uint32_t nRows = 0;
    std::uint32_t nTerms = 0;
    std::uint64_t nPostingBytes = 0;
};

constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15ULL;  // 2^64 over the golden ratio

std::uint64_t mixed(std::uint64_t value) {
    value ^= value >> 32u;
    value *= kMultiplier;
    value ^= value >> 29u;
    return value;
}

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
        sum = (std::rotl(sum, 23) ^ word) * kMultiplier;
    }
    for (; i < bytes.size(); ++i) {
        sum = (std::rotl(sum, 23) ^ std::to_integer<std::uint64_t>(bytes[i])) * kMultiplier;
    }
    return mixed(sum);
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
    std::uint64_t hash = term.size() * kMultiplier;
    std::size_t i = 0;
    for (; i + sizeof(std::uint64_t) <= term.size(); i += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, term.data() + i, sizeof word);
        hash = mixed((hash ^ word) * kMultiplier);
    }
    const std::uint64_t rest = fewerThanEight(term.substr(i));
    return mixed((hash ^ rest) * kMultiplier);
}

Result<std::shared_ptr<const PostingSegment>> PostingSegment::fromBytes(
    std::vector<std::byte> bytes) {
    std::shared_ptr<PostingSegment> segment(new PostingSegment(std::move(bytes)));
    if (auto read = segment->readLayout(); !read) return tl::unexpected(read.error());
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
    if (checksumOf(rest) != header.checksum) return tl::unexpected(damaged());
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

void SegmentWriter::add(TermKey key, std::span<const Posting> postings) {
    const auto keyBytes = std::as_bytes(std::span(&key, 1)).first(kKeyBytes);
    m_keys.insert(m_keys.end(), keyBytes.begin(), keyBytes.end());
    const bool isDense = postings.size() * kDenseShare > m_nRows &&
                         std::all_of(postings.begin(), postings.end(), [](const Posting& posting) {
                             return posting.count <= kLargestDenseCount;
                         });
    // Room for the longest numbers first, so that writing them checks nothing.
    const std::size_t start = m_postings.size();
    const std::size_t nNumbers = isDense ? 1 : 1 + 2 * postings.size();
    m_postings.resize(start + nNumbers * kLongestNumber);
    std::byte* to = m_postings.data() + start;
    to = putNumber(to, static_cast<std::uint32_t>(postings.size()) << 1u | (isDense ? 1 : 0));
    if (!isDense) {
        Row next = 0;
        for (const Posting& posting : postings) {
            const std::uint32_t hasCount = posting.count != 1 ? 1 : 0;
            to = putNumber(to, (posting.row - next) << 1u | hasCount);
            if (hasCount != 0) to = putNumber(to, posting.count);
            next = posting.row + 1;
        }
    }
    m_postings.resize(static_cast<std::size_t>(to - m_postings.data()));
    if (isDense) addDense(postings);
    CONCLAVE_CHECK(m_postings.size() <= std::numeric_limits<std::uint32_t>::max());
    m_ends.push_back(static_cast<std::uint32_t>(m_postings.size()));
}

void SegmentWriter::addDense(std::span<const Posting> postings) {
    const std::size_t start = m_postings.size();
    m_postings.resize(start + denseBytes(m_nRows));
    for (const Posting& posting : postings) {
        m_postings[start + posting.row / 2] |=
            static_cast<std::byte>(posting.count << (posting.row % 2 * 4));
    }
}

std::shared_ptr<const PostingSegment> SegmentWriter::finish(
    std::span<const ChunkId> chunks, std::span<const std::uint32_t> lengths) {
    CONCLAVE_CHECK(chunks.size() == lengths.size() && chunks.size() == m_nRows);
    Header header;
    header.nRows = static_cast<std::uint32_t>(chunks.size());
    header.nTerms = static_cast<std::uint32_t>(m_ends.size());
    header.nPostingBytes = m_postings.size();
    m_keys.resize(paddedKeyBytes(m_ends.size()));
    std::vector<std::byte> bytes;
    bytes.reserve(sizeof header + chunks.size_bytes() + m_keys.size() + lengths.size_bytes() +
                  m_ends.size() * sizeof(std::uint32_t) + m_postings.size());
    bytes.resize(sizeof header);
    append(bytes, chunks);
    append<std::byte>(bytes, m_keys);
    append(bytes, lengths);
    append<std::uint32_t>(bytes, m_ends);
    append<std::byte>(bytes, m_postings);
    header.checksum = checksumOf(std::span<const std::byte>(bytes).subspan(sizeof header));
    std::memcpy(bytes.data(), &header, sizeof header);
    *this = SegmentWriter(0);
    std::shared_ptr<PostingSegment> segment(new PostingSegment(std::move(bytes)));
    CONCLAVE_CHECK(segment->readLayout().has_value());
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
    std::sort(sources.begin(), sources.end(),
              [](const Source& a, const Source& b) { return a.chunk < b.chunk; });
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

    SegmentWriter writer(chunks.size());
    constexpr TermKey kNone = std::numeric_limits<TermKey>::max();
    std::vector<std::size_t> next(inputs.size(), 0);
    std::vector<TermKey> keys;  // the next ones
    const auto keyAt = [&](std::size_t i) {
        const PostingSegment& segment = *inputs[i].segment;
        return next[i] < segment.nTerms() ? segment.key(next[i]) : kNone;
    };
    for (std::size_t i = 0; i < inputs.size(); ++i) keys.push_back(keyAt(i));
    std::vector<Posting> postings;
    while (true) {
        TermKey least = kNone;
        for (const TermKey key : keys) least = std::min(least, key);
        if (least == kNone) break;
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
