// slide_text.h: the words of one slide as PresentationML keeps them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "retrieval/extractor/text_builder.h"
#include "retrieval/extractor/xml_reader.h"

namespace conclave::retrieval::extractor {

/// The part of a slide that is wanted; a title may stand anywhere in the file but is read first.
enum class SlidePart { Title, Body, Notes };

/// Shapes of a slide, its layout's place holders as they are filled. Title: the title alone, as a
/// heading. Body: all the rest, tables row by row. Notes: of a notes page what the speaker wrote.
class SlideReader : public XmlHandler {
public:
    SlideReader(TextBuilder& builder, SlidePart wanted) : m_builder(builder), m_wanted(wanted) {}

    [[nodiscard]] bool isHidden() const { return m_isHidden; }
    [[nodiscard]] bool hadHiddenText() const { return m_hadHiddenText; }
    [[nodiscard]] bool isTooLarge() const override {
        return m_builder.sizeBytes() > kMostSlideBytes;
    }

    void start(std::string_view name, const XmlAttributes& attributes) override;
    void end(std::string_view name) override;
    void text(std::string_view text) override;

private:
    static constexpr std::size_t kMostSlideBytes = std::size_t{64} << 20;

    void startShape();
    void startParagraph();
    [[nodiscard]] bool isWanted() const;

    TextBuilder& m_builder;
    SlidePart m_wanted;
    int m_skipDepth = 0;
    int m_textDepth = 0;
    std::string m_placeholder;  ///< of the shape: "title", "body", …; empty: none
    int m_tableDepth = 0;
    bool m_isShapeHidden = false;
    bool m_isItem = false;  ///< of the paragraph
    bool m_isHidden = false;
    bool m_hadHiddenText = false;
    std::vector<bool> m_alternatives;  ///< of each AlternateContent: one was taken
};

}  // namespace conclave::retrieval::extractor
