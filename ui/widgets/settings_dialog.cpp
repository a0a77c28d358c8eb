#include "ui/widgets/settings_dialog.h"

#include <QApplication>
#include <QButtonGroup>
#include <QComboBox>
#include <QDate>
#include <QDesktopServices>
#include <QDir>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLabel>
#include <QListWidget>
#include <QLocale>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QScrollArea>
#include <QSpinBox>
#include <QStackedWidget>
#include <QUrl>
#include <QVBoxLayout>

#include "ui/bridge.h"
#include "ui/chat_controller.h"
#include "ui/widgets/ocr_row.h"
#include "ui/widgets/small_widgets.h"
#include "ui/widgets/switch.h"

namespace conclave::ui {

namespace {

constexpr int kFieldWidth = 190;

/// Buttons of which one is down, as one control.
QWidget* makeChoice(const QStringList& names, int chosen, const std::function<void(int)>& choose) {
    auto* frame = new QFrame;
    frame->setObjectName(QStringLiteral("choice"));
    auto* row = new QHBoxLayout(frame);
    row->setContentsMargins(2, 2, 2, 2);
    row->setSpacing(2);
    auto* group = new QButtonGroup(frame);
    for (int i = 0; i < names.size(); ++i) {
        QPushButton* button = makeButton(names[i], frame, "choice");
        button->setCheckable(true);
        button->setChecked(i == chosen);
        group->addButton(button, i);
        row->addWidget(button);
    }
    QObject::connect(group, &QButtonGroup::idClicked, frame, choose);
    return frame;
}

}  // namespace

SettingsDialog::SettingsDialog(services::Services& services, ChatController& controller,
                               QWidget* parent)
    : QDialog(parent),
      m_services(services),
      m_controller(controller),
      m_names(new QListWidget(this)),
      m_pages(new QStackedWidget(this)) {
    setWindowTitle(tr("Settings"));
    const Theme& theme = Theme::instance();
    resize(theme.scaled(760), theme.scaled(560));
    setMinimumSize(440, 340);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(0);
    m_names->setObjectName(QStringLiteral("sections"));
    m_names->setAccessibleName(tr("Sections"));
    m_names->setFixedWidth(theme.scaled(156));
    m_names->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_pages->setObjectName(QStringLiteral("page"));
    auto* right = new QVBoxLayout;
    right->setSpacing(0);
    right->addWidget(m_pages, 1);
    right->addWidget(makeLine(this));
    auto* bottom = new QHBoxLayout;
    bottom->setContentsMargins(28, 12, 28, 12);
    QPushButton* done = makeButton(tr("Done"), this, "primary");
    done->setDefault(true);
    connect(done, &QPushButton::clicked, this, &QDialog::accept);
    bottom->addStretch();
    bottom->addWidget(done);
    right->addLayout(bottom);
    row->addWidget(m_names);
    row->addLayout(right, 1);
    makeGeneral();
    makeAnswers();
    makeDocuments();
    makeData();
    makeAbout();
    connect(m_names, &QListWidget::currentRowChanged, m_pages, &QStackedWidget::setCurrentIndex);
    m_names->setCurrentRow(0);
    m_names->setFocus();
    connect(this, &QDialog::finished, this, &SettingsDialog::keepAnswers);
}

QVBoxLayout* SettingsDialog::addSection(const QString& name) {
    m_names->addItem(name);
    QScrollArea* scroll = makeScrollingPage(m_pages);
    QWidget* page = scroll->widget();
    auto* outer = new QVBoxLayout(page);
    outer->setContentsMargins(28, 22, 28, 22);
    outer->setSpacing(0);
    outer->addWidget(makeLabel(name, TextSize::Title, page, false, QFont::DemiBold));
    outer->addSpacing(12);
    auto* column = new QVBoxLayout;
    column->setSpacing(0);
    outer->addLayout(column);
    outer->addStretch();
    m_pages->addWidget(scroll);
    return column;
}

QLabel* SettingsDialog::addRow(QVBoxLayout* column, const QString& name, const QString& hint,
                               QWidget* field) {
    if (column->count() > 0) column->addWidget(makeLine(this));
    auto* line = new QHBoxLayout;
    line->setContentsMargins(0, 11, 0, 11);
    line->setSpacing(20);
    auto* words = new QVBoxLayout;
    words->setSpacing(2);
    QLabel* label = makeLabel(name, TextSize::Body, this, false, QFont::Medium);
    label->setBuddy(field);
    words->addWidget(label);
    QLabel* more = nullptr;
    if (!hint.isEmpty()) {
        more = makeLabel(hint, TextSize::Small, this, true);
        more->setWordWrap(true);
        words->addWidget(more);
    }
    line->addLayout(words, 1);
    if (field->accessibleName().isEmpty()) field->setAccessibleName(name);
    line->addWidget(field, 0, hint.isEmpty() ? Qt::AlignVCenter : Qt::AlignTop);
    column->addLayout(line);
    return more;
}

void SettingsDialog::makeGeneral() {
    QVBoxLayout* column = addSection(tr("General"));
    addRow(column, tr("Theme"), {},
           makeChoice({tr("System"), tr("Light"), tr("Dark")},
                      static_cast<int>(Theme::instance().mode()), [this](int index) {
                          Theme::instance().setMode(static_cast<ThemeMode>(index));
                          const char* const names[] = {"system", "light", "dark"};
                          m_services.setSetting("theme", names[index]);
                      }));
    auto* zoom = new QSpinBox(this);
    zoom->setRange(60, 250);
    zoom->setSingleStep(10);
    zoom->setSuffix(tr(" %"));
    zoom->setValue(qRound(Theme::instance().zoom() * 100.0));
    zoom->setFixedWidth(Theme::instance().scaled(110));
    connect(zoom, &QSpinBox::editingFinished, this, [this, zoom] {
        Theme::instance().setZoom(zoom->value() / 100.0);
        m_services.setSetting("zoom", Theme::instance().zoom());
    });
    addRow(column, tr("Text size"), tr("Also with Ctrl and plus or minus, anywhere."), zoom);
    QPushButton* keys = makeButton(tr("Show"), this);
    connect(keys, &QPushButton::clicked, this, &SettingsDialog::shortcutsAsked);
    addRow(column, tr("Keyboard shortcuts"), {}, keys);
}

void SettingsDialog::makeAnswers() {
    QVBoxLayout* column = addSection(tr("Answers"));
    const services::ChatSettings& settings = m_controller.settings();
    column->addWidget(
        makeLabel(tr("These belong to the chat that is open."), TextSize::Small, this, true));
    column->addSpacing(10);
    column->addWidget(makeLabel(tr("Instructions"), TextSize::Body, this, false, QFont::Medium));
    column->addSpacing(6);
    m_system = new QPlainTextEdit(this);
    m_system->setObjectName(QStringLiteral("field"));
    m_system->setAccessibleName(tr("Instructions"));
    m_system->setPlaceholderText(tr("How answers should be, as “Answer in French.”"));
    m_system->setTabChangesFocus(true);
    m_system->setFixedHeight(Theme::instance().scaled(84));
    m_system->setPlainText(fromUtf8(settings.systemPrompt.value_or(std::string())));
    column->addWidget(m_system);
    column->addSpacing(10);

    const auto addSwitch = [&](const QString& name, const QString& hint, bool isOn) {
        auto* box = new Switch(name, this);
        box->setChecked(isOn);
        addRow(column, name, hint, box);
        return box;
    };
    m_onlyDocuments =
        addSwitch(tr("Only from documents"), tr("What your documents do not say is not answered."),
                  settings.onlyDocuments);
    m_followUps = addSwitch(tr("Understand follow-up questions"),
                            tr("“And the tenant?” is looked up with the question before it; the "
                               "answer shows how."),
                            settings.readsFollowUps);
    const int width = Theme::instance().scaled(kFieldWidth);
    m_longest = new QSpinBox(this);
    m_longest->setRange(0, 100000);
    m_longest->setSingleStep(64);
    m_longest->setSpecialValueText(tr("Suits the model"));
    m_longest->setSuffix(tr(" tokens"));
    m_longest->setValue(settings.maxTokens.value_or(0));
    m_longest->setFixedWidth(width);
    addRow(column, tr("Longest answer"), tr("A token is a word or a part of one."), m_longest);
    addContextRow(column);
    m_sampling = new QComboBox(this);
    m_sampling->addItem(tr("Suits the model"));
    m_sampling->addItem(tr("My own"));
    m_sampling->setCurrentIndex(settings.sampling ? 1 : 0);
    m_sampling->setFixedWidth(width);
    const engine::ModelInfo& model = m_services.models().status().model.info;
    QString freedom = tr("How freely the model picks the next word.");
    const std::string recommended = services::recommendedSamplingText(model);
    if (!recommended.empty()) {
        freedom += QLatin1Char(' ') + tr("Its file recommends %1.").arg(fromUtf8(recommended));
    }
    addRow(column, tr("Choice of words"), freedom, m_sampling);
    const engine::SamplerSettings start =
        settings.sampling.value_or(services::defaultSampling(model));
    const auto real = [&](const QString& name, double value, double top, const QString& hint) {
        auto* box = new QDoubleSpinBox(this);
        box->setRange(0.0, top);
        box->setSingleStep(0.05);
        box->setValue(value);
        box->setFixedWidth(width);
        addRow(column, name, hint, box);
        return box;
    };
    m_temperature = real(tr("Temperature"), static_cast<double>(start.temperature), 2.0,
                         tr("0: always the likeliest word. Higher: more varied."));
    m_topP = real(tr("Top-p"), static_cast<double>(start.topP), 1.0, tr("1 switches it off."));
    m_minP = real(tr("Min-p"), static_cast<double>(start.minP), 1.0, tr("0 switches it off."));
    m_topK = new QSpinBox(this);
    m_topK->setRange(0, 1000);
    m_topK->setValue(start.topK);
    m_topK->setFixedWidth(width);
    addRow(column, tr("Top-k"), tr("0 switches it off."), m_topK);
    const auto enable = [this] {
        for (QWidget* box :
             std::initializer_list<QWidget*>{m_temperature, m_topP, m_minP, m_topK}) {
            box->setEnabled(m_sampling->currentIndex() == 1);
        }
    };
    enable();
    connect(m_sampling, &QComboBox::currentIndexChanged, this, enable);
}

void SettingsDialog::addContextRow(QVBoxLayout* column) {
    constexpr int kMost = 1 << 26;  // as --ctx takes; a model has fewer, and it is said
    constexpr int kStep = 1024;
    m_context = new QSpinBox(this);
    m_context->setRange(0, kMost);
    m_context->setSingleStep(kStep);
    m_context->setGroupSeparatorShown(true);
    m_context->setSpecialValueText(tr("Automatic"));
    m_context->setSuffix(tr(" tokens"));
    m_context->setValue(m_controller.settings().contextLength.value_or(0));
    m_context->setFixedWidth(Theme::instance().scaled(kFieldWidth));
    m_contextHint = addRow(column, tr("Context"),
                           tr("What the model holds at a time: the passages, the chat and the "
                              "answer."),
                           m_context);
    connect(m_context, &QSpinBox::valueChanged, this, &SettingsDialog::askContextNeed);
    askContextNeed();
}

void SettingsDialog::askContextNeed() {
    const int asked = m_context->value();
    m_services.chats().contextNeed(
        asked > 0 ? std::optional(asked) : std::nullopt,
        onGui<services::ContextNeed>(this,
                                     [this, asked](const Result<services::ContextNeed>& need) {
                                         if (need && asked == m_context->value())
                                             showContextNeed(*need);
                                     }));
}

void SettingsDialog::showContextNeed(const services::ContextNeed& need) {
    const QLocale locale;
    QString hint = tr("What the model holds at a time: the passages, the chat and the answer.") +
                   QLatin1Char(' ');
    if (need.contextLength == 0) {
        hint +=
            tr("How much memory it takes is shown once the model is loaded, as after a "
               "question.");
        m_contextHint->setText(hint);
        return;
    }
    hint += tr("%1 tokens take %2 beside the model.")
                .arg(locale.toString(need.contextLength), formatBytes(need.bytes));
    if (m_context->value() > need.modelContextLength) {
        hint += QLatin1Char(' ') + tr("The model was made for %1 tokens and has no more.")
                                       .arg(locale.toString(need.modelContextLength));
    } else if (need.contextLength < need.modelContextLength) {
        hint +=
            QLatin1Char(' ') +
            tr("The model was made for at most %1.").arg(locale.toString(need.modelContextLength));
    }
    if (!need.fits) {
        hint += QLatin1Char(' ') + tr("That is more than is free now: at most %1 tokens fit.")
                                       .arg(locale.toString(need.longestContext));
    }
    m_contextHint->setText(hint);
    setStyleProperty(m_contextHint, "muted", need.fits);
    setStyleProperty(m_contextHint, "danger", !need.fits);
}

void SettingsDialog::keepAnswers() {
    services::ChatSettings next = m_controller.settings();
    const std::string prompt = m_system->toPlainText().trimmed().toStdString();
    next.systemPrompt = prompt.empty() ? std::nullopt : std::optional(prompt);
    next.onlyDocuments = m_onlyDocuments->isChecked();
    next.readsFollowUps = m_followUps->isChecked();
    next.contextLength = m_context->value() > 0 ? std::optional(m_context->value()) : std::nullopt;
    next.maxTokens = m_longest->value() > 0 ? std::optional(m_longest->value()) : std::nullopt;
    if (m_sampling->currentIndex() == 1) {
        engine::SamplerSettings chosen = next.sampling.value_or(
            services::defaultSampling(m_services.models().status().model.info));
        chosen.temperature = static_cast<float>(m_temperature->value());
        chosen.topP = static_cast<float>(m_topP->value());
        chosen.minP = static_cast<float>(m_minP->value());
        chosen.topK = m_topK->value();
        next.sampling = chosen;
    } else {
        next.sampling.reset();
    }
    m_controller.setSettings(next);
}

void SettingsDialog::makeDocuments() {
    QVBoxLayout* column = addSection(tr("Documents"));
    column->addWidget(new OcrRow(m_services, this));
    column->addSpacing(12);
    QLabel* more = makeLabel(tr("Folders are added and watched on the page “Documents”. A file "
                                "named .conclaveignore in a folder keeps others out, as .gitignore "
                                "does."),
                             TextSize::Small, this, true);
    more->setWordWrap(true);
    column->addWidget(more);
}

void SettingsDialog::makeData() {
    QVBoxLayout* column = addSection(tr("Data"));
    const auto place = [&](const QString& name, const std::filesystem::path& path) {
        const QString text = fromUtf8(path.string());
        QPushButton* open = makeButton(tr("Open"), this);
        open->setAccessibleName(tr("Open %1").arg(text));
        connect(open, &QPushButton::clicked, this,
                [text] { QDesktopServices::openUrl(QUrl::fromLocalFile(text)); });
        addRow(column, name, text, open);
    };
    place(tr("Chats and documents"), m_services.places().data);
    place(tr("Models"), m_services.places().models());
    QPushButton* add = makeButton(tr("Add…"), this);
    connect(add, &QPushButton::clicked, this, &SettingsDialog::addModelFolderAsked);
    addRow(column, tr("Another folder of models"), tr("Used where it is; nothing is copied."), add);
    QPushButton* copy = makeButton(tr("Back up…"), this);
    connect(copy, &QPushButton::clicked, this, &SettingsDialog::backUp);
    addRow(column, tr("Backup"),
           tr("Chats, settings and what was read of your documents, in one file."), copy);
    QPushButton* back = makeButton(tr("Restore…"), this);
    connect(back, &QPushButton::clicked, this, &SettingsDialog::restore);
    addRow(column, tr("Restore a backup"),
           tr("Puts a backup in the place of what is here now; Conclave starts anew."), back);
    QPushButton* trash = makeButton(tr("Show"), this);
    connect(trash, &QPushButton::clicked, this, [this] {
        accept();
        emit trashAsked();
    });
    addRow(column, tr("Deleted chats"), tr("They can be restored for 30 days."), trash);
}

void SettingsDialog::backUp() {
    const QString name =
        QStringLiteral("conclave-%1.db").arg(QDate::currentDate().toString(Qt::ISODate));
    const QString to = QFileDialog::getSaveFileName(
        this, tr("Back up to"), QDir::home().filePath(name), tr("Backups (*.db)"));
    if (to.isEmpty()) return;
    m_services.backup(to.toStdString(), onGui<void>(this, [this, to](Result<void> done) {
                          if (done) {
                              emit notice(tr("Backed up and checked: %1").arg(to));
                          } else {
                              emit failed(done.error());
                          }
                      }));
}

void SettingsDialog::restore() {
    QMessageBox box(QMessageBox::Question, tr("Conclave"), tr("Restore a backup?"),
                    QMessageBox::NoButton, this);
    box.setInformativeText(
        tr("Chats, settings and collections become those of the backup. What is here now is kept "
           "as a file beside it. Conclave closes its window, asks for the backup and comes back."));
    QPushButton* go = box.addButton(tr("Choose a backup…"), QMessageBox::AcceptRole);
    box.setDefaultButton(box.addButton(QMessageBox::Cancel));
    box.exec();
    if (box.clickedButton() != go) return;
    accept();
    emit restoreAsked();
}

void SettingsDialog::makeAbout() {
    QVBoxLayout* column = addSection(tr("About"));
    auto* row = new QHBoxLayout;
    auto* mark = new QLabel(this);
    mark->setPixmap(QIcon(QStringLiteral(":/conclave/icon.svg"))
                        .pixmap(QSize(48, 48), mark->devicePixelRatioF()));
    auto* words = new QVBoxLayout;
    words->setSpacing(2);
    words->addWidget(makeLabel(tr("Conclave"), TextSize::Message, this, false, QFont::DemiBold));
    words->addWidget(makeLabel(tr("Version %1").arg(QApplication::applicationVersion()),
                               TextSize::Small, this, true));
    row->addWidget(mark);
    row->addSpacing(10);
    row->addLayout(words, 1);
    column->addLayout(row);
    column->addSpacing(16);
    for (const QString& text :
         {tr("Questions, documents and answers stay on this computer. The network is used for one "
             "thing only: to download a model when you ask for it."),
          tr("Conclave is free software under the MIT licence.")}) {
        QLabel* label = makeLabel(text, TextSize::Body, this);
        label->setWordWrap(true);
        column->addWidget(label);
        column->addSpacing(8);
    }
}

}  // namespace conclave::ui
