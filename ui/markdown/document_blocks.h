// document_blocks.h: takes a document's text apart into paragraphs, headings, lists and tables and
// says for every visible character where it is in the text, so that a quote found there can be
// marked in what people see.
#pragma once

#include <QString>
#include <cstddef>
#include <string_view>
#include <vector>

namespace conclave::ui {

/// How a document's text is written.
enum class Markup {
    None,      ///< as it stands: plain text, PDF
    Code,      ///< as it stands, in letters of one width
    Tables,    ///< plain, but rows of tables are cells between " | ": office files, web pages
    Markdown,  ///< headings, emphasis, links, lists, tables
};

/// By the file's name.
[[nodiscard]] Markup markupOf(std::string_view path);

/// Visible text and its bytes in the source.
struct TextRun {
    enum class Style { Plain, Bold, Italic, Code, Struck };
    QString text;
    std::size_t start = 0;
    std::size_t end = 0;
    bool isExact = true;  ///< the text is those bytes; else it stands for all of them
    Style style = Style::Plain;
};

/// Of a cell or a paragraph.
[[nodiscard]] QString textOf(const std::vector<TextRun>& runs);

struct DocumentBlock {
    enum class Kind { Paragraph, Heading, Item, Quote, Code, Row, Rule, Gap };
    Kind kind = Kind::Paragraph;
    int level = 0;                            ///< of a heading, from 1; of an item, from 0
    QString marker;                           ///< of an item: "•", "3.", "☑"
    bool isHeader = false;                    ///< of a row
    std::vector<std::vector<TextRun>> cells;  ///< one, but of a row
};

/// @param text  UTF-8; runs name bytes of it
[[nodiscard]] std::vector<DocumentBlock> documentBlocks(std::string_view text, Markup markup);

/// A text on one line, and what of that line came from the bytes that were asked for.
struct OneLine {
    QString text;
    qsizetype markStart = 0;
    qsizetype markEnd = 0;     ///< as markStart: nothing of those bytes is on the line
    bool beginsInRow = false;  ///< the mark begins in a row of a table, which begins at `row`
    qsizetype row = 0;
};

/// All on one line, without headings and marks, for a card: cells are set apart by " · ".
/// @param start, end  bytes of `text` to be found again; equal for none
[[nodiscard]] OneLine onOneLine(std::string_view text, Markup markup, std::size_t start = 0,
                                std::size_t end = 0);

/// The same of rows of tables that say their columns: "Boat: Gannet · Length: 9 m; Boat: …". A
/// header row, which says nothing between values, is left out.
[[nodiscard]] OneLine onOneLabelledLine(std::string_view text, Markup markup, std::size_t start = 0,
                                        std::size_t end = 0);

}  // namespace conclave::ui
