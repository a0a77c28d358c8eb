#include "ui/theme.h"

#include <QApplication>
#include <QFontDatabase>
#include <QFontInfo>
#include <QPalette>
#include <algorithm>
#include <cmath>

namespace conclave::ui {

namespace {

void setPaper(Colors& c) {
    c.paper = QColor("#ffffff");
    c.paperMark = QColor("#ffe58f");
    c.paperTint = QColor("#e2f3ee");
}

Colors makeLight() {
    Colors c;
    c.page = QColor("#ffffff");
    c.sidebar = QColor("#f5f6f6");
    c.surface = QColor("#ffffff");
    c.hover = QColor("#ebeded");
    c.selected = QColor("#e0e5e5");
    c.border = QColor("#e3e6e6");
    c.borderStrong = QColor("#c9cfcf");
    c.text = QColor("#1b2124");
    c.muted = QColor("#5d686c");
    c.accent = QColor("#0b6e69");
    c.onAccent = QColor("#ffffff");
    c.accentSoft = QColor("#dff0ee");
    c.bubble = QColor("#eef2f2");
    c.code = QColor("#f5f7f7");
    c.mark = QColor("#ffe9a8");
    c.danger = QColor("#b3261e");
    c.dangerSoft = QColor("#fdecea");
    c.warning = QColor("#8a5300");
    c.warningSoft = QColor("#fff4dc");
    c.selection = QColor("#b9dedb");
    c.desk = QColor("#e4e8e8");
    setPaper(c);
    c.keyword = QColor("#8b2fb0");
    c.string = QColor("#23763d");
    c.number = QColor("#a8480b");
    c.comment = QColor("#6b777b");
    c.type = QColor("#0c6a86");
    c.function = QColor("#2555b8");
    c.meta = QColor("#8a5300");
    return c;
}

Colors makeDark() {
    Colors c;
    c.page = QColor("#181b1d");
    c.sidebar = QColor("#121516");
    c.surface = QColor("#202426");
    c.hover = QColor("#24292b");
    c.selected = QColor("#2c3335");
    c.border = QColor("#2a2f31");
    c.borderStrong = QColor("#3d4548");
    c.text = QColor("#e6eaea");
    c.muted = QColor("#9ba7aa");
    c.accent = QColor("#53c2b8");
    c.onAccent = QColor("#06201e");
    c.accentSoft = QColor("#1d3a38");
    c.bubble = QColor("#272d2f");
    c.code = QColor("#121516");
    c.mark = QColor("#6a5412");
    c.danger = QColor("#ff8a80");
    c.dangerSoft = QColor("#3a2020");
    c.warning = QColor("#f0b85a");
    c.warningSoft = QColor("#372c17");
    c.selection = QColor("#2b5f5b");
    c.desk = QColor("#1f2426");
    setPaper(c);
    c.keyword = QColor("#cf9bf0");
    c.string = QColor("#8fd19e");
    c.number = QColor("#f0a872");
    c.comment = QColor("#859195");
    c.type = QColor("#6fc7e3");
    c.function = QColor("#8fb4ff");
    c.meta = QColor("#e0b860");
    return c;
}

/// The first installed family of `wanted`, else `otherwise`.
QString firstFamily(const QStringList& wanted, const QString& otherwise) {
    const QStringList all = QFontDatabase::families();
    for (const QString& family : wanted) {
        if (all.contains(family)) return family;
    }
    return otherwise;
}

}  // namespace

Theme& Theme::instance() {
    static Theme theme;
    return theme;
}

Theme::Theme() {
    // A desktop's own choice of font is respected; a bare system's fallback is not one.
    const QString system = QFontInfo(QApplication::font()).family();
    const bool chosen = !system.isEmpty() && !system.startsWith("DejaVu");
    m_family = chosen ? system
                      : firstFamily({"Inter", "Noto Sans", "Cantarell", "Ubuntu",
                                     "Noto Sans CJK SC", "Source Han Sans SC"},
                                    system);
    m_codeFamily = firstFamily({"JetBrains Mono", "Fira Code", "Source Code Pro", "Noto Sans Mono",
                                "Noto Mono", "Ubuntu Mono", "DejaVu Sans Mono", "Liberation Mono"},
                               QFontDatabase::systemFont(QFontDatabase::FixedFont).family());
    m_systemDark = QApplication::palette().color(QPalette::Window).lightness() < 128;
    setMode(ThemeMode::System);
}

const Colors& Theme::colors() const {
    static const Colors light = makeLight();
    static const Colors dark = makeDark();
    return m_dark ? dark : light;
}

void Theme::setMode(ThemeMode mode) {
    const QString forced = qEnvironmentVariable("CONCLAVE_THEME");
    if (forced == "light") mode = ThemeMode::Light;
    if (forced == "dark") mode = ThemeMode::Dark;
    if (forced == "system") mode = ThemeMode::System;
    m_mode = mode;
    m_dark = mode == ThemeMode::Dark || (mode == ThemeMode::System && m_systemDark);
    apply();
}

void Theme::setZoom(double zoom) {
    zoom = std::clamp(std::round(zoom * 20.0) / 20.0, 0.6, 2.5);
    if (zoom == m_zoom) return;
    m_zoom = zoom;
    apply();
}

void Theme::setSystemDark(bool dark) {
    if (dark == m_systemDark) return;
    m_systemDark = dark;
    setMode(m_mode);
}

int Theme::scaled(int pixels) const { return static_cast<int>(std::lround(pixels * m_zoom)); }

QFont Theme::font(TextSize size, int weight) const {
    int pixels = 14;
    switch (size) {
        case TextSize::Caption: pixels = 12; break;
        case TextSize::Small: pixels = 13; break;
        case TextSize::Body: pixels = 14; break;
        case TextSize::Message: pixels = 15; break;
        case TextSize::Title: pixels = 18; break;
        case TextSize::Display: pixels = 26; break;
    }
    QFont font;
    font.setFamilies(
        {m_family, "Noto Sans CJK SC", "Noto Sans", "Noto Color Emoji", "DejaVu Sans"});
    font.setPixelSize(scaled(pixels));
    font.setWeight(static_cast<QFont::Weight>(weight));
    font.setHintingPreference(QFont::PreferNoHinting);
    return font;
}

QFont Theme::codeFont() const {
    QFont font;
    font.setFamilies({m_codeFamily, "Noto Sans Mono CJK SC", "DejaVu Sans Mono"});
    font.setStyleHint(QFont::Monospace);
    font.setPixelSize(scaled(13));
    return font;
}

QPalette Theme::palette() const {
    const Colors& c = colors();
    QPalette p;
    p.setColor(QPalette::Window, c.page);
    p.setColor(QPalette::WindowText, c.text);
    p.setColor(QPalette::Base, c.surface);
    p.setColor(QPalette::AlternateBase, c.sidebar);
    p.setColor(QPalette::Text, c.text);
    p.setColor(QPalette::Button, c.surface);
    p.setColor(QPalette::ButtonText, c.text);
    p.setColor(QPalette::BrightText, c.danger);
    p.setColor(QPalette::Highlight, c.selection);
    p.setColor(QPalette::HighlightedText, c.text);
    p.setColor(QPalette::Link, c.accent);
    p.setColor(QPalette::LinkVisited, c.accent);
    p.setColor(QPalette::ToolTipBase, c.text);
    p.setColor(QPalette::ToolTipText, c.page);
    p.setColor(QPalette::PlaceholderText, c.muted);
    p.setColor(QPalette::Mid, c.border);
    p.setColor(QPalette::Dark, c.borderStrong);
    p.setColor(QPalette::Light, c.hover);
    p.setColor(QPalette::Midlight, c.hover);
    p.setColor(QPalette::Shadow, c.borderStrong);
    for (const auto role : {QPalette::Text, QPalette::WindowText, QPalette::ButtonText}) {
        QColor faint = c.muted;
        faint.setAlpha(150);
        p.setColor(QPalette::Disabled, role, faint);
    }
    return p;
}

QString Theme::styleSheet() const {
    const Colors& c = colors();
    QString css = QStringLiteral(R"(
* { outline: 0; }
QToolTip { background: @text; color: @page; border: 0; padding: 4px 8px; }
QWidget#sidebar, QWidget#sources { background: @sidebar; }
QWidget#header { background: @page; border-bottom: 1px solid @border; }
QWidget#status { background: @page; }
QWidget#page, QStackedWidget#page, QScrollArea#page, QWidget#column { background: @page; border: 0; }
QScrollArea { border: 0; background: transparent; }
QTextBrowser#message { background: transparent; border: 0; }
QSplitter::handle { background: @border; }
QLabel[muted="true"] { color: @muted; }
QLabel[danger="true"] { color: @danger; }
QLineEdit { lineedit-clear-button-icon: url(:/conclave/clear.svg); background: @surface; border: 1px solid @borderStrong; border-radius: 8px; padding: 6px 6px; selection-background-color: @selection; selection-color: @text; }
QLineEdit:focus, QPlainTextEdit#field:focus, QTextEdit#field:focus { border: 1px solid @accent; }
QPlainTextEdit#field, QTextEdit#field { background: @surface; border: 1px solid @borderStrong; border-radius: 8px; padding: 4px 6px; }
QAbstractSpinBox, QComboBox { background: @surface; border: 1px solid @borderStrong; border-radius: 8px; padding: 5px 8px; min-height: 20px; selection-background-color: @selection; selection-color: @text; }
QAbstractSpinBox:hover, QComboBox:hover { border-color: @muted; }
QAbstractSpinBox:focus, QComboBox:focus { border: 1px solid @accent; }
QAbstractSpinBox:disabled, QComboBox:disabled { color: @muted; background: transparent; border-color: @border; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { subcontrol-origin: border; width: 22px; border: 0; background: transparent; margin: 2px 3px; border-radius: 4px; }
QAbstractSpinBox::up-button { subcontrol-position: top right; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; }
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover { background: @hover; }
QAbstractSpinBox::up-arrow { image: url(:/conclave/up.svg); width: 10px; height: 10px; }
QAbstractSpinBox::down-arrow, QComboBox::down-arrow { image: url(:/conclave/down.svg); width: 10px; height: 10px; }
QComboBox::drop-down { border: 0; width: 24px; }
QComboBox QAbstractItemView { background: @surface; border: 1px solid @borderStrong; border-radius: 8px; padding: 4px; selection-background-color: @hover; selection-color: @text; }
QComboBox QAbstractItemView::item { min-height: 28px; padding: 0 8px; border-radius: 6px; }
QListWidget#sections { background: @sidebar; border: 0; border-right: 1px solid @border; padding: 14px 8px; }
QListWidget#sections::item { min-height: 34px; padding: 0 10px; border-radius: 8px; color: @text; }
QListWidget#sections::item:hover { background: @hover; }
QListWidget#sections::item:selected { background: @selected; }
QFrame#choice { background: @hover; border: 0; border-radius: 9px; }
QPushButton[choice="true"] { border: 1px solid transparent; background: transparent; padding: 4px 12px; border-radius: 7px; color: @muted; }
QPushButton[choice="true"]:hover { color: @text; }
QPushButton[choice="true"]:checked { background: @surface; border: 1px solid @border; color: @text; }
QPushButton[choice="true"]:focus { border: 1px solid @accent; }
QLabel#key { background: @hover; border: 1px solid @border; border-radius: 5px; padding: 2px 7px; }
QFrame#attachment { background: @surface; border: 1px solid @border; border-radius: @pill; }
QFrame#attachment[pending="true"] { background: @accentSoft; border-color: @accentSoft; }
QFrame#attachment QToolButton { border: 1px solid transparent; border-radius: @innerPill; padding: 2px 0px 2px 5px; color: @muted; }
QFrame#attachment QToolButton[tiny="true"] { padding: 3px; }
QFrame#attachment[pending="true"] QToolButton { color: @accent; }
QFrame#attachment QToolButton:hover { background: @hover; color: @text; }
QFrame#attachment QToolButton:focus { border: 1px solid @accent; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QMessageBox { messagebox-question-icon: url(:/conclave/question.svg); messagebox-information-icon: url(:/conclave/information.svg); messagebox-warning-icon: url(:/conclave/warning.svg); messagebox-critical-icon: url(:/conclave/warning.svg); }
QPushButton { background: @surface; border: 1px solid @borderStrong; border-radius: 8px; padding: 6px 14px; }
QPushButton:hover { background: @hover; }
QPushButton:pressed { background: @selected; }
QPushButton:focus { border: 1px solid @accent; }
QPushButton:disabled { color: @muted; background: transparent; border-color: @border; }
QPushButton[primary="true"] { background: @accent; border: 1px solid @accent; color: @onAccent; font-weight: 600; }
QPushButton[primary="true"]:hover { background: @accentHover; }
QPushButton[primary="true"]:focus { border: 2px solid @text; padding: 5px 13px; }
QPushButton[primary="true"]:disabled { background: @selected; border-color: @selected; color: @muted; }
QPushButton[link="true"] { border: 0; background: transparent; color: @accent; padding: 4px 6px; font-weight: 600; }
QPushButton[link="true"]:hover { background: @hover; }
QPushButton[link="true"]:focus { border: 1px solid @accent; border-radius: 6px; padding: 3px 5px; }
QPushButton[side="true"] { border: 0; background: transparent; text-align: left; padding: 8px 10px; border-radius: 8px; }
QPushButton[side="true"]:hover { background: @hover; }
QPushButton[side="true"]:checked { background: @selected; }
QPushButton[side="true"]:focus, QToolButton:focus { border: 1px solid @accent; }
QPushButton[suggestion="true"] { text-align: left; padding: 12px 14px; border: 1px solid @border; border-radius: 12px; background: @surface; }
QPushButton[suggestion="true"]:hover { background: @hover; border-color: @borderStrong; }
QPushButton[suggestion="true"]:focus { border: 1px solid @accent; }
QToolButton { border: 1px solid transparent; border-radius: 7px; padding: 5px; background: transparent; }
QToolButton:hover { background: @hover; }
QToolButton:pressed, QToolButton:checked { background: @selected; }
QToolButton[tiny="true"] { padding: 1px; }
QToolButton::menu-indicator, QPushButton::menu-indicator { image: none; width: 0; }
QToolButton#model::menu-indicator, QToolButton[chip="true"]::menu-indicator { image: url(:/conclave/down.svg); width: 10px; height: 10px; subcontrol-origin: padding; subcontrol-position: right center; right: 8px; }
QToolButton#send { background: @accent; border-radius: 17px; border: 0; }
QToolButton#send:hover { background: @accentHover; }
QToolButton#send:disabled { background: @selected; }
QToolButton#send:focus { border: 2px solid @text; }
QToolButton#jump { background: @surface; border: 1px solid @borderStrong; border-radius: 17px; }
QToolButton#jump:hover { background: @hover; }
QToolButton#model { padding: 6px 18px 6px 10px; }
QToolButton[chip="true"] { background: @surface; border: 1px solid @borderStrong; border-radius: @pill; min-height: @pillHigh; min-width: @pillWide; padding: 3px 10px; color: @muted; }
QToolButton[chip="true"][popupMode="2"] { padding-right: 16px; }
QToolButton[chip="true"]:hover { background: @hover; border-color: @muted; color: @text; }
QToolButton[chip="true"][active="true"] { background: @accentSoft; border-color: @accentSoft; color: @accent; }
QToolButton[chip="true"]:focus { border: 1px solid @accent; }
QFrame#composer { background: @surface; border: 1px solid @borderStrong; border-radius: 16px; }
QFrame#composer[focused="true"] { border: 1px solid @accent; }
QFrame#composer[drop="true"] { border: 2px dashed @accent; background: @accentSoft; }
QFrame#composer QPlainTextEdit { background: transparent; border: 0; }
QFrame#card { background: @surface; border: 1px solid @border; border-radius: 12px; }
QFrame#card[clickable="true"]:hover { border-color: @borderStrong; background: @hover; }
QFrame#card[current="true"] { border: 1px solid @accent; }
QFrame#row { background: transparent; border: 1px solid transparent; border-radius: 8px; }
QFrame#row:hover { background: @hover; }
QFrame#row[current="true"] { border: 1px solid @accent; }
QFrame#danger { background: @dangerSoft; border: 1px solid @dangerSoft; border-radius: 10px; }
QFrame#damage { background: @dangerSoft; border: 1px solid @dangerSoft; border-radius: 10px; margin-top: 8px; }
QFrame#banner { background: @warningSoft; border: 1px solid @warningSoft; border-radius: 10px; }
QFrame#banner QLabel { color: @warning; }
QFrame#banner QPushButton[link="true"] { color: @warning; text-decoration: underline; }
QFrame#find { background: @surface; border: 1px solid @border; border-radius: 10px; }
QFrame#toast { background: @text; border-radius: 10px; }
QFrame#toast QLabel { color: @page; }
QFrame#toast QToolButton:hover { background: transparent; }
QFrame#toast QPushButton { color: @toastAction; background: transparent; border: 0; font-weight: 600; padding: 4px 8px; }
QFrame#popup { background: @surface; border: 1px solid @borderStrong; border-radius: 12px; }
QFrame#line { background: @border; border: 0; }
QListView { background: @surface; color: @text; border: 1px solid @border; }
QListView#chats { background: @sidebar; border: 0; }
QMenu { background: @surface; border: 1px solid @borderStrong; border-radius: 10px; padding: 6px; }
QMenu::item { padding: 7px 28px 7px 12px; border-radius: 6px; }
QMenu::item:selected { background: @hover; }
QMenu::item:disabled { color: @muted; }
QMenu::separator { height: 1px; background: @border; margin: 5px 8px; }
QMenu::icon { padding-left: 8px; }
QMenu::indicator { width: 16px; height: 16px; padding-left: 6px; }
QProgressBar { background: @selected; border: 0; border-radius: 2px; min-height: 4px; max-height: 4px; }
QProgressBar::chunk { background: @accent; border-radius: 2px; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 2px; }
QScrollBar::handle:vertical { background: @borderStrong; border-radius: 3px; min-height: 36px; }
QScrollBar::handle:vertical:hover { background: @muted; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 2px; }
QScrollBar::handle:horizontal { background: @borderStrong; border-radius: 3px; min-width: 36px; }
QAbstractScrollArea::corner { background: transparent; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QDialog { background: @page; }
)");
    const QColor hover = m_dark ? c.accent.lighter(112) : c.accent.darker(115);
    // Longest names first, since "@accent" also begins "@accentSoft".
    const std::pair<const char*, QColor> names[] = {
        {"@toastAction", m_dark ? QColor("#0b6e69") : QColor("#6fd6cc")},
        {"@borderStrong", c.borderStrong},
        {"@warningSoft", c.warningSoft},
        {"@dangerSoft", c.dangerSoft},
        {"@accentHover", hover},
        {"@accentSoft", c.accentSoft},
        {"@selection", c.selection},
        {"@selected", c.selected},
        {"@onAccent", c.onAccent},
        {"@sidebar", c.sidebar},
        {"@surface", c.surface},
        {"@warning", c.warning},
        {"@border", c.border},
        {"@danger", c.danger},
        {"@accent", c.accent},
        {"@muted", c.muted},
        {"@hover", c.hover},
        {"@page", c.page},
        {"@text", c.text},
    };
    // A corner rounder than half the height or width would be drawn square, as of a chip with an
    // icon alone, which does not grow with the zoom: within padding and border it is this large.
    css.replace(QLatin1String("@pillHigh"), QStringLiteral("%1px").arg(2 * scaled(12) - 8));
    css.replace(QLatin1String("@pillWide"), QStringLiteral("%1px").arg(2 * scaled(12) - 22));
    css.replace(QLatin1String("@pill"), QStringLiteral("%1px").arg(scaled(12)));
    css.replace(QLatin1String("@innerPill"), QStringLiteral("%1px").arg(scaled(9)));
    for (const auto& [name, color] : names) css.replace(QLatin1String(name), color.name());
    return css;
}

void Theme::apply() {
    emit aboutToChange();
    QApplication::setPalette(palette());
    QApplication::setFont(font(TextSize::Body));
    // Some platforms give classes of widgets fonts of their own.
    QApplication::setFont(font(TextSize::Body), "QWidget");
    qApp->setStyleSheet(styleSheet());
    emit changed();
}

}  // namespace conclave::ui
