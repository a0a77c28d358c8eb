// Comma-separated values (RFC 4180) with whatever separator and encoding they come in.
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "retrieval/extractor/encoding.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/table_text.h"

namespace conclave::retrieval::extractor {
namespace {

/// Reads record after record. A quote inside a field that does not begin with one is a character;
/// a quote that is never closed is one too, and from there on all are.
class CsvReader {
public:
    CsvReader(std::string_view text, char separator) : m_text(text), m_separator(separator) {}

    [[nodiscard]] bool isAtEnd() const { return m_at >= m_text.size(); }
    /// Fields of records that have more than kMostColumns.
    [[nodiscard]] std::size_t nLeftOut() const { return m_nLeftOut; }
    [[nodiscard]] bool hadOpenQuote() const { return !m_knowsQuotes; }

    /// The next record's fields; at least one.
    std::vector<std::string> next() {
        std::vector<std::string> fields;
        while (true) {
            std::string field = readField();
            if (fields.size() < kMostColumns) {
                fields.push_back(std::move(field));
            } else {
                ++m_nLeftOut;
            }
            if (isAtEnd()) return fields;
            const char c = m_text[m_at++];
            if (c == m_separator) continue;
            if (c == '\r' && !isAtEnd() && m_text[m_at] == '\n') ++m_at;
            return fields;
        }
    }

private:
    std::string readField() {
        std::string field;
        const std::size_t start = m_at;
        if (m_knowsQuotes && !isAtEnd() && m_text[m_at] == '"') {
            ++m_at;
            while (true) {
                const std::size_t quote = m_text.find('"', m_at);
                if (quote == std::string_view::npos) {
                    m_knowsQuotes = false;
                    m_at = start;
                    field.clear();
                    break;
                }
                field += m_text.substr(m_at, quote - m_at);
                m_at = quote + 1;
                if (isAtEnd() || m_text[m_at] != '"') break;
                field.push_back('"');
                ++m_at;
            }
        }
        const std::array<char, 3> ends{m_separator, '\n', '\r'};
        const std::size_t end = std::min(
            m_text.find_first_of(std::string_view(ends.data(), ends.size()), m_at), m_text.size());
        field += m_text.substr(m_at, end - m_at);
        m_at = end;
        return field;
    }

    std::string_view m_text;
    char m_separator;
    std::size_t m_at = 0;
    bool m_knowsQuotes = true;
    std::size_t m_nLeftOut = 0;
};

/// The one that cuts most of the first records into the same number of fields.
char findSeparator(std::string_view text, bool isTabbed) {
    constexpr std::size_t kSample = std::size_t{64} << 10;
    constexpr std::size_t kMostRecords = 200;
    const std::string_view sample = text.substr(0, kSample);
    char best = isTabbed ? '\t' : ',';
    double bestScore = 0.0;
    for (const char separator : {best, ',', ';', '\t', '|'}) {
        CsvReader reader(sample, separator);
        std::map<std::size_t, std::size_t> counts;
        std::size_t nRecords = 0;
        while (!reader.isAtEnd() && nRecords < kMostRecords) {
            const std::vector<std::string> fields = reader.next();
            // The last one may be cut off.
            if (reader.isAtEnd() && nRecords > 0 && sample.size() < text.size()) break;
            if (fields.size() == 1 && fields.front().empty()) continue;
            ++counts[fields.size()];
            ++nRecords;
        }
        for (const auto& [nFields, n] : counts) {
            if (nFields < 2) continue;
            // Steady records count for more than wide ones.
            const double share = static_cast<double>(n) / static_cast<double>(nRecords);
            const double score =
                share * share *
                (1.0 + 0.02 * static_cast<double>(std::min<std::size_t>(nFields, 20)));
            if (score > bestScore + 1e-9) {
                bestScore = score;
                best = separator;
            }
        }
    }
    return best;
}

/// False if the rows need more room than there is.
bool writeRows(std::string_view text, char separator, bool hasLabels, ExtractedDocument& document) {
    std::string page;
    TableText table(page, {.hasLabels = hasLabels, .mostBytes = kMostTextBytes});
    CsvReader reader(text, separator);
    for (std::size_t index = 0; !reader.isAtEnd() && !table.isTooLarge(); ++index) {
        std::vector<std::string> fields = reader.next();
        std::vector<Cell> cells;
        cells.reserve(fields.size());
        for (std::size_t column = 0; column < fields.size(); ++column) {
            const CellKind kind = guessKind(fields[column]);
            cells.push_back(
                {.column = column, .span = 1, .kind = kind, .text = std::move(fields[column])});
        }
        table.addRow(std::move(cells), index);
    }
    table.finish();
    if (table.isTooLarge()) return false;
    if (reader.nLeftOut() > 0) {
        document.warnings.push_back("left out " + std::to_string(reader.nLeftOut()) +
                                    " values behind the column " + std::to_string(kMostColumns));
    }
    if (reader.hadOpenQuote()) document.warnings.emplace_back("a quotation mark is never closed");
    document.pages.push_back({.number = 1, .text = std::move(page)});
    return true;
}

}  // namespace

Result<ExtractedDocument> parseCsv(const Source& source) {
    auto decoded = decodeText(source.bytes);
    if (!decoded) return tl::unexpected(decoded.error());
    const std::string extension = lowerExtension(source.fileName);
    const bool isTabbed = extension == ".tsv" || extension == ".tab";
    ExtractedDocument document;
    document.mime = isTabbed ? "text/tab-separated-values" : "text/csv";
    if (!decoded->isLossless) {
        document.warnings.push_back("some bytes are no characters of " + decoded->encoding);
    }
    std::string_view text = decoded->text;
    char separator = 0;
    if (text.starts_with("sep=") && text.size() > 5 && (text[5] == '\r' || text[5] == '\n')) {
        separator = text[4];  // a line for Excel
        text.remove_prefix(6);
    } else {
        separator = findSeparator(text, isTabbed);
    }
    if (writeRows(text, separator, true, document)) return document;
    if (!writeRows(text, separator, false, document)) {
        return fail(ErrorCode::LimitExceeded, "the table holds more than 64 MiB of text");
    }
    document.warnings.emplace_back("the table is too large to name the column of each value");
    return document;
}

}  // namespace conclave::retrieval::extractor
