// The trash, text recognition, settings, and what is offered when the database is damaged.
#include <QComboBox>
#include <QDialog>
#include <QLabel>
#include <QListWidget>
#include <QMenu>
#include <QMessageBox>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QSpinBox>
#include <QThread>
#include <QTimer>
#include <QToolButton>
#include <algorithm>

#include "tests/ui/support/window_fixture.h"
#include "ui/bridge.h"
#include "ui/theme.h"
#include "ui/widgets/collection_page.h"
#include "ui/widgets/damage_bar.h"
#include "ui/widgets/ocr_row.h"
#include "ui/widgets/settings_dialog.h"
#include "ui/widgets/switch.h"
#include "ui/widgets/trash_page.h"

namespace conclave::ui {
namespace {

using namespace services;

class PagesTest : public test::WindowFixture {
protected:
    /// Presses a button of the next message box; empty: Esc.
    static void answerBox(const QString& text) {
        QTimer::singleShot(0, qApp, [text] {
            auto* box = qobject_cast<QMessageBox*>(QApplication::activeModalWidget());
            if (!box) return answerBox(text);
            for (QAbstractButton* each : box->buttons()) {
                if (!text.isEmpty() && each->text() == text) return each->click();
            }
            box->reject();
        });
    }
    TrashPage& trash() { return *m_window->findChild<TrashPage*>(); }
    void deleteTravelChat() {
        open(m_chats.travel);
        m_window->sidebar().removeCurrent();
        ASSERT_TRUE(
            QTest::qWaitFor([this] { return !m_window->sidebar().chats().chat(m_chats.travel); }));
    }
};

TEST_F(PagesTest, ADeletedChatIsInTheTrashAndComesBack) {
    deleteTravelChat();
    m_window->showTrash(true);
    ASSERT_TRUE(QTest::qWaitFor([this] { return trash().count() == 1; }));
    settle();
    auto* back = named<QPushButton>("Restore “How many nights may I book?”");
    ASSERT_NE(back, nullptr);
    back->click();
    ASSERT_TRUE(QTest::qWaitFor(
        [this] { return m_window->sidebar().chats().chat(m_chats.travel) != nullptr; }));
    EXPECT_TRUE(QTest::qWaitFor([this] { return trash().count() == 0; }));
}

TEST_F(PagesTest, DeletingForGoodAsksFirst) {
    deleteTravelChat();
    m_window->showTrash(true);
    ASSERT_TRUE(QTest::qWaitFor([this] { return trash().count() == 1; }));
    settle();
    auto* forget = named<QToolButton>("Delete “How many nights may I book?” for good");
    ASSERT_NE(forget, nullptr);
    answerBox({});
    forget->click();
    settle();
    EXPECT_EQ(trash().count(), 1);
    answerBox("Delete for good");
    forget->click();
    EXPECT_TRUE(QTest::qWaitFor([this] { return trash().count() == 0; }));
    m_window->activateWindow();
    settle();
    QTest::keyClick(m_window.get(), Qt::Key_Escape);
    EXPECT_TRUE(m_window->chatPage().isVisible());
}

TEST_F(PagesTest, WithoutTesseractItIsSaidWhatToInstall) {
    m_window->showDocuments(true);
    settle();
    auto* row = m_window->findChild<OcrRow*>();
    EXPECT_FALSE(row->findChild<Switch*>()->isEnabled());
    bool isSaid = false;
    for (const QLabel* label : row->findChildren<QLabel*>()) {
        isSaid = isSaid || label->text().contains("apt install tesseract-ocr");
    }
    EXPECT_TRUE(isSaid);
    EXPECT_EQ(button<QPushButton>("Read the scanned one (OCR)"), nullptr);
}

TEST_F(PagesTest, ScannedPagesAreReadByOneClick) {
    m_services.ocrState = {true, {"chi_sim", "deu", "eng", "fra"}, {}};
    m_window->findChild<OcrRow*>()->reload();
    m_window->showDocuments(true);
    ASSERT_TRUE(QTest::qWaitFor(
        [this] { return button<QPushButton>("Read the scanned one (OCR)") != nullptr; }));
    EXPECT_FALSE(m_window->findChild<OcrRow*>()->isOn());
    m_window->findChild<OcrRow*>()->reload();
    QThread::msleep(50);  // an answer from before the click is on its way when it comes
    int nBefore = 0;
    {
        const std::scoped_lock lock(m_services.mutex);
        nBefore = m_services.nUpdatesOfAll;
    }
    button<QPushButton>("Read the scanned one (OCR)")->click();
    ASSERT_TRUE(QTest::qWaitFor([&] {
        const std::scoped_lock lock(m_services.mutex);
        return m_services.nUpdatesOfAll > nBefore;
    }));
    {
        const std::scoped_lock lock(m_services.mutex);
        EXPECT_EQ(m_services.settings[std::string(kOcrSetting)], "eng+chi_sim");
    }
    auto* toggle = m_window->findChild<OcrRow*>()->findChild<Switch*>();
    EXPECT_TRUE(QTest::qWaitFor([&] { return toggle->isChecked(); }));
    EXPECT_TRUE(QTest::qWaitFor(
        [this] { return button<QPushButton>("Read the scanned one (OCR)") == nullptr; }));
    QTest::mouseClick(toggle, Qt::LeftButton);
    EXPECT_TRUE(QTest::qWaitFor([this] {
        const std::scoped_lock lock(m_services.mutex);
        return m_services.settings[std::string(kOcrSetting)] == "";
    }));
}

TEST_F(PagesTest, LanguagesSuitThePerson) {
    const std::vector<std::string> all = {"chi_sim", "deu", "eng", "fra"};
    EXPECT_EQ(suggestedOcrLanguages(all, "en_GB"), "eng+chi_sim");
    EXPECT_EQ(suggestedOcrLanguages(all, "de_AT"), "eng+chi_sim+deu");
    EXPECT_EQ(suggestedOcrLanguages({"swe"}, "en_US"), "swe");
    EXPECT_EQ(suggestedOcrLanguages({}, "en_US"), "");
}

TEST_F(PagesTest, ADamagedDatabaseIsOfferedRepair) {
    auto* bar = m_window->findChild<DamageBar*>();
    EXPECT_FALSE(bar->isVisible());
    {
        const std::scoped_lock lock(m_services.mutex);
        m_services.listError = Error{ErrorCode::Corrupt, "a model file ends too early"};
    }
    m_window->sidebar().reload();
    settle();
    EXPECT_FALSE(bar->isVisible());  // that file is not ours
    {
        // As storage says it; see ConnectionTest.
        const std::scoped_lock lock(m_services.mutex);
        m_services.listError =
            Error{ErrorCode::Corrupt,
                  "reading: database disk image is malformed; the file is left as it is: restore a "
                  "backup (conclave restore FILE) or repair it (conclave doctor --repair)"};
    }
    m_window->sidebar().reload();
    ASSERT_TRUE(QTest::qWaitFor([&] { return bar->isVisible(); }));
    answerBox({});
    button<QPushButton>("Repair…")->click();
    EXPECT_TRUE(m_rescues.empty());
    answerBox("Repair");
    button<QPushButton>("Repair…")->click();
    answerBox("Back up");
    button<QPushButton>("Back up…")->click();
    ASSERT_EQ(m_rescues.size(), 2u);
    EXPECT_EQ(m_rescues[0], Rescue::Repair);
    EXPECT_EQ(m_rescues[1], Rescue::BackUp);
}

TEST_F(PagesTest, SettingsOfAnswersAreKeptWhenTheDialogCloses) {
    open(m_chats.travel);
    SettingsDialog dialog(m_services, controller(), m_window.get());
    dialog.show();
    settle();
    auto* sections = dialog.findChild<QListWidget*>("sections");
    ASSERT_GE(sections->count(), 5);
    QTest::keyClick(sections, Qt::Key_Down);
    EXPECT_EQ(sections->currentItem()->text(), "Answers");
    dialog.findChild<QPlainTextEdit*>()->setPlainText("Answer in French.");
    for (auto* box : dialog.findChildren<QComboBox*>()) box->setCurrentIndex(1);
    for (auto* box : dialog.findChildren<QDoubleSpinBox*>()) {
        if (box->accessibleName() == "Temperature") box->setValue(0.3);
    }
    for (auto* box : dialog.findChildren<Switch*>()) {
        if (box->accessibleName() == "Only from documents") box->setChecked(true);
    }
    QTest::keyClick(&dialog, Qt::Key_Escape);
    settle();
    EXPECT_EQ(controller().settings().systemPrompt, "Answer in French.");
    EXPECT_TRUE(controller().settings().onlyDocuments);
    EXPECT_TRUE(controller().settings().readsFollowUps);
    ASSERT_TRUE(controller().settings().sampling.has_value());
    EXPECT_FLOAT_EQ(controller().settings().sampling->temperature, 0.3f);
}

TEST_F(PagesTest, OwnSettingsBeginWithWhatTheModelsFileRecommends) {
    services::ModelStatus status = m_services.models().status();
    status.model.info.sampling.temperature = 0.6f;
    status.model.info.recommendedSampling = {{"temp", 0.6}};
    m_services.setModelStatus(status);
    open(m_chats.travel);
    SettingsDialog dialog(m_services, controller(), m_window.get());
    dialog.show();
    settle();
    bool isSaid = false;
    for (const auto* label : dialog.findChildren<QLabel*>()) {
        isSaid = isSaid || label->text().contains(QStringLiteral("recommends temp 0.6."));
    }
    EXPECT_TRUE(isSaid);
    for (auto* box : dialog.findChildren<QDoubleSpinBox*>()) {
        if (box->accessibleName() != "Temperature") continue;
        EXPECT_DOUBLE_EQ(box->value(), 0.6);
    }
}

TEST_F(PagesTest, TheContextIsChosenWithWhatItTakes) {
    open(m_chats.travel);
    SettingsDialog dialog(m_services, controller(), m_window.get());
    dialog.show();
    const auto says = [&](const QString& text) {
        return QTest::qWaitFor([&] {
            const auto labels = dialog.findChildren<QLabel*>();
            return std::any_of(labels.begin(), labels.end(),
                               [&](const QLabel* each) { return each->text().contains(text); });
        });
    };
    QSpinBox* context = nullptr;
    for (auto* box : dialog.findChildren<QSpinBox*>()) {
        if (box->accessibleName() == "Context") context = box;
    }
    ASSERT_NE(context, nullptr);
    EXPECT_EQ(context->text(), "Automatic");
    EXPECT_TRUE(says("8,192 tokens take 8 MB beside the model."));
    EXPECT_TRUE(says("That is more than is free now: at most 4,096 tokens fit."));
    context->setValue(2048);
    EXPECT_TRUE(
        says("2,048 tokens take 2 MB beside the model. The model was made for at most "
             "8,192."));
    EXPECT_FALSE(says("more than is free"));
    context->setValue(32768);
    EXPECT_TRUE(says("The model was made for 8,192 tokens and has no more."));
    dialog.accept();
    settle();
    EXPECT_EQ(controller().settings().contextLength, 32768);  // another model may have as many
    SettingsDialog again(m_services, controller(), m_window.get());
    for (auto* box : again.findChildren<QSpinBox*>()) {
        if (box->accessibleName() == "Context") box->setValue(0);
    }
    again.accept();
    EXPECT_FALSE(controller().settings().contextLength.has_value());
}

TEST_F(PagesTest, ASourceIsKeptAsARecallQuestionAndChecked) {
    open(m_chats.travel);
    auto* more = named<QToolButton>("More about source 1");
    ASSERT_NE(more, nullptr);
    more->click();
    QAction* keep = nullptr;
    for (auto* menu : m_window->findChildren<QMenu*>()) {
        for (QAction* each : menu->actions()) {
            if (each->text() == "Keep as a recall question") keep = each;
        }
    }
    ASSERT_NE(keep, nullptr);
    keep->trigger();
    ASSERT_TRUE(QTest::qWaitFor([this] {
        const std::scoped_lock lock(m_services.mutex);
        return m_services.recallKept.size() == 1;
    }));
    {
        const std::scoped_lock lock(m_services.mutex);
        const RecallQuestion& kept = m_services.recallKept.front();
        // The follow-up as it was looked up, with what is said before it.
        EXPECT_EQ(kept.question,
                  "And who pays for breakfast? How many nights may I book, and what may they "
                  "cost?");
        EXPECT_EQ(kept.quote,
                  "Employees may book up to 4 nights without a further approval. A night may cost "
                  "no more than 140 euros in Europe and 190 euros elsewhere.");
        EXPECT_EQ(kept.path, "/home/ada/Documents/Policies/travel-policy.pdf");
        m_services.recallKept.push_back({.id = 900, .question = "Who signs?", .quote = "Anna"});
        m_services.recallRanks = {2, 0};
    }
    m_window->showDocuments(true);
    ASSERT_TRUE(QTest::qWaitFor([this] { return button<QPushButton>("Check recall"); }));
    button<QPushButton>("Check recall")->click();
    EXPECT_TRUE(
        QTest::qWaitFor([this] { return label("1 of 2 are found among the best 8 passages."); }));
    EXPECT_TRUE(QTest::qWaitFor([this] { return label("Found, place 2") != nullptr; }));
    EXPECT_NE(label("Missing"), nullptr);
    EXPECT_NE(label("Ask it in a chat to see what is found instead."), nullptr);
    auto* forget = named<QToolButton>("Forget “Who signs?”");
    ASSERT_NE(forget, nullptr);
    forget->click();
    EXPECT_TRUE(QTest::qWaitFor([this] {
        const std::scoped_lock lock(m_services.mutex);
        return m_services.recallKept.size() == 1;
    }));
}

TEST_F(PagesTest, AnErrorSaysItsAdviceOnce) {
    const QString full =
        errorText({ErrorCode::DiskFull,
                   "a chat cannot be stored: database or disk is full; nothing was "
                   "changed: make room and try again"});
    EXPECT_EQ(full.count("try again"), 1);
    EXPECT_EQ(full.count("othing was changed"), 1);
    EXPECT_TRUE(full.startsWith("The disk is full.\n"));
    EXPECT_TRUE(errorText({ErrorCode::DiskFull, {}}).endsWith("free some space and try again."));
    const QString busy = errorText({ErrorCode::Busy,
                                    "the database is locked; another program keeps writing to it: "
                                    "try again"});
    EXPECT_EQ(busy.count("try again"), 1);
}

TEST_F(PagesTest, DocumentsFitIntoTheSmallestWindow) {
    m_window->showDocuments(true);
    for (const int width : {460, 1200}) {
        m_window->resize(width, 600);
        settle();
        auto* scroll = m_window->findChild<CollectionPage*>()->findChild<QScrollArea*>();
        EXPECT_EQ(scroll->horizontalScrollBar()->maximum(), 0) << width;
        EXPECT_EQ(button<QPushButton>("Add files…") != nullptr, width > 600);
        EXPECT_NE(button<QPushButton>("Add a folder…"), nullptr);
    }
}

TEST_F(PagesTest, ABackupIsRestoredAfterAQuestion) {
    SettingsDialog dialog(m_services, controller(), m_window.get());
    int nAsked = 0;
    QObject::connect(&dialog, &SettingsDialog::restoreAsked, &dialog, [&] { ++nAsked; });
    dialog.show();
    QPushButton* restore = nullptr;
    for (auto* each : dialog.findChildren<QPushButton*>()) {
        if (each->text() == "Restore…") restore = each;
    }
    ASSERT_NE(restore, nullptr);
    answerBox({});
    restore->click();
    EXPECT_EQ(nAsked, 0);
    EXPECT_TRUE(dialog.isVisible());
    answerBox("Choose a backup…");
    restore->click();
    EXPECT_EQ(nAsked, 1);
    EXPECT_FALSE(dialog.isVisible());
}

TEST_F(PagesTest, TheThemeIsChosenByOneClick) {
    qunsetenv("CONCLAVE_THEME");  // which would win
    SettingsDialog dialog(m_services, controller(), m_window.get());
    dialog.show();
    const bool wasDark = Theme::instance().isDark();
    for (auto* each : dialog.findChildren<QPushButton*>()) {
        if (each->text() == (wasDark ? "Light" : "Dark")) each->click();
    }
    EXPECT_NE(Theme::instance().isDark(), wasDark);
    qputenv("CONCLAVE_THEME", "light");
    Theme::instance().setMode(ThemeMode::System);
}

}  // namespace
}  // namespace conclave::ui
