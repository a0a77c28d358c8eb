// xlsx_parts.h: what the sheets of a workbook share: its list of sheets, strings and formats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/extractor/number_format.h"
#include "retrieval/extractor/xml_reader.h"

namespace conclave::retrieval::extractor {

/// xl/workbook.xml: sheets in order of their tabs.
class WorkbookReader : public XmlHandler {
public:
    struct Sheet {
        std::string name;
        std::string relation;
        bool isHidden = false;
    };
    void start(std::string_view name, const XmlAttributes& attributes) override;
    void end(std::string_view) override {}
    void text(std::string_view) override {}
    [[nodiscard]] bool isTooLarge() const override { return sheets.size() > kMostSheets; }

    std::vector<Sheet> sheets;
    bool is1904 = false;

private:
    static constexpr std::size_t kMostSheets = 10'000;
};

/// xl/sharedStrings.xml: texts that cells name by number; phonetic guides are left out.
class SharedStrings : public XmlHandler {
public:
    void start(std::string_view name, const XmlAttributes& attributes) override;
    void end(std::string_view name) override;
    void text(std::string_view text) override;
    [[nodiscard]] bool isTooLarge() const override;
    [[nodiscard]] bool has(std::string_view number) const;
    [[nodiscard]] std::size_t sizeBytes() const { return m_texts.size(); }
    /// Empty for a number that is none.
    [[nodiscard]] std::string_view at(std::string_view number) const;

private:
    std::string m_texts;
    std::vector<std::size_t> m_ends;
    int m_phoneticDepth = 0;
    bool m_inText = false;
};

/// xl/styles.xml: what kind of number each cell format shows.
class CellFormats : public XmlHandler {
public:
    void start(std::string_view name, const XmlAttributes& attributes) override;
    void end(std::string_view name) override;
    void text(std::string_view) override {}
    [[nodiscard]] bool isTooLarge() const override { return m_kinds.size() > kMostFormats; }
    [[nodiscard]] NumberKind at(std::string_view style) const;

private:
    static constexpr std::size_t kMostFormats = 1'000'000;
    std::vector<std::pair<int, NumberKind>> m_codes;
    std::vector<NumberKind> m_kinds;
    bool m_inCellFormats = false;
};

/// A whole number at the start of `text`, `fallback` if there is none or it is out of range.
[[nodiscard]] std::size_t toIndex(std::string_view text, std::size_t fallback);

}  // namespace conclave::retrieval::extractor
