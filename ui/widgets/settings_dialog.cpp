#include "ui/widgets/settings_dialog.h"

#include <QComboBox>
#include <QDesktopServices>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QGridLayout>
#include <QLabel>
#include <QPlainTextEdit>
#include <QSpinBox>
#include <QUrl>
#include <QVBoxLayout>

#include "ui/bridge.h"
#include "ui/chat_controller.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

namespace {

/// A form whose fields stand in line with those of the forms above and below.
QFormLayout* makeForm(QWidget* body) {
    auto* form = new QFormLayout(body);
    form->setContentsMargins(0, 0, 0, 0);
    form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    auto* ruler = new QWidget(body);
    ruler->setFixedSize(Theme::instance().scaled(150), 0);
    form->addRow(ruler, new QWidget(body));
    return form;
}

}  // namespace

SettingsDialog::SettingsDialog(services::Services& services, ChatController& controller,
                               QWidget* parent)
    : QDialog(parent), m_services(services), m_controller(controller) {
    setWindowTitle(tr("Settings"));
    setMinimumWidth(520);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(24, 20, 24, 20);
    column->setSpacing(10);
    const auto section = [&](const QString& title, QWidget* body) {
        column->addWidget(makeLabel(title, TextSize::Message, this, false, QFont::DemiBold));
        column->addWidget(body);
        column->addSpacing(8);
    };
    section(tr("Look"), makeLook());
    section(tr("Answers in this chat"), makeAnswers());
    section(tr("Places"), makePlaces());
    column->addStretch();
    QPushButton* close = makeButton(tr("Close"), this, "primary");
    close->setDefault(true);
    connect(close, &QPushButton::clicked, this, &QDialog::accept);
    column->addWidget(close, 0, Qt::AlignRight);
}

QWidget* SettingsDialog::makeLook() {
    auto* body = new QWidget(this);
    QFormLayout* form = makeForm(body);
    auto* theme = new QComboBox(body);
    theme->addItem(tr("Like the system"), QStringLiteral("system"));
    theme->addItem(tr("Light"), QStringLiteral("light"));
    theme->addItem(tr("Dark"), QStringLiteral("dark"));
    theme->setCurrentIndex(static_cast<int>(Theme::instance().mode()));
    connect(theme, &QComboBox::activated, this, [this, theme](int index) {
        Theme::instance().setMode(static_cast<ThemeMode>(index));
        m_services.setSetting("theme", theme->currentData().toString().toStdString());
    });
    form->addRow(tr("Theme"), theme);
    auto* zoom = new QSpinBox(body);
    zoom->setRange(60, 250);
    zoom->setSingleStep(10);
    zoom->setSuffix(tr(" %"));
    zoom->setValue(qRound(Theme::instance().zoom() * 100.0));
    connect(zoom, &QSpinBox::editingFinished, this, [this, zoom] {
        Theme::instance().setZoom(zoom->value() / 100.0);
        m_services.setSetting("zoom", Theme::instance().zoom());
    });
    form->addRow(tr("Text size"), zoom);
    return body;
}

QWidget* SettingsDialog::makeAnswers() {
    auto* body = new QWidget(this);
    QFormLayout* form = makeForm(body);
    const services::ChatSettings& settings = m_controller.settings();
    auto* system = new QPlainTextEdit(body);
    system->setObjectName(QStringLiteral("field"));
    system->setPlaceholderText(tr("How answers should be, as “Answer in French.”"));
    system->setTabChangesFocus(true);
    system->setFixedHeight(Theme::instance().scaled(76));
    system->setPlainText(fromUtf8(settings.systemPrompt.value_or(std::string())));
    form->addRow(tr("Instructions"), system);

    auto* sampling = new QComboBox(body);
    sampling->addItem(tr("What suits the model"));
    sampling->addItem(tr("My own"));
    sampling->setCurrentIndex(settings.sampling ? 1 : 0);
    form->addRow(tr("Sampling"), sampling);
    const engine::SamplerSettings start = settings.sampling.value_or(engine::SamplerSettings{});
    const auto real = [&](const QString& name, double value, double top, const QString& tip) {
        auto* box = new QDoubleSpinBox(body);
        box->setRange(0.0, top);
        box->setSingleStep(0.05);
        box->setValue(value);
        box->setToolTip(tip);
        form->addRow(name, box);
        return box;
    };
    auto* temperature = real(tr("Temperature"), static_cast<double>(start.temperature), 2.0,
                             tr("0: always the likeliest word; higher: more varied"));
    auto* topP = real(tr("Top-p"), static_cast<double>(start.topP), 1.0, tr("1 switches it off"));
    auto* minP = real(tr("Min-p"), static_cast<double>(start.minP), 1.0, tr("0 switches it off"));
    auto* topK = new QSpinBox(body);
    topK->setRange(0, 1000);
    topK->setValue(start.topK);
    topK->setToolTip(tr("0 switches it off"));
    form->addRow(tr("Top-k"), topK);
    auto* longest = new QSpinBox(body);
    longest->setRange(0, 100000);
    longest->setSpecialValueText(tr("What suits the model"));
    longest->setSuffix(tr(" tokens"));
    longest->setValue(settings.maxTokens.value_or(0));
    form->addRow(tr("Longest answer"), longest);

    const auto enable = [=] {
        for (QWidget* box : std::initializer_list<QWidget*>{temperature, topP, minP, topK}) {
            box->setEnabled(sampling->currentIndex() == 1);
        }
    };
    enable();
    connect(sampling, &QComboBox::activated, this, enable);
    connect(this, &QDialog::finished, this, [=, this] {
        services::ChatSettings next = m_controller.settings();
        const std::string prompt = system->toPlainText().trimmed().toStdString();
        next.systemPrompt = prompt.empty() ? std::nullopt : std::optional(prompt);
        next.maxTokens = longest->value() > 0 ? std::optional(longest->value()) : std::nullopt;
        if (sampling->currentIndex() == 1) {
            engine::SamplerSettings chosen = next.sampling.value_or(engine::SamplerSettings{});
            chosen.temperature = static_cast<float>(temperature->value());
            chosen.topP = static_cast<float>(topP->value());
            chosen.minP = static_cast<float>(minP->value());
            chosen.topK = topK->value();
            next.sampling = chosen;
        } else {
            next.sampling.reset();
        }
        m_controller.setSettings(next);
    });
    return body;
}

QWidget* SettingsDialog::makePlaces() {
    auto* body = new QWidget(this);
    QFormLayout* form = makeForm(body);
    const auto place = [&](const QString& name, const std::filesystem::path& path) {
        const QString text = fromUtf8(path.string());
        auto* open = makeButton(text, body, "link");
        open->setStyleSheet(QStringLiteral("text-align: left;"));
        open->setToolTip(tr("Open this folder"));
        connect(open, &QPushButton::clicked, this,
                [text] { QDesktopServices::openUrl(QUrl::fromLocalFile(text)); });
        form->addRow(name, open);
    };
    place(tr("Chats and documents"), m_services.places().data);
    place(tr("Models"), m_services.places().models());
    QPushButton* add = makeButton(tr("Use another folder of models as well…"), body);
    connect(add, &QPushButton::clicked, this, &SettingsDialog::addModelFolderAsked);
    form->addRow(QString(), add);
    return body;
}

ShortcutsDialog::ShortcutsDialog(QWidget* parent) : QDialog(parent) {
    setWindowTitle(tr("Keyboard shortcuts"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(24, 20, 24, 20);
    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(28);
    grid->setVerticalSpacing(9);
    const std::pair<QString, QString> keys[] = {
        {tr("Send, new line"), tr("Enter, Shift+Enter")},
        {tr("Stop the answer"), tr("Esc")},
        {tr("New chat"), tr("Ctrl+N")},
        {tr("Search chats and messages"), tr("Ctrl+K, Ctrl+Shift+F")},
        {tr("Find in this chat"), tr("Ctrl+F")},
        {tr("Answer again"), tr("Ctrl+R")},
        {tr("Edit the last question"), tr("Up, in an empty field")},
        {tr("Copy the last answer"), tr("Ctrl+Shift+C")},
        {tr("Go to the text field"), tr("Ctrl+L")},
        {tr("Choose the model"), tr("Ctrl+Shift+M")},
        {tr("Show or hide the chats"), tr("Ctrl+B, F9")},
        {tr("Show or hide the sources"), tr("Ctrl+Shift+S")},
        {tr("Rename, delete the chat"), tr("F2, Ctrl+Shift+Backspace")},
        {tr("Zoom"), tr("Ctrl++, Ctrl+-, Ctrl+0")},
        {tr("Settings"), tr("Ctrl+,")},
        {tr("This list"), tr("F1, Ctrl+/")},
        {tr("Quit"), tr("Ctrl+Q")},
    };
    int row = 0;
    for (const auto& [what, key] : keys) {
        grid->addWidget(makeLabel(what, TextSize::Body, this), row, 0);
        grid->addWidget(makeLabel(key, TextSize::Body, this, true), row, 1);
        ++row;
    }
    column->addLayout(grid);
    column->addSpacing(10);
    QPushButton* close = makeButton(tr("Close"), this, "primary");
    close->setDefault(true);
    connect(close, &QPushButton::clicked, this, &QDialog::accept);
    column->addWidget(close, 0, Qt::AlignRight);
}

}  // namespace conclave::ui
