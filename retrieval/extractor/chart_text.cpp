#include "retrieval/extractor/chart_text.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "retrieval/extractor/number_format.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/table_text.h"
#include "retrieval/extractor/xlsx_parts.h"
#include "retrieval/extractor/xml_reader.h"

namespace conclave::retrieval::extractor {
namespace {

constexpr std::size_t kMostChartBytes = std::size_t{4} << 20;
constexpr std::size_t kMostPoints = 100'000;
constexpr std::size_t kMostSeries = 256;

struct Series {
    std::string name;
    std::map<std::size_t, std::string> categories;
    std::map<std::size_t, std::string> values;
};

class ChartReader : public XmlHandler {
public:
    void start(std::string_view name, const XmlAttributes& attributes) override {
        if (name == "ser" && series.size() < kMostSeries) {
            series.emplace_back();
            m_inSeries = true;
        } else if (name == "tx" || name == "cat" || name == "xVal" || name == "val" ||
                   name == "yVal") {
            if (m_inSeries && m_part.empty()) m_part = name;
        } else if (name == "pt") {
            m_point = toIndex(attributes.get("idx"), 0);
        } else if (name == "p" && !m_inSeries && !titles.empty()) {
            titles.push_back('\n');
        }
        if (name == "v" || name == "t" || name == "formatCode") {
            m_element = name;
            m_text.clear();
        }
    }

    void end(std::string_view name) override {
        if (name == "ser") {
            m_inSeries = false;
            m_part.clear();
        } else if (name == m_part) {
            m_part.clear();
        } else if (name == m_element) {
            take();
            m_element.clear();
        } else if (name == "numRef" || name == "numLit") {
            m_kind = NumberKind::Plain;
        }
    }

    void text(std::string_view text) override {
        if (!m_element.empty() && m_nBytes <= kMostChartBytes) {
            m_text += text;
            m_nBytes += text.size();
        }
    }

    [[nodiscard]] bool isTooLarge() const override {
        return m_nBytes > kMostChartBytes || m_nPoints > kMostPoints;
    }

    std::string titles;
    std::vector<Series> series;

private:
    void take() {
        if (m_element == "formatCode") {
            m_kind = kindOfFormat(m_text);
        } else if (!m_inSeries) {
            if (m_element == "t") titles += m_text;
        } else if (m_element == "v" && !m_part.empty() && !series.empty()) {
            ++m_nPoints;
            Series& last = series.back();
            std::string shown = showNumber(m_text, m_kind, false);
            if (m_part == "tx") {
                last.name = m_text;
            } else if (m_part == "cat" || m_part == "xVal") {
                last.categories[m_point] = std::move(shown);
            } else {
                last.values[m_point] = std::move(shown);
            }
        }
    }

    bool m_inSeries = false;
    std::string m_part;     ///< of the series: tx, cat, val, …
    std::string m_element;  ///< whose text is collected
    std::string m_text;
    std::size_t m_point = 0;
    NumberKind m_kind = NumberKind::Plain;
    std::size_t m_nBytes = 0;
    std::size_t m_nPoints = 0;
};

std::string tableOf(const std::vector<Series>& series) {
    std::string text;
    TableText table(text, {.hasLabels = true, .mostBytes = 4 * kMostChartBytes});
    std::vector<Cell> header;
    std::map<std::size_t, std::vector<Cell>> rows;
    for (std::size_t i = 0; i < series.size(); ++i) {
        header.push_back({.column = i + 1, .text = series[i].name});
        for (const auto& [point, value] : series[i].values) {
            std::vector<Cell>& row = rows[point];
            const auto category = series[i].categories.find(point);
            if (row.empty() && category != series[i].categories.end()) {
                row.push_back({.column = 0, .text = category->second});
            }
            row.push_back({.column = i + 1, .kind = CellKind::Value, .text = value});
        }
    }
    std::size_t index = 0;
    table.addRow(std::move(header), index++);
    for (auto& [point, row] : rows) table.addRow(std::move(row), index++);
    table.finish();
    while (text.ends_with('\n')) text.pop_back();
    return text;
}

}  // namespace

Result<void> addChart(const Archive& archive, const std::string& part, TextBuilder& builder) {
    if (!archive.has(part)) return {};
    ChartReader reader;
    if (auto read = readXml(archive, part, reader); !read) {
        if (read.error().code == ErrorCode::LimitExceeded) return read;
        return {};
    }
    builder.breakParagraph();
    builder.addPreformatted(reader.titles);
    builder.breakParagraph();
    builder.addPreformatted(tableOf(reader.series));
    builder.breakParagraph();
    if (builder.sizeBytes() <= kMostTextBytes) return {};
    return fail(ErrorCode::LimitExceeded, "the document holds more than 64 MiB of text");
}

}  // namespace conclave::retrieval::extractor
