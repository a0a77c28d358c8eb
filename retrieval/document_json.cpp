#include "retrieval/document_json.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace conclave::retrieval {
namespace {

using nlohmann::json;

constexpr auto kCodes =
    std::to_array<ErrorCode>({ErrorCode::InvalidArgument, ErrorCode::NotFound, ErrorCode::Io,
                              ErrorCode::Corrupt, ErrorCode::Unsupported, ErrorCode::OutOfMemory,
                              ErrorCode::Timeout, ErrorCode::PasswordRequired,
                              ErrorCode::LimitExceeded, ErrorCode::NeedsOcr, ErrorCode::Internal});

ErrorCode codeFromName(std::string_view name) {
    const auto found = std::find_if(kCodes.begin(), kCodes.end(),
                                    [&](ErrorCode code) { return errorName(code) == name; });
    return found != kCodes.end() ? *found : ErrorCode::Corrupt;
}

bool isBoundary(std::string_view text, std::size_t at) {
    return at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0u) != 0x80u;
}

/// The text of a page: in the JSON, or the next bytes of what follows it.
std::string textOf(const json& page, std::string_view& behind) {
    if (const auto text = page.find("text"); text != page.end()) return text->get<std::string>();
    const auto nBytes = page.at("bytes").get<std::size_t>();
    if (nBytes > behind.size()) throw std::length_error("a page is cut off");
    std::string text(behind.substr(0, nBytes));
    behind.remove_prefix(nBytes);
    return isValidUtf8(text) ? text : toValidUtf8(text);
}

Result<ExtractedDocument> documentFrom(const json& root, std::string_view behind) {
    if (const auto error = root.find("error"); error != root.end()) {
        return fail(codeFromName(error->at("code").get<std::string>()),
                    error->at("detail").get<std::string>());
    }
    const json& content = root.at("ok");
    ExtractedDocument document;
    document.mime = content.at("mime").get<std::string>();
    document.title = content.at("title").get<std::string>();
    document.warnings = content.at("warnings").get<std::vector<std::string>>();
    for (const json& page : content.at("pages")) {
        document.pages.push_back(
            {.number = page.at("page").get<int>(), .text = textOf(page, behind)});
    }
    if (!behind.empty()) throw std::length_error("something follows the last page");
    std::unordered_map<int, const ExtractedPage*> pages;
    for (const ExtractedPage& page : document.pages) pages.try_emplace(page.number, &page);
    for (const json& entry : content.at("headings")) {
        const Heading heading{.page = entry.at(0).get<int>(),
                              .startByte = entry.at(1).get<std::size_t>(),
                              .endByte = entry.at(2).get<std::size_t>(),
                              .level = std::clamp(entry.at(3).get<int>(), 1, 6)};
        const auto found = pages.find(heading.page);
        if (found == pages.end()) continue;
        const std::string& text = found->second->text;
        if (heading.startByte < heading.endByte && heading.endByte <= text.size() &&
            isBoundary(text, heading.startByte) && isBoundary(text, heading.endByte)) {
            document.headings.push_back(heading);
        }
    }
    return document;
}

}  // namespace

std::string toJson(const Result<ExtractedDocument>& document, PageTexts texts) {
    json root;
    if (!document) {
        root["error"] = {{"code", errorName(document.error().code)},
                         {"detail", toValidUtf8(document.error().detail)}};
        return root.dump();
    }
    json pages = json::array();
    for (const ExtractedPage& page : document->pages) {
        if (texts == PageTexts::InJson) {
            pages.push_back({{"page", page.number}, {"text", page.text}});
        } else {
            pages.push_back({{"page", page.number}, {"bytes", page.text.size()}});
        }
    }
    json headings = json::array();
    for (const Heading& heading : document->headings) {
        headings.push_back({heading.page, heading.startByte, heading.endByte, heading.level});
    }
    root["ok"] = {{"mime", document->mime},
                  {"title", toValidUtf8(document->title)},
                  {"pages", std::move(pages)},
                  {"headings", std::move(headings)},
                  {"warnings", document->warnings}};
    std::string all = root.dump(-1, ' ', false, json::error_handler_t::replace);
    if (texts == PageTexts::BehindIt) {
        all += '\n';
        for (const ExtractedPage& page : document->pages) all += page.text;
    }
    return all;
}

Result<ExtractedDocument> documentFromJson(std::string_view text) {
    try {
        // Within the JSON a line end is written as \\n.
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view behind = text.substr(std::min(end + 1, text.size()));
        return documentFrom(json::parse(text.substr(0, end)), behind);
    } catch (const std::exception& problem) {
        return fail(ErrorCode::Corrupt,
                    std::string("the document worker's answer is damaged: ") + problem.what());
    }
}

}  // namespace conclave::retrieval
