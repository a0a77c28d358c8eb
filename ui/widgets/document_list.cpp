#include "ui/widgets/document_list.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLineEdit>
#include <QLocale>
#include <algorithm>
#include <map>

#include "ui/bridge.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

using services::DocumentId;
using services::DocumentState;

namespace {

constexpr std::size_t kRowsAtOnce = 100;
constexpr std::size_t kSeenAtAGlance = 8;  ///< so few need no search

QString nameOf(const DocumentLine& line) {
    return fromUtf8(line.document.path.filename().string());
}

/// What needs somebody, what waits, and the rest.
int urgencyOf(DocumentState state) {
    if (state == DocumentState::Ready) return 2;
    return state == DocumentState::Pending ? 1 : 0;
}

}  // namespace

DocumentList::DocumentList(QWidget* parent)
    : QWidget(parent),
      m_nShown(kRowsAtOnce),
      m_tools(new QWidget(this)),
      m_find(new QLineEdit(m_tools)),
      m_order(new QComboBox(m_tools)),
      m_rowColumn(new QVBoxLayout),
      m_none(makeLabel(tr("No document of that name"), TextSize::Small, this, true)),
      m_more(makeButton({}, this, "link")) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(4);
    auto* tools = new QHBoxLayout(m_tools);
    tools->setContentsMargins(0, 2, 6, 4);
    tools->setSpacing(8);
    m_find->setPlaceholderText(tr("Find a document"));
    m_find->setAccessibleName(tr("Find a document"));
    m_find->setClearButtonEnabled(true);
    m_find->installEventFilter(this);
    auto* glass = m_find->addAction(QIcon(), QLineEdit::LeadingPosition);
    onTheme(m_find, [glass] { glass->setIcon(icon(Icon::Search, colors().muted)); });
    m_order->addItems({tr("Problems first"), tr("Name"), tr("Last changed"), tr("Largest")});
    m_order->setAccessibleName(tr("Order"));
    m_order->setToolTip(tr("The order of the documents"));
    tools->addWidget(m_find, 1);
    tools->addWidget(m_order);
    column->addWidget(m_tools);
    m_rowColumn->setSpacing(1);
    column->addLayout(m_rowColumn);
    column->addWidget(m_none);
    column->addWidget(m_more, 0, Qt::AlignLeft);

    connect(m_find, &QLineEdit::textChanged, this, [this] {
        m_nShown = kRowsAtOnce;
        fill();
    });
    connect(m_order, &QComboBox::currentIndexChanged, this, &DocumentList::fill);
    connect(m_more, &QPushButton::clicked, this, [this] {
        m_nShown += kRowsAtOnce;
        fill();
    });
}

void DocumentList::setLines(std::vector<DocumentLine> lines) {
    m_lines = std::move(lines);
    m_tools->setVisible(m_isFindWanted || m_lines.size() > kSeenAtAGlance);
    if (m_tools->isHidden()) m_find->clear();
    fill();
}

void DocumentList::openFind() {
    m_isFindWanted = true;
    m_tools->show();
    m_find->setFocus(Qt::ShortcutFocusReason);
    m_find->selectAll();
}

/// Those whose name has every word that is typed, in the order that is asked for.
std::vector<const DocumentLine*> DocumentList::chosen() const {
    const QStringList words = m_find->text().split(QLatin1Char(' '), Qt::SkipEmptyParts);
    std::vector<const DocumentLine*> lines;
    for (const DocumentLine& line : m_lines) {
        const QString name = line.folder + QLatin1Char('/') + nameOf(line) + QLatin1Char(' ') +
                             fromUtf8(line.document.title);
        if (std::all_of(words.begin(), words.end(), [&](const QString& word) {
                return name.contains(word, Qt::CaseInsensitive);
            })) {
            lines.push_back(&line);
        }
    }
    const auto sort = [&](auto isBefore) {
        std::stable_sort(lines.begin(), lines.end(), isBefore);
    };
    switch (static_cast<Order>(m_order->currentIndex())) {
        case Order::ByState:
            sort([](const DocumentLine* a, const DocumentLine* b) {
                return urgencyOf(a->document.state) < urgencyOf(b->document.state);
            });
            break;
        case Order::ByName:
            sort([](const DocumentLine* a, const DocumentLine* b) {
                return QString::localeAwareCompare(nameOf(*a), nameOf(*b)) < 0;
            });
            break;
        case Order::ByChange:
            sort([](const DocumentLine* a, const DocumentLine* b) {
                return a->document.modifiedNs > b->document.modifiedNs;
            });
            break;
        case Order::BySize:
            sort([](const DocumentLine* a, const DocumentLine* b) {
                return a->document.sizeBytes > b->document.sizeBytes;
            });
            break;
    }
    return lines;
}

/// Rows that say what they said stay: somebody may be in the menu of one.
void DocumentList::fill() {
    const std::optional<DocumentId> focused = focusedDocument();
    const std::vector<const DocumentLine*> lines = chosen();
    const std::size_t nRows = std::min(lines.size(), m_nShown);
    std::map<DocumentId, DocumentRow*> before;
    for (DocumentRow* row : m_rows) {
        m_rowColumn->removeWidget(row);
        before[row->document().id] = row;
    }
    m_rows.clear();
    for (std::size_t i = 0; i < nRows; ++i) {
        const auto known = before.find(lines[i]->document.id);
        const bool stays = known != before.end() && known->second->says(*lines[i]);
        addRow(stays ? known->second : makeRow(*lines[i]));
        if (stays) before.erase(known);
    }
    for (const auto& [id, row] : before) {
        row->hide();
        row->deleteLater();  // its menu may have asked for this
    }
    m_none->setVisible(lines.empty() && !m_lines.empty());
    m_more->setVisible(lines.size() > nRows);
    m_more->setText(tr("Show more: %1 of %2 are shown")
                        .arg(QLocale().toString(static_cast<qulonglong>(nRows)),
                             QLocale().toString(static_cast<qulonglong>(lines.size()))));
    for (DocumentRow* row : m_rows) {
        if (row->document().id == focused && !row->hasFocus()) row->setFocus(Qt::OtherFocusReason);
    }
}

DocumentRow* DocumentList::makeRow(const DocumentLine& line) {
    auto* row = new DocumentRow(line, this);
    connect(row, &DocumentRow::openAsked, this, &DocumentList::openAsked);
    connect(row, &DocumentRow::readAgainAsked, this, &DocumentList::readAgainAsked);
    connect(row, &DocumentRow::leaveOutAsked, this, &DocumentList::leaveOutAsked);
    return row;
}

/// Tab goes through them as they stand.
void DocumentList::addRow(DocumentRow* row) {
    m_rowColumn->addWidget(row);
    setTabOrder(m_rows.isEmpty() ? static_cast<QWidget*>(m_order) : m_rows.last()->lastInTabOrder(),
                row);
    setTabOrder(row, row->lastInTabOrder());
    m_rows << row;
}

std::optional<DocumentId> DocumentList::focusedDocument() const {
    for (const DocumentRow* row : m_rows) {
        if (row->hasFocus()) return row->document().id;
    }
    return {};
}

void DocumentList::focusRow(qsizetype row) {
    if (row < 0) return m_find->setFocus(Qt::ShortcutFocusReason);
    if (row >= m_rows.size()) return;
    m_rows[row]->setFocus(Qt::ShortcutFocusReason);
    for (QWidget* each = parentWidget(); each != nullptr; each = each->parentWidget()) {
        if (auto* page = qobject_cast<QScrollArea*>(each)) page->ensureWidgetVisible(m_rows[row]);
    }
}

void DocumentList::keyPressEvent(QKeyEvent* event) {
    const int step = event->key() == Qt::Key_Down ? 1 : event->key() == Qt::Key_Up ? -1 : 0;
    for (qsizetype i = 0; step != 0 && i < m_rows.size(); ++i) {
        if (m_rows[i]->hasFocus()) return focusRow(i + step);
    }
    QWidget::keyPressEvent(event);
}

bool DocumentList::eventFilter(QObject* object, QEvent* event) {
    const bool isKey =
        event->type() == QEvent::KeyPress || event->type() == QEvent::ShortcutOverride;
    if (object == m_find && isKey) {
        const int key = static_cast<QKeyEvent*>(event)->key();
        // Else the window's Esc, which leaves the page, would take it.
        if (key == Qt::Key_Escape && !m_find->text().isEmpty()) {
            event->accept();
            if (event->type() == QEvent::KeyPress) m_find->clear();
            return true;
        }
        if (key == Qt::Key_Down && event->type() == QEvent::KeyPress) {
            focusRow(0);
            return true;
        }
    }
    return QWidget::eventFilter(object, event);
}

}  // namespace conclave::ui
