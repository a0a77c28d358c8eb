#include "ui/widgets/collection_page.h"

#include <QDir>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QInputDialog>
#include <QLabel>
#include <QMessageBox>
#include <QMimeData>
#include <QScrollArea>
#include <QTimer>
#include <QVBoxLayout>

#include "ui/bridge.h"
#include "ui/models/collection_model.h"
#include "ui/widgets/collection_card.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/ocr_row.h"
#include "ui/widgets/recall_card.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

using services::CollectionId;

namespace {

std::vector<std::filesystem::path> toPaths(const QStringList& names) {
    std::vector<std::filesystem::path> paths;
    for (const QString& name : names) paths.emplace_back(name.toStdString());
    return paths;
}

}  // namespace

CollectionPage::CollectionPage(services::Services& services, QWidget* parent)
    : QWidget(parent),
      m_service(services.collections()),
      m_model(new CollectionModel(this)),
      m_scroll(makeScrollingPage(this)),
      m_empty(makeLabel(tr("No documents yet. Add a folder: Conclave reads PDF, Office, Markdown, "
                           "HTML, EPUB, mail and "
                           "text files where they are, and keeps up with changes."),
                        TextSize::Message, this, true)),
      m_ocr(new OcrRow(services, this)),
      m_recall(new RecallCard(services, this)) {
    setObjectName(QStringLiteral("page"));
    setAcceptDrops(true);
    setFocusPolicy(Qt::StrongFocus);
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(0, 0, 0, 0);
    m_scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAsNeeded);  // text may be zoomed
    m_column = makeReadingColumn(m_scroll, 12);
    QWidget* box = m_column->parentWidget();
    outer->addWidget(m_scroll);

    m_top = new QBoxLayout(QBoxLayout::LeftToRight);
    auto* buttons = new QHBoxLayout;
    QLabel* title = makeLabel(tr("Documents"), TextSize::Display, box, false, QFont::DemiBold);
    QPushButton* folder = makeButton(tr("Add a folder…"), box, "primary");
    QPushButton* create = makeButton(tr("New collection…"), box);
    connect(folder, &QPushButton::clicked, this, [this] {
        const QString chosen = QFileDialog::getExistingDirectory(
            window(), tr("Add a folder of documents"), firstFolder());
        if (!chosen.isEmpty()) addFolderAsCollection(chosen);
    });
    connect(create, &QPushButton::clicked, this, &CollectionPage::createNamed);
    m_top->addWidget(title, 1);
    m_top->addLayout(buttons);
    buttons->addWidget(create);
    buttons->addWidget(folder);
    m_column->addLayout(m_top);
    QLabel* text = makeLabel(tr("Answers are looked up here. Files stay where they are, and "
                                "nothing leaves this computer."),
                             TextSize::Body, box, true);
    text->setWordWrap(true);
    m_column->addWidget(text);
    m_column->addSpacing(6);
    m_empty->setWordWrap(true);
    m_column->addWidget(m_empty);
    m_column->addWidget(m_ocr);
    m_column->addWidget(m_recall);
    m_column->addStretch();
    connect(m_recall, &RecallCard::failed, this, &CollectionPage::failed);
    connect(m_ocr, &OcrRow::stateChanged, this, [this] {
        for (const auto& [id, card] : m_cards) card->setOcr(m_ocr->isInstalled(), m_ocr->isOn());
    });

    connect(m_model, &QAbstractItemModel::rowsInserted, this, &CollectionPage::syncCards);
    connect(m_model, &QAbstractItemModel::rowsRemoved, this, &CollectionPage::syncCards);
    connect(m_model, &QAbstractItemModel::dataChanged, this, [this](const QModelIndex& index) {
        const auto card = m_cards.find(m_model->at(index.row()).id);
        if (card != m_cards.end())
            card->second->show(m_model->at(index.row()), m_model->progress(index.row()));
    });
}

void CollectionPage::setCollections(std::vector<services::Collection> collections) {
    m_model->setCollections(std::move(collections));
    m_empty->setVisible(m_model->rowCount() == 0);
}

void CollectionPage::setProgress(const services::IndexProgress& progress) {
    m_model->setProgress(progress);
}

void CollectionPage::setPaused(bool isPaused) {
    m_isPaused = isPaused;
    for (const auto& [id, card] : m_cards) card->setPaused(isPaused);
}

void CollectionPage::syncCards() {
    for (auto card = m_cards.begin(); card != m_cards.end();) {
        if (m_model->rowOf(card->first) < 0) {
            card->second->deleteLater();
            card = m_cards.erase(card);
        } else {
            ++card;
        }
    }
    for (int row = 0; row < m_model->rowCount(); ++row) {
        const CollectionId id = m_model->at(row).id;
        if (m_cards.contains(id)) continue;
        auto* card = new CollectionCard(m_service, id, this);
        m_cards[id] = card;
        // The switch stays below all of them.
        m_column->insertWidget(m_column->indexOf(m_ocr), card);
        card->setOcr(m_ocr->isInstalled(), m_ocr->isOn());
        card->setNarrow(isNarrow());
        card->setPaused(m_isPaused);
        if (m_created == id) {
            // Once it has its place, which may be below a long list.
            QTimer::singleShot(0, card, [this, card] { m_scroll->ensureWidgetVisible(card); });
            m_created.reset();
        }
        connect(card, &CollectionCard::ocrAsked, m_ocr, &OcrRow::turnOn);
        card->show(m_model->at(row), m_model->progress(row));
        connect(card, &CollectionCard::askAsked, this, [=, this] { emit askAsked(id); });
        connect(card, &CollectionCard::addFolderAsked, this, [=, this] {
            const QString chosen = QFileDialog::getExistingDirectory(
                window(), tr("Add a folder of documents"), firstFolder());
            if (!chosen.isEmpty()) add(id, {chosen});
        });
        connect(card, &CollectionCard::addFilesAsked, this, [=, this] {
            const QStringList chosen =
                QFileDialog::getOpenFileNames(window(), tr("Add documents"), firstFolder());
            if (!chosen.isEmpty()) add(id, chosen);
        });
        connect(card, &CollectionCard::updateAsked, this,
                [=, this](bool retry) { update(id, retry); });
        connect(card, &CollectionCard::documentAsked, this, &CollectionPage::documentAsked);
        connect(card, &CollectionCard::readAgainAsked, this,
                [this](const services::Document& document) {
                    m_service.readAgain(document.id, reportReply());
                });
        connect(card, &CollectionCard::leaveOutAsked, this, &CollectionPage::leaveOut);
        connect(card, &CollectionCard::pauseAsked, this, &CollectionPage::pauseAsked);
        connect(card, &CollectionCard::renameAsked, this, [=, this] { rename(id); });
        connect(card, &CollectionCard::removeAsked, this, [=, this] { remove(id); });
    }
    m_empty->setVisible(m_model->rowCount() == 0);
}

services::Reply<services::IndexReport> CollectionPage::reportReply() {
    return onGui<services::IndexReport>(this, [this](Result<services::IndexReport> report) {
        if (!report && report.error().code != ErrorCode::Cancelled) emit failed(report.error());
        emit changed();
    });
}

void CollectionPage::openFind() {
    CollectionCard* chosen = nullptr;
    int best = -1;
    for (int row = 0; row < m_model->rowCount(); ++row) {
        const auto found = m_cards.find(m_model->at(row).id);
        if (found == m_cards.end() || !found->second->hasDocuments()) continue;
        CollectionCard* card = found->second;
        const bool isGuide = m_model->at(row).name == services::kGuideName;
        const int fit = card->listsDocuments() ? (card->isAncestorOf(focusWidget()) ? 3 : 2)
                                               : (isGuide ? 0 : 1);
        if (fit <= best) continue;
        best = fit;
        chosen = card;
    }
    if (!chosen) return;
    chosen->openFind();
    // Once the list has its place.
    QTimer::singleShot(0, this, [this] {
        if (QWidget* field = focusWidget()) m_scroll->ensureWidgetVisible(field);
    });
}

void CollectionPage::reloadRecall() { m_recall->reload(); }

void CollectionPage::createNamed() {
    bool accepted = false;
    const QString name = QInputDialog::getText(window(), tr("New collection"), tr("Name"),
                                               QLineEdit::Normal, {}, &accepted);
    if (accepted && !name.trimmed().isEmpty()) create(name.trimmed(), {});
}

void CollectionPage::addFolderAsCollection(const QString& folder) {
    QString name = QDir(folder).dirName();
    for (int row = 0, number = 2; row < m_model->rowCount(); ++row) {
        if (m_model->index(row).data().toString() != name) continue;
        name = QStringLiteral("%1 (%2)").arg(QDir(folder).dirName()).arg(number++);
        row = -1;
    }
    create(name, {folder});
}

void CollectionPage::create(const QString& name, const QStringList& paths) {
    m_service.create(name.toStdString(),
                     onGui<CollectionId>(this, [=, this](Result<CollectionId> id) {
                         if (!id) {
                             emit failed(id.error());
                             return;
                         }
                         m_created = *id;
                         emit changed();
                         if (!paths.isEmpty()) add(*id, paths);
                     }));
}

void CollectionPage::add(CollectionId id, const QStringList& paths) {
    m_service.addPaths(id, toPaths(paths), reportReply());
}

void CollectionPage::update(CollectionId id, bool retryFailed) {
    m_service.update(id, retryFailed, reportReply());
}

void CollectionPage::rename(CollectionId id) {
    const int row = m_model->rowOf(id);
    if (row < 0) return;
    bool accepted = false;
    const QString name =
        QInputDialog::getText(window(), tr("Rename the collection"), tr("Name"), QLineEdit::Normal,
                              m_model->index(row).data().toString(), &accepted);
    if (!accepted || name.trimmed().isEmpty()) return;
    m_service.rename(id, name.trimmed().toStdString(),
                     onGui<void>(this, [this](Result<void> result) {
                         if (!result) emit failed(result.error());
                         emit changed();
                     }));
}

void CollectionPage::remove(CollectionId id) {
    const int row = m_model->rowOf(id);
    if (row < 0) return;
    QMessageBox box(QMessageBox::Warning, tr("Remove the collection?"),
                    tr("“%1” is forgotten together with what was read from its documents.")
                        .arg(m_model->index(row).data().toString()),
                    QMessageBox::Cancel, window());
    box.setInformativeText(tr("The files themselves stay untouched. Answers keep their passages."));
    QPushButton* confirm = box.addButton(tr("Remove"), QMessageBox::DestructiveRole);
    box.setDefaultButton(QMessageBox::Cancel);
    box.exec();
    if (box.clickedButton() != confirm) return;
    m_service.remove(id, onGui<void>(this, [this](Result<void> result) {
                         if (!result) emit failed(result.error());
                         emit changed();
                     }));
}

void CollectionPage::leaveOut(const services::Document& document) {
    QMessageBox box(QMessageBox::Warning, tr("Leave the document out?"),
                    tr("“%1” is forgotten, and not read again.")
                        .arg(fromUtf8(document.path.filename().string())),
                    QMessageBox::Cancel, window());
    box.setInformativeText(
        tr("The file itself stays untouched. Its name goes into the file .conclaveignore beside "
           "it; without that line it is read again."));
    QPushButton* confirm = box.addButton(tr("Leave out"), QMessageBox::DestructiveRole);
    box.setDefaultButton(QMessageBox::Cancel);
    box.exec();
    if (box.clickedButton() != confirm) return;
    m_service.leaveOut(document.id, onGui<void>(this, [this, document](Result<void> result) {
                           if (result) {
                               emit leftOut(document);
                           } else {
                               emit failed(result.error());
                           }
                           emit changed();
                       }));
}

void CollectionPage::takeBack(const services::Document& document) {
    m_service.takeBack(document.collection, document.path,
                       onGui<void>(this, [this](Result<void> result) {
                           if (!result) emit failed(result.error());
                           emit changed();
                       }));
}

bool CollectionPage::isNarrow() const { return width() < Theme::instance().scaled(600); }

void CollectionPage::resizeEvent(QResizeEvent* event) {
    m_top->setDirection(isNarrow() ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
    for (const auto& [id, card] : m_cards) card->setNarrow(isNarrow());
    QWidget::resizeEvent(event);
}

void CollectionPage::showEvent(QShowEvent* event) {
    m_ocr->reload();  // the settings have this switch too
    m_recall->reload();
    QWidget::showEvent(event);
}

void CollectionPage::dragEnterEvent(QDragEnterEvent* event) {
    if (!localFiles(event->mimeData()).isEmpty()) event->acceptProposedAction();
}

void CollectionPage::dropEvent(QDropEvent* event) {
    QStringList files;
    for (const QString& path : localFiles(event->mimeData())) {
        if (QFileInfo(path).isDir()) {
            addFolderAsCollection(path);
        } else {
            files << path;
        }
    }
    if (!files.isEmpty()) create(tr("Dropped files"), files);
    event->acceptProposedAction();
}

}  // namespace conclave::ui
