#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "retrieval/extractor/office_parts.h"
#include "retrieval/extractor/parser.h"
#include "retrieval/extractor/text_builder.h"

namespace conclave::retrieval::extractor {
namespace {

int toNumber(std::string_view text, int fallback) {
    int number = fallback;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// OpenDocument content to text. Notes and comments go to a builder of their own and follow the
/// main text; the record of tracked changes is skipped.
class OpenDocumentReader : public XmlHandler {
public:
    OpenDocumentReader(TextBuilder& body, TextBuilder& notes) : m_body(body), m_notes(notes) {}

    [[nodiscard]] bool hadHiddenText() const { return m_hadHiddenText; }
    [[nodiscard]] bool isTooLarge() const override {
        return m_body.sizeBytes() + m_notes.sizeBytes() > kMostTextBytes;
    }

    void start(std::string_view name, const XmlAttributes& attributes) override {
        if (m_skipDepth > 0 || isSkipped(name)) {
            ++m_skipDepth;
            return;
        }
        if (name == "body") ++m_bodyDepth;
        if (name == "note-body" || name == "annotation") {
            ++m_noteDepth;
            m_notes.breakParagraph();
        }
        TextBuilder& builder = current();
        if (name == "p") {
            ++m_paragraphDepth;
            if (m_itemStarts) {
                builder.startItem("- ");
                m_itemStarts = false;
            } else {
                m_listDepth > 0 ? builder.breakLine() : builder.breakParagraph();
            }
        } else if (name == "h") {
            ++m_paragraphDepth;
            builder.startHeading(toNumber(attributes.get("outline-level"), 1));
        } else if (name == "list") {
            if (m_listDepth++ == 0) builder.breakParagraph();
        } else if (name == "list-item") {
            m_itemStarts = true;
        } else if (name == "table-row") {
            builder.startRow();
        } else if (name == "table-cell") {
            builder.startCell();
        } else if (name == "s" || name == "tab") {
            builder.add(" ");
        } else if (name == "line-break") {
            builder.breakLine();
        }
    }

    void end(std::string_view name) override {
        if (m_skipDepth > 0) {
            --m_skipDepth;
            return;
        }
        TextBuilder& builder = current();
        if (name == "p") {
            --m_paragraphDepth;
            m_listDepth > 0 ? builder.breakLine() : builder.breakParagraph();
        } else if (name == "h") {
            --m_paragraphDepth;
            builder.endHeading();
        } else if (name == "list") {
            if (--m_listDepth == 0) builder.breakParagraph();
        } else if (name == "list-item") {
            m_itemStarts = false;
        } else if (name == "table-row") {
            builder.endRow();
        } else if (name == "note-body" || name == "annotation") {
            --m_noteDepth;
        } else if (name == "body") {
            --m_bodyDepth;
        }
    }

    void text(std::string_view text) override {
        if (m_skipDepth > 0) {
            m_hadHiddenText = m_hadHiddenText || m_skipsHidden;
            return;
        }
        if (m_bodyDepth > 0 && m_paragraphDepth > 0) current().add(text);
    }

private:
    bool isSkipped(std::string_view name) {
        m_skipsHidden = name == "hidden-text" || name == "hidden-paragraph";
        return m_skipsHidden || name == "tracked-changes" || name == "note-citation" ||
               name == "ruby-text" || name == "sequence-decls" || name == "forms" ||
               (m_noteDepth > 0 && (name == "creator" || name == "date"));
    }

    TextBuilder& current() { return m_noteDepth > 0 ? m_notes : m_body; }

    TextBuilder& m_body;
    TextBuilder& m_notes;
    int m_skipDepth = 0;
    bool m_skipsHidden = false;
    bool m_hadHiddenText = false;
    int m_bodyDepth = 0;
    int m_noteDepth = 0;
    int m_paragraphDepth = 0;
    int m_listDepth = 0;
    bool m_itemStarts = false;
};

}  // namespace

Result<ExtractedDocument> parseOdt(const Source& source) {
    const auto archive = Archive::open(source.bytes);
    if (!archive) return tl::unexpected(archive.error());
    if (const auto open = checkOpenDocumentEncryption(*archive); !open)
        return tl::unexpected(open.error());
    ExtractedDocument document;
    document.mime = "application/vnd.oasis.opendocument.text";
    TextBuilder body(1);
    TextBuilder notes(1);
    OpenDocumentReader reader(body, notes);
    if (const auto read = readXml(*archive, "content.xml", reader); !read) {
        return tl::unexpected(read.error());
    }
    if (notes.sizeBytes() > 0) {
        ExtractedDocument noteText;
        notes.finish(noteText);
        body.breakParagraph();
        body.addPreformatted(noteText.pages.front().text);
    }
    body.finish(document);
    if (reader.hadHiddenText()) {
        document.warnings.emplace_back("left out text that the document hides");
    }
    document.title = titleIn(*archive, "meta.xml");
    return document;
}

}  // namespace conclave::retrieval::extractor
