#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "retrieval/extractor/ascii.h"
#include "retrieval/extractor/chart_text.h"
#include "retrieval/extractor/hidden_text.h"
#include "retrieval/extractor/office_parts.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/text_builder.h"
#include "retrieval/extractor/xml_reader.h"

namespace conclave::retrieval::extractor {
namespace {

std::optional<int> toNumber(std::string_view text) {
    int number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc()) return std::nullopt;
    return number;
}

/// True unless the property says val="0" or "false".
bool isOn(const XmlAttributes& attributes) {
    const std::string_view value = attributes.get("val");
    return value != "0" && value != "false" && value != "none";
}

/// Heading level of each paragraph style, by its English name, outline level or parent style; the
/// identifiers themselves are in the language of the program that wrote them.
class StyleReader : public XmlHandler {
public:
    void start(std::string_view name, const XmlAttributes& attributes) override {
        if (name == "style") {
            m_id = attributes.get("styleId");
            m_known.insert(m_id);
        } else if (m_id.empty()) {
            return;
        } else if (name == "name") {
            const std::string value = asciiLower(attributes.get("val"));
            if (value == "title") m_levels[m_id] = 1;
            if (value.starts_with("heading ")) {
                if (const auto level = toNumber(value.substr(8))) m_levels[m_id] = *level;
            }
        } else if (name == "outlineLvl") {
            const auto level = toNumber(attributes.get("val"));
            if (level && *level >= 0 && *level < 9) m_levels.try_emplace(m_id, *level + 1);
        } else if (name == "basedOn") {
            m_parents[m_id] = attributes.get("val");
        }
    }
    void end(std::string_view name) override {
        if (name == "style") m_id.clear();
    }
    void text(std::string_view) override {}

    [[nodiscard]] int levelOf(const std::string& style) const {
        // Without a definition the identifier is all there is.
        const std::string lower = asciiLower(style);
        if (!m_known.contains(style) && lower.size() == 8 && lower.starts_with("heading") &&
            lower.back() >= '1' && lower.back() <= '9') {
            return lower.back() - '0';
        }
        constexpr int kMostParents = 12;
        std::string id = style;
        for (int i = 0; i < kMostParents; ++i) {
            if (const auto found = m_levels.find(id); found != m_levels.end()) return found->second;
            const auto parent = m_parents.find(id);
            if (parent == m_parents.end()) return 0;
            id = parent->second;
        }
        return 0;
    }

private:
    std::string m_id;
    std::set<std::string> m_known;
    std::unordered_map<std::string, int> m_levels;
    std::unordered_map<std::string, std::string> m_parents;
};

/// WordprocessingML to text. Deleted text, field codes and the second of two alternatives are
/// skipped; a hidden run is skipped and told.
class WordReader : public XmlHandler {
public:
    /// @param hidesWhite  white text is not seen
    WordReader(TextBuilder& builder, const StyleReader& styles, bool hidesWhite)
        : m_builder(builder), m_styles(styles), m_hidesWhite(hidesWhite) {}

    /// Characters but white space.
    [[nodiscard]] std::size_t nHidden() const { return m_nHidden; }
    [[nodiscard]] bool isTooLarge() const override {
        return m_builder.sizeBytes() > kMostTextBytes;
    }

    /// There is white text and nothing that it can be seen on.
    [[nodiscard]] bool hasWhiteOnWhite() const { return m_hasWhite && !m_hasBackground; }

    void start(std::string_view name, const XmlAttributes& attributes) override {
        m_hasBackground = m_hasBackground || isBackground(name, attributes);
        if (m_skipDepth > 0 || isSkipped(name, attributes)) {
            ++m_skipDepth;
            return;
        }
        if (name == "p") {
            startParagraph();
        } else if (name == "pPr") {
            m_inParagraphProperties = true;
        } else if (m_inParagraphProperties) {
            readParagraphProperty(name, attributes);
        } else if (name == "r") {
            beginParagraph();
            m_runs.push_back({.isVanished = !m_runs.empty() && m_runs.back().isVanished});
        } else if (!m_runs.empty() && isRunProperty(name)) {
            readRunProperty(name, attributes, m_runs.back());
        } else if (name == "t") {
            m_inText = true;
        } else if (name == "tab") {
            addText(" ");
        } else if (name == "br" || name == "cr") {
            if (isVisible()) m_builder.breakLine();
        } else if (name == "noBreakHyphen") {
            addText("-");
        } else if (name == "tr") {
            m_builder.startRow();
        } else if (name == "tc") {
            m_builder.startCell();
        } else if (name == "AlternateContent") {
            m_alternatives.push_back(false);
        }
    }

    void end(std::string_view name) override {
        if (m_skipDepth > 0) {
            --m_skipDepth;
            return;
        }
        if (name == "p") {
            endParagraph();
        } else if (name == "pPr") {
            m_inParagraphProperties = false;
            beginParagraph();
        } else if (name == "r") {
            if (!m_runs.empty()) m_runs.pop_back();
        } else if (name == "t") {
            m_inText = false;
        } else if (name == "tr") {
            m_builder.endRow();
        } else if (name == "AlternateContent") {
            if (!m_alternatives.empty()) m_alternatives.pop_back();
        }
    }

    void text(std::string_view text) override {
        if (m_skipDepth == 0 && m_inText) addText(text);
    }

private:
    bool isSkipped(std::string_view name, const XmlAttributes& attributes) {
        if (name == "Choice" && !m_alternatives.empty()) {
            if (m_alternatives.back()) return true;
            m_alternatives.back() = true;
            return false;
        }
        if (name == "Fallback" && !m_alternatives.empty()) return m_alternatives.back();
        if (name == "footnote" || name == "endnote") {
            const std::string_view type = attributes.get("type");
            return !type.empty() && type != "normal";  // separators
        }
        return name == "del" || name == "moveFrom" || name == "delText" || name == "instrText" ||
               name == "rt" || name == "pPrChange" || name == "rPrChange" ||
               name == "sectPrChange" || name == "tblPrChange";
    }

    /// How a run of text is drawn.
    struct Run {
        bool isVanished = false;
        bool isWhite = false;
        bool isTiny = false;
    };

    static bool isRunProperty(std::string_view name) {
        return name == "vanish" || name == "color" || name == "sz";
    }

    void readRunProperty(std::string_view name, const XmlAttributes& attributes, Run& run) {
        constexpr int kTinyHalfPoints = 2;
        const std::string_view value = attributes.get("val");
        if (name == "vanish") run.isVanished = isOn(attributes);
        if (name == "color") run.isWhite = asciiLower(value) == "ffffff";
        if (name == "sz") {
            run.isTiny = toNumber(value).value_or(kTinyHalfPoints + 1) <= kTinyHalfPoints;
        }
        m_hasWhite = m_hasWhite || run.isWhite;
    }

    /// Of any part of the document: which text stands on it takes laying out to know.
    static bool isBackground(std::string_view name, const XmlAttributes& attributes) {
        if (name == "shd") {
            const std::string fill = asciiLower(attributes.get("fill"));
            return !fill.empty() && fill != "auto" && fill != "ffffff";
        }
        if (name == "tblStyle") {
            const std::string_view style = attributes.get("val");
            return style != "TableGrid" && style != "TableNormal";
        }
        return name == "highlight" || name == "background" || name == "solidFill" ||
               name == "gradFill" || name == "pict";
    }

    [[nodiscard]] bool isVisible() const {
        if (m_runs.empty()) return true;
        const Run& run = m_runs.back();
        return !run.isVanished && !run.isTiny && !(run.isWhite && m_hidesWhite);
    }

    void addText(std::string_view text) {
        if (isVisible()) {
            m_builder.add(text);
        } else {
            m_nHidden += countVisibleSigns(text);
        }
    }

    /// A paragraph may hold others, in a text box.
    struct Paragraph {
        int level = 0;  ///< of a heading; 0: none
        bool isListItem = false;
        bool hasBegun = false;
        bool isOpenHeading = false;
    };

    void startParagraph() {
        if (!m_paragraphs.empty() && m_paragraphs.back().isOpenHeading) {
            m_builder.endHeading();
            m_paragraphs.back().isOpenHeading = false;
        }
        m_inParagraphProperties = false;
        m_builder.breakLine();
        m_paragraphs.emplace_back();
    }

    void readParagraphProperty(std::string_view name, const XmlAttributes& attributes) {
        if (m_paragraphs.empty()) return;
        Paragraph& paragraph = m_paragraphs.back();
        if (name == "pStyle") {
            paragraph.level = m_styles.levelOf(std::string(attributes.get("val")));
        } else if (name == "numId") {
            paragraph.isListItem = attributes.get("val") != "0";
        } else if (name == "outlineLvl") {
            const auto level = toNumber(attributes.get("val"));
            if (level && *level >= 0 && *level < 9) paragraph.level = *level + 1;
        }
    }

    /// Called when the properties are known, or there turn out to be none.
    void beginParagraph() {
        if (m_paragraphs.empty() || m_paragraphs.back().hasBegun) return;
        Paragraph& paragraph = m_paragraphs.back();
        paragraph.hasBegun = true;
        if (paragraph.level > 0) {
            m_builder.startHeading(paragraph.level);
            paragraph.isOpenHeading = true;
        } else if (paragraph.isListItem) {
            if (!m_wasListItem) m_builder.breakParagraph();
            m_builder.startItem("- ");
        } else if (m_wasListItem) {
            m_builder.breakParagraph();
        }
    }

    void endParagraph() {
        if (m_paragraphs.empty()) return;
        const Paragraph paragraph = m_paragraphs.back();
        m_paragraphs.pop_back();
        if (paragraph.isOpenHeading) {
            m_builder.endHeading();
        } else if (paragraph.isListItem) {
            m_builder.breakLine();
        } else {
            m_builder.breakParagraph();
        }
        m_wasListItem = paragraph.isListItem;
    }

    TextBuilder& m_builder;
    const StyleReader& m_styles;
    bool m_hidesWhite;
    bool m_hasWhite = false;
    bool m_hasBackground = false;
    int m_skipDepth = 0;
    bool m_inText = false;
    bool m_inParagraphProperties = false;
    bool m_wasListItem = false;
    std::size_t m_nHidden = 0;
    std::vector<Paragraph> m_paragraphs;
    std::vector<Run> m_runs;
    std::vector<bool> m_alternatives;  ///< of each AlternateContent: one was taken
};

/// Notes, headers and footers, in this order after the main text.
std::vector<std::string> furtherParts(const Archive& archive) {
    std::vector<std::string> parts;
    for (const char* name : {"word/footnotes.xml", "word/endnotes.xml", "word/comments.xml"}) {
        if (archive.has(name)) parts.emplace_back(name);
    }
    std::vector<std::string> edges;
    for (const std::string& name : archive.names()) {
        const bool isEdge = name.starts_with("word/header") || name.starts_with("word/footer");
        if (isEdge && name.ends_with(".xml")) edges.push_back(name);
    }
    std::sort(edges.begin(), edges.end());
    parts.insert(parts.end(), edges.begin(), edges.end());
    return parts;
}

}  // namespace

Result<ExtractedDocument> parseDocx(const Source& source) {
    const auto archive = Archive::open(source.bytes);
    if (!archive) return tl::unexpected(archive.error());
    StyleReader styles;
    if (archive->has("word/styles.xml")) {
        const auto read = readXml(*archive, "word/styles.xml", styles);
        if (!read && read.error().code != ErrorCode::Corrupt) return tl::unexpected(read.error());
    }
    ExtractedDocument document;
    document.mime = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    TextBuilder builder(1);
    std::size_t nHidden = 0;
    bool hidesWhite = false;
    while (true) {
        WordReader reader(builder, styles, hidesWhite);
        if (const auto read = readXml(*archive, "word/document.xml", reader); !read) {
            return tl::unexpected(read.error());
        }
        nHidden = reader.nHidden();
        if (hidesWhite || !reader.hasWhiteOnWhite()) break;
        hidesWhite = true;
        builder = TextBuilder(1);
    }
    for (const std::string& chart :
         targetsOf(relationsOf(*archive, "word/document.xml"), "chart")) {
        if (const auto added = addChart(*archive, chart, builder); !added) {
            return tl::unexpected(added.error());
        }
    }
    for (const std::string& part : furtherParts(*archive)) {
        builder.breakParagraph();
        WordReader further(builder, styles, hidesWhite);
        const auto read = readXml(*archive, part, further);
        if (!read && read.error().code != ErrorCode::Corrupt) return tl::unexpected(read.error());
        if (!read) document.warnings.push_back("left out the damaged part " + part);
        nHidden += further.nHidden();
    }
    if (nHidden > 0) document.warnings.push_back(hiddenWarning(nHidden, "the document"));
    document.title = titleIn(*archive, "docProps/core.xml");
    builder.finish(document);
    return document;
}

}  // namespace conclave::retrieval::extractor
