#include "ui/widgets/collection_card.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QMenu>
#include <QProgressBar>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/bridge.h"
#include "ui/widgets/document_list.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

using services::Document;
using services::DocumentState;

namespace {

constexpr int kListsFast = 5000;  ///< documents

/// A line each, as sentences.
QString remarksOn(const Document& document) {
    QStringList lines;
    for (const std::string& warning : document.warnings) {
        QString line = fromUtf8(warning);
        if (!line.isEmpty()) line[0] = line[0].toUpper();
        lines << line + QLatin1Char('.');
    }
    return lines.join(QLatin1Char('\n'));
}

}  // namespace

CollectionCard::CollectionCard(services::CollectionService& service, services::CollectionId id,
                               QWidget* parent)
    : QFrame(parent),
      m_service(service),
      m_id(id),
      m_name(new ElidedLabel({}, this)),
      m_numbers(makeLabel({}, TextSize::Small, this, true)),
      m_roots(new ElidedLabel({}, this)),
      m_current(new ElidedLabel({}, this)),
      m_progress(new QProgressBar(this)),
      m_pause(makeButton({}, this, "link")),
      m_list(makeButton({}, this, "link")),
      m_failed(makeButton({}, this, "link")),
      m_scanned(makeButton({}, this, "link")),
      m_away(makeWarning({}, this)),
      m_remarked(makeButton({}, this, "link")),
      m_addFolder(makeButton(tr("Add folder…"), this)),
      m_addFiles(makeButton(tr("Add files…"), this)),
      m_menu(makeIconButton(Icon::More, tr("More"), this)),
      m_details(new QWidget(this)),
      m_documents(new DocumentList(m_details)),
      m_retry(makeButton(tr("Read the failed ones again"), m_details)) {
    setObjectName(QStringLiteral("card"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(16, 12, 10, 12);
    column->setSpacing(5);

    auto* top = new QHBoxLayout;
    top->setSpacing(6);
    auto* sign = new QLabel(this);
    onTheme(sign, [sign] {
        sign->setPixmap(iconPixmap(Icon::Folder, colors().accent, 20, sign->devicePixelRatioF()));
    });
    onTheme(m_name, [this] {
        m_name->setFont(Theme::instance().font(TextSize::Message, QFont::DemiBold));
    });
    QPushButton* ask = makeButton(tr("Ask"), this);
    connect(ask, &QPushButton::clicked, this, &CollectionCard::askAsked);
    connect(m_addFolder, &QPushButton::clicked, this, &CollectionCard::addFolderAsked);
    connect(m_addFiles, &QPushButton::clicked, this, &CollectionCard::addFilesAsked);
    top->addWidget(sign);
    top->addSpacing(2);
    top->addWidget(m_name, 1);
    top->addWidget(ask);
    top->addWidget(m_addFolder);
    top->addWidget(m_addFiles);
    top->addWidget(m_menu);
    column->addLayout(top);
    auto* numbers = new QHBoxLayout;
    numbers->setSpacing(4);
    numbers->addWidget(m_numbers);
    numbers->addWidget(m_list);
    numbers->addStretch();
    column->addLayout(numbers);
    for (ElidedLabel* label : {m_roots, m_current}) {
        label->setProperty("muted", true);
        onTheme(label, [label] { label->setFont(Theme::instance().font(TextSize::Caption)); });
    }
    column->addWidget(m_roots);
    auto* progressRow = new QHBoxLayout;
    progressRow->addWidget(m_current, 1);
    progressRow->addWidget(m_pause);
    column->addLayout(progressRow);
    m_progress->setTextVisible(false);
    column->addWidget(m_progress);
    column->addWidget(m_away);
    m_links = new QBoxLayout(QBoxLayout::LeftToRight);
    m_links->setSpacing(4);
    for (QPushButton* link : {m_failed, m_scanned, m_remarked}) {
        m_links->addWidget(link, 0, Qt::AlignLeft);
    }
    m_links->addStretch();
    auto* linksRow = new QHBoxLayout;
    linksRow->setSpacing(0);
    linksRow->addSpacing(-6);  // a link's text stands below the other texts
    linksRow->addLayout(m_links, 1);
    column->addLayout(linksRow);
    m_scanned->hide();
    m_remarked->hide();
    m_remarked->setToolTip(
        tr("What was left out of them, such as hidden text, or could not be read of them"));
    onTheme(m_remarked, [this] {
        const int size = Theme::instance().scaled(14);
        m_remarked->setIconSize({size, size});
        m_remarked->setIcon(icon(Icon::Warning, colors().warning));
    });
    connect(m_scanned, &QPushButton::clicked, this, &CollectionCard::ocrAsked);
    // The rows' own margins are on the left of what stands above them.
    auto* details = new QVBoxLayout(m_details);
    details->setContentsMargins(0, 4, 0, 0);
    details->setSpacing(6);
    details->addWidget(m_documents);
    details->addWidget(m_retry, 0, Qt::AlignLeft);
    connect(m_retry, &QPushButton::clicked, this, [this] { emit updateAsked(true); });
    connect(m_documents, &DocumentList::openAsked, this, &CollectionCard::documentAsked);
    connect(m_documents, &DocumentList::readAgainAsked, this, &CollectionCard::readAgainAsked);
    connect(m_documents, &DocumentList::leaveOutAsked, this, &CollectionCard::leaveOutAsked);
    column->addWidget(m_details);
    m_details->hide();

    m_menu->setPopupMode(QToolButton::InstantPopup);
    m_menu->setMenu(new QMenu(m_menu));
    connect(m_menu->menu(), &QMenu::aboutToShow, this, &CollectionCard::fillMenu);
    connect(m_pause, &QPushButton::clicked, this, [this] { emit pauseAsked(!m_isPaused); });
    connect(m_list, &QPushButton::clicked, this, [this] { toggleDetails(Details::All); });
    connect(m_failed, &QPushButton::clicked, this, [this] { toggleDetails(Details::Problems); });
    connect(m_remarked, &QPushButton::clicked, this, [this] { toggleDetails(Details::Remarks); });
}

void CollectionCard::show(const services::Collection& collection,
                          const std::optional<services::IndexProgress>& progress) {
    const bool hasChanged = collection.nFound() != m_collection.nFound() ||
                            collection.nDocuments != m_collection.nDocuments ||
                            collection.nUnavailable != m_collection.nUnavailable ||
                            collection.nChunks != m_collection.nChunks;
    m_collection = collection;
    m_name->setFullText(fromUtf8(collection.name));
    QStringList roots;
    for (const auto& root : collection.roots) roots << fromUtf8(root.string());
    m_roots->setFullText(roots.join(QStringLiteral(",  ")));
    m_roots->setVisible(!roots.isEmpty());

    m_now = progress;
    showNumbers();
    const bool running = progress && progress->state != services::IndexProgress::State::Paused;
    showProgress();
    m_failed->setVisible(collection.nFailed > 0);
    showFailedLabel();
    if (collection.nFailed == 0 && m_shown == Details::Problems) toggleDetails(m_shown);
    if (collection.nFailed == 0) m_nScanned = 0;
    m_isRead = m_isRead && !hasChanged;
    // While they are read, as long as listing them takes no time.
    const bool mayList =
        !running || (progress->filesTotal > 0 && progress->filesTotal < kListsFast);
    if (mayList && (!m_isRead || (!running && collection.nFailed > 0))) {
        m_isRead = true;
        loadDetails();
    }
    showOcrLabel();
}

void CollectionCard::showNumbers() {
    const int nFound = m_collection.nFound();
    const int nAway = m_collection.nUnavailable;
    const int nRead = m_collection.nDocuments + nAway;
    const int nPending = m_collection.nPending;
    m_away->setVisible(nAway > 0);
    m_away->findChild<QLabel*>(QStringLiteral("warning"))
        ->setText(counted(nAway,
                          tr("1 document cannot be reached: connect its drive. What was read of it "
                             "is still searched."),
                          tr("%1 documents cannot be reached: connect their drive. What was read "
                             "of them is still searched.")));
    m_list->setVisible(nFound > 0);
    m_list->setText(m_shown == Details::All ? tr("Hide") : tr("Show"));
    m_list->setToolTip(tr("Each document, with what was read of it or why it was not"));
    const QString name = fromUtf8(m_collection.name);
    m_list->setAccessibleName(m_shown == Details::All ? tr("Hide the documents of %1").arg(name)
                                                      : tr("Show the documents of %1").arg(name));
    if (nRead == 0 && (!m_now || nPending > 0)) {
        m_numbers->setText(nPending > 0 ? counted(nPending, tr("1 document waits to be read"),
                                                  tr("%1 documents wait to be read"))
                           : nFound > 0 ? tr("Nothing in it could be read")
                                        : tr("Nothing in it yet: add a folder or files"));
        return;
    }
    if (nRead == 0 && m_now->filesTotal > 0) {
        m_numbers->setText(tr("Being read for the first time; what is done can be asked about"));
        return;
    }
    // In the words of services::countsInWords; those that could not be read have a line of their
    // own.
    const QString all = counted(nFound, tr("1 document"), tr("%1 documents"));
    QStringList numbers{nRead == nFound ? all
                                        : tr("%1 of %2 read").arg(QLocale().toString(nRead), all)};
    numbers << counted(m_collection.nChunks, tr("1 passage"), tr("%1 passages"));
    if (nPending > 0) numbers << counted(nPending, tr("1 waiting"), tr("%1 waiting"));
    if (nAway > 0) numbers << counted(nAway, tr("1 unavailable"), tr("%1 unavailable"));
    if (m_nCopies > 0) numbers << counted(m_nCopies, tr("1 copy"), tr("%1 copies"));
    m_numbers->setText(numbers.join(QStringLiteral("  ·  ")));
    m_numbers->setToolTip(
        m_nCopies > 0 ? tr("Copies say the same as another document. They are found like others; "
                           "questions about everything read one of each.")
                      : QString());
}

void CollectionCard::setPaused(bool isPaused) {
    m_isPaused = isPaused;
    showProgress();
}

void CollectionCard::showProgress() {
    const bool isRunning =
        m_now && m_now->state != services::IndexProgress::State::Paused && !m_isPaused;
    const int nWaiting =
        m_now && m_now->state == services::IndexProgress::State::Paused ? m_now->filesTotal : -1;
    const bool waits = m_isPaused && nWaiting != 0;
    m_progress->setVisible(isRunning);
    m_pause->setVisible(isRunning || waits);
    m_pause->setText(m_isPaused ? tr("Resume") : tr("Pause"));
    m_pause->setToolTip(m_isPaused
                            ? tr("Read what is new or changed in all collections again")
                            : tr("Read nothing more until you resume, here or after the next "
                                 "start. Answers use what is read so far."));
    m_pause->setAccessibleName(m_isPaused ? tr("Resume reading") : tr("Pause reading"));
    m_current->setVisible(isRunning || waits);
    if (waits) {
        m_current->setFullText(nWaiting > 0
                                   ? counted(nWaiting, tr("Paused: 1 new or changed file waits"),
                                             tr("Paused: %1 new or changed files wait"))
                                   : tr("Paused: new and changed files are not read"));
    } else if (isRunning) {
        const bool isCounted = m_now->filesTotal > 0;
        const bool isFinishing =
            isCounted && m_now->filesDone >= m_now->filesTotal && m_now->currentFile.empty();
        m_progress->setRange(0, isCounted ? m_now->filesTotal : 0);
        m_progress->setValue(m_now->filesDone);
        const QLocale locale;
        m_current->setFullText(isFinishing ? tr("All are read; finishing…")
                               : isCounted ? tr("Reading %1 of %2: %3")
                                                 .arg(locale.toString(m_now->filesDone),
                                                      locale.toString(m_now->filesTotal),
                                                      fromUtf8(m_now->currentFile))
                                           : tr("Looking for files…"));
    }
}

void CollectionCard::setNarrow(bool isNarrow) {
    m_addFolder->setVisible(!isNarrow);
    m_addFiles->setVisible(!isNarrow);
    m_links->setDirection(isNarrow ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
}

void CollectionCard::setOcr(bool isInstalled, bool isOn) {
    m_hasOcr = isInstalled;
    m_usesOcr = isOn;
    showOcrLabel();
    if (m_details->isVisibleTo(this)) loadDetails();
}

/// Offers to read what only lacks text recognition, in one click.
void CollectionCard::showOcrLabel() {
    m_scanned->setVisible(m_nScanned > 0 && m_hasOcr && !m_usesOcr);
    m_scanned->setText(counted(m_nScanned, tr("Read the scanned one (OCR)"),
                               tr("Read the %1 scanned ones (OCR)")));
}

QString CollectionCard::problemOf(const Document& document) const {
    switch (document.state) {
        case DocumentState::NeedsOcr:
            if (m_usesOcr) return tr("Needs OCR: no text was recognised in its pictures.");
            return m_hasOcr
                       ? tr("Needs OCR: its pages are pictures. Switch on “Read scanned pages”.")
                       : tr("Needs OCR: its pages are pictures, and tesseract is not installed.");
        case DocumentState::Unavailable:
            return tr(
                "Unavailable: its folder cannot be reached. Connect the drive; what was read "
                "is still searched.");
        case DocumentState::Failed:
            return document.error.empty() ? tr("It could not be read.")
                                          : tr("Not read: %1").arg(fromUtf8(document.error));
        case DocumentState::Pending:
            return document.nPages == 0
                       ? tr("Waiting to be read.")
                       : counted(document.nPages, tr("Reading goes on behind its first page."),
                                 tr("Reading goes on behind page %1."));
        case DocumentState::Ready: break;
    }
    return {};
}

/// Of any document: what was read of it, or why it was not.
QString CollectionCard::stateOf(const Document& document) const {
    if (document.state != DocumentState::Ready) return problemOf(document);
    // A text file is one page, which says nothing.
    const QString pages = document.nPages == 1
                              ? QString()
                              : counted(document.nPages, {}, tr("%1 pages")) + QStringLiteral(", ");
    return tr("Read: %1")
        .arg(pages + counted(document.nChunks, tr("1 passage"), tr("%1 passages")));
}

/// Two files of the same name are told apart by it.
QString CollectionCard::folderOf(const Document& document) const {
    const std::filesystem::path folder = document.path.parent_path();
    for (const auto& root : m_collection.roots) {
        const auto below = folder.lexically_relative(root);
        if (below.empty() || *below.begin() == "..") continue;
        return below == "." ? QString() : fromUtf8(below.string());
    }
    return {};
}

void CollectionCard::fillMenu() {
    QMenu* menu = m_menu->menu();
    menu->clear();
    if (m_addFolder->isHidden()) {
        connect(menu->addAction(icon(Icon::Folder, colors().muted), m_addFolder->text()),
                &QAction::triggered, this, &CollectionCard::addFolderAsked);
        connect(menu->addAction(icon(Icon::File, colors().muted), m_addFiles->text()),
                &QAction::triggered, this, &CollectionCard::addFilesAsked);
    }
    connect(menu->addAction(icon(Icon::Refresh, colors().muted), tr("Look for changes")),
            &QAction::triggered, this, [this] { emit updateAsked(false); });
    QAction* retry = menu->addAction(m_retry->text());
    retry->setEnabled(m_collection.nFailed > 0);
    connect(retry, &QAction::triggered, this, [this] { emit updateAsked(true); });
    if (m_collection.roots.size() > 1) {
        QMenu* roots = menu->addMenu(tr("Take out"));
        for (const auto& root : m_collection.roots) {
            connect(
                roots->addAction(fromUtf8(root.string())), &QAction::triggered, this, [this, root] {
                    m_service.removePath(m_id, root, onGui<void>(this, [this](const Result<void>&) {
                                             emit updateAsked(false);
                                         }));
                });
        }
    }
    menu->addSeparator();
    connect(menu->addAction(icon(Icon::Edit, colors().muted), tr("Rename…")), &QAction::triggered,
            this, &CollectionCard::renameAsked);
    connect(menu->addAction(icon(Icon::Trash, colors().danger), tr("Remove…")), &QAction::triggered,
            this, &CollectionCard::removeAsked);
}

void CollectionCard::toggleDetails(Details which) {
    m_shown = m_shown == which ? Details::None : which;
    m_details->setVisible(m_shown != Details::None);
    if (m_shown != Details::None) loadDetails();
    showNumbers();
    showFailedLabel();
    showRemarksLabel();
}

bool CollectionCard::listsDocuments() const { return m_shown != Details::None; }

void CollectionCard::openFind() {
    if (!listsDocuments()) toggleDetails(Details::All);
    m_documents->openFind();
}

void CollectionCard::showRemarksLabel() {
    m_remarked->setVisible(m_nRemarked > 0);
    const QString label =
        counted(m_nRemarked, tr("Remarks on 1 document"), tr("Remarks on %1 documents"));
    m_remarked->setText(m_shown == Details::Remarks ? tr("%1: hide").arg(label)
                                                    : tr("%1: show").arg(label));
}

void CollectionCard::showFailedLabel() {
    const int n = m_collection.nFailed;
    const QString label = m_nScanned == n ? counted(n, tr("1 scanned document is not read"),
                                                    tr("%1 scanned documents are not read"))
                                          : counted(n, tr("1 document could not be read"),
                                                    tr("%1 documents could not be read"));
    m_failed->setText(m_shown == Details::Problems ? tr("%1: hide").arg(label)
                                                   : tr("%1: show why").arg(label));
}

void CollectionCard::loadDetails() {
    using Documents = std::vector<Document>;
    m_service.documents(m_id, onGui<Documents>(this, [this](Result<Documents> documents) {
                            if (documents) showDocuments(*documents);
                        }));
}

void CollectionCard::showDocuments(const std::vector<Document>& documents) {
    m_nScanned = static_cast<int>(std::count_if(
        documents.begin(), documents.end(),
        [](const Document& document) { return document.state == DocumentState::NeedsOcr; }));
    m_nCopies = services::nCopiesIn(documents);
    const auto hasRemarks = [](const Document& document) {
        return document.state == DocumentState::Ready && !document.warnings.empty();
    };
    m_nRemarked = static_cast<int>(std::count_if(documents.begin(), documents.end(), hasRemarks));
    if (m_nRemarked == 0 && m_shown == Details::Remarks) {
        m_shown = Details::None;
        m_details->hide();
    }
    showNumbers();
    showOcrLabel();
    showFailedLabel();
    showRemarksLabel();
    const bool showsAll = m_shown == Details::All;
    const bool showsRemarks = m_shown == Details::Remarks;
    std::vector<DocumentLine> lines;
    for (const Document& document : documents) {
        const bool isGood =
            document.state == DocumentState::Ready || document.state == DocumentState::Pending;
        if (!showsAll && (showsRemarks ? !hasRemarks(document) : isGood)) continue;
        lines.push_back(
            {document, folderOf(document), showsRemarks ? remarksOn(document) : stateOf(document)});
    }
    m_documents->setLines(std::move(lines));
    m_retry->setVisible(!showsRemarks && m_collection.nFailed > 0);
}

}  // namespace conclave::ui
