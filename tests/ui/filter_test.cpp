// Which documents a chat searches, what an answer says about it, and how reading is paused.
#include <QImage>
#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QTimer>
#include <QToolButton>
#include <algorithm>

#include "tests/ui/support/window_fixture.h"
#include "ui/filter_words.h"
#include "ui/widgets/filter_panel.h"
#include "ui/widgets/small_widgets.h"
#include "ui/widgets/sources_panel.h"

namespace conclave::ui {
namespace {

using namespace services;

class FilterTest : public test::WindowFixture {
protected:
    void type(const QString& field, const QString& text) {
        auto* edit = named<QLineEdit>(field);
        ASSERT_NE(edit, nullptr) << field.toStdString();
        edit->clear();
        QTest::keyClicks(edit, text);
    }
    const DocumentFilter& filter() { return controller().settings().filter; }
    MessageId answerWith(const AnswerDetails& details, MessageState state, const QString& text) {
        const MessageId id =
            m_services.addMessage(m_chats.travel, Role::Assistant, text.toStdString(),
                                  m_services.addMessage(m_chats.travel, Role::User, "Where?"));
        m_services.setDetails(id, details);
        m_services.setState(id, state, {});
        return id;
    }
    QString shown(const char* object) {
        for (const QLabel* label : m_window->findChildren<QLabel*>(QString::fromLatin1(object))) {
            if (label->isVisible()) return label->text();
        }
        return {};
    }
};

TEST(FilterWords, SayWhatIsSearched) {
    const DocumentFilter filter{.files = {"*lease*", "2024/"},
                                .types = {"pdf", ".docx"},
                                .since = "2026-01-01",
                                .until = "2026-03-31"};
    EXPECT_EQ(inWords(filter), "PDF, DOCX · 2026-01-01 to 2026-03-31 · “lease” · 2024/");
    EXPECT_EQ(inWords({}), "");
    EXPECT_EQ(daysInWords({.until = "2026-03-31"}), "until 2026-03-31");
}

TEST(FilterWords, APlainWordMayStandAnywhereInAName) {
    EXPECT_EQ(patternsOf(" lease ; *.pdf; 2024/;; 合同"),
              (std::vector<std::string>{"*lease*", "*.pdf", "2024/", "*合同*"}));
    EXPECT_EQ(typedOf({"*lease*", "*.pdf", "2024/"}), "lease; *.pdf; 2024/");
    EXPECT_TRUE(patternsOf(" ; ").empty());
}

TEST_F(FilterTest, IsChosenInThePanelAndGoesWithTheQuestion) {
    auto* open = named<QToolButton>("Filter documents");
    ASSERT_NE(open, nullptr);
    QTest::mouseClick(open, Qt::LeftButton);
    ASSERT_TRUE(QTest::qWaitFor([this] { return named<QToolButton>("Type PDF") != nullptr; }));
    EXPECT_TRUE(composer().filterPanel().isVisible());
    named<QToolButton>("Type PDF")->click();
    type("Name", "travel");
    EXPECT_EQ(filter().types, std::vector<std::string>{"pdf"});
    EXPECT_EQ(filter().files, std::vector<std::string>{"*travel*"});
    bool isCounted = false;
    for (const auto* label : composer().filterPanel().findChildren<QLabel*>()) {
        isCounted = isCounted || label->text() == "1 of 3 documents";
    }
    EXPECT_TRUE(isCounted);
    QTest::keyClick(&composer().filterPanel(), Qt::Key_Escape);
    EXPECT_FALSE(composer().filterPanel().isVisible());

    composer().setText("How many nights?");
    emit composer().sendAsked();
    ASSERT_TRUE(QTest::qWaitFor([this] { return m_services.sent.size() == 1; }));
    EXPECT_EQ(m_services.sent[0].settings.filter.toJson(), filter().toJson());
    finishAnswer();
}

TEST_F(FilterTest, ThePanelCoversWhatIsBehindIt) {
    QTest::mouseClick(named<QToolButton>("Filter documents"), Qt::LeftButton);
    settle();
    const QImage image = composer().filterPanel().grab().toImage();
    EXPECT_EQ(image.pixelColor(image.width() / 2, 5).alpha(), 255);
    EXPECT_EQ(image.pixelColor(0, 0).alpha(), 0) << "the corners are round";
    // Also where nothing blends windows.
    const QRegion mask = composer().filterPanel().mask();
    EXPECT_FALSE(mask.contains(QPoint(0, 0)));
    EXPECT_TRUE(mask.contains(QPoint(image.width() / 2, 0)));
    EXPECT_TRUE(mask.contains(QPoint(0, image.height() / 2)));
}

TEST_F(FilterTest, HalfADateIsNotAppliedAndAWrongOneIsTold) {
    QTest::mouseClick(named<QToolButton>("Filter documents"), Qt::LeftButton);
    settle();
    type("Changed since", "2026-0");
    EXPECT_EQ(filter().since, "");
    type("Changed since", "2026-01-31");
    EXPECT_EQ(filter().since, "2026-01-31");
    const auto isTold = [&](const QString& what) {
        for (const auto* label : composer().filterPanel().findChildren<QLabel*>()) {
            if (label->isVisible() && label->text() == what) return true;
        }
        return false;
    };
    type("Changed until", "2026-02-31");
    EXPECT_TRUE(isTold("There is no such day."));
    EXPECT_EQ(filter().until, "");
    type("Changed until", "31.12.2026");
    EXPECT_TRUE(isTold("Dates are written as in 2026-01-31."));
    EXPECT_EQ(filter().until, "");
    type("Changed until", "2025-12-31");
    EXPECT_TRUE(isTold("The first day comes after the last."));
    EXPECT_EQ(filter().until, "");
    button<QToolButton>("Any time")->click();
    EXPECT_TRUE(filter().isEmpty());
}

TEST_F(FilterTest, ChipsAreTakenOutOneByOneOrAllAtOnce) {
    open(m_chats.travel);
    const DocumentFilter all{.files = {"*lease*"}, .types = {"pdf", "docx"}, .since = "2026-01-01"};
    controller().setFilter(all);
    settle();
    auto* types = named<QToolButton>("Take out PDF, DOCX");
    ASSERT_NE(types, nullptr);
    types->click();
    EXPECT_TRUE(filter().types.empty());
    named<QToolButton>("Take out Changed since 2026-01-01")->click();
    EXPECT_EQ(filter().since, "");
    named<QToolButton>("Take out Name: “lease”")->click();
    EXPECT_TRUE(filter().isEmpty());
    settle();
    EXPECT_EQ(named<QPushButton>("Clear the filter"), nullptr);

    controller().setFilter(all);
    settle();
    named<QPushButton>("Clear the filter")->click();
    EXPECT_TRUE(filter().isEmpty());
}

TEST_F(FilterTest, IsKeptWithItsChat) {
    open(m_chats.travel);
    controller().setFilter({.types = {"pdf"}});
    open(m_chats.markdown);
    EXPECT_TRUE(filter().isEmpty());
    EXPECT_EQ(named<QToolButton>("Filter: PDF"), nullptr);
    open(m_chats.travel);
    EXPECT_EQ(filter().types, std::vector<std::string>{"pdf"});
    EXPECT_NE(named<QToolButton>("Filter: PDF"), nullptr);
    // Without documents nothing is searched, and there is nothing to filter.
    controller().setCollections(std::vector<CollectionId>{});
    settle();
    EXPECT_EQ(named<QToolButton>("Filter: PDF"), nullptr);
}

TEST_F(FilterTest, AnAnswerTellsWhatWasSearchedAndOffersTheRest) {
    AnswerDetails details;
    details.finishReason = kNothingFoundReason;
    details.usage["filter"] = DocumentFilter{.types = {"pdf"}}.toJson();
    answerWith(details, MessageState::Complete, "I could not find that.");
    open(m_chats.travel);
    controller().setFilter({.types = {"pdf"}});
    EXPECT_EQ(shown("confined"), "Searched only: PDF");
    auto* all = button<QPushButton>("Search all documents");
    ASSERT_NE(all, nullptr);
    const int nBefore = nMessages();
    m_services.script.answer = "In the annex.";
    all->click();
    finishAnswer();
    EXPECT_TRUE(filter().isEmpty());
    EXPECT_EQ(lastText(), "In the annex.");
    EXPECT_EQ(nMessages(), nBefore);  // another version of the same answer
}

TEST_F(FilterTest, AnAnswerFromEverythingTellsWhatWasReadAndReadsOn) {
    AnswerDetails details;
    details.finishReason = kSurveyReason;
    details.usage["survey"] = {{"documents", 12},      {"documents_all", 38},  {"passages", 300},
                               {"passages_all", 1240}, {"skipped", {"a.pdf"}}, {"complete", false}};
    answerWith(details, MessageState::Stopped, "3 so far");
    open(m_chats.travel);
    const auto says = [&](const QString& text) {
        for (const auto* label : m_window->findChildren<QLabel*>()) {
            const QString whole = label->text() + label->accessibleName();  // if it is elided
            if (label->isVisible() && whole.contains(text)) return true;
        }
        return false;
    };
    EXPECT_TRUE(says("300 of 1,240 passages read"));
    m_services.script.answer = "7 in all";
    auto* on = button<QPushButton>("Read on");
    ASSERT_NE(on, nullptr);
    on->click();
    finishAnswer();
    EXPECT_EQ(lastText(), "7 in all");
    EXPECT_EQ(button<QPushButton>("Read on"), nullptr);

    details.usage["survey"]["complete"] = true;
    details.usage["survey"]["documents"] = 38;
    answerWith(details, MessageState::Complete, "7 in all");
    open(m_chats.markdown);
    open(m_chats.travel);
    EXPECT_TRUE(says("Read everything but 1"));
}

TEST_F(FilterTest, AChipIsRoundAtEveryZoom) {
    for (const double zoom : {1.0, 1.2, 1.5, 2.0}) {
        Theme::instance().setZoom(zoom);
        settle();
        auto* chip = m_window->findChild<QToolButton*>("filter");
        ASSERT_TRUE(chip->isVisible());
        // Filled, so that the corner shows the page's colour only if it is round.
        setStyleProperty(chip, "active", true);
        const QRect place(chip->mapTo(m_window.get(), QPoint()), chip->size());
        const QImage picture = m_window->grab(place).toImage();
        EXPECT_NE(picture.pixelColor(1, 1), picture.pixelColor(picture.width() / 2, 2)) << zoom;
    }
    Theme::instance().setZoom(1.0);
}

class PauseTest : public test::WindowFixture {
protected:
    bool isPaused() {
        const std::scoped_lock lock(m_services.mutex);
        return m_services.isPaused;
    }
    bool isKept() {
        const std::scoped_lock lock(m_services.mutex);
        return m_services.settings[std::string(kIndexPausedSetting)] == true;
    }
    void read() {
        m_services.sendProgress(test::sampleProgress(m_chats));
        settle();
    }
    /// The answer to a pause: so many files wait.
    void wait(int nFiles) {
        IndexProgress paused = test::samplePause(m_chats);
        paused.filesTotal = nFiles;
        m_services.sendProgress(paused);
        settle();
    }
    bool isSaid(const QString& text) {
        for (const auto* label : m_window->findChildren<QLabel*>()) {
            const bool isIt = label->accessibleName() == text || label->text() == text;
            if (label->isVisible() && isIt) return true;
        }
        return false;
    }
    /// Within the time that the services' replies take.
    bool says(const QString& text) {
        return QTest::qWaitFor([&] { return isSaid(text); });
    }
};

TEST_F(PauseTest, ReadingIsPausedAndResumedOnTheCard) {
    m_window->showDocuments(true);
    read();
    EXPECT_TRUE(says("Reading 37 of 112: handbook/chapter-4-safety-at-work.pdf"));
    auto* pause = button<QPushButton>("Pause");
    ASSERT_NE(pause, nullptr);
    EXPECT_EQ(pause->accessibleName(), "Pause reading");
    EXPECT_NE(pause->focusPolicy() & Qt::TabFocus, 0);
    pause->click();
    EXPECT_TRUE(isPaused());
    EXPECT_TRUE(isKept());
    EXPECT_TRUE(says("Paused: new and changed files are not read"));
    wait(75);
    EXPECT_TRUE(says("Paused: 75 new or changed files wait"));
    EXPECT_TRUE(says("Reading is paused: 75 files wait"));  // below all pages
    button<QPushButton>("Resume")->click();
    EXPECT_FALSE(isPaused());
    EXPECT_FALSE(isKept());
    EXPECT_FALSE(isSaid("Reading is paused: 75 files wait"));
    read();
    EXPECT_TRUE(says("Reading 37 of 112: handbook/chapter-4-safety-at-work.pdf"));
    EXPECT_NE(button<QPushButton>("Pause"), nullptr);
}

TEST_F(PauseTest, APauseIsSaidBesideTheConversation) {
    read();
    ASSERT_TRUE(says("Reading “Policies”: 37 of 112"));
    auto* pause = named<QToolButton>("Pause reading");
    ASSERT_NE(pause, nullptr);
    QTest::mouseClick(pause, Qt::LeftButton);
    wait(1);
    EXPECT_TRUE(says("Reading is paused: answers may miss 1 new or changed file."));
    ASSERT_NE(button<QPushButton>("Resume"), nullptr);
    button<QPushButton>("Resume")->click();
    EXPECT_FALSE(isPaused());
    settle();
    EXPECT_EQ(button<QPushButton>("Resume"), nullptr);
    EXPECT_EQ(named<QToolButton>("Resume reading"), nullptr);
}

TEST_F(PauseTest, APauseLastsOverTheNextStart) {
    read();
    ASSERT_TRUE(says("Reading “Policies”: 37 of 112"));
    named<QToolButton>("Pause reading")->click();
    m_window->close();
    {
        const std::scoped_lock lock(m_services.mutex);
        m_services.isPaused = false;  // those of the next start know nothing of it
    }
    openWindow();
    EXPECT_TRUE(says("Reading is paused"));
    EXPECT_TRUE(isPaused());
    EXPECT_NE(named<QToolButton>("Resume reading"), nullptr);
}

TEST_F(PauseTest, WhereNothingWaitsACardSaysNothing) {
    m_window->showDocuments(true);
    read();
    ASSERT_TRUE(says("Reading “Policies”: 37 of 112"));
    button<QPushButton>("Pause")->click();
    const auto nResumes = [this] {
        const auto all = m_window->findChildren<QPushButton*>();
        return std::count_if(all.begin(), all.end(), [](const QPushButton* each) {
            return each->isVisible() && each->text() == "Resume";
        });
    };
    EXPECT_EQ(nResumes(), 3);  // of the others it is not known yet
    wait(0);
    EXPECT_TRUE(QTest::qWaitFor([&] { return nResumes() == 2; }));
    for (auto* bar : m_window->findChildren<QProgressBar*>()) {
        EXPECT_FALSE(bar->isVisible() && bar->maximum() == 112);
    }
    EXPECT_FALSE(isSaid("Paused: 0 new or changed files wait"));
}

TEST_F(PauseTest, NothingIsSaidOfReadingThatHasEnded) {
    m_window->showDocuments(true);
    IndexProgress progress = test::sampleProgress(m_chats);
    progress.filesDone = progress.filesTotal;
    progress.currentFile.clear();
    m_services.sendProgress(progress);
    EXPECT_TRUE(says("All are read; finishing…"));
    for (const auto end : {IndexProgress::State::Done, IndexProgress::State::Stopped,
                           IndexProgress::State::Failed}) {
        read();
        ASSERT_TRUE(says("Reading “Policies”: 37 of 112"));
        progress.state = end;
        m_services.sendProgress(progress);
        settle();
        EXPECT_FALSE(isSaid("Reading “Policies”: 37 of 112"));
        EXPECT_FALSE(isSaid("Reading 37 of 112: handbook/chapter-4-safety-at-work.pdf"));
        EXPECT_EQ(named<QToolButton>("Pause reading"), nullptr);
        EXPECT_EQ(button<QPushButton>("Pause"), nullptr);
    }
    // Files of a message belong to no collection that the person knows.
    IndexProgress attached = test::sampleProgress(m_chats);
    attached.collection = 4711;
    attached.isListed = false;
    m_services.sendProgress(attached);
    settle();
    EXPECT_EQ(named<QToolButton>("Pause reading"), nullptr);
}

}  // namespace
}  // namespace conclave::ui
