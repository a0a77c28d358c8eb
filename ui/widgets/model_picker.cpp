#include "ui/widgets/model_picker.h"

#include <QEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QMenu>
#include <QMessageBox>
#include <QScreen>
#include <algorithm>

#include "ui/bridge.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

using services::ModelEntry;
using services::ModelStatus;

QString describeModel(const ModelEntry& entry) {
    QStringList parts;
    const engine::ModelInfo& info = entry.info;
    if (!info.fileType.empty()) parts << fromUtf8(info.fileType);
    if (info.nParameters) {
        QString size = formatCount(info.nParameters);
        if (info.nExperts > 0 && info.nActiveParameters &&
            info.nActiveParameters != info.nParameters) {
            size = ModelPicker::tr("%1, %2 active").arg(size, formatCount(info.nActiveParameters));
        }
        parts << size;
    }
    if (info.fileBytes) parts << formatBytes(info.fileBytes);
    return parts.join(QStringLiteral(" · "));
}

namespace {

/// What the menu has no room for.
QString tipOf(const ModelEntry& entry) {
    if (!entry.problem.empty()) return fromUtf8(entry.problem);
    QStringList tip = {fromUtf8(entry.file.string())};
    const std::string sampling = services::recommendedSamplingText(entry.info);
    if (!sampling.empty()) {
        tip << ModelPicker::tr("Its file recommends %1.").arg(fromUtf8(sampling));
    }
    const std::string note = services::chatTemplateNote(entry.info);
    if (!note.empty()) tip << fromUtf8(entry.name + " " + note);
    return tip.join(QLatin1Char('\n'));
}

bool isWithin(const std::filesystem::path& file, const std::filesystem::path& place) {
    std::error_code ignored;
    const auto whole = std::filesystem::weakly_canonical(file, ignored);
    const auto outer = std::filesystem::weakly_canonical(place, ignored);
    return std::mismatch(outer.begin(), outer.end(), whole.begin(), whole.end()).first ==
           outer.end();
}

}  // namespace

ModelPicker::ModelPicker(services::ModelService& models, QWidget* parent)
    : QToolButton(parent), m_models(models) {
    setObjectName(QStringLiteral("model"));
    setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    setPopupMode(QToolButton::InstantPopup);
    setCursor(Qt::PointingHandCursor);
    setMenu(new QMenu(this));
    menu()->installEventFilter(this);
    connect(menu(), &QMenu::aboutToShow, this, [this] {
        fillMenu();
        reload();
    });
    onTheme(this, [this] {
        setFont(Theme::instance().font(TextSize::Body, QFont::DemiBold));
        setStatus(m_status);
    });
}

void ModelPicker::setStatus(const ModelStatus& status) {
    m_status = status;
    QString text = tr("No model");
    QColor color = colors().muted;
    switch (status.state) {
        case ModelStatus::State::None:
            if (!status.model.name.empty()) text = fromUtf8(status.model.name);
            break;
        case ModelStatus::State::Loading:
            text = tr("Loading %1… %2 %")
                       .arg(fromUtf8(status.model.name))
                       .arg(qRound(status.progress * 100.0f));
            color = colors().accent;
            break;
        case ModelStatus::State::Ready:
            text = fromUtf8(status.model.name);
            color = colors().accent;
            break;
        case ModelStatus::State::Failed:
            if (!status.model.name.empty()) {
                text = tr("%1: not loaded").arg(fromUtf8(status.model.name));
            }
            color = colors().danger;
            break;
    }
    setIcon(
        ui::icon(status.state == ModelStatus::State::Failed ? Icon::Warning : Icon::Chip, color));
    setText(QLatin1Char(' ') +
            withoutMnemonics(fontMetrics().elidedText(text, Qt::ElideMiddle, m_room)));
    setAccessibleName(tr("Model: %1").arg(text));
    QStringList tip = {tr("Choose the model (Ctrl+Shift+M)")};
    if (const std::string note = status.notes(); !note.empty()) tip.prepend(fromUtf8(note));
    setToolTip(tip.join(QLatin1Char('\n')));
}

void ModelPicker::setRoom(int pixels) {
    if (pixels == m_room) return;
    m_room = pixels;
    setStatus(m_status);
}

void ModelPicker::reload() {
    m_models.list(
        onGui<std::vector<ModelEntry>>(this, [this](Result<std::vector<ModelEntry>> entries) {
            if (entries) {
                const bool isNew =
                    !m_loaded || !std::equal(entries->begin(), entries->end(), m_entries.begin(),
                                             m_entries.end(), [](const auto& a, const auto& b) {
                                                 return a.file == b.file && a.problem == b.problem;
                                             });
                m_entries = std::move(*entries);
                m_loaded = true;
                // Else it stays, with the choice that the person is at.
                if (isNew && menu()->isVisible()) fillMenu();
            } else {
                emit failed(errorText(entries.error()));
            }
        }));
}

void ModelPicker::fillMenu() {
    menu()->clear();
    if (!m_loaded) menu()->addAction(tr("Looking for models…"))->setEnabled(false);
    const Theme& theme = Theme::instance();
    const int room =
        std::clamp(window()->width() - theme.scaled(340), theme.scaled(120), theme.scaled(400));
    for (const ModelEntry& entry : m_entries) {
        if (entry.searches()) continue;
        QString name = withoutMnemonics(
            menu()->fontMetrics().elidedText(fromUtf8(entry.name), Qt::ElideMiddle, room));
        if (entry.isEmbedded) name += tr(" (demonstration)");
        const QString detail = entry.problem.empty() ? describeModel(entry) : tr("cannot be used");
        QAction* action = menu()->addAction(name + '\t' + detail);
        action->setCheckable(true);
        action->setChecked(entry.file == m_status.model.file);
        action->setEnabled(entry.problem.empty());
        action->setToolTip(tipOf(entry));
        connect(action, &QAction::triggered, this, [this, file = entry.file] { choose(file); });
    }
    menu()->setToolTipsVisible(true);
    menu()->addSeparator();
    connect(menu()->addAction(ui::icon(Icon::File, colors().muted), tr("Add a model file…")),
            &QAction::triggered, this, &ModelPicker::addFile);
    connect(
        menu()->addAction(ui::icon(Icon::Folder, colors().muted), tr("Add a folder of models…")),
        &QAction::triggered, this, &ModelPicker::addFolder);
    connect(
        menu()->addAction(ui::icon(Icon::External, colors().muted), tr("Where to get a model…")),
        &QAction::triggered, this, &ModelPicker::showHelp);
}

/// Below the button, but not past the window's right edge: the models' details are at that side.
void ModelPicker::keepMenuInside() {
    const QRect frame(window()->mapToGlobal(QPoint(0, 0)), window()->size());
    const QRect screen = window()->screen()->availableGeometry();
    const int right = std::min(frame.right(), screen.right()) - space::kTiny;
    const int x = std::min(menu()->x(), right - menu()->width() + 1);
    menu()->move(std::max(x, screen.left()), menu()->y());
}

bool ModelPicker::eventFilter(QObject* object, QEvent* event) {
    // It is filled again when the models have been looked for, and may be wider then.
    if (object == menu() && (event->type() == QEvent::Show || event->type() == QEvent::Resize)) {
        keepMenuInside();
    }
    return QToolButton::eventFilter(object, event);
}

void ModelPicker::choose(const std::filesystem::path& file) {
    m_models.choose(file.string(), onGui<ModelEntry>(this, [this](Result<ModelEntry> chosen) {
                        if (!chosen) emit failed(errorText(chosen.error()));
                        setStatus(m_models.status());
                    }));
}

void ModelPicker::addFile() {
    const QString file = QFileDialog::getOpenFileName(window(), tr("Add a model file"),
                                                      firstFolder(), tr("GGUF models (*.gguf)"));
    if (!file.isEmpty()) add(file);
}

void ModelPicker::addFolder() {
    const QString folder =
        QFileDialog::getExistingDirectory(window(), tr("Add a folder of models"), firstFolder());
    if (!folder.isEmpty()) add(folder);
}

void ModelPicker::add(const QString& fileOrFolder) {
    m_models.add(
        fileOrFolder.toStdString(),
        onGui<std::vector<ModelEntry>>(this, [this, place = std::filesystem::path(
                                                        fileOrFolder.toStdString())](
                                                 Result<std::vector<ModelEntry>> added) {
            if (!added) {
                emit failed(errorText(added.error()));
                return;
            }
            // The answer lists every model; ours are the ones at or below the given place.
            std::vector<ModelEntry> usable;
            QString problem;
            for (const ModelEntry& entry : *added) {
                if (!isWithin(entry.file, place)) continue;
                if (!entry.problem.empty()) problem = fromUtf8(entry.problem);
                if (entry.problem.empty() && !entry.searches()) usable.push_back(entry);
            }
            if (usable.empty()) {
                emit failed(!problem.isEmpty()
                                ? problem
                                : tr("No chat model was found there. Conclave reads GGUF files."));
            } else if (usable.size() == 1) {
                choose(usable.front().file);
            } else {
                emit notice(tr("%1 models added").arg(usable.size()));
            }
            reload();
        }));
}

void ModelPicker::showHelp() {
    QMessageBox box(
        QMessageBox::NoIcon, tr("Where to get a model"),
        tr("The model that comes with Conclave is a demonstration: small enough for every "
           "computer, but it can do little more than copy answers from documents."),
        QMessageBox::Close, window());
    box.setInformativeText(tr(
        "Conclave runs GGUF files of DeepSeek, Qwen, gpt-oss, Mixtral, OLMoE, Granite, GLM, Llama, "
        "Gemma, Phi and others.\n\n"
        "1.  Download one elsewhere, for instance from Hugging Face. Its file should be "
        "clearly smaller than this computer's memory.\n"
        "2.  Drop the file on this window, or choose “Add a model file…”. It stays where "
        "it is; nothing is copied.\n\n"
        "In a terminal, “conclave models pull URL” downloads and checks a file."));
    QPushButton* file = box.addButton(tr("Add a model file…"), QMessageBox::ActionRole);
    box.exec();
    if (box.clickedButton() == file) addFile();
}

}  // namespace conclave::ui
