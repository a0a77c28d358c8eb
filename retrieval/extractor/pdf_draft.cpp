#include "retrieval/extractor/pdf_draft.h"

#include <algorithm>
#include <exception>

#include <nlohmann/json.hpp>

namespace conclave::retrieval::extractor {

using nlohmann::json;

std::string toBytes(std::span<const ExtractedPage> pages, const UnseenText::Progress& unseen) {
    json sizes = json::array();
    for (const ExtractedPage& page : pages) sizes.push_back(page.text.size());
    std::string bytes = json{
        {"first", pages.empty() ? 0 : pages.front().number},
        {"sizes", std::move(sizes)},
        {"unseen", unseen.nUnseen},
        {"uncertain", unseen.nUncertainPages},
        {"used", unseen.used.count()},
        {"inked",
         unseen.inkedPages}}.dump();
    bytes += '\n';
    for (const ExtractedPage& page : pages) bytes += page.text;
    return bytes;
}

std::optional<PdfDraft> draftFrom(std::string_view pieces) {
    PdfDraft draft;
    try {
        while (!pieces.empty()) {
            const std::size_t end = std::min(pieces.find('\n'), pieces.size());
            const json piece = json::parse(pieces.substr(0, end));
            pieces.remove_prefix(std::min(end + 1, pieces.size()));
            if (piece.at("first").get<std::size_t>() != draft.pages.size() + 1) return std::nullopt;
            for (const auto nBytes : piece.at("sizes").get<std::vector<std::size_t>>()) {
                if (nBytes > pieces.size()) return std::nullopt;
                draft.pages.push_back({.number = static_cast<int>(draft.pages.size()) + 1,
                                       .text = std::string(pieces.substr(0, nBytes))});
                pieces.remove_prefix(nBytes);
            }
            draft.unseen = {.nUnseen = piece.at("unseen").get<std::size_t>(),
                            .nUncertainPages = piece.at("uncertain").get<int>(),
                            .used = std::chrono::nanoseconds(piece.at("used").get<std::int64_t>()),
                            .inkedPages = piece.at("inked").get<std::vector<int>>()};
        }
    } catch (const std::exception&) {
        return std::nullopt;
    }
    if (draft.pages.empty()) return std::nullopt;
    return draft;
}

}  // namespace conclave::retrieval::extractor
