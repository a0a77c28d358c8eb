#include "ui/widgets/filter_bar.h"

#include <QStringList>
#include <vector>

#include "ui/bridge.h"
#include "ui/filter_words.h"
#include "ui/widgets/chip.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

using services::DocumentFilter;

FilterBar::FilterBar(QWidget* parent) : QWidget(parent) {
    setAccessibleName(tr("Filter"));
    hide();
    connect(&Theme::instance(), &Theme::changed, this, &FilterBar::rebuild);
}

void FilterBar::setFilter(const DocumentFilter& filter) {
    if (filter.toJson() == m_filter.toJson()) return;
    m_filter = filter;
    rebuild();
}

void FilterBar::rebuild() {
    Chip::drop(m_chips);
    if (const QString types = typesInWords(m_filter); !types.isEmpty()) {
        m_chips << makeChip(types, tr("Only files of these types are searched"),
                            [](DocumentFilter& filter) { filter.types.clear(); });
    }
    if (const QString days = daysInWords(m_filter); !days.isEmpty()) {
        m_chips << makeChip(tr("Changed %1").arg(days),
                            tr("Only files that were changed then are searched"),
                            [](DocumentFilter& filter) {
                                filter.since.clear();
                                filter.until.clear();
                            });
    }
    // One chip, however many names: in a small window a row for each would leave none for the chat.
    QStringList names;
    for (const std::string& pattern : m_filter.files) names << nameInWords(pattern);
    if (!names.isEmpty()) {
        m_chips << makeChip(tr("Name: %1").arg(names.join(tr(" or "))),
                            tr("Only files of these names are searched"),
                            [](DocumentFilter& filter) { filter.files.clear(); });
    }
    if (m_chips.size() > 1) {
        QPushButton* all = makeButton(tr("Clear"), this, "link");
        all->setFont(Theme::instance().font(TextSize::Small));
        all->setToolTip(tr("Search all documents again"));
        all->setAccessibleName(tr("Clear the filter"));
        connect(all, &QPushButton::clicked, this, [this] { emit changed({}); });
        all->show();
        m_chips << all;
    }
    setVisible(!m_chips.isEmpty());
    layOut();
}

QWidget* FilterBar::makeChip(const QString& text, const QString& what,
                             const std::function<void(DocumentFilter&)>& without) {
    const Chip chip = Chip::make(this, true);
    chip.name->setIcon(icon(Icon::Filter, colors().accent));
    const int widest = Theme::instance().scaled(260);
    chip.name->setText(QLatin1Char(' ') + withoutMnemonics(chip.name->fontMetrics().elidedText(
                                              text, Qt::ElideMiddle, widest)));
    chip.name->setToolTip(text + QLatin1Char('\n') + what);
    chip.name->setAccessibleName(tr("Filter: %1").arg(text));
    chip.name->setCursor(Qt::PointingHandCursor);
    connect(chip.name, &QToolButton::clicked, this, &FilterBar::openAsked);
    chip.remove->setToolTip(tr("Take this out of the filter"));
    chip.remove->setAccessibleName(tr("Take out %1").arg(text));
    connect(chip.remove, &QToolButton::clicked, this, [this, without] {
        DocumentFilter rest = m_filter;
        without(rest);
        emit changed(rest);
    });
    return chip.frame;
}

void FilterBar::resizeEvent(QResizeEvent*) { layOut(); }

void FilterBar::layOut() { setFixedHeight(layOutInRows(m_chips, width())); }

}  // namespace conclave::ui
