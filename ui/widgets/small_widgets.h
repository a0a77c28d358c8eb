// small_widgets.h: pieces that several pages use: icon buttons that follow the theme, labels,
// a row that wraps, the busy dots.
#pragma once

#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QToolButton>
#include <QVBoxLayout>
#include <functional>

#include "ui/icons.h"
#include "ui/theme.h"

namespace conclave::ui {

/// A flat button with an icon; `name` is its tooltip and what screen readers say.
[[nodiscard]] QToolButton* makeIconButton(Icon shape, const QString& name, QWidget* parent);
/// Calls `style` now and whenever the theme changes, as long as `widget` lives.
void onTheme(QWidget* widget, const std::function<void()>& style);
/// A label in the theme's size; `muted` for secondary text.
[[nodiscard]] QLabel* makeLabel(const QString& text, TextSize size, QWidget* parent,
                                bool muted = false, int weight = QFont::Normal);
/// A sentence to be heeded, with a sign before it; its label is called "warning".
[[nodiscard]] QWidget* makeWarning(const QString& text, QWidget* parent);
/// Sets a property that the style sheet looks at, and restyles.
void setStyleProperty(QWidget* widget, const char* name, const QVariant& value);
[[nodiscard]] QFrame* makeLine(QWidget* parent);
[[nodiscard]] QPushButton* makeButton(const QString& text, QWidget* parent,
                                      const char* kind = nullptr);

/// A name as buttons and menus take it: its "&" is a character and marks no key.
[[nodiscard]] QString withoutMnemonics(QString name);

/// Where the first dialog for files begins: at home, not where the program was started from. Empty
/// afterwards: Qt goes on where the last one was.
[[nodiscard]] QString firstFolder();

/// A page that scrolls up and down, with nothing on it yet: its content goes into widget().
[[nodiscard]] QScrollArea* makeScrollingPage(QWidget* parent);
/// The column in the middle of such a page, no wider than is good to read.
[[nodiscard]] QVBoxLayout* makeReadingColumn(QScrollArea* page, int spacing);

/// Puts chips beside each other in as many rows as `width` asks for; returns the height of them
/// all.
[[nodiscard]] int layOutInRows(const QList<QWidget*>& chips, int width);

/// `one` for 1, else `many` with the number in place of its %1.
[[nodiscard]] QString counted(int number, const QString& one, const QString& many);
/// "24 MB", "1.3 GB".
[[nodiscard]] QString formatBytes(quint64 bytes);
/// "20 M", "7.2 B" parameters.
[[nodiscard]] QString formatCount(quint64 count);

/// Three dots that breathe while something works.
class BusyDots : public QWidget {
public:
    explicit BusyDots(QWidget* parent = nullptr);
    [[nodiscard]] QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    void timerEvent(QTimerEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void hideEvent(QHideEvent* event) override;

private:
    int m_timer = 0;
    int m_step = 0;
};

/// A label that ends in "…" when there is no room.
class ElidedLabel : public QLabel {
public:
    explicit ElidedLabel(const QString& text, QWidget* parent = nullptr);
    void setFullText(const QString& text);
    [[nodiscard]] const QString& fullText() const { return m_text; }
    [[nodiscard]] QSize minimumSizeHint() const override;
    [[nodiscard]] QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    [[nodiscard]] int textHeight() const;

    QString m_text;
};

}  // namespace conclave::ui
