// Presentations of OpenDocument 1.3: each slide a page, its title the heading, then its frames,
// tables and lists, the comments and the speaker's notes.
#include <set>
#include <string>
#include <utility>

#include "retrieval/extractor/office_parts.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/text_builder.h"

namespace conclave::retrieval::extractor {
namespace {

class OpenPresentationReader : public XmlHandler {
public:
    explicit OpenPresentationReader(ExtractedDocument& document) : m_document(document) {}

    [[nodiscard]] std::size_t nNotShown() const { return m_nNotShown; }
    [[nodiscard]] bool isTooLarge() const override {
        return m_totalBytes + m_body.sizeBytes() + m_notes.sizeBytes() + m_title.size() >
                   kMostTextBytes ||
               m_document.pages.size() > kMostSlides;
    }

    void start(std::string_view name, const XmlAttributes& attributes) override {
        if (m_skipDepth > 0 || isSkipped(name)) {
            ++m_skipDepth;
        } else if (name == "style") {
            m_styleName = attributes.get("name");
        } else if (name == "drawing-page-properties") {
            if (attributes.get("visibility") == "hidden") m_notShown.insert(m_styleName);
        } else if (name == "page") {
            m_isInPage = true;
            if (m_notShown.contains(std::string(attributes.get("style-name")))) ++m_nNotShown;
        } else if (m_isInPage) {
            startInPage(name, attributes);
        }
    }

    void end(std::string_view name) override {
        if (m_skipDepth > 0) {
            --m_skipDepth;
        } else if (name == "page") {
            endPage();
        } else if (m_isInPage) {
            endInPage(name);
        }
    }

    void text(std::string_view text) override {
        if (m_skipDepth > 0 || m_paragraphDepth <= 0) return;
        if (m_isTitle && m_noteDepth == 0) {
            if (m_title.size() <= kMostTextBytes) m_title += text;
        } else {
            current().add(text);
        }
    }

private:
    static constexpr std::size_t kMostSlides = 10'000;

    [[nodiscard]] bool isSkipped(std::string_view name) const {
        return name == "ruby-text" || name == "forms" || name == "page-thumbnail" ||
               name == "tracked-changes" ||
               (m_noteDepth > 0 && (name == "creator" || name == "date"));
    }

    TextBuilder& current() { return m_noteDepth > 0 ? m_notes : m_body; }

    void startInPage(std::string_view name, const XmlAttributes& attributes) {
        TextBuilder& builder = current();
        if (name == "notes" || name == "annotation") {
            ++m_noteDepth;
            m_notes.breakParagraph();
        } else if (name == "frame" || name == "custom-shape") {
            m_isTitle = attributes.get("class") == "title";
            builder.breakParagraph();
        } else if (name == "p" || name == "h") {
            ++m_paragraphDepth;
            if (m_isTitle && m_noteDepth == 0) {
                if (!m_title.empty()) m_title.push_back(' ');
            } else if (m_itemStarts) {
                builder.startItem("- ");
            } else {
                builder.breakLine();
            }
            m_itemStarts = false;
        } else if (name == "list") {
            if (m_listDepth++ == 0) builder.breakParagraph();
        } else if (name == "list-item") {
            m_itemStarts = true;
        } else if (name == "table-row") {
            builder.startRow();
        } else if (name == "table-cell") {
            builder.startCell();
        } else if (name == "s" || name == "tab") {
            text(" ");
        } else if (name == "line-break") {
            m_isTitle ? text(" ") : builder.breakLine();
        }
    }

    void endInPage(std::string_view name) {
        TextBuilder& builder = current();
        if (name == "notes" || name == "annotation") {
            --m_noteDepth;
        } else if (name == "frame" || name == "custom-shape") {
            m_isTitle = false;
            builder.breakParagraph();
        } else if (name == "p" || name == "h") {
            --m_paragraphDepth;
            builder.breakLine();
        } else if (name == "list") {
            if (--m_listDepth == 0) builder.breakParagraph();
        } else if (name == "list-item") {
            m_itemStarts = false;
        } else if (name == "table-row") {
            builder.endRow();
        }
    }

    void endPage() {
        m_isInPage = false;
        TextBuilder page(static_cast<int>(m_document.pages.size()) + 1);
        page.startHeading(1);
        page.add(std::exchange(m_title, {}));
        page.endHeading();
        for (TextBuilder* part : {&m_body, &m_notes}) {
            ExtractedDocument holder;
            part->finish(holder);
            *part = TextBuilder(1);
            page.breakParagraph();
            std::string& words = holder.pages.front().text;
            if (words.ends_with('\n')) words.pop_back();
            page.addPreformatted(words);
        }
        page.finish(m_document);
        m_totalBytes += m_document.pages.back().text.size();
    }

    ExtractedDocument& m_document;
    std::set<std::string> m_notShown;  ///< styles of slides
    std::string m_styleName;
    std::size_t m_nNotShown = 0;
    std::string m_title;
    TextBuilder m_body{1};
    TextBuilder m_notes{1};
    bool m_isInPage = false;
    bool m_isTitle = false;
    bool m_itemStarts = false;
    int m_skipDepth = 0;
    int m_noteDepth = 0;
    int m_paragraphDepth = 0;
    int m_listDepth = 0;
    std::size_t m_totalBytes = 0;
};

}  // namespace

Result<ExtractedDocument> parseOdp(const Source& source) {
    const auto archive = Archive::open(source.bytes);
    if (!archive) return tl::unexpected(archive.error());
    if (const auto open = checkOpenDocumentEncryption(*archive); !open) {
        return tl::unexpected(open.error());
    }
    ExtractedDocument document;
    document.mime = "application/vnd.oasis.opendocument.presentation";
    OpenPresentationReader reader(document);
    if (const auto read = readXml(*archive, "content.xml", reader); !read) {
        return tl::unexpected(read.error());
    }
    if (document.pages.empty()) document.pages.push_back({.number = 1, .text = {}});  // a template
    if (reader.nNotShown() > 0) {
        document.warnings.push_back("read " + std::to_string(reader.nNotShown()) +
                                    " slides that are not shown");
    }
    document.title = titleIn(*archive, "meta.xml");
    return document;
}

}  // namespace conclave::retrieval::extractor
