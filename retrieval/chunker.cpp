#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/utf8.h"
#include "retrieval/characters.h"
#include "retrieval/furniture.h"
#include "retrieval/retrieval.h"
#include "retrieval/sentences.h"

namespace conclave::retrieval {
namespace {

constexpr std::string_view kPathSeparator = " > ";

/// Characters of a text, and how many of them count for "mostly CJK".
struct TextSize {
    std::size_t nCharacters = 0;
    std::size_t nCjk = 0;
    std::size_t nVisible = 0;

    TextSize operator+(const TextSize& other) const {
        return {nCharacters + other.nCharacters, nCjk + other.nCjk, nVisible + other.nVisible};
    }
    [[nodiscard]] std::size_t limit(const ChunkOptions& options) const {
        const std::size_t wanted =
            2 * nCjk > nVisible ? options.maxCjkCharacters : options.maxCharacters;
        return std::max<std::size_t>(wanted, 1);
    }
    [[nodiscard]] bool fits(const ChunkOptions& options) const {
        return nCharacters <= limit(options);
    }
};

/// White space among eight bytes of ASCII.
std::size_t nSpacesAmong(std::uint64_t bytes) {
    constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
    // In a byte below 0x80 no step carries into the next one.
    const std::uint64_t notSpace = (bytes ^ ' ' * kOnes) + 0x7F * kOnes;
    const std::uint64_t fromTab = bytes + (0x80 - '\t') * kOnes;
    const std::uint64_t afterReturn = bytes + (0x80 - ('\r' + 1)) * kOnes;
    const std::uint64_t found = ~notSpace | (fromTab & ~afterReturn);  // in the highest bits
    return static_cast<std::size_t>(((found >> 7U) & kOnes) * kOnes >> 56U);
}

TextSize measure(std::string_view text) {
    constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;
    TextSize size;
    for (std::size_t i = 0; i < text.size();) {
        std::uint64_t bytes = kHighBits;
        if (text.size() - i >= sizeof bytes) std::memcpy(&bytes, text.data() + i, sizeof bytes);
        if ((bytes & kHighBits) == 0) {
            const std::size_t nSpaces = nSpacesAmong(bytes);
            size.nCharacters += sizeof bytes;
            size.nVisible += sizeof bytes - nSpaces;
            i += sizeof bytes;
            continue;
        }
        char32_t c = nextCodePoint(text, i);
        std::size_t nIdeographs = 0;
        for (; isIdeograph(c) && i < text.size(); c = nextCodePoint(text, i)) ++nIdeographs;
        size = size + TextSize{nIdeographs, nIdeographs, nIdeographs};
        ++size.nCharacters;
        if (isSpace(c)) continue;
        ++size.nVisible;
        if (isCjk(c)) ++size.nCjk;
    }
    return size;
}

/// What the kind of a document says about its structure.
struct Traits {
    bool isMarkdown = false;
    bool isTable = false;          ///< every line is a row
    bool isCode = false;           ///< every line stands alone
    bool pagesStandAlone = false;  ///< a page's headings say nothing about the next one
};

Traits traitsOf(std::string_view mime) {
    const auto has = [mime](std::string_view part) {
        return mime.find(part) != std::string_view::npos;
    };
    Traits traits;
    traits.isMarkdown = mime == "text/markdown";
    traits.isTable =
        mime == "text/csv" || mime == "text/tab-separated-values" || has("spreadsheet");
    traits.isCode = mime.starts_with("text/x-") && mime != "text/x-rst";
    traits.pagesStandAlone = has("spreadsheet") || has("presentation") ||
                             mime == "message/rfc822" || mime == "application/mbox";
    return traits;
}

struct Range {
    std::size_t start = 0;
    std::size_t end = 0;
};

/// A paragraph, list item or table row: the smallest thing that is kept whole where it fits.
struct Block {
    Range range;  ///< without white space at its ends
    TextSize size;
    bool isContents = false;  ///< a line of a table of contents
};

struct Page {
    const ExtractedPage& source;
    std::vector<TextSpan> contents{};  ///< lines of a table of contents
};

/// A stretch of one page under one heading.
struct Section {
    Range range;
    std::size_t bodyStart = 0;  ///< end of its heading; range.start if it has none
    std::string heading;
};

Range trim(std::string_view text, Range range) {
    while (range.start < range.end) {
        std::size_t after = range.start;
        if (!isSpace(nextCodePoint(text, after))) break;
        range.start = after;
    }
    while (range.end > range.start) {
        std::size_t last = range.end - 1;
        while (last > range.start && (static_cast<unsigned char>(text[last]) & 0xC0u) == 0x80u) {
            --last;
        }
        std::size_t after = last;
        if (!isSpace(nextCodePoint(text, after))) break;
        range.end = last;
    }
    return range;
}

bool startsListItem(std::string_view line) {
    std::size_t i = line.find_first_not_of(" \t");
    if (i == std::string_view::npos) return false;
    const std::string_view rest = line.substr(i);
    if (rest[0] == '-' || rest[0] == '*' || rest[0] == '+') {
        return rest.size() > 1 && (rest[1] == ' ' || rest[1] == '\t');
    }
    if (rest.starts_with("•") || rest.starts_with("·") || rest.starts_with("◦")) return true;
    std::size_t digits = 0;
    while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9') ++digits;
    return digits > 0 && digits <= 3 && digits + 1 < rest.size() &&
           (rest[digits] == '.' || rest[digits] == ')') && rest[digits + 1] == ' ';
}

bool isTableRow(std::string_view line) {
    return line.find('|') != std::string_view::npos || line.find('\t') != std::string_view::npos;
}

/// Blocks of a section: paragraphs end at empty lines, list items and table rows at their line.
std::vector<Block> splitBlocks(const Page& page, Range section, const Traits& traits) {
    const std::string_view text = page.source.text;
    std::vector<Block> blocks;
    Range open{section.start, section.start};
    bool openIsRow = false;
    bool openIsContents = false;
    const auto close = [&] {
        const Range range = trim(text, open);
        if (range.end > range.start) {
            blocks.push_back({range, measure(text.substr(range.start, range.end - range.start)),
                              openIsContents});
        }
    };
    const auto isContents = [&](std::size_t lineStart) {
        const auto line =
            std::lower_bound(page.contents.begin(), page.contents.end(), lineStart,
                             [](const TextSpan& a, std::size_t b) { return a.startByte < b; });
        return line != page.contents.end() && line->startByte == lineStart;
    };
    for (std::size_t lineStart = section.start; lineStart < section.end;) {
        std::size_t lineEnd = text.find('\n', lineStart);
        lineEnd =
            lineEnd == std::string_view::npos || lineEnd >= section.end ? section.end : lineEnd + 1;
        const std::string_view line = text.substr(lineStart, lineEnd - lineStart);
        const Range words = trim(text, {lineStart, lineEnd});
        const bool isBlank = words.start >= words.end;
        const bool ofContents = !isBlank && isContents(lineStart);
        const bool isRow =
            !isBlank && (traits.isTable || traits.isCode || ofContents || isTableRow(line));
        if (isBlank || isRow || openIsRow || startsListItem(line)) {
            close();
            open.start = lineStart;
        }
        open.end = lineEnd;
        openIsRow = isRow;
        openIsContents = ofContents;
        lineStart = lineEnd;
    }
    close();
    return blocks;
}

/// Gathers blocks into chunks of one section.
class SectionChunker {
public:
    SectionChunker(const Page& page, const Section& section, const Traits& traits,
                   const ChunkOptions& options, std::vector<ChunkSpan>& chunks)
        : m_text(page.source.text),
          m_page(page),
          m_section(section),
          m_traits(traits),
          m_options(options),
          m_chunks(chunks) {}

    void run() {
        for (const Block& block : splitBlocks(m_page, m_section.range, m_traits)) add(block);
        finish();
    }

private:
    void add(const Block& block) {
        Block next = block;
        if (m_open) {
            const Range gap{m_open->range.end, block.range.start};
            next = {{m_open->range.start, block.range.end},
                    m_open->size + sizeOf(gap) + block.size,
                    m_open->isContents || block.isContents};
            // A heading is nothing without its text, so those two stay together in any case.
            const bool isHeading = m_open->range.end <= m_section.bodyStart;
            if (!isHeading && (!next.size.fits(m_options) || endsContents(block))) {
                finish();
                next = block;
            }
        }
        if (next.size.fits(m_options)) {
            m_open = next;
        } else {
            m_open.reset();
            split(next);
        }
    }

    /// A table of contents weighs little, so that no other text may share its chunk, but for the
    /// words above it.
    [[nodiscard]] bool endsContents(const Block& block) const {
        constexpr std::size_t kLongestTitle = 120;  // characters
        if (m_open->isContents == block.isContents) return false;
        return m_open->isContents || m_open->size.nCharacters > kLongestTitle;
    }

    void finish() {
        if (m_open) emit(m_open->range);
        m_open.reset();
    }

    [[nodiscard]] std::string_view slice(Range range) const {
        return m_text.substr(range.start, range.end - range.start);
    }
    [[nodiscard]] TextSize sizeOf(Range range) const { return measure(slice(range)); }

    void emit(Range range) {
        range = trim(m_text, range);
        if (range.end <= range.start) return;
        m_chunks.push_back({.page = m_page.source.number,
                            .startByte = range.start,
                            .endByte = range.end,
                            .heading = m_section.heading});
    }

    /// Cuts at sentences into pieces of about equal size. A piece begins with the last sentence of
    /// the one before it if that is short, so that "it" and "they" keep their meaning.
    void split(const Block& block) {
        const std::size_t limit = block.size.limit(m_options);
        const std::size_t nPieces = (block.size.nCharacters + limit - 1) / limit;
        const std::size_t target = (block.size.nCharacters + nPieces - 1) / nPieces;
        Range piece{block.range.start, block.range.start};
        TextSize size;
        Range last{};  // the sentence added last, a candidate for overlap
        std::vector<Range> waiting = sentences(block.range);
        std::reverse(waiting.begin(), waiting.end());
        while (!waiting.empty()) {
            Range sentence = waiting.back();
            waiting.pop_back();
            TextSize added = sizeOf(sentence);
            const bool isHeading =
                piece.end > piece.start && trim(m_text, piece).end <= m_section.bodyStart;
            if (isHeading && !(size + added).fits(m_options) && size.nCharacters < limit / 2) {
                // The words that are left beside the heading's.
                const Range whole = sentence;
                sentence.end = cutBefore(
                    whole, shortestLimit() - std::min(size.nCharacters, shortestLimit() - 1));
                added = sizeOf(sentence);
                if (sentence.end < whole.end) waiting.push_back({sentence.end, whole.end});
            }
            const bool isFull = size.nCharacters >= target || !(size + added).fits(m_options);
            if (piece.end > piece.start && isFull) {
                emit(piece);
                const TextSize overlap = sizeOf(last);
                const bool keeps = last.start > piece.start &&
                                   overlap.nCharacters * kOverlapShare <= limit &&
                                   (overlap + added).fits(m_options);
                piece = {keeps ? last.start : sentence.start, sentence.start};
                size = keeps ? overlap : TextSize{};
            }
            piece.end = sentence.end;
            size = size + added;
            last = sentence;
        }
        emit(piece);
    }

    /// Sentences of the range, those that are too long themselves cut at clauses or words.
    [[nodiscard]] std::vector<Range> sentences(Range range) const {
        std::vector<Range> found;
        std::size_t start = range.start;
        for (const std::size_t end : sentenceEnds(slice(range))) {
            Range rest{start, range.start + end};
            start = rest.end;
            while (!fits(rest)) {
                Range piece{rest.start, cutBefore(rest, m_options.maxCharacters)};
                if (!fits(piece)) piece.end = cutBefore(rest, m_options.maxCjkCharacters);
                found.push_back(piece);
                rest.start = piece.end;
            }
            if (rest.end > rest.start) found.push_back(rest);
        }
        return found;
    }

    /// What fits whatever the text is made of.
    [[nodiscard]] std::size_t shortestLimit() const {
        return std::max<std::size_t>(std::min(m_options.maxCharacters, m_options.maxCjkCharacters),
                                     1);
    }

    [[nodiscard]] std::size_t cutBefore(Range range, std::size_t nCharacters) const {
        const std::string_view text = slice(range);
        const std::size_t limit = byteOffsetOf(text, std::max<std::size_t>(nCharacters, 1));
        if (m_traits.isTable) {
            // A wide row is cut between two of its cells.
            constexpr std::string_view kBetweenCells = " | ";
            const std::size_t cell = text.substr(0, limit).rfind(kBetweenCells);
            if (cell != std::string_view::npos && cell >= limit / 2) {
                return range.start + cell + kBetweenCells.size();
            }
        }
        return range.start + bestCut(text, limit);
    }

    /// Measures no more than it must: a text without sentence ends is asked this for every piece.
    [[nodiscard]] bool fits(Range range) const {
        const std::size_t most = std::max(m_options.maxCharacters, m_options.maxCjkCharacters);
        const std::string_view text = slice(range);
        if (text.size() <= shortestLimit()) return true;
        const std::string_view beginning = text.substr(0, byteOffsetOf(text, most + 1));
        return beginning.size() == text.size() && measure(text).fits(m_options);
    }

    /// An overlap is at most this part of the limit.
    static constexpr std::size_t kOverlapShare = 5;

    std::string_view m_text;
    const Page& m_page;
    const Section& m_section;
    const Traits& m_traits;
    const ChunkOptions& m_options;
    std::vector<ChunkSpan>& m_chunks;
    std::optional<Block> m_open;
};

/// A heading's words on one line; Markdown's emphasis marks are no part of them.
std::string headingText(std::string_view text, bool isMarkdown) {
    constexpr std::size_t kLongest = 120;  // code points
    std::string line;
    std::size_t nCharacters = 0;
    bool pendingSpace = false;
    for (std::size_t i = 0; i < text.size() && nCharacters < kLongest;) {
        const char32_t c = nextCodePoint(text, i);
        if (isSpace(c)) {
            pendingSpace = !line.empty();
            continue;
        }
        if (isMarkdown && (c == U'*' || c == U'`')) continue;
        if (pendingSpace) {
            line.push_back(' ');
            ++nCharacters;
        }
        pendingSpace = false;
        appendUtf8(line, c);
        ++nCharacters;
    }
    return line;
}

/// Follows the headings through the document and cuts pages into sections.
class SectionSplitter {
public:
    SectionSplitter(const ExtractedDocument& document, const Traits& traits)
        : m_document(document), m_traits(traits) {
        for (const Heading& heading : document.headings) {
            m_headings[heading.page].push_back(heading);
        }
    }

    /// Sections of the next page's body; to be called page by page.
    [[nodiscard]] std::vector<Section> split(const ExtractedPage& page, TextSpan pageBody) {
        std::vector<Section> sections;
        if (m_traits.pagesStandAlone) m_path.clear();
        Section open{{pageBody.startByte, pageBody.startByte}, pageBody.startByte, path()};
        std::size_t bodyFrom = pageBody.startByte;  // where the text after the last heading begins
        const auto own = m_headings.find(page.number);
        for (const Heading& heading : own != m_headings.end()
                                          ? std::span<const Heading>(own->second)
                                          : std::span<const Heading>()) {
            if (!isSane(heading, page.text)) continue;
            std::size_t lineStart = lineStartOf(page.text, heading.startByte);
            if (m_traits.isCode) lineStart = withComment(page.text, lineStart, bodyFrom);
            if (lineStart < bodyFrom) continue;
            const Range body = trim(page.text, {bodyFrom, lineStart});
            const bool opensWithHeadings = bodyFrom > open.range.start;
            const bool isBare = opensWithHeadings && isUnderline(page.text, body);
            // A heading without text of its own goes with what follows. A line of code is its own.
            const bool isSubsection = !m_path.empty() && heading.level > m_path.back().level;
            const bool isLabel = !m_traits.isCode && sections.empty() && !opensWithHeadings &&
                                 isLabelLine(page.text.substr(body.start, body.end - body.start));
            if (!isLabel && (!isBare || (m_traits.isCode && !isSubsection))) {
                open.range.end = lineStart;
                sections.push_back(open);
                open.range.start = lineStart;
            }
            enter(heading, page.text);
            open.heading = path();
            bodyFrom = heading.endByte;
            open.bodyStart = bodyFrom;
        }
        open.range.end = std::max(pageBody.endByte, open.range.start);
        sections.push_back(open);
        return sections;
    }

private:
    struct Level {
        int level = 1;
        std::string text;
    };

    static bool isSane(const Heading& heading, std::string_view text) {
        return heading.startByte < heading.endByte && heading.endByte <= text.size() &&
               isBoundary(text, heading.startByte) && isBoundary(text, heading.endByte);
    }
    /// True for nothing at all and for the line that Markdown draws below a heading.
    static bool isUnderline(std::string_view text, Range body) {
        return body.end <= body.start ||
               text.substr(body.start, body.end - body.start).find_first_not_of("=-") ==
                   std::string_view::npos;
    }
    /// A short line above a page's first heading that ends no sentence: "Chapter 7", or a running
    /// head that few pages share. Alone it would be the best match for each of its words.
    static bool isLabelLine(std::string_view text) {
        constexpr std::size_t kLongest = 120;  // bytes
        constexpr std::string_view kSentenceEnds = ".!?:;";
        return !text.empty() && text.size() <= kLongest &&
               text.find('\n') == std::string_view::npos &&
               kSentenceEnds.find(text.back()) == std::string_view::npos && !text.ends_with("。") &&
               !text.ends_with("！") && !text.ends_with("？");
    }
    static bool isBoundary(std::string_view text, std::size_t at) {
        return at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0u) != 0x80u;
    }
    static std::size_t lineStartOf(std::string_view text, std::size_t at) {
        if (at == 0) return 0;
        const std::size_t newline = text.rfind('\n', at - 1);
        return newline == std::string_view::npos ? 0 : newline + 1;
    }

    /// Where the comment, decorator or template line right above a definition begins.
    static std::size_t withComment(std::string_view text, std::size_t lineStart,
                                   std::size_t limit) {
        constexpr auto kBegins = std::to_array<std::string_view>(
            {"//", "/*", "*", "#", "--", "@", "[", "template", ";;", "%", "\"\"\""});
        while (lineStart > limit) {
            const std::size_t above = std::max(lineStartOf(text, lineStart - 1), limit);
            const std::string_view line = text.substr(above, lineStart - above);
            const std::size_t first = line.find_first_not_of(" \t\r\n");
            if (first == std::string_view::npos) break;
            const bool belongs = std::any_of(
                kBegins.begin(), kBegins.end(),
                [&](std::string_view begin) { return line.substr(first).starts_with(begin); });
            if (!belongs) break;
            lineStart = above;
        }
        return lineStart;
    }

    void enter(const Heading& heading, std::string_view text) {
        while (!m_path.empty() && m_path.back().level >= heading.level) m_path.pop_back();
        m_path.push_back(
            {heading.level,
             headingText(text.substr(heading.startByte, heading.endByte - heading.startByte),
                         m_traits.isMarkdown)});
    }

    [[nodiscard]] std::string path() const {
        std::string joined = titleInHeading(m_document.title);
        for (const Level& level : m_path) {
            if (level.text.empty() || level.text == joined) continue;
            if (!joined.empty()) joined += kPathSeparator;
            joined += level.text;
        }
        return joined;
    }

    const ExtractedDocument& m_document;
    const Traits& m_traits;
    std::unordered_map<int, std::vector<Heading>> m_headings;  ///< by page
    std::vector<Level> m_path;
};

/// True for a heading at a page's foot whose text is on the next page: the chunks there name it.
bool isLeftToNext(std::string_view text, const Section& last, std::string_view nextText,
                  const std::vector<Section>& next) {
    const auto isFilled = [](std::string_view of, Range range) {
        const Range words = trim(of, range);
        return words.start < words.end;
    };
    const bool isHeading =
        last.bodyStart > last.range.start && !isFilled(text, {last.bodyStart, last.range.end});
    if (!isHeading) return false;
    const auto first = std::find_if(next.begin(), next.end(), [&](const Section& section) {
        return isFilled(nextText, section.range);
    });
    return first != next.end() &&
           (first->heading == last.heading ||
            first->heading.starts_with(last.heading + std::string(kPathSeparator)));
}

}  // namespace

std::string titleInHeading(std::string_view title) { return headingText(title, false); }

std::vector<ChunkSpan> chunkDocument(const ExtractedDocument& document,
                                     const ChunkOptions& options) {
    std::vector<ChunkSpan> chunks;
    const Traits traits = traitsOf(document.mime);
    const bool isProse = !traits.isTable && !traits.isCode && !traits.pagesStandAlone;
    const std::vector<TextSpan> bodies = isProse ? pageBodies(document) : std::vector<TextSpan>();
    SectionSplitter splitter(document, traits);
    const auto sectionsOf = [&](std::size_t i) {
        if (i >= document.pages.size()) return std::vector<Section>();
        const ExtractedPage& page = document.pages[i];
        return splitter.split(page, isProse ? bodies[i] : TextSpan{0, page.text.size()});
    };
    std::vector<Section> sections = sectionsOf(0);
    for (std::size_t i = 0; i < document.pages.size(); ++i) {
        std::vector<Section> next = sectionsOf(i + 1);
        Page page{document.pages[i]};
        if (isProse) page.contents = contentsLines(page.source.text);
        if (isProse && i + 1 < document.pages.size() &&
            isLeftToNext(page.source.text, sections.back(), document.pages[i + 1].text, next)) {
            sections.pop_back();
        }
        for (const Section& section : sections) {
            SectionChunker(page, section, traits, options, chunks).run();
        }
        sections = std::move(next);
    }
    return chunks;
}

}  // namespace conclave::retrieval
