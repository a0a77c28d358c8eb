#include "ui/panel_layout.h"

#include <QEvent>
#include <QPainter>
#include <QSplitter>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/theme.h"

namespace conclave::ui {

namespace {

constexpr int kSidebarWidth = 250;
constexpr int kSourcesWidth = 340;
constexpr int kReadingWidth = 760;  ///< over the page
constexpr int kLeastPage = 470;     ///< a page beside a panel keeps this much

}  // namespace

/// Darkens the page below a panel that lies over it.
class PanelLayout::Scrim : public QWidget {
public:
    using QWidget::QWidget;

protected:
    void paintEvent(QPaintEvent*) override {
        QPainter(this).fillRect(rect(), QColor(0, 0, 0, Theme::instance().isDark() ? 120 : 70));
    }
};

PanelLayout::PanelLayout(QWidget* sidebar, QWidget* page, QWidget* sources, QWidget* parent)
    : QWidget(parent),
      m_sidebar(sidebar),
      m_page(page),
      m_sources(sources),
      m_splitter(new QSplitter(Qt::Horizontal, this)),
      m_scrim(new Scrim(this)) {
    auto* row = new QVBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->addWidget(m_splitter);
    for (QWidget* widget : {m_sidebar, m_page, m_sources}) m_splitter->addWidget(widget);
    m_splitter->setHandleWidth(1);  // Qt lets it be caught two pixels beside it
    m_splitter->setChildrenCollapsible(false);
    m_splitter->setStretchFactor(0, 0);
    m_splitter->setStretchFactor(1, 1);
    m_splitter->setStretchFactor(2, 0);
    m_splitter->setSizes({kSidebarWidth, 990, kSourcesWidth});
    m_sizes = m_splitter->saveState();
    m_sources->hide();
    m_scrim->hide();
    m_scrim->installEventFilter(this);
    connect(&Theme::instance(), &Theme::changed, this, &PanelLayout::arrange);  // for the zoom
    connect(m_splitter, &QSplitter::splitterMoved, this, [this] {
        if (m_reads && areSourcesBeside()) {
            m_readingWidth = m_splitter->sizes().at(2);
            return;
        }
        m_sizes = m_splitter->saveState();
        emit changed();
    });
}

bool PanelLayout::hasRoomForSources() const {
    return width() >= Theme::instance().scaled(kLeastPage + 300);
}

bool PanelLayout::hasRoomForSidebar() const {
    const int sources = areSourcesBeside() ? 300 : 0;
    return width() >= Theme::instance().scaled(kLeastPage + kSidebarWidth + sources);
}

bool PanelLayout::areSourcesBeside() const {
    return m_sourcesWanted && m_sourcesUseful && hasRoomForSources();
}

void PanelLayout::setSidebarWanted(bool wanted) {
    m_sidebarWanted = wanted;
    arrange();
}

void PanelLayout::setSourcesWanted(bool wanted) {
    m_sourcesWanted = wanted;
    arrange();
}

void PanelLayout::setSourcesUseful(bool useful) {
    m_sourcesUseful = useful;
    if (!useful && m_overlay == m_sources) m_overlay = nullptr;
    arrange();
}

void PanelLayout::setReading(bool reads) {
    if (reads == m_reads) return;
    m_reads = reads;
    if (!reads) m_splitter->restoreState(m_sizes);
    arrange();
    if (reads) giveReadingRoom();
}

void PanelLayout::giveReadingRoom() {
    if (!areSourcesBeside() || m_overlay == m_sources) return;
    QList<int> sizes = m_splitter->sizes();
    const int room = sizes[1] + sizes[2];
    const int wanted = m_readingWidth > 0 ? m_readingWidth : std::min(room * 55 / 100, 900);
    const int most = room - Theme::instance().scaled(kLeastPage);
    sizes[2] = std::max(sizes[2], std::min(wanted, most));
    sizes[1] = room - sizes[2];
    m_splitter->setSizes(sizes);
}

void PanelLayout::toggleSidebar() {
    if (m_sidebar->isVisible()) {
        if (m_overlay == m_sidebar) {
            m_overlay = nullptr;
        } else {
            m_sidebarWanted = false;
        }
        arrange();
        emit changed();
    } else {
        showSidebar();
    }
}

void PanelLayout::showSidebar() {
    if (hasRoomForSidebar()) {
        m_sidebarWanted = true;
    } else {
        m_overlay = m_sidebar;
    }
    arrange();
    emit changed();
}

void PanelLayout::toggleSources() {
    if (m_sources->isVisible()) {
        if (m_overlay == m_sources) {
            m_overlay = nullptr;
        } else {
            m_sourcesWanted = false;
        }
        arrange();
        emit changed();
    } else {
        showSources();
    }
}

void PanelLayout::showSources() {
    m_sourcesUseful = true;
    if (hasRoomForSources()) {
        m_sourcesWanted = true;
    } else {
        m_overlay = m_sources;
    }
    arrange();
    emit changed();
}

bool PanelLayout::closeOverlay() {
    if (m_overlay == nullptr) return false;
    m_overlay = nullptr;
    arrange();
    return true;
}

void PanelLayout::restoreSizes(const QByteArray& sizes) {
    if (m_splitter->count() == 3 && m_splitter->restoreState(sizes)) m_sizes = sizes;
    // What is shown follows from the room, not from last time.
    arrange();
}

void PanelLayout::dock(QWidget* panel, int index, bool isShown) {
    if (panel->parentWidget() != m_splitter) {
        m_splitter->insertWidget(index, panel);
        m_splitter->restoreState(m_sizes);
    }
    panel->setVisible(isShown);
}

void PanelLayout::arrange() {
    const bool sidebarBeside = m_sidebarWanted && hasRoomForSidebar();
    if ((m_overlay == m_sidebar && sidebarBeside) ||
        (m_overlay == m_sources && areSourcesBeside())) {
        m_overlay = nullptr;
    }
    if (m_overlay != m_sidebar) dock(m_sidebar, 0, sidebarBeside);
    if (m_overlay != m_sources) dock(m_sources, 2, areSourcesBeside());
    m_scrim->setVisible(m_overlay != nullptr);
    placeOverlay();
}

void PanelLayout::placeOverlay() {
    if (m_overlay == nullptr) return;
    if (m_overlay->parentWidget() != this) m_overlay->setParent(this);
    const int room = width() - Theme::instance().scaled(56);
    const int wanted = Theme::instance().scaled(m_overlay == m_sidebar ? kSidebarWidth + 20
                                                : m_reads              ? kReadingWidth
                                                                       : kSourcesWidth + 60);
    const int panelWidth = std::max(200, std::min(wanted, room));
    m_scrim->setGeometry(rect());
    m_scrim->raise();
    m_overlay->setGeometry(m_overlay == m_sidebar ? 0 : width() - panelWidth, 0, panelWidth,
                           height());
    m_overlay->show();
    m_overlay->raise();
}

void PanelLayout::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    arrange();
}

bool PanelLayout::eventFilter(QObject* object, QEvent* event) {
    if (object == m_scrim && event->type() == QEvent::MouseButtonPress) {
        closeOverlay();
        return true;
    }
    return QWidget::eventFilter(object, event);
}

}  // namespace conclave::ui
