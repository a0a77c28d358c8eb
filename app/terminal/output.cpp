#include "app/terminal/output.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <utility>
#include <vector>

#include "app/terminal/console.h"
#include "base/utf8.h"
#include "base/visible_text.h"

namespace conclave::terminal {
namespace {

/// Where a passage is, as "file" or, where pages mean something, "file:page".
std::string placeOf(const services::StoredPassage& passage) {
    const bool hasPages = passage.page > 1 || passage.path.ends_with(".pdf");
    const std::string path = visibleLine(passage.path);
    return hasPages ? path + ":" + std::to_string(passage.page) : path;
}

/// "[3] "
std::string numbered(int number) {
    std::string mark = "[";
    return mark.append(std::to_string(number)).append("] ");
}

const services::StoredPassage* passageOf(const services::AnswerDetails& details, int number) {
    const auto found = std::find_if(details.passages.begin(), details.passages.end(),
                                    [&](const auto& each) { return each.number == number; });
    return found != details.passages.end() ? &*found : nullptr;
}

/// "[2] lease.txt: it gives …"
std::string warningLine(const services::StoredPassage& passage, services::SourceWarning warning) {
    return numbered(passage.number) + placeOf(passage) + ": " + services::inWords(warning);
}

nlohmann::json passageToJson(const services::StoredPassage& passage, Positions& positions) {
    const auto [start, end] =
        positions.codePoints(passage.document, passage.page, passage.startByte, passage.endByte);
    return {{"n", passage.number},
            {"document", passage.path},
            {"title", passage.title},
            {"heading", passage.heading},
            {"page", passage.page},
            {"start", start},
            {"end", end},
            {"score", passage.score},
            {"text", passage.text}};
}

nlohmann::json citationToJson(const services::StoredCitation& citation,
                              const services::AnswerDetails& details, Positions& positions) {
    nlohmann::json json = {{"n", citation.passage},
                           {"document", nullptr},
                           {"page", nullptr},
                           {"start", 0},
                           {"end", 0},
                           {"quote", citation.quote},
                           {"supported", citation.supported}};
    if (const services::StoredPassage* passage = passageOf(details, citation.passage)) {
        const auto [start, end] = positions.codePoints(passage->document, passage->page,
                                                       citation.quoteStart, citation.quoteEnd);
        json["document"] = passage->path;
        json["page"] = passage->page;
        json["start"] = start;
        json["end"] = end;
    }
    return json;
}

void noteWarnings(const services::Message& answer) {
    if (!answer.details) return;
    const auto& citations = answer.details->citations;
    for (const services::StoredPassage& passage : answer.details->passages) {
        const bool isCited = std::any_of(
            citations.begin(), citations.end(),
            [&](const services::StoredCitation& each) { return each.passage == passage.number; });
        for (const services::SourceWarning warning :
             services::warningsOf(*answer.details, passage)) {
            // An order may have had its effect unseen; how a file is matters where it is cited.
            if (!isCited && warning != services::SourceWarning::Orders) continue;
            note("warning: " + warningLine(passage, warning));
        }
    }
}

void printSources(const services::Message& answer) {
    if (!answer.details) return;
    constexpr std::size_t kQuoteLength = 100;
    // Of a follow-up it has the words of an earlier message, which may be a page.
    if (const std::string query = services::searchedFor(*answer.details); !query.empty()) {
        note("(looked up: " + shortened(query, kQuoteLength) + ")");
    }
    if (answer.details->citations.empty()) return;
    // An answer that only lists passages has shown their text already.
    const bool isListOfPassages = services::listsPassages(*answer.details) ||
                                  answer.details->finishReason == services::kSurveyReason;
    // A source may be cited after every sentence, and a list may have several passages of a file:
    // each line is printed once, with all the numbers that it stands for.
    std::vector<std::pair<std::string, std::vector<int>>> lines;
    const auto add = [&](int number, const std::string& line) {
        auto found = std::find_if(lines.begin(), lines.end(),
                                  [&](const auto& each) { return each.first == line; });
        if (found == lines.end()) found = lines.insert(lines.end(), {line, {}});
        std::vector<int>& numbers = found->second;
        if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) {
            numbers.push_back(number);
        }
    };
    for (const services::StoredCitation& citation : answer.details->citations) {
        const services::StoredPassage* passage = passageOf(*answer.details, citation.passage);
        if (passage == nullptr) {
            add(citation.passage, "there is no such source");
            continue;
        }
        std::string line = placeOf(*passage);
        if (!citation.supported) {
            line += "  NOT SUPPORTED by this source";
        } else if (!isListOfPassages) {
            line += "  \"" + shortened(citation.quote, kQuoteLength) + "\"";
        }
        add(citation.passage, line);
    }
    std::cout << '\n';
    for (const auto& [line, numbers] : lines) {
        std::string marks;
        for (const int number : numbers) marks += numbered(number);
        std::cout << dim(marks + line) << '\n';
    }
}

}  // namespace

const std::vector<services::Page>& Positions::pagesOf(services::DocumentId document) {
    const auto known = m_pages.find(document);
    if (known != m_pages.end()) return known->second;
    auto view = services::wait<services::DocumentView>(
        [&](auto reply) { m_services.collections().open(document, std::move(reply)); });
    return m_pages[document] = view ? std::move(view->pages) : std::vector<services::Page>{};
}

std::pair<std::size_t, std::size_t> Positions::codePoints(
    std::optional<services::DocumentId> document, int page, std::size_t startByte,
    std::size_t endByte) {
    if (!document) return {startByte, endByte};
    const std::vector<services::Page>& pages = pagesOf(*document);
    const auto found = std::find_if(pages.begin(), pages.end(), [&](const services::Page& each) {
        return each.number == page;
    });
    if (found == pages.end() || startByte > endByte || endByte > found->text.size()) {
        return {startByte, endByte};
    }
    const std::string_view text = found->text;
    const std::size_t start = countCodePoints(text.substr(0, startByte));
    return {start, start + countCodePoints(text.substr(startByte, endByte - startByte))};
}

void printJson(const nlohmann::json& json) {
    constexpr int kIndent = 2;
    std::cout << json.dump(kIndent, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

nlohmann::json answerToJson(const services::Message& answer, Positions& positions) {
    nlohmann::json json = {{"answer", answer.text},
                           {"citations", nlohmann::json::array()},
                           {"passages", nlohmann::json::array()},
                           {"tool_calls", nlohmann::json::array()},
                           {"warnings", nlohmann::json::array()},
                           {"usage", nlohmann::json::object()}};
    if (!answer.details) return json;
    for (const services::StoredCitation& citation : answer.details->citations) {
        json["citations"].push_back(citationToJson(citation, *answer.details, positions));
    }
    for (const services::StoredPassage& passage : answer.details->passages) {
        json["passages"].push_back(passageToJson(passage, positions));
        for (const services::SourceWarning warning :
             services::warningsOf(*answer.details, passage)) {
            json["warnings"].push_back(warningLine(passage, warning));
        }
    }
    json["usage"] = answer.details->usage;
    json["usage"].erase("source_states");  // which the warnings tell
    json["usage"].erase("hidden_text");
    for (const char* part : {"survey", "tool_calls", "searched_for", "filter"}) {
        if (!json["usage"].contains(part)) continue;
        json[part] = json["usage"][part];
        json["usage"].erase(part);
    }
    json["model"] = answer.details->model;
    json["finish_reason"] = answer.details->finishReason;
    if (!answer.details->reasoning.empty()) {
        json["reasoning_content"] = answer.details->reasoning;
    }
    json["seed"] = answer.details->seed;
    return json;
}

nlohmann::json hitToJson(const services::SearchHit& hit, Positions& positions) {
    const services::Chunk& chunk = hit.chunk;
    const auto [start, end] =
        positions.codePoints(chunk.document, chunk.page, chunk.startByte, chunk.endByte);
    return {{"rank", hit.rank},     {"document", chunk.path.string()},
            {"title", chunk.title}, {"heading", chunk.heading},
            {"page", chunk.page},   {"start", start},
            {"end", end},           {"score", hit.score},
            {"text", chunk.text},   {"warnings", warningsOf(hit)}};
}

std::vector<std::string> warningsOf(const services::SearchHit& hit) {
    if (services::ordersIn(hit.chunk.text).empty()) return {};
    return {services::inWords(services::SourceWarning::Orders)};
}

nlohmann::json reportToJson(const services::IndexReport& report) {
    nlohmann::json failed = nlohmann::json::array();
    for (const auto& [path, error] : report.failed) {
        failed.push_back({{"path", path.string()}, {"error", error}});
    }
    return {{"collection", report.name},     {"documents", report.documents},
            {"found", report.found},         {"chunks", report.chunks},
            {"read", report.read},           {"unchanged", report.unchanged},
            {"removed", report.removed},     {"failed", failed},
            {"seconds", report.time.count()}};
}

void printCitations(const services::Message& answer) {
    printSources(answer);
    std::cout << std::flush;
    noteWarnings(answer);
}

void printPassage(const services::StoredPassage& passage) {
    std::cout << bold(numbered(passage.number) + visibleLine(passage.title)) << "  "
              << dim(placeOf(passage)) << '\n'
              << services::readableText(passage.text, passage.path).text << '\n';
}

std::string rounded(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", value);
    return text.data();
}

std::string shortened(std::string_view text, std::size_t nCharacters) {
    std::string line;
    for (const char c : text) {
        const bool isSpace = c == '\n' || c == '\r' || c == '\t' || c == ' ';
        if (isSpace && (line.empty() || line.back() == ' ')) continue;
        line += isSpace ? ' ' : c;
    }
    if (countCodePoints(line) <= nCharacters) return line;
    return line.substr(0, byteOffsetOf(line, nCharacters)) + "\u2026";
}

}  // namespace conclave::terminal
