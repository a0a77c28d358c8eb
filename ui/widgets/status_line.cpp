#include "ui/widgets/status_line.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QProgressBar>
#include <QToolButton>
#include <algorithm>

#include "ui/bridge.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

StatusLine::StatusLine(QWidget* parent)
    : QWidget(parent),
      m_model(new ElidedLabel({}, this)),
      m_indexing(new ElidedLabel({}, this)),
      m_pause(new QToolButton(this)),
      m_speed(makeLabel({}, TextSize::Caption, this, true)),
      m_context(makeLabel({}, TextSize::Caption, this, true)),
      m_meter(new QProgressBar(this)) {
    setObjectName(QStringLiteral("status"));
    setAttribute(Qt::WA_StyledBackground);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(14, 2, 14, 6);
    row->setSpacing(14);
    m_meter->setFixedWidth(64);
    m_meter->setTextVisible(false);
    for (ElidedLabel* label : {m_model, m_indexing}) {
        label->setProperty("muted", true);
        label->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
        onTheme(label, [label] { label->setFont(Theme::instance().font(TextSize::Caption)); });
    }
    row->addWidget(m_model, 1);
    row->addWidget(m_indexing, 1);
    row->addWidget(m_pause);
    row->addStretch();
    row->addWidget(m_speed);
    row->addWidget(m_context);
    row->addWidget(m_meter);
    m_pause->setProperty("tiny", true);
    m_pause->setFocusPolicy(Qt::TabFocus);
    m_pause->setCursor(Qt::PointingHandCursor);
    connect(m_pause, &QToolButton::clicked, this, [this] { emit pauseAsked(!m_isPaused); });
    onTheme(m_pause, [this] { setIndexing(m_indexing->fullText(), m_isPaused); });
    m_speed->setToolTip(tr("How fast the model wrote the last answer."));
    m_context->hide();
    m_meter->hide();
}

void StatusLine::setModel(const services::ModelStatus& status) {
    using State = services::ModelStatus::State;
    QString text;
    switch (status.state) {
        case State::None:
            text = status.model.name.empty() ? tr("No model")
                                             : tr("The model loads with the first question");
            break;
        case State::Loading:
            text = tr("Loading the model, %1 %").arg(qRound(status.progress * 100.0f));
            break;
        case State::Ready: text = tr("Model ready"); break;
        case State::Failed: text = fromUtf8(status.error); break;
    }
    m_model->setProperty("muted", status.state != State::Failed);
    setStyleProperty(m_model, "danger", status.state == State::Failed);
    m_model->setFullText(text);
}

void StatusLine::setContext(const services::ContextUse& use) {
    const bool known = use.contextLength > 0;
    m_context->setVisible(known);
    m_meter->setVisible(known);
    if (!known) return;
    const QLocale locale;
    m_context->setText(
        tr("%1 of %2 tokens")
            .arg(locale.toString(use.usedTokens), locale.toString(use.contextLength)));
    m_meter->setRange(0, use.contextLength);
    m_meter->setValue(std::min(use.usedTokens, use.contextLength));
    m_meter->update();  // Qt skips steps that are smaller than a chunk of its own style
    QString tip =
        tr("How much of the context this chat takes: what the model holds at a time. When it is "
           "full, the oldest messages are left out.");
    if (use.modelContextLength > use.contextLength) {
        tip += QLatin1Char('\n') +
               tr("The model was made for %1 tokens; this chat has as many as it was given, or as "
                  "memory has room for.")
                   .arg(locale.toString(use.modelContextLength));
    }
    m_context->setToolTip(tip);
    m_meter->setToolTip(tip);
    m_meter->setAccessibleName(tip);
}

void StatusLine::setSpeed(double tokensPerSecond) {
    m_speed->setText(
        tokensPerSecond > 0.0
            ? tr("%1 tokens/s")
                  .arg(QLocale().toString(tokensPerSecond, 'f', tokensPerSecond < 10.0 ? 1 : 0))
            : QString());
}

void StatusLine::setIndexing(const QString& text, bool isPaused) {
    m_isPaused = isPaused;
    m_indexing->setFullText(text);
    m_pause->setVisible(!text.isEmpty());
    m_pause->setIcon(
        icon(isPaused ? Icon::Resume : Icon::Pause, isPaused ? colors().accent : colors().muted));
    const int size = Theme::instance().scaled(15);
    m_pause->setIconSize({size, size});
    m_pause->setToolTip(isPaused ? tr("Resume reading: answers may miss new and changed files")
                                 : tr("Pause reading, until you resume it"));
    m_pause->setAccessibleName(isPaused ? tr("Resume reading") : tr("Pause reading"));
}

/// What is told beside the answer, too, makes room for the rest.
void StatusLine::resizeEvent(QResizeEvent* event) {
    m_speed->setVisible(width() >= Theme::instance().scaled(600));
    QWidget::resizeEvent(event);
}

}  // namespace conclave::ui
