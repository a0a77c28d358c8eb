// markdown.h: Markdown text to a tree of plain values. CommonMark by libcmark; GFM tables,
// strikethrough, task lists and bare links, which chat answers use, by a pass over its tree.
#pragma once

#include <QString>
#include <string_view>
#include <vector>

namespace conclave::ui {

/// A run of text with one look.
struct Span {
    enum Flag : unsigned {
        Bold = 1,
        Italic = 2,
        Code = 4,
        Strike = 8,
        Image = 16,     ///< the text stands for a picture, which is not loaded
        LineBreak = 32  ///< a hard break; no text
    };
    QString text;
    unsigned flags = 0;
    QString href;              ///< not empty: a link
    int citation = 0;          ///< n of a [n]; the text is then "[n]"
    int citationIndex = -1;    ///< which of the answer's checked citations it is; -1: not checked
    bool unsupported = false;  ///< checked, and the passage does not say it

    friend bool operator==(const Span&, const Span&) = default;
};

struct Block {
    enum class Kind { Paragraph, Heading, Code, Quote, List, Item, Table, Row, Rule };
    enum class Align { None, Left, Center, Right };

    Kind kind = Kind::Paragraph;
    int level = 0;         ///< Heading: 1..6; ordered List: number of its first item
    bool ordered = false;  ///< List
    bool tight = true;     ///< List without blank lines between its items
    int checked = -1;      ///< Item: 0 open task, 1 done task, -1 no task
    QString language;      ///< Code: first word of the info string
    QString code;          ///< Code: without the last newline
    std::vector<Span> spans;
    std::vector<Block> children;  ///< Quote, List (Items), Item, Table (Rows), Row (Paragraphs)
    std::vector<Align> aligns;    ///< Table: one a column

    friend bool operator==(const Block&, const Block&) = default;
};

/// Top-level blocks of a UTF-8 text. Never fails; raw HTML becomes literal text.
[[nodiscard]] std::vector<Block> parseMarkdown(std::string_view text);

}  // namespace conclave::ui
