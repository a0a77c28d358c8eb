#include "ui/widgets/filter_panel.h"

#include <QBitmap>
#include <QDate>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QPainter>
#include <QRegularExpression>
#include <QScreen>
#include <QStyleOption>
#include <QVBoxLayout>
#include <algorithm>
#include <map>

#include "ui/bridge.h"
#include "ui/filter_words.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

using services::Document;
using services::DocumentFilter;

namespace {

constexpr std::size_t kMostTypes = 14;
constexpr int kRadius = 12;  ///< as in the style sheet

/// "pdf"; empty for a name without an ending.
std::string typeOf(const Document& document) {
    const QString ending = fromUtf8(document.path.extension().string()).toLower();
    return ending.mid(1).toStdString();
}

std::string dayBefore(int nDays) {
    return QDate::currentDate().addDays(-nDays).toString(Qt::ISODate).toStdString();
}

std::string yearsFirstDay() {
    return QDate(QDate::currentDate().year(), 1, 1).toString(Qt::ISODate).toStdString();
}

QLineEdit* makeDayField(const QString& name, QWidget* parent) {
    auto* field = new QLineEdit(parent);
    field->setPlaceholderText(FilterPanel::tr("YYYY-MM-DD"));
    field->setAccessibleName(name);
    field->setClearButtonEnabled(true);
    field->setMaxLength(10);
    return field;
}

}  // namespace

FilterPanel::FilterPanel(QWidget* parent)
    : QFrame(parent, Qt::Popup | Qt::FramelessWindowHint),
      m_types(new QWidget(this)),
      m_since(makeDayField(tr("Changed since"), this)),
      m_until(makeDayField(tr("Changed until"), this)),
      m_dayProblem(makeLabel({}, TextSize::Caption, this)),
      m_names(new QLineEdit(this)),
      m_count(makeLabel({}, TextSize::Small, this, true)),
      m_clear(makeButton(tr("Clear"), this, "link")) {
    setObjectName(QStringLiteral("popup"));
    setAttribute(Qt::WA_TranslucentBackground);  // outside of the round corners
    setAccessibleName(tr("Filter"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(18, 14, 18, 12);
    column->setSpacing(6);
    const auto addTitle = [&](const QString& text) {
        column->addWidget(makeLabel(text, TextSize::Small, this, false, QFont::DemiBold));
    };
    column->addWidget(makeLabel(tr("Search only some documents"), TextSize::Message, this, false,
                                QFont::DemiBold));
    column->addSpacing(4);
    addTitle(tr("Type"));
    column->addWidget(m_types);
    column->addSpacing(6);
    addTitle(tr("Last changed"));
    column->addWidget(makeDays());
    m_dayProblem->setProperty("danger", true);
    m_dayProblem->hide();
    column->addWidget(m_dayProblem);
    column->addSpacing(6);
    addTitle(tr("Name"));
    m_names->setPlaceholderText(tr("lease, or lease*.pdf, or 2024/"));
    m_names->setAccessibleName(tr("Name"));
    m_names->setToolTip(
        tr("A part of the file's name; a pattern with * and ?; or a folder, which ends in a slash. "
           "Several are set apart by semicolons."));
    m_names->setClearButtonEnabled(true);
    column->addWidget(m_names);
    column->addSpacing(8);
    column->addWidget(makeLine(this));
    auto* bottom = new QHBoxLayout;
    bottom->addWidget(m_count, 1);
    bottom->addWidget(m_clear);
    column->addLayout(bottom);

    connect(m_since, &QLineEdit::textChanged, this, &FilterPanel::takeDays);
    connect(m_until, &QLineEdit::textChanged, this, &FilterPanel::takeDays);
    connect(m_names, &QLineEdit::textChanged, this, &FilterPanel::takeNames);
    for (QLineEdit* field : {m_since, m_until, m_names}) {
        connect(field, &QLineEdit::returnPressed, this, &QWidget::close);
    }
    connect(m_clear, &QPushButton::clicked, this, [this] {
        setFilter({});
        emit changed(m_filter);
    });
    connect(&Theme::instance(), &Theme::changed, this, &FilterPanel::rebuildTypes);
}

QWidget* FilterPanel::makeDays() {
    auto* days = new QWidget(this);
    auto* column = new QVBoxLayout(days);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    auto* spans = new QHBoxLayout;
    spans->setSpacing(6);
    const auto add = [&](const QString& text, auto since) {
        auto* chip = new QToolButton(days);
        chip->setProperty("chip", true);
        chip->setText(text);
        chip->setCursor(Qt::PointingHandCursor);
        chip->setFocusPolicy(Qt::TabFocus);
        onTheme(chip, [chip] { chip->setFont(Theme::instance().font(TextSize::Small)); });
        connect(chip, &QToolButton::clicked, this, [this, since] { setDays(since(), {}); });
        spans->addWidget(chip);
        m_spans << chip;
    };
    add(tr("Any time"), [] { return std::string(); });
    add(tr("7 days"), [] { return dayBefore(7); });
    add(tr("30 days"), [] { return dayBefore(30); });
    add(tr("This year"), yearsFirstDay);
    spans->addStretch();
    column->addLayout(spans);
    auto* fields = new QHBoxLayout;
    fields->setSpacing(8);
    fields->addWidget(makeLabel(tr("From"), TextSize::Small, days, true));
    fields->addWidget(m_since, 1);
    fields->addWidget(makeLabel(tr("to"), TextSize::Small, days, true));
    fields->addWidget(m_until, 1);
    column->addLayout(fields);
    return days;
}

void FilterPanel::openAt(QWidget* button, const DocumentFilter& filter) {
    m_anchor = button;
    setFilter(filter);
    show();
    place();
    m_names->setFocus(Qt::PopupFocusReason);
    m_names->selectAll();
}

/// A translucent window gets no background of the style sheet by itself.
void FilterPanel::paintEvent(QPaintEvent*) {
    QStyleOption option;
    option.initFrom(this);
    QPainter painter(this);
    style()->drawPrimitive(QStyle::PE_Widget, &option, &painter, this);
}

/// Where no compositor blends windows, the translucent corners would be black.
void FilterPanel::resizeEvent(QResizeEvent* event) {
    QFrame::resizeEvent(event);
    QBitmap shape(size());
    shape.clear();
    QPainter painter(&shape);
    painter.setPen(Qt::color1);
    painter.setBrush(Qt::color1);
    painter.drawRoundedRect(rect().adjusted(0, 0, -1, -1), kRadius, kRadius);
    painter.end();
    setMask(shape);
}

/// Above the button, and all of it on the screen.
void FilterPanel::place() {
    if (!m_anchor) return;
    const QRect screen = m_anchor->screen()->availableGeometry();
    const int width = std::min(Theme::instance().scaled(372), screen.width());
    setFixedWidth(width);
    const QMargins margins = layout()->contentsMargins();
    const int inner = contentsRect().width() - margins.left() - margins.right();
    m_types->setFixedHeight(std::max(layOutInRows(m_typeChips, inner), 1));
    layout()->activate();
    resize(width, sizeHint().height());
    const QPoint above = m_anchor->mapToGlobal(QPoint(0, -height() - 8));
    move(std::clamp(above.x(), screen.left(), std::max(screen.left(), screen.right() - width)),
         std::max(above.y(), screen.top()));
}

void FilterPanel::setFilter(const DocumentFilter& filter) {
    m_filter = filter;
    const QSignalBlocker quietSince(m_since);
    const QSignalBlocker quietUntil(m_until);
    const QSignalBlocker quietNames(m_names);
    m_since->setText(fromUtf8(filter.since));
    m_until->setText(fromUtf8(filter.until));
    m_names->setText(typedOf(filter.files));
    m_dayProblem->hide();
    rebuildTypes();
    showState();
}

void FilterPanel::setDocuments(std::vector<Document> documents) {
    m_documents = std::move(documents);
    m_areKnown = true;
    rebuildTypes();
    showState();
}

/// Those that most documents have, and those that are chosen.
void FilterPanel::rebuildTypes() {
    std::map<std::string, int> counts;
    for (const Document& document : m_documents) {
        if (const std::string type = typeOf(document); !type.empty()) ++counts[type];
    }
    for (const std::string& type : m_filter.types) counts.try_emplace(type, 0);
    std::vector<std::pair<std::string, int>> types(counts.begin(), counts.end());
    std::stable_sort(types.begin(), types.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    const auto isChosen = [&](const std::string& type) {
        return std::find(m_filter.types.begin(), m_filter.types.end(), type) !=
               m_filter.types.end();
    };
    const auto isFew = [&, n = std::size_t{0}](const auto& type) mutable {
        return ++n > kMostTypes && !isChosen(type.first);
    };
    types.erase(std::remove_if(types.begin(), types.end(), isFew), types.end());

    const QString focused = focusWidget() ? focusWidget()->accessibleName() : QString();
    for (QWidget* chip : m_typeChips) {
        chip->hide();
        chip->deleteLater();
    }
    m_typeChips.clear();
    for (const auto& [type, count] : types) {
        const QString name = fromUtf8(type);
        auto* chip = new QToolButton(m_types);
        chip->setProperty("chip", true);
        chip->setProperty("active", isChosen(type));
        chip->setCheckable(true);
        chip->setChecked(isChosen(type));
        chip->setFont(Theme::instance().font(TextSize::Small));
        chip->setText(count > 0
                          ? QStringLiteral("%1  %2").arg(name.toUpper(), QLocale().toString(count))
                          : name.toUpper());
        chip->setAccessibleName(tr("Type %1").arg(name.toUpper()));
        chip->setCursor(Qt::PointingHandCursor);
        chip->setFocusPolicy(Qt::TabFocus);
        connect(chip, &QToolButton::clicked, this,
                [this, name](bool checked) { choose(name, checked); });
        chip->show();
        m_typeChips << chip;
        if (chip->accessibleName() == focused) chip->setFocus();
    }
    if (m_typeChips.isEmpty()) {
        auto* none = makeLabel(m_areKnown ? tr("No documents yet") : tr("Looking…"),
                               TextSize::Small, m_types, true);
        none->show();
        m_typeChips << none;
    }
    if (isVisible()) place();
}

void FilterPanel::choose(const QString& type, bool isChosen) {
    std::erase(m_filter.types, type.toStdString());
    if (isChosen) m_filter.types.push_back(type.toStdString());
    rebuildTypes();
    apply();
}

void FilterPanel::setDays(const std::string& since, const std::string& until) {
    const QSignalBlocker quietSince(m_since);
    const QSignalBlocker quietUntil(m_until);
    m_since->setText(fromUtf8(since));
    m_until->setText(fromUtf8(until));
    takeDays();
}

/// Half a date is not applied yet; a whole one that is none is told.
void FilterPanel::takeDays() {
    constexpr int kWhole = 10;
    const auto isDay = [](const QString& text) {
        return text.isEmpty() || DocumentFilter::dayOf(text.toStdString()).has_value();
    };
    const QString since = m_since->text().trimmed();
    const QString until = m_until->text().trimmed();
    const auto isWrong = [&](const QString& text) { return text.size() >= kWhole && !isDay(text); };
    const bool isReversed =
        isDay(since) && isDay(until) && !since.isEmpty() && !until.isEmpty() && until < since;
    const bool isWritten = QRegularExpression(QStringLiteral("^\\d{4}-\\d{2}-\\d{2}$"))
                               .match(isWrong(since) ? since : until)
                               .hasMatch();
    m_dayProblem->setText(isReversed  ? tr("The first day comes after the last.")
                          : isWritten ? tr("There is no such day.")
                                      : tr("Dates are written as in 2026-01-31."));
    m_dayProblem->setVisible(isReversed || isWrong(since) || isWrong(until));
    if (isVisible()) place();
    if (!isDay(since) || !isDay(until) || isReversed) return;
    m_filter.since = since.toStdString();
    m_filter.until = until.toStdString();
    apply();
}

void FilterPanel::takeNames() {
    m_filter.files = patternsOf(m_names->text());
    apply();
}

void FilterPanel::apply() {
    showState();
    emit changed(m_filter);
}

void FilterPanel::showState() {
    const std::string spans[] = {{}, dayBefore(7), dayBefore(30), yearsFirstDay()};
    for (qsizetype i = 0; i < m_spans.size(); ++i) {
        const bool isChosen =
            m_filter.until.empty() && m_filter.since == spans[static_cast<std::size_t>(i)];
        setStyleProperty(m_spans[i], "active", isChosen);
    }
    m_clear->setVisible(!m_filter.isEmpty());
    if (!m_areKnown) return;
    const auto nHeld = std::count_if(m_documents.begin(), m_documents.end(),
                                     [&](const Document& each) { return m_filter.holds(each); });
    const QLocale locale;
    const QString all =
        counted(static_cast<int>(m_documents.size()), tr("1 document"), tr("%1 documents"));
    m_count->setText(m_filter.isEmpty() ? tr("All of %1").arg(all)
                     : nHeld == 0       ? tr("None of %1").arg(all)
                                        : tr("%1 of %2").arg(locale.toString(nHeld), all));
    m_count->setProperty("muted", nHeld > 0 || m_documents.empty());
    setStyleProperty(m_count, "danger", nHeld == 0 && !m_documents.empty());
}

}  // namespace conclave::ui
