#include "ui/widgets/recall_card.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/bridge.h"
#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

using services::RecallQuestion;

namespace {

constexpr int kLookedAt = 8;  ///< passages, as many as an answer is given at most

QString verdictOn(const services::RecallResult& result) {
    return result.rank > 0 ? RecallCard::tr("Found, place %1").arg(result.rank)
                           : RecallCard::tr("Missing");
}

/// Empty: it was found.
QString adviceOn(const services::RecallResult& result) {
    if (result.rank > 0) return {};
    if (QString problem = fromUtf8(result.problem); !problem.isEmpty()) {
        problem[0] = problem[0].toUpper();
        return problem + QLatin1Char('.');
    }
    return RecallCard::tr("Ask it in a chat to see what is found instead.");
}

}  // namespace

RecallCard::RecallCard(services::Services& services, QWidget* parent)
    : QFrame(parent),
      m_services(services),
      m_text(makeLabel({}, TextSize::Small, this, true)),
      m_check(makeButton(tr("Check recall"), this)),
      m_rowColumn(new QVBoxLayout) {
    setObjectName(QStringLiteral("card"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(16, 12, 14, 12);
    column->setSpacing(8);
    auto* top = new QHBoxLayout;
    top->setSpacing(12);
    auto* words = new QVBoxLayout;
    words->setSpacing(3);
    words->addWidget(
        makeLabel(tr("Recall questions"), TextSize::Body, this, false, QFont::DemiBold));
    m_text->setWordWrap(true);
    words->addWidget(m_text);
    top->addLayout(words, 1);
    top->addWidget(m_check, 0, Qt::AlignTop);
    column->addLayout(top);
    m_rowColumn->setSpacing(6);
    column->addLayout(m_rowColumn);
    connect(m_check, &QPushButton::clicked, this, &RecallCard::check);
    hide();
}

void RecallCard::reload() {
    using Questions = std::vector<RecallQuestion>;
    m_services.recallQuestions(onGui<Questions>(this, [this](const Result<Questions>& questions) {
        if (questions) {
            showQuestions(*questions);
        } else {
            emit failed(questions.error());
        }
    }));
}

void RecallCard::check() {
    m_check->setEnabled(false);
    m_text->setText(tr("Searching…"));
    m_services.runRecall(kLookedAt, onGui<services::RecallReport>(
                                        this, [this](const Result<services::RecallReport>& report) {
                                            m_check->setEnabled(true);
                                            if (report) return showReport(*report);
                                            emit failed(report.error());
                                            reload();
                                        }));
}

void RecallCard::clearRows() {
    for (QWidget* row : m_rows) {
        // A button of this very row may have asked for it.
        row->hide();
        row->deleteLater();
    }
    m_rows.clear();
}

void RecallCard::showQuestions(const std::vector<RecallQuestion>& questions) {
    clearRows();
    setVisible(!questions.empty());
    m_text->setText(tr("Each is searched for again, to see whether its passage is still among the "
                       "best %1: after new documents, other settings or another search model.")
                        .arg(kLookedAt));
    for (const RecallQuestion& question : questions) addRow(question, {}, {});
}

void RecallCard::showReport(const services::RecallReport& report) {
    clearRows();
    setVisible(!report.results.empty());
    const QLocale locale;
    QString text = tr("%1 of %2 are found among the best %3 passages")
                       .arg(locale.toString(report.run.nFound),
                            locale.toString(report.run.nQuestions), locale.toString(report.depth));
    if (report.before) {
        text += tr("; last time %1 of %2")
                    .arg(locale.toString(report.before->nFound),
                         locale.toString(report.before->nQuestions));
    }
    m_text->setText(text + QLatin1Char('.'));
    for (const services::RecallResult& each : report.results) {
        addRow(each.question, verdictOn(each), adviceOn(each));
    }
}

void RecallCard::addRow(const RecallQuestion& question, const QString& verdict,
                        const QString& advice) {
    const bool isMissing = !advice.isEmpty();
    auto* row = new QWidget(this);
    auto* line = new QHBoxLayout(row);
    line->setContentsMargins(0, 0, 0, 0);
    line->setSpacing(8);
    auto* words = new QVBoxLayout;
    words->setSpacing(1);
    const QString asked = fromUtf8(question.question).simplified();
    auto* name = new ElidedLabel(asked, row);
    onTheme(name,
            [name] { name->setFont(Theme::instance().font(TextSize::Small, QFont::DemiBold)); });
    auto* quote = new ElidedLabel(tr("“%1”").arg(fromUtf8(question.quote).simplified()), row);
    quote->setProperty("muted", true);
    onTheme(quote, [quote] { quote->setFont(Theme::instance().font(TextSize::Caption)); });
    words->addWidget(name);
    words->addWidget(quote);
    if (isMissing) {
        QLabel* next = makeLabel(advice, TextSize::Caption, row, true);
        next->setWordWrap(true);
        words->addWidget(next);
    }
    line->addLayout(words, 1);
    QLabel* state = makeLabel(verdict, TextSize::Small, row, !isMissing);
    state->setProperty("danger", isMissing);
    line->addWidget(state);
    QToolButton* forget = makeIconButton(Icon::Trash, tr("Forget “%1”").arg(asked), row);
    connect(forget, &QToolButton::clicked, this, [this, id = question.id] {
        m_services.removeRecall(id, onGui<void>(this, [this](const Result<void>& done) {
                                    if (!done) emit failed(done.error());
                                    reload();
                                }));
    });
    line->addWidget(forget);
    m_rowColumn->addWidget(row);
    m_rows.push_back(row);
}

}  // namespace conclave::ui
