// Search in messages, with the snippet that shows why one was found.
#include <algorithm>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "storage/chat_store.h"
#include "storage/columns.h"
#include "storage/full_text.h"

namespace conclave::storage {
namespace {

constexpr std::size_t kSnippetBefore = 60;  // bytes of text kept before the first match
constexpr std::size_t kSnippetBytes = 240;  // in all
constexpr std::string_view kMatchBegin = "\uE000";
constexpr std::string_view kMatchEnd = "\uE001";
constexpr std::string_view kCut = "…";

struct Span {
    std::size_t start = 0;
    std::size_t end = 0;
};

/// What to look for.
struct Wanted {
    std::vector<std::string> terms;
    /// The last one may go on. Not a single character, which begins too much; nor one that
    /// overlaps the term before it, as in scripts without spaces, where each character and pair
    /// is a term and nothing needs to be completed.
    bool lastIsBeginning = false;

    [[nodiscard]] bool has(std::string_view term) const {
        return std::find(terms.begin(), terms.end(), term) != terms.end() ||
               (lastIsBeginning && term.starts_with(terms.back()));
    }
};

Wanted wantedOf(const Analyzer& analyzer, std::string_view query) {
    Wanted wanted;
    std::size_t lastEnd = 0;
    analyzer(query, [&](std::string_view term, std::size_t start, std::size_t end) {
        if (term.empty()) return;
        wanted.terms.emplace_back(term);
        wanted.lastIsBeginning = start >= lastEnd && countCodePoints(term) > 1;
        lastEnd = std::max(lastEnd, end);
    });
    return wanted;
}

bool isContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// The nearest character boundary at or after `position`.
std::size_t boundary(std::string_view text, std::size_t position) {
    while (position < text.size() && isContinuation(text[position])) ++position;
    return std::min(position, text.size());
}

/// Where `text` has what is wanted; in order, neighbours joined.
std::vector<Span> matches(const Analyzer& analyzer, std::string_view text, const Wanted& wanted) {
    std::vector<Span> spans;
    analyzer(text, [&](std::string_view term, std::size_t start, std::size_t end) {
        const bool found = wanted.has(term);
        if (found && start < end && end <= text.size()) spans.push_back({start, end});
    });
    std::sort(spans.begin(), spans.end(),
              [](const Span& a, const Span& b) { return a.start < b.start; });
    std::vector<Span> merged;
    for (const Span& span : spans) {
        if (!merged.empty() && span.start <= merged.back().end) {
            merged.back().end = std::max(merged.back().end, span.end);
        } else {
            merged.push_back(span);
        }
    }
    return merged;
}

std::string snippet(std::string_view text, const std::vector<Span>& spans) {
    const std::size_t first = spans.empty() ? 0 : spans.front().start;
    std::size_t begin = first > kSnippetBefore ? boundary(text, first - kSnippetBefore) : 0;
    // Not in the middle of a word, if one begins soon.
    if (begin > 0) {
        const std::size_t space = text.substr(begin, first - begin).find_first_of(" \n");
        if (space != std::string_view::npos) begin += space + 1;
    }
    std::size_t end =
        text.size() - begin > kSnippetBytes ? boundary(text, begin + kSnippetBytes) : text.size();
    if (!spans.empty()) end = std::max(end, spans.front().end);

    std::string result(begin > 0 ? kCut : "");
    std::size_t done = begin;
    for (const Span& span : spans) {
        if (span.end > end) break;
        result += text.substr(done, span.start - done);
        result += kMatchBegin;
        result += text.substr(span.start, span.end - span.start);
        result += kMatchEnd;
        done = span.end;
    }
    result += text.substr(done, end - done);
    if (end < text.size()) result += kCut;
    std::replace(result.begin(), result.end(), '\n', ' ');
    return result;
}

}  // namespace

Result<std::vector<MessageHit>> SqliteChatStore::searchMessages(std::string_view query, int limit) {
    using Hits = Result<std::vector<MessageHit>>;
    const Analyzer& analyzer = m_connections.analyzer();
    const Wanted wanted = wantedOf(analyzer, query);
    const std::string match = allOf(wanted.terms, wanted.lastIsBeginning);
    if (match.empty() || limit < 1) return std::vector<MessageHit>();
    return m_connections.read([&](Connection& db) -> Hits {
        std::vector<MessageHit> hits;
        const auto read = db.forEach(
            "SELECT m.chat_id, m.id, c.title, m.text, m.created, conclave_bm25(message_fts) AS "
            "score FROM message_fts JOIN message AS m ON m.id = message_fts.rowid "
            "JOIN chat AS c ON c.id = m.chat_id "
            "WHERE message_fts MATCH ?1 AND c.deleted IS NULL "
            "ORDER BY score DESC, m.id DESC LIMIT ?2",
            [&](const Statement& row) {
                const std::string_view text = row.view(3);
                hits.push_back({.chat = row.integer(0),
                                .message = row.integer(1),
                                .chatTitle = row.text(2),
                                .snippet = snippet(text, matches(analyzer, text, wanted)),
                                .created = timeOf(row.integer(4))});
            },
            match, limit);
        if (!read) return pass(read);
        return hits;
    });
}

}  // namespace conclave::storage
