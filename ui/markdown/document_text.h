// document_text.h: a page of a document as formatted text, with places found again by their bytes.
#pragma once

#include <QList>
#include <QTextCursor>
#include <string>
#include <vector>

#include "ui/markdown/document_blocks.h"

class QTextDocument;

namespace conclave::ui {

/// Writes a text into a QTextDocument and remembers which bytes went where.
class DocumentText {
public:
    /// Replaces what `document` holds. Type sizes and colours are the theme's of now.
    void write(QTextDocument& document, std::string text, Markup markup);

    /// Selections that cover what is seen of bytes [start, end): one a paragraph or cell. Empty if
    /// nothing of them is seen.
    [[nodiscard]] QList<QTextCursor> find(QTextDocument& document, std::size_t start,
                                          std::size_t end) const;

private:
    struct Piece {
        std::size_t start = 0;
        std::size_t end = 0;
        int position = 0;
        int length = 0;
        int block = 0;  ///< pieces of one paragraph or cell have the same
        bool isExact = true;
    };
    class Writer;

    [[nodiscard]] int positionIn(const Piece& piece, std::size_t byte) const;

    std::string m_text;
    std::vector<Piece> m_pieces;
};

}  // namespace conclave::ui
