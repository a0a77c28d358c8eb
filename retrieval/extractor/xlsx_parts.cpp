#include "retrieval/extractor/xlsx_parts.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "retrieval/extractor/parser.h"

namespace conclave::retrieval::extractor {
namespace {

/// Excel itself keeps to 2^31 characters; text for a person is far less.
constexpr std::size_t kMostStrings = 10'000'000;

bool isTrue(std::string_view value) { return value == "1" || value == "true"; }

}  // namespace

std::size_t toIndex(std::string_view text, std::size_t fallback) {
    std::size_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    return problem == std::errc() ? number : fallback;
}

void WorkbookReader::start(std::string_view name, const XmlAttributes& attributes) {
    if (name == "workbookPr") {
        is1904 = isTrue(attributes.get("date1904"));
    } else if (name == "sheet") {
        const std::string_view state = attributes.get("state");
        sheets.push_back({.name = attributes.words("name"),
                          .relation = std::string(attributes.get("id")),
                          .isHidden = state == "hidden" || state == "veryHidden"});
    }
}

void SharedStrings::start(std::string_view name, const XmlAttributes&) {
    if (name == "rPh") ++m_phoneticDepth;
    if (name == "t") m_inText = m_phoneticDepth == 0;
}

void SharedStrings::end(std::string_view name) {
    if (name == "rPh") --m_phoneticDepth;
    if (name == "t") m_inText = false;
    if (name == "si" && m_ends.size() < kMostStrings) m_ends.push_back(m_texts.size());
}

void SharedStrings::text(std::string_view text) {
    if (m_inText) m_texts += text;
}

bool SharedStrings::isTooLarge() const {
    return m_texts.size() > kMostTextBytes || m_ends.size() >= kMostStrings;
}

bool SharedStrings::has(std::string_view number) const {
    return toIndex(number, m_ends.size()) < m_ends.size();
}

std::string_view SharedStrings::at(std::string_view number) const {
    const std::size_t index = toIndex(number, m_ends.size());
    if (index >= m_ends.size()) return {};
    const std::size_t start = index == 0 ? 0 : m_ends[index - 1];
    return std::string_view(m_texts).substr(start, m_ends[index] - start);
}

void CellFormats::start(std::string_view name, const XmlAttributes& attributes) {
    const auto id = static_cast<int>(
        std::min<std::size_t>(toIndex(attributes.get("numFmtId"), 0), std::size_t{1} << 30));
    if (name == "cellXfs") {
        m_inCellFormats = true;
    } else if (name == "numFmt" && m_codes.size() < kMostFormats) {
        // They come before the formats that use them; sorted once below.
        m_codes.emplace_back(id, kindOfFormat(attributes.words("formatCode")));
    } else if (name == "numFmts") {
        m_codes.clear();
    } else if (name == "xf" && m_inCellFormats) {
        const auto own =
            std::lower_bound(m_codes.begin(), m_codes.end(), id,
                             [](const auto& code, int wanted) { return code.first < wanted; });
        const bool isOwn = own != m_codes.end() && own->first == id;
        m_kinds.push_back(isOwn ? own->second : kindOfBuiltInFormat(id));
    }
}

void CellFormats::end(std::string_view name) {
    if (name == "cellXfs") m_inCellFormats = false;
    if (name == "numFmts") {
        std::stable_sort(m_codes.begin(), m_codes.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
    }
}

NumberKind CellFormats::at(std::string_view style) const {
    const std::size_t index = toIndex(style, 0);
    return index < m_kinds.size() ? m_kinds[index] : NumberKind::Plain;
}

}  // namespace conclave::retrieval::extractor
