// theme.h: every colour, distance and type size of the window, in one place.
#pragma once

#include <QColor>
#include <QFont>
#include <QObject>
#include <QString>

class QPalette;

namespace conclave::ui {

enum class ThemeMode { System, Light, Dark };

/// What things look like; two of these exist, a light and a dark one.
struct Colors {
    QColor page;          ///< behind the conversation
    QColor sidebar;       ///< behind the lists at the sides
    QColor surface;       ///< cards, the composer, menus
    QColor hover;         ///< a row under the mouse
    QColor selected;      ///< the open chat
    QColor border;        ///< hairlines
    QColor borderStrong;  ///< around fields
    QColor text;
    QColor muted;  ///< secondary text, at least 4.5:1 on page and surface
    QColor accent;
    QColor onAccent;
    QColor accentSoft;  ///< chips and quiet emphasis
    QColor bubble;      ///< behind the user's messages
    QColor code;        ///< behind code
    QColor mark;        ///< quoted passage and found text
    QColor danger;
    QColor dangerSoft;
    QColor warning;
    QColor warningSoft;
    QColor selection;  ///< selected text
    QColor desk;       ///< behind pages of paper
    // Paper is white in the dark, too, so that pictures and print look as they are.
    QColor paper;
    QColor paperMark;  ///< a quoted passage, as if drawn with a felt pen
    QColor paperTint;  ///< the passage around a quote
    // Code highlighting.
    QColor keyword;
    QColor string;
    QColor number;
    QColor comment;
    QColor type;
    QColor function;
    QColor meta;
};

namespace space {
inline constexpr int kTiny = 4;
inline constexpr int kSmall = 8;
inline constexpr int kMedium = 12;
inline constexpr int kLarge = 16;
inline constexpr int kHuge = 24;
inline constexpr int kColumnWidth = 760;  ///< widest line of the conversation, before zoom
inline constexpr int kRadius = 8;
inline constexpr int kRadiusLarge = 14;
}  // namespace space

enum class TextSize { Caption, Small, Body, Message, Title, Display };

/// The current look. Widgets connect to changed() and take colours from here when they paint.
class Theme : public QObject {
    Q_OBJECT
public:
    /// The one theme of the program; made at first use, on the GUI thread.
    static Theme& instance();

    [[nodiscard]] const Colors& colors() const;
    [[nodiscard]] bool isDark() const { return m_dark; }
    [[nodiscard]] ThemeMode mode() const { return m_mode; }
    [[nodiscard]] double zoom() const { return m_zoom; }

    /// CONCLAVE_THEME=light|dark|system wins over what is asked here.
    void setMode(ThemeMode mode);
    /// Clamped to 0.6..2.5; all type sizes scale with it.
    void setZoom(double zoom);
    /// The system's own preference, from its palette or the desktop portal.
    void setSystemDark(bool dark);

    [[nodiscard]] QFont font(TextSize size, int weight = QFont::Normal) const;
    [[nodiscard]] QFont codeFont() const;
    /// Pixels after zoom.
    [[nodiscard]] int scaled(int pixels) const;

    [[nodiscard]] QPalette palette() const;
    [[nodiscard]] QString styleSheet() const;

signals:
    /// What is made anew afterwards goes away now: styling it twice takes long.
    void aboutToChange();
    void changed();

private:
    Theme();
    void apply();

    ThemeMode m_mode = ThemeMode::System;
    bool m_systemDark = false;
    bool m_dark = false;
    double m_zoom = 1.0;
    QString m_family;
    QString m_codeFamily;
};

inline const Colors& colors() { return Theme::instance().colors(); }

}  // namespace conclave::ui
