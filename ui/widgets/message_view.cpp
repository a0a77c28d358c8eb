#include "ui/widgets/message_view.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QPainter>
#include <QProgressBar>
#include <QTimer>
#include <QToolButton>
#include <algorithm>
#include <set>

#include "ui/bridge.h"
#include "ui/filter_words.h"
#include "ui/markdown/thought.h"
#include "ui/widgets/message_text.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

using services::AnswerStage;
using services::Message;
using services::MessageState;

namespace {

constexpr int kMostSourceChips = 4;

QString stageText(const AnswerStage& stage) {
    switch (stage.kind) {
        case AnswerStage::Kind::Waiting: return MessageView::tr("Waiting for its turn…");
        case AnswerStage::Kind::Searching: return MessageView::tr("Searching your documents…");
        case AnswerStage::Kind::Surveying: return MessageView::tr("Reading everything…");
        case AnswerStage::Kind::LoadingModel: return MessageView::tr("Loading the model…");
        case AnswerStage::Kind::Reading: return MessageView::tr("Reading…");
        case AnswerStage::Kind::Writing: return MessageView::tr("Writing…");
    }
    return {};
}

CitationMarks marksOf(const Message& message) {
    CitationMarks marks;
    if (!message.details) return marks;
    marks.hasSources = !message.details->passages.empty() || !message.details->citations.empty();
    for (const services::StoredCitation& citation : message.details->citations) {
        marks.marks.push_back({citation.passage, citation.supported});
    }
    return marks;
}

/// The model and how fast it wrote how much.
QStringList authorOf(const Message& message) {
    QStringList parts;
    const services::AnswerDetails& details = *message.details;
    if (!details.model.empty()) parts << fromUtf8(details.model);
    const auto found = details.usage.find("completion_tokens");
    const int nTokens = found != details.usage.end() && found->is_number() ? found->get<int>() : 0;
    if (nTokens > 0) {
        parts << counted(nTokens, MessageView::tr("1 token"), MessageView::tr("%1 tokens"));
    }
    const double speed = decodeSpeed(message);
    if (speed > 0) {
        parts << MessageView::tr("%1 tokens/s")
                     .arg(QLocale().toString(speed, 'f', speed < 10 ? 1 : 0));
    }
    const auto dropped = details.usage.find(services::kDroppedTurnsKey);
    if (dropped != details.usage.end() && dropped->is_number()) {
        // The model's context is full, and who wonders what it has forgotten should see it.
        parts << counted(dropped->get<int>(), MessageView::tr("oldest question not read"),
                         MessageView::tr("%1 oldest questions not read"));
    }
    return parts;
}

/// How much was read for an answer from everything.
QString readingOf(const services::SurveyAccount& account) {
    const QLocale locale;
    if (!account.isComplete) {
        return MessageView::tr("%1 of %2 passages read")
            .arg(locale.toString(account.nPassagesRead), locale.toString(account.nPassages));
    }
    // How much that is stands at the end of the answer itself.
    if (account.nSkipped == 0) return MessageView::tr("Read everything");
    return MessageView::tr("Read everything but %1").arg(locale.toString(account.nSkipped));
}

/// Of an answer that no model wrote, though one may have tried.
QStringList sourceOfWords(const services::AnswerDetails& details) {
    if (details.passages.empty()) return {};
    return {details.finishReason == services::kQuotedReason
                ? MessageView::tr("Quoted from your documents")
                : MessageView::tr("Passages of your documents")};
}

}  // namespace

MessageView::MessageView(services::Role role, QWidget* parent)
    : QWidget(parent), m_role(role), m_text(new MessageText(this)) {
    const bool isUser = role == services::Role::User;
    setAccessibleName(isUser ? tr("Your message") : tr("Answer"));
    m_text->setAccessibleName(isUser ? tr("Your message") : tr("Answer"));
    connect(m_text, &MessageText::citationClicked, this, &MessageView::sourceAsked);
    connect(m_text, &MessageText::linkClicked, this, &MessageView::linkAsked);
    makeActions();
}

/// Made with the first answer that is waited for here: most are read only.
void MessageView::makeStage() {
    m_stage = new QWidget(this);
    auto* row = new QHBoxLayout(m_stage);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(space::kSmall);
    m_dots = new BusyDots(m_stage);
    m_dots->setFixedSize(m_dots->sizeHint());
    m_stageLabel = makeLabel({}, TextSize::Small, m_stage, true);
    m_progress = new QProgressBar(m_stage);
    m_progress->setRange(0, 1000);
    m_progress->setTextVisible(false);
    m_progress->setFixedWidth(140);
    row->addWidget(m_dots);
    row->addWidget(m_stageLabel);
    row->addWidget(m_progress);
    row->addStretch();
}

void MessageView::showProblem(const Message& message) {
    const bool failed = message.state == MessageState::Failed;
    if (m_problem) m_problem->setVisible(failed);
    if (!failed) return;
    if (!m_problem) makeProblem();
    m_problemText->setText(message.error.empty() ? tr("The answer could not be finished.")
                                                 : fromUtf8(message.error));
}

void MessageView::makeProblem() {
    auto* problem = new QFrame(this);
    problem->setObjectName(QStringLiteral("danger"));
    auto* row = new QHBoxLayout(problem);
    row->setContentsMargins(12, 10, 12, 10);
    auto* sign = new QLabel(problem);
    sign->setAlignment(Qt::AlignTop);
    onTheme(sign, [sign] {
        sign->setPixmap(iconPixmap(Icon::Warning, colors().danger, 18, sign->devicePixelRatioF()));
    });
    m_problemText = makeLabel({}, TextSize::Body, problem);
    m_problemText->setWordWrap(true);
    m_problemText->setTextInteractionFlags(Qt::TextSelectableByMouse);
    auto* again = makeButton(tr("Try again"), problem);
    connect(again, &QPushButton::clicked, this, &MessageView::regenerateAsked);
    row->addWidget(sign);
    row->addWidget(m_problemText, 1);
    row->addWidget(again, 0, Qt::AlignTop);
    m_problem = problem;
    m_problem->show();
}

void MessageView::makeActions() {
    m_actions = new QWidget(this);
    auto* row = new QHBoxLayout(m_actions);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(2);
    const auto add = [&](Icon shape, const QString& name) {
        QToolButton* button = makeIconButton(shape, name, m_actions);
        onTheme(button, [button] {
            const int size = Theme::instance().scaled(15);
            button->setIconSize({size, size});
        });
        row->addWidget(button);
        return button;
    };
    m_previous = add(Icon::Left, tr("Previous version"));
    m_branch = makeLabel({}, TextSize::Caption, m_actions, true);
    row->addWidget(m_branch);
    m_next = add(Icon::Right, tr("Next version"));
    connect(m_previous, &QToolButton::clicked, this, [this] { emit siblingAsked(-1); });
    connect(m_next, &QToolButton::clicked, this, [this] { emit siblingAsked(1); });

    QToolButton* copy = add(Icon::Copy, tr("Copy"));
    connect(copy, &QToolButton::clicked, this, [this, copy] {
        emit copyAsked();
        copy->setIcon(icon(Icon::Check, colors().accent));
        QTimer::singleShot(1500, copy, [copy] { copy->setIcon(icon(Icon::Copy, colors().muted)); });
    });
    if (m_role == services::Role::User) {
        connect(add(Icon::Edit, tr("Edit")), &QToolButton::clicked, this, &MessageView::editAsked);
        m_actions->hide();
    } else {
        m_regenerate = add(Icon::Refresh, tr("Answer again"));
        connect(m_regenerate, &QToolButton::clicked, this, &MessageView::regenerateAsked);
        m_info = new ElidedLabel({}, m_actions);
        m_info->setProperty("muted", true);
        onTheme(m_info,
                [label = m_info] { label->setFont(Theme::instance().font(TextSize::Caption)); });
        row->addSpacing(6);
        row->addWidget(m_info, 1);
        return;
    }
    row->addStretch();
}

void MessageView::show(const Message& message, const RunningAnswer* running,
                       const BranchPlace& place) {
    const bool first = m_id != message.id;
    m_id = message.id;
    m_running = running != nullptr;
    if (m_role == services::Role::User) {
        if (first || m_shownText != message.text) m_text->setPlain(fromUtf8(message.text));
    } else {
        ThoughtAndAnswer parts = splitThought(message.text);
        if (message.details && !message.details->reasoning.empty()) {
            parts = {message.details->reasoning, message.text, false};
        }
        m_text->setMarkdown(std::string(parts.answer), marksOf(message));
        m_text->setVisible(!parts.answer.empty());
        showThought(parts.thought, parts.isThinking && m_running);
        showStage(running, !parts.answer.empty(), parts.isThinking);
        showProblem(message);
        showLookedUp(message);
        showConfinement(message);
        showOffer(message);
        showSources(message, m_running);
    }
    m_shownText = message.text;
    showFooter(message, m_running, place);
}

/// What the model thought before it answered, folded away until it is asked for.
void MessageView::showThought(std::string_view thought, bool isThinking) {
    if (!m_thoughtButton) {
        if (thought.empty()) return;
        m_thoughtButton = new QToolButton(this);
        m_thoughtButton->setProperty("chip", true);
        m_thoughtButton->setCheckable(true);
        m_thoughtButton->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
        m_thoughtButton->setFont(Theme::instance().font(TextSize::Caption));
        m_thought = new MessageText(this);
        m_thought->setAccessibleName(tr("What the model thought"));
        m_thought->hide();
        connect(m_thoughtButton, &QToolButton::toggled, this, [this](bool open) {
            if (open) m_thought->setPlain(fromUtf8(m_shownThought));
            m_thought->setVisible(open);
            emit heightChanged();
        });
    }
    m_thoughtButton->setVisible(!thought.empty());
    const bool open = m_thoughtButton->isChecked();
    m_thoughtButton->setText(isThinking ? tr("Thinking…") : tr("Thoughts"));
    m_thoughtButton->setIcon(icon(open ? Icon::Down : Icon::Right, colors().muted));
    if (m_shownThought == thought) return;
    m_shownThought = thought;
    if (open) m_thought->setPlain(fromUtf8(thought));
}

void MessageView::showStage(const RunningAnswer* running, bool hasText, bool isThinking) {
    const bool visible = running && !(hasText && running->stage.kind == AnswerStage::Kind::Writing);
    if (m_stage) m_stage->setVisible(visible);
    if (!visible) return;
    if (!m_stage) {
        makeStage();
        m_stage->show();
    }
    m_stageLabel->setText(isThinking ? tr("Thinking…") : stageText(running->stage));
    const bool measured = running->stage.kind == AnswerStage::Kind::Surveying ||
                          running->stage.kind == AnswerStage::Kind::LoadingModel ||
                          running->stage.kind == AnswerStage::Kind::Reading;
    m_progress->setVisible(measured);
    m_progress->setValue(static_cast<int>(running->stage.progress * 1000.0f));
}

void MessageView::showLookedUp(const Message& message) {
    const QString text =
        message.details ? fromUtf8(services::searchedFor(*message.details)) : QString();
    if (!m_lookedUp) {
        if (text.isEmpty()) return;
        m_lookedUp = makeLabel({}, TextSize::Caption, this, true);
        m_lookedUp->setObjectName(QStringLiteral("lookedUp"));
        m_lookedUp->setWordWrap(true);
        m_lookedUp->setTextFormat(Qt::PlainText);
        m_lookedUp->setTextInteractionFlags(Qt::TextSelectableByMouse);
        m_lookedUp->setToolTip(
            tr("Your question leaned on the one before it, so it was looked up in these words."));
        m_literally = makeButton(tr("Look up as written"), this, "link");
        m_literally->setObjectName(QStringLiteral("literally"));
        m_literally->setToolTip(
            tr("Asks again with your own words alone, and does so from now on in this chat. "
               "“Understand follow-up questions” in the menu below the text field takes it back."));
        connect(m_literally, &QPushButton::clicked, this, &MessageView::literalAsked);
        onTheme(m_literally,
                [this] { m_literally->setFont(Theme::instance().font(TextSize::Caption)); });
    }
    m_lookedUp->setText(tr("Looked up: %1").arg(text));
    m_lookedUp->setVisible(!text.isEmpty());
    m_literally->setVisible(!text.isEmpty() && !m_running);
}

void MessageView::showConfinement(const Message& message) {
    const QString text =
        message.details ? inWords(services::confinedTo(*message.details)) : QString();
    if (!m_confined) {
        if (text.isEmpty()) return;
        m_confined = makeLabel({}, TextSize::Caption, this, true);
        m_confined->setObjectName(QStringLiteral("confined"));
        m_confined->setWordWrap(true);
        m_confined->setToolTip(tr("The filter of this chat left out all other documents."));
    }
    m_confined->setText(tr("Searched only: %1").arg(text));
    m_confined->setVisible(!text.isEmpty());
}

void MessageView::showOffer(const Message& message) {
    QString text;
    QString tip;
    m_offersUnfiltered = false;
    if (message.details && !m_running) {
        const auto account = services::surveyAccountOf(*message.details);
        if (account && !account->isComplete) {
            text = tr("Read on");
            tip = tr("Goes on from the passage at which the reading was stopped");
        } else if (message.details->finishReason == services::kNothingFoundReason &&
                   !services::confinedTo(*message.details).isEmpty()) {
            m_offersUnfiltered = true;
            text = tr("Search all documents");
            tip = tr("Takes off this chat's filter and asks the question again");
        }
    }
    if (!m_offer) {
        if (text.isEmpty()) return;
        m_offer = makeButton({}, this);
        m_offer->setObjectName(QStringLiteral("offer"));
        connect(m_offer, &QPushButton::clicked, this, [this] {
            if (m_offersUnfiltered) {
                emit unfilteredAsked();
            } else {
                emit regenerateAsked();
            }
        });
    }
    m_offer->setText(text);
    m_offer->setToolTip(tip);
    m_offer->setVisible(!text.isEmpty());
}

void MessageView::showSources(const Message& message, bool running) {
    std::vector<std::pair<int, QString>> chips;
    std::size_t nPassages = 0;
    if (message.details && !running) {
        nPassages = message.details->passages.size();
        std::set<int> cited;
        for (const auto& citation : message.details->citations) cited.insert(citation.passage);
        for (const auto& passage : message.details->passages) {
            if (!cited.contains(passage.number)) continue;
            QString label = passage.title.empty()
                                ? fromUtf8(std::filesystem::path(passage.path).filename().string())
                                : fromUtf8(passage.title);
            if (label.size() > 32) label = label.left(31) + QStringLiteral("…");
            chips.emplace_back(passage.number,
                               QStringLiteral("%1  %2").arg(passage.number).arg(label));
        }
    }
    const std::size_t nNamed = std::min<std::size_t>(chips.size(), kMostSourceChips);
    chips.resize(nNamed);
    if (nPassages > nNamed) {
        const int n = static_cast<int>(nPassages);
        chips.emplace_back(0, nNamed ? tr("All %1 sources").arg(n)
                                     : counted(n, tr("1 passage read"), tr("%1 passages read")));
    }
    while (m_chips.size() > static_cast<qsizetype>(chips.size())) delete m_chips.takeLast();
    while (m_chips.size() < static_cast<qsizetype>(chips.size())) {
        auto* chip = new QToolButton(this);
        chip->setProperty("chip", true);
        chip->setCursor(Qt::PointingHandCursor);
        connect(chip, &QToolButton::clicked, this,
                [this, chip] { emit sourceAsked(chip->property("number").toInt(), -1); });
        chip->show();
        m_chips.append(chip);
    }
    for (std::size_t i = 0; i < chips.size(); ++i) {
        QToolButton* chip = m_chips[static_cast<qsizetype>(i)];
        chip->setText(withoutMnemonics(chips[i].second));
        chip->setFont(Theme::instance().font(TextSize::Caption));
        chip->setProperty("number", chips[i].first);
        chip->setAccessibleName(chips[i].first ? tr("Source %1").arg(chips[i].second)
                                               : chips[i].second);
    }
}

void MessageView::setFiles(const std::vector<std::filesystem::path>& files) {
    qDeleteAll(m_chips);
    m_chips.clear();
    for (const auto& file : files) {
        const QString name = fromUtf8(file.filename().string());
        const QString path = fromUtf8(file.string());
        auto* chip = new QToolButton(this);
        chip->setProperty("chip", true);
        chip->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
        chip->setCursor(Qt::PointingHandCursor);
        const bool isLong = name.size() > 40;
        chip->setText(
            QLatin1Char(' ') +
            withoutMnemonics(isLong ? name.left(30) + QStringLiteral("…") + name.right(9) : name));
        chip->setToolTip(tr("Read %1").arg(path));
        chip->setAccessibleName(tr("Attached: %1").arg(name));
        connect(chip, &QToolButton::clicked, this, [this, path] { emit fileAsked(path); });
        m_chips.append(chip);
        chip->show();
    }
    restyleChips();
}

void MessageView::showFooter(const Message& message, bool running, const BranchPlace& place) {
    const bool branches = place.count > 1;
    m_previous->setVisible(branches);
    m_next->setVisible(branches);
    m_branch->setVisible(branches);
    m_previous->setEnabled(place.index > 0);
    m_next->setEnabled(place.index + 1 < place.count);
    m_branch->setText(QStringLiteral("%1/%2").arg(place.index + 1).arg(place.count));
    if (m_role == services::Role::User) {
        m_actions->setVisible(m_hovered || branches);
        return;
    }
    m_actions->setVisible(!running);
    QStringList info;
    if (message.state == MessageState::Stopped) info << tr("Stopped");
    if (message.state == MessageState::Interrupted) info << tr("Interrupted when Conclave closed");
    if (message.details) {
        const auto cut = engine::finishReasonName(engine::FinishReason::MaxTokens);
        if (message.details->finishReason == cut) info << tr("Cut at its length limit");
        if (services::listsPassages(*message.details)) {
            info << sourceOfWords(*message.details);
        } else {
            info << authorOf(message);
            const auto account = services::surveyAccountOf(*message.details);
            if (account) info << readingOf(*account);
        }
    }
    m_info->setFullText(info.join(QStringLiteral("  ·  ")));
}

int MessageView::heightForColumn(int width) {
    return m_role == services::Role::User ? layOutUser(width) : layOutAnswer(width);
}

int MessageView::layOutActions(int x, int y, int width) {
    const int height = Theme::instance().scaled(28);
    m_actions->setGeometry(x, y, width, height);
    return y + height;
}

/// In as many lines as they need: from the left below an answer, from the right above a question.
int MessageView::layOutChips(int y, int width) {
    const Theme& theme = Theme::instance();
    const int height = theme.scaled(27);
    int used = 0;
    for (QToolButton* chip : m_chips) {
        const int chipWidth = std::min(chip->sizeHint().width() + 4, width);
        if (used > 0 && used + chipWidth > width) {
            used = 0;
            y += height + theme.scaled(5);
        }
        const bool isUser = m_role == services::Role::User;
        chip->setGeometry(isUser ? width - used - chipWidth : used, y, chipWidth, height);
        used += chipWidth + theme.scaled(6);
    }
    return y + height;
}

int MessageView::layOutUser(int width) {
    const Theme& theme = Theme::instance();
    const int padX = theme.scaled(16);
    const int padY = theme.scaled(10);
    const int widest = std::min(width, std::max(theme.scaled(240), width * 82 / 100)) - 2 * padX;
    const int textWidth = m_text->naturalWidth(widest);
    const int textHeight = m_text->heightForTextWidth(textWidth);
    // Lines carry their spacing above, so less is needed there.
    const int top = m_chips.isEmpty() ? 0 : layOutChips(0, width) + theme.scaled(6);
    m_bubble = QRect(width - textWidth - 2 * padX, top, textWidth + 2 * padX,
                     textHeight + 2 * padY - theme.scaled(3));
    m_text->setGeometry(m_bubble.left() + padX, top + padY - theme.scaled(3), textWidth,
                        textHeight);
    // Shown while the pointer is here: beside the bubble, so that no empty line is kept for them.
    const int actionsWidth = std::min(width, m_actions->sizeHint().width());
    const int below = m_bubble.bottom() + 1;
    if (const int room = m_bubble.left() - theme.scaled(4); actionsWidth <= room) {
        layOutActions(room - actionsWidth, below - theme.scaled(34), actionsWidth);
        return below + theme.scaled(2);
    }
    return layOutActions(width - actionsWidth, below + 2, actionsWidth);
}

int MessageView::layOutAnswer(int width) {
    const Theme& theme = Theme::instance();
    int y = 0;
    if (m_thoughtButton && m_thoughtButton->isVisibleTo(this)) {
        const int height = theme.scaled(26);
        m_thoughtButton->setGeometry(0, y, m_thoughtButton->sizeHint().width(), height);
        y += height + theme.scaled(8);
        if (m_thought->isVisibleTo(this)) {
            const int indent = theme.scaled(14);
            const int textHeight = m_thought->heightForTextWidth(width - indent);
            m_thought->setGeometry(indent, y, width - indent, textHeight);
            y += textHeight + theme.scaled(12);
        }
    }
    if (m_text->isVisibleTo(this)) {
        const int height = m_text->heightForTextWidth(width);
        m_text->setGeometry(0, y, width, height);
        y += height + theme.scaled(12);
    }
    if (m_stage && m_stage->isVisibleTo(this)) {
        const int height = theme.scaled(28);
        m_stage->setGeometry(0, y, width, height);
        y += height + theme.scaled(4);
    }
    if (m_problem && m_problem->isVisibleTo(this)) {
        const int height = m_problem->heightForWidth(width) > 0 ? m_problem->heightForWidth(width)
                                                                : m_problem->sizeHint().height();
        m_problem->setGeometry(0, y, width, height);
        y += height + theme.scaled(8);
    }
    if (m_lookedUp && m_lookedUp->isVisibleTo(this)) {
        const bool hasLink = m_literally->isVisibleTo(this);
        const QSize link = hasLink ? m_literally->sizeHint() : QSize();
        // Beside the words where they are short, else below them.
        const int wanted = m_lookedUp->fontMetrics().horizontalAdvance(m_lookedUp->text()) + 2;
        const bool isBeside = wanted + link.width() <= width;
        const int textWidth = isBeside ? wanted : width;
        const int textHeight = m_lookedUp->heightForWidth(textWidth);
        const int height = isBeside ? std::max(textHeight, link.height()) : textHeight;
        m_lookedUp->setGeometry(0, y, textWidth, height);
        if (hasLink && isBeside) m_literally->setGeometry(QRect(QPoint(wanted, y), link));
        y += height;
        if (hasLink && !isBeside) {
            m_literally->setGeometry(QRect(QPoint(-theme.scaled(6), y), link));
            y += link.height();
        }
        y += theme.scaled(isBeside && hasLink ? 4 : 8);
    }
    if (m_confined && m_confined->isVisibleTo(this)) {
        const int height = m_confined->heightForWidth(width);
        m_confined->setGeometry(0, y, width, height);
        y += height + theme.scaled(8);
    }
    if (m_offer && m_offer->isVisibleTo(this)) {
        const QSize size = m_offer->sizeHint();
        m_offer->setGeometry(0, y, std::min(size.width(), width), size.height());
        y += size.height() + theme.scaled(10);
    }
    if (!m_chips.isEmpty()) y = layOutChips(y, width) + theme.scaled(6);
    if (m_actions->isVisibleTo(this)) y = layOutActions(-4, y, width + 4);
    return std::max(y, theme.scaled(28));
}

void MessageView::restyleChips() {
    for (QToolButton* chip : m_chips) {
        chip->setFont(Theme::instance().font(TextSize::Caption));
        if (m_role == services::Role::User) chip->setIcon(icon(Icon::File, colors().muted));
    }
}

void MessageView::paintEvent(QPaintEvent*) {
    if (m_role != services::Role::User) return;
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(colors().bubble);
    painter.drawRoundedRect(m_bubble, space::kRadiusLarge, space::kRadiusLarge);
}

void MessageView::enterEvent(QEnterEvent*) {
    m_hovered = true;
    if (m_role == services::Role::User) m_actions->show();
}

void MessageView::leaveEvent(QEvent*) {
    m_hovered = false;
    if (m_role == services::Role::User && !m_branch->isVisibleTo(m_actions)) m_actions->hide();
}

}  // namespace conclave::ui
