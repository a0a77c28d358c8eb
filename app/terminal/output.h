// output.h: results as the terminal program prints them. Positions in JSON count code points of the
// page's text.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "app/services/services.h"

namespace conclave::terminal {

/// Turns byte positions in pages of documents into code points.
class Positions {
public:
    explicit Positions(services::Services& services) : m_services(services) {}

    /// {start, end} in code points; the bytes themselves if the document is gone.
    [[nodiscard]] std::pair<std::size_t, std::size_t> codePoints(
        std::optional<services::DocumentId> document, int page, std::size_t startByte,
        std::size_t endByte);

private:
    const std::vector<services::Page>& pagesOf(services::DocumentId document);

    services::Services& m_services;
    std::map<services::DocumentId, std::vector<services::Page>> m_pages;
};

/// Prints one JSON document with a line end; text that is no UTF-8 is repaired.
void printJson(const nlohmann::json& json);

/// The answer as `conclave ask --json` prints it.
[[nodiscard]] nlohmann::json answerToJson(const services::Message& answer, Positions& positions);

[[nodiscard]] nlohmann::json hitToJson(const services::SearchHit& hit, Positions& positions);

[[nodiscard]] nlohmann::json reportToJson(const services::IndexReport& report);

/// What to know of a hit before it is believed.
[[nodiscard]] std::vector<std::string> warningsOf(const services::SearchHit& hit);

/// "[1] Travel policy, page 2: “…”" for each citation of an answer, on stdout; then, on stderr,
/// what to know of its sources before they are believed.
void printCitations(const services::Message& answer);

/// One passage of an answer in full.
void printPassage(const services::StoredPassage& passage);

/// With one digit after the point.
[[nodiscard]] std::string rounded(double value);

/// A text on one line, cut after `nCharacters`.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t nCharacters);

}  // namespace conclave::terminal
