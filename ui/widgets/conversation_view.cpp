#include "ui/widgets/conversation_view.h"

#include <QElapsedTimer>
#include <QKeyEvent>
#include <QPointer>
#include <QScrollBar>
#include <QTimer>
#include <QToolButton>
#include <algorithm>

#include "ui/models/message_model.h"
#include "ui/widgets/message_text.h"
#include "ui/widgets/message_view.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

namespace {

constexpr int kScreensBuiltAtOnce = 2;
constexpr int kIdleMs = 12;        ///< in one go, so that scrolling and typing do not wait
constexpr int kEndTolerance = 24;  ///< pixels from the end that still count as the end

}  // namespace

ConversationView::ConversationView(MessageModel& model, QWidget* parent)
    : QScrollArea(parent),
      m_model(model),
      m_column(new QWidget),
      m_idle(new QTimer(this)),
      m_jump(new QToolButton(this)) {
    setObjectName(QStringLiteral("page"));
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setAccessibleName(tr("Conversation"));
    m_column->setObjectName(QStringLiteral("column"));
    setWidget(m_column);

    m_jump->setObjectName(QStringLiteral("jump"));
    m_jump->setToolTip(tr("Jump to the latest (End)"));
    m_jump->setAccessibleName(tr("Jump to the latest"));
    m_jump->setCursor(Qt::PointingHandCursor);
    m_jump->hide();
    onTheme(m_jump, [this] { m_jump->setIcon(icon(Icon::Down, colors().text)); });
    connect(m_jump, &QToolButton::clicked, this, &ConversationView::scrollToEnd);

    m_idle->setSingleShot(true);
    m_idle->setInterval(0);
    connect(m_idle, &QTimer::timeout, this, &ConversationView::buildWhenIdle);
    connect(verticalScrollBar(), &QScrollBar::valueChanged, this, &ConversationView::scrolled);
    connect(&model, &QAbstractItemModel::modelReset, this, &ConversationView::rebuild);
    connect(&model, &QAbstractItemModel::rowsInserted, this,
            [this](const QModelIndex&, int first, int last) { insertRows(first, last); });
    connect(&model, &QAbstractItemModel::rowsRemoved, this,
            [this](const QModelIndex&, int first, int last) { removeRows(first, last); });
    connect(&model, &QAbstractItemModel::dataChanged, this,
            [this](const QModelIndex& first, const QModelIndex& last) {
                updateRows(first.row(), last.row());
            });
    // Of hundreds of messages Qt would style every widget; those in view are made anew sooner.
    connect(&Theme::instance(), &Theme::aboutToChange, this, [this] {
        if (m_views.empty()) return;
        m_kept = topMessage();
        clear();
    });
    connect(&Theme::instance(), &Theme::changed, this, [this] {
        const Place kept = m_kept;
        rebuild();
        if (!kept.message) return;
        showMessage(kept.message);
        verticalScrollBar()->setValue(verticalScrollBar()->value() +
                                      Theme::instance().scaled(space::kHuge) - kept.offset);
    });
    rebuild();
}

int ConversationView::columnWidth() const {
    const int side = Theme::instance().scaled(space::kHuge);
    return std::max(200, std::min(viewport()->width() - 2 * side,
                                  Theme::instance().scaled(space::kColumnWidth)));
}

void ConversationView::clear() {
    for (MessageView* view : m_views) delete view;
    m_views.clear();
    m_idle->stop();
    m_hits.clear();
    m_hit = -1;
    m_firstBuilt = m_model.rowCount();
}

/// The message at the top of what is seen; none where the end is followed.
ConversationView::Place ConversationView::topMessage() const {
    if (m_following) return {};
    const int top = verticalScrollBar()->value();
    for (const MessageView* view : m_views) {
        if (view->geometry().bottom() >= top) return {view->id(), view->y() - top};
    }
    return {};
}

void ConversationView::rebuild() {
    clear();
    m_kept = {};
    const int width = columnWidth();
    for (int left = kScreensBuiltAtOnce * viewport()->height(); m_firstBuilt > 0 && left > 0;) {
        MessageView* view = makeView(--m_firstBuilt);
        m_views.push_back(view);
        left -= view->heightForColumn(width);
    }
    std::reverse(m_views.begin(), m_views.end());
    m_following = true;
    layOut(0);
    scrollToEnd();
    if (m_firstBuilt > 0) m_idle->start();
}

void ConversationView::buildEarlier(int nRows) {
    std::vector<MessageView*> earlier;
    for (int row = std::max(0, m_firstBuilt - nRows); row < m_firstBuilt; ++row) {
        earlier.push_back(makeView(row));
    }
    takeIn(std::move(earlier));
}

void ConversationView::buildWhenIdle() {
    QElapsedTimer time;
    time.start();
    std::vector<MessageView*> earlier;
    const int width = columnWidth();
    for (int row = m_firstBuilt; row > 0 && (earlier.empty() || time.elapsed() < kIdleMs);) {
        earlier.push_back(makeView(--row));
        static_cast<void>(earlier.back()->heightForColumn(width));  // is a part of the work
    }
    std::reverse(earlier.begin(), earlier.end());
    takeIn(std::move(earlier));
    if (m_firstBuilt > 0) m_idle->start();
}

/// Puts them above all others. What is in view stays in view.
void ConversationView::takeIn(std::vector<MessageView*> earlier) {
    if (earlier.empty()) return;
    const Theme& theme = Theme::instance();
    const int width = columnWidth();
    const int left = (viewport()->width() - width) / 2;
    const int top = theme.scaled(space::kHuge);
    int y = top;
    for (MessageView* view : earlier) {
        const int height = view->heightForColumn(width);
        view->setGeometry(left, y, width, height);
        y += height + theme.scaled(space::kMedium);
    }
    const int added = y - top;
    const int value = verticalScrollBar()->value();
    m_moving = true;
    for (MessageView* view : m_views) view->move(view->x(), view->y() + added);
    m_column->resize(m_column->width(), m_column->height() + added);
    verticalScrollBar()->setValue(value + added);
    m_moving = false;
    m_firstBuilt -= static_cast<int>(earlier.size());
    m_views.insert(m_views.begin(), earlier.begin(), earlier.end());
    if (m_following) scrollToEnd();
    placeJumpButton();
}

MessageView* ConversationView::makeView(int row) {
    const services::Message& message = m_model.at(row);
    auto* view = new MessageView(message.role, m_column);
    const qint64 id = message.id;
    connect(view, &MessageView::copyAsked, this, [=, this] { emit copyAsked(id); });
    connect(view, &MessageView::regenerateAsked, this, [=, this] { emit regenerateAsked(id); });
    connect(view, &MessageView::unfilteredAsked, this, [=, this] { emit unfilteredAsked(id); });
    connect(view, &MessageView::literalAsked, this, [=, this] { emit literalAsked(id); });
    connect(view, &MessageView::editAsked, this, [=, this] { emit editAsked(id); });
    connect(view, &MessageView::siblingAsked, this,
            [=, this](int step) { emit siblingAsked(id, step); });
    connect(view, &MessageView::sourceAsked, this,
            [=, this](int number, int citation) { emit sourceAsked(id, number, citation); });
    connect(view, &MessageView::fileAsked, this, &ConversationView::fileAsked);
    connect(view, &MessageView::linkAsked, this, &ConversationView::linkAsked);
    connect(view, &MessageView::heightChanged, this, [this] { layOut(0); });
    view->setFiles(m_model.attachments(message.id));
    view->show(message, m_model.running(message.id), m_model.branchPlace(message.id));
    view->QWidget::show();
    return view;
}

void ConversationView::insertRows(int first, int last) {
    if (first < m_firstBuilt) {
        rebuild();
        return;
    }
    const auto at = static_cast<std::size_t>(first - m_firstBuilt);
    for (int row = first; row <= last; ++row) {
        m_views.insert(m_views.begin() + (row - m_firstBuilt), makeView(row));
    }
    // One who sends wants to see what comes.
    m_following = m_following || m_model.at(first).role == services::Role::User;
    layOut(static_cast<int>(at));
    if (m_following) scrollToEnd();
}

void ConversationView::removeRows(int first, int last) {
    for (int row = last; row >= std::max(first, m_firstBuilt); --row) {
        const auto at = m_views.begin() + (row - m_firstBuilt);
        // A button of this very message may have asked for it.
        (*at)->hide();
        (*at)->deleteLater();
        m_views.erase(at);
    }
    if (first < m_firstBuilt) {
        m_firstBuilt = first;
    }
    layOut(std::max(0, first - m_firstBuilt));
}

void ConversationView::updateRows(int first, int last) {
    for (int row = std::max(first, m_firstBuilt); row <= last; ++row) {
        const services::Message& message = m_model.at(row);
        m_views[static_cast<std::size_t>(row - m_firstBuilt)]->show(
            message, m_model.running(message.id), m_model.branchPlace(message.id));
    }
    layOut(std::max(0, first - m_firstBuilt));
}

void ConversationView::layOut(int firstView) {
    const Theme& theme = Theme::instance();
    const int width = columnWidth();
    const int left = (viewport()->width() - width) / 2;
    int y = theme.scaled(space::kHuge);
    if (firstView > 0) {
        const QRect before = m_views[static_cast<std::size_t>(firstView) - 1]->geometry();
        y = before.bottom() + 1 + theme.scaled(space::kMedium);
    }
    for (std::size_t i = static_cast<std::size_t>(firstView); i < m_views.size(); ++i) {
        MessageView* view = m_views[i];
        const int height = view->heightForColumn(width);
        view->setGeometry(left, y, width, height);
        y += height + theme.scaled(space::kMedium);
    }
    y += theme.scaled(space::kMedium);
    m_moving = true;
    m_column->resize(viewport()->width(), y);
    m_moving = false;
    if (m_following) scrollToEnd();
    placeJumpButton();
}

void ConversationView::scrollToEnd() {
    m_following = true;
    m_moving = true;
    verticalScrollBar()->setValue(verticalScrollBar()->maximum());
    m_moving = false;
    placeJumpButton();
}

void ConversationView::scrolled() {
    if (!m_moving)
        m_following =
            verticalScrollBar()->value() >= verticalScrollBar()->maximum() - kEndTolerance;
    placeJumpButton();
}

void ConversationView::placeJumpButton() {
    const bool away = verticalScrollBar()->value() < verticalScrollBar()->maximum() - 120;
    m_jump->setVisible(away);
    constexpr int kSize = 34;
    m_jump->setGeometry((width() - kSize) / 2, height() - kSize - 10, kSize, kSize);
    m_jump->raise();
}

void ConversationView::resizeEvent(QResizeEvent* event) {
    // Keep the message at the top of the view there while lines break anew.
    const int top = verticalScrollBar()->value();
    QPointer<MessageView> anchor;
    int offset = 0;
    for (MessageView* view : m_views) {
        if (view->geometry().bottom() >= top) {
            anchor = view;
            offset = view->y() - top;
            break;
        }
    }
    QScrollArea::resizeEvent(event);
    const bool following = m_following;
    layOut(0);
    if (anchor && !following) {
        m_moving = true;
        verticalScrollBar()->setValue(anchor->y() - offset);
        m_moving = false;
    }
}

void ConversationView::keyPressEvent(QKeyEvent* event) {
    switch (event->key()) {
        case Qt::Key_End: scrollToEnd(); break;
        case Qt::Key_Home: verticalScrollBar()->setValue(0); break;
        case Qt::Key_PageUp:
            verticalScrollBar()->triggerAction(QAbstractSlider::SliderPageStepSub);
            break;
        case Qt::Key_PageDown:
            verticalScrollBar()->triggerAction(QAbstractSlider::SliderPageStepAdd);
            break;
        default: QScrollArea::keyPressEvent(event); break;
    }
}

void ConversationView::showMessage(services::MessageId id) {
    const int row = m_model.rowOf(id);
    if (row < 0) return;
    if (row < m_firstBuilt) buildEarlier(m_firstBuilt - row);
    const MessageView* view = m_views[static_cast<std::size_t>(row - m_firstBuilt)];
    m_following = false;
    verticalScrollBar()->setValue(view->y() - Theme::instance().scaled(space::kHuge));
}

int ConversationView::find(const QString& words) {
    if (!words.isEmpty() && m_firstBuilt > 0) buildEarlier(m_firstBuilt);
    m_hits.clear();
    m_hit = -1;
    for (MessageView* view : m_views) {
        const int nHits = view->text().markFound(words);
        for (int i = 0; i < nHits; ++i) m_hits.push_back({view->id(), i});
    }
    return static_cast<int>(m_hits.size());
}

int ConversationView::findStep(int step) {
    if (m_hits.empty()) return 0;
    const int nHits = static_cast<int>(m_hits.size());
    m_hit = m_hit < 0 ? (step > 0 ? 0 : nHits - 1) : (m_hit + step + nHits) % nHits;
    const Hit hit = m_hits[static_cast<std::size_t>(m_hit)];
    for (MessageView* view : m_views) {
        const QRect where = view->text().showFound(view->id() == hit.message ? hit.index : -1);
        if (view->id() != hit.message) continue;
        m_following = false;
        const int y = view->y() + view->text().y() + where.y();
        verticalScrollBar()->setValue(y - viewport()->height() / 3);
    }
    return m_hit + 1;
}

}  // namespace conclave::ui
