#include "retrieval/extractor/slide_text.h"

namespace conclave::retrieval::extractor {

bool SlideReader::isWanted() const {
    if (m_isShapeHidden) return false;
    const bool isTitle = m_placeholder == "title" || m_placeholder == "ctrTitle";
    switch (m_wanted) {
        case SlidePart::Title: return isTitle;
        case SlidePart::Notes: return m_placeholder == "body";
        case SlidePart::Body:
            // Numbers and dates are the same on every slide.
            return !isTitle && m_placeholder != "sldNum" && m_placeholder != "dt" &&
                   m_placeholder != "sldImg";
    }
    return false;
}

void SlideReader::startShape() {
    m_placeholder.clear();
    m_isShapeHidden = false;
    if (m_wanted != SlidePart::Title) m_builder.breakParagraph();
}

void SlideReader::start(std::string_view name, const XmlAttributes& attributes) {
    if (m_skipDepth > 0) {
        ++m_skipDepth;
        return;
    }
    if (name == "AlternateContent") {
        m_alternatives.push_back(false);
    } else if ((name == "Choice" || name == "Fallback") && !m_alternatives.empty()) {
        if (m_alternatives.back()) {
            m_skipDepth = 1;
        } else {
            m_alternatives.back() = true;
        }
    } else if (name == "sld") {
        m_isHidden = attributes.get("show") == "0" || attributes.get("show") == "false";
    } else if (name == "sp" || name == "graphicFrame" || name == "cxnSp") {
        startShape();
    } else if (name == "cNvPr") {
        m_isShapeHidden = attributes.get("hidden") == "1" || attributes.get("hidden") == "true";
    } else if (name == "ph") {
        m_placeholder = attributes.get("type");
        if (m_placeholder.empty()) m_placeholder = "obj";
    } else if (name == "p" && isWanted()) {
        startParagraph();
    } else if (name == "buNone") {
        m_isItem = false;
    } else if (name == "r" || name == "fld") {
        // The bullet is known only after the paragraph's properties.
        if (m_isItem && isWanted() && m_wanted == SlidePart::Body) m_builder.startItem("- ");
        m_isItem = false;
    } else if (name == "br" && isWanted()) {
        m_wanted == SlidePart::Title ? m_builder.add(" ") : m_builder.breakLine();
    } else if (name == "t") {
        ++m_textDepth;
    } else if (name == "tbl") {
        ++m_tableDepth;
    } else if (name == "tr" && isWanted() && m_wanted == SlidePart::Body) {
        m_builder.startRow();
    } else if (name == "tc" && isWanted() && m_wanted == SlidePart::Body) {
        m_builder.startCell();
    }
}

void SlideReader::startParagraph() {
    if (m_wanted == SlidePart::Title) {
        m_builder.add(" ");
        return;
    }
    m_builder.breakLine();
    // Text of the slide's body has bullets unless it says otherwise.
    m_isItem = m_wanted == SlidePart::Body && m_tableDepth == 0 &&
               (m_placeholder == "body" || m_placeholder == "obj");
}

void SlideReader::end(std::string_view name) {
    if (m_skipDepth > 0) {
        --m_skipDepth;
    } else if (name == "AlternateContent") {
        if (!m_alternatives.empty()) m_alternatives.pop_back();
    } else if (name == "t") {
        --m_textDepth;
    } else if (name == "p") {
        if (m_wanted != SlidePart::Title && isWanted()) m_builder.breakLine();
    } else if (name == "tbl") {
        --m_tableDepth;
    } else if (name == "tr") {
        if (isWanted() && m_wanted == SlidePart::Body) m_builder.endRow();
    } else if (name == "sp" || name == "graphicFrame" || name == "cxnSp") {
        startShape();
    }
}

void SlideReader::text(std::string_view text) {
    if (m_skipDepth > 0 || m_textDepth == 0) return;
    if (isWanted()) {
        m_builder.add(text);
    } else if (m_isShapeHidden) {
        m_hadHiddenText = true;
    }
}

}  // namespace conclave::retrieval::extractor
