// message_text.h: one message's text: Markdown with code boxes and citation chips, as high as it
// needs to be.
#pragma once

#include <QTextBrowser>
#include <string>
#include <vector>

#include "ui/markdown/markdown_document.h"

class QToolButton;

namespace conclave::ui {

/// Read-only, selectable text. Its owner sets its width and gives it the height it answers.
class MessageText : public QTextBrowser {
    Q_OBJECT
public:
    explicit MessageText(QWidget* parent = nullptr);

    /// Shows Markdown; see MarkdownDocument::setText.
    void setMarkdown(const std::string& text, const CitationMarks& citations);
    /// Shows text as it is, as the user typed it.
    void setPlain(const QString& text);

    /// Lays the text out for `width` pixels and returns its height.
    int heightForTextWidth(int width);
    /// Width of the longest line when laid out for at most `width` pixels.
    int naturalWidth(int width);

    /// Marks every occurrence of `words`, case-insensitively; empty: none. Returns how many.
    int markFound(const QString& words);
    /// Marks one occurrence stronger and returns its rectangle in this widget.
    QRect showFound(int index);

    [[nodiscard]] const MarkdownDocument& shown() const { return m_markdown; }

    /// As it is copied: with [n] for citations and the markers of lists.
    [[nodiscard]] QString selectedText() const;

signals:
    /// A chip was clicked: n of [n], and which checked citation it is, or -1.
    void citationClicked(int number, int index);
    void linkClicked(const QString& href);
    void copied();

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    [[nodiscard]] QMimeData* createMimeDataFromSelection() const override;

private:
    void paintDecorations(QPainter& painter, const QRect& clip) const;
    void placeCodeButtons();

    MarkdownDocument m_markdown;
    int m_textWidth = -1;
    std::vector<QToolButton*> m_codeButtons;
    QList<QTextCursor> m_found;
};

}  // namespace conclave::ui
