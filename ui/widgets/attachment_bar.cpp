#include "ui/widgets/attachment_bar.h"

#include <QLabel>
#include <algorithm>

#include "ui/bridge.h"
#include "ui/widgets/chip.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

namespace {

constexpr int kLongestName = 28;

QString chipName(const std::filesystem::path& file) {
    const QString name = fromUtf8(file.filename().string());
    if (name.size() <= kLongestName) return name;
    // The end tells what kind of file it is.
    return name.left(kLongestName - 9) + QStringLiteral("…") + name.right(8);
}

QString problemOf(const services::Document& file) {
    using services::DocumentState;
    if (file.state != DocumentState::Failed && file.state != DocumentState::NeedsOcr) return {};
    return file.error.empty() ? AttachmentBar::tr("It could not be read.") : fromUtf8(file.error);
}

}  // namespace

AttachmentBar::AttachmentBar(QWidget* parent)
    : QWidget(parent), m_keptLabel(makeLabel(tr("In this chat:"), TextSize::Caption, this, true)) {
    setAccessibleName(tr("Attached files"));
    hide();
    m_keptLabel->setToolTip(
        tr("Files of earlier messages. Questions of this chat are looked up in them too, until you "
           "take them out."));
    connect(&Theme::instance(), &Theme::changed, this, &AttachmentBar::rebuild);
}

void AttachmentBar::setPending(const std::vector<std::filesystem::path>& files) {
    m_pending = files;
    rebuild();
}

void AttachmentBar::setKept(const std::vector<services::Document>& files) {
    std::vector<std::pair<std::filesystem::path, QString>> kept;
    for (const services::Document& file : files) kept.emplace_back(file.path, problemOf(file));
    if (kept == m_kept) return;
    m_kept = std::move(kept);
    rebuild();
}

void AttachmentBar::rebuild() {
    Chip::drop(m_chips);
    for (const auto& file : m_pending) m_chips << makeChip(file, true);
    for (const auto& [file, problem] : m_kept) {
        const bool isSentAgain =
            std::find(m_pending.begin(), m_pending.end(), file) != m_pending.end();
        if (!isSentAgain) m_chips << makeChip(file, false, problem);
    }
    setVisible(!m_chips.isEmpty());
    layOut();
}

QWidget* AttachmentBar::makeChip(const std::filesystem::path& file, bool isPending,
                                 const QString& problem) {
    const QString path = fromUtf8(file.string());
    const Chip chip = Chip::make(this, isPending);
    chip.name->setIcon(problem.isEmpty()
                           ? icon(Icon::File, isPending ? colors().accent : colors().muted)
                           : icon(Icon::Warning, colors().danger));
    chip.name->setText(QLatin1Char(' ') + withoutMnemonics(chipName(file)));
    if (!problem.isEmpty()) {
        chip.name->setToolTip(path + QLatin1Char('\n') + problem);
        chip.name->setAccessibleName(tr("Not read: %1").arg(chipName(file)));
    } else {
        chip.name->setToolTip(isPending ? tr("Goes with this message: %1").arg(path) : path);
        chip.name->setAccessibleName(isPending ? tr("Attached: %1").arg(chipName(file))
                                               : tr("In this chat: %1").arg(chipName(file)));
    }
    connect(chip.name, &QToolButton::clicked, this, [this, path] { emit openAsked(path); });
    chip.remove->setToolTip(isPending ? tr("Do not send it")
                                      : tr("Look no more in this file for questions of this chat"));
    chip.remove->setAccessibleName(tr("Take out %1").arg(chipName(file)));
    connect(chip.remove, &QToolButton::clicked, this, [this, path, isPending] {
        if (isPending) {
            emit pendingRemoved(path);
        } else {
            emit keptRemoved(path);
        }
    });
    return chip.frame;
}

void AttachmentBar::resizeEvent(QResizeEvent*) { layOut(); }

void AttachmentBar::layOut() {
    QList<QWidget*> shown;
    m_keptLabel->hide();
    for (QWidget* chip : m_chips) {
        if (!chip->property("pending").toBool() && m_keptLabel->isHidden()) {
            m_keptLabel->show();
            shown << m_keptLabel;
        }
        shown << chip;
    }
    setFixedHeight(layOutInRows(shown, width()));
}

}  // namespace conclave::ui
