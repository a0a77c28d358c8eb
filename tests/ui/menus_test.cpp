// Menus and popups of the window, and what is marked as chosen.
#include <QAction>
#include <QImage>
#include <QListView>
#include <QMenu>
#include <QMessageBox>
#include <QPixmap>
#include <QTimer>
#include <QToolButton>
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tests/ui/support/window_fixture.h"
#include "ui/chat_text.h"
#include "ui/theme.h"
#include "ui/widgets/model_picker.h"
#include "ui/widgets/switch.h"

namespace conclave::ui {
namespace {

using namespace services;

class MenusTest : public test::WindowFixture {
protected:
    void TearDown() override { Theme::instance().setMode(ThemeMode::System); }
    /// Opens the menu of `button`, which blocks, and looks at it while it is open.
    template <typename Look>
    static void whileOpen(QToolButton& button, Look look) {
        bool wasOpen = false;
        QTimer::singleShot(200, &button, [&] {
            wasOpen = button.menu()->isVisible();
            look(*button.menu());
            button.menu()->close();
        });
        button.showMenu();
        EXPECT_TRUE(wasOpen);
    }
    QToolButton& chip() {
        for (QToolButton* each : composer().findChildren<QToolButton*>()) {
            if (each->menu()) return *each;
        }
        throw std::runtime_error("the composer has no chip");
    }
    static bool offers(const QMenu& menu, const QString& text) {
        const auto actions = menu.actions();
        return std::any_of(actions.begin(), actions.end(),
                           [&](const QAction* action) { return action->text() == text; });
    }
};

/// WCAG's ratio.
double contrastOf(const QColor& a, const QColor& b) {
    const auto luminance = [](const QColor& color) {
        const auto linear = [](double c) {
            return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
        };
        return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) +
               0.0722 * linear(color.blueF());
    };
    const double one = luminance(a) + 0.05;
    const double other = luminance(b) + 0.05;
    return std::max(one, other) / std::min(one, other);
}

TEST_F(MenusTest, TheModelsStayInsideTheWindow) {
    m_window->move(0, 0);
    m_window->resize(700, 600);
    settle();
    auto* picker = m_window->findChild<ModelPicker*>();
    ModelEntry large = m_services.models_.front();
    large.file = "/models/large.gguf";
    large.name = "A model that came after the others";
    {
        const std::scoped_lock lock(m_services.mutex);
        m_services.models_.push_back(large);  // found while the menu is open
    }
    whileOpen(*picker, [&](const QMenu& menu) {
        const auto actions = menu.actions();
        EXPECT_TRUE(std::any_of(actions.begin(), actions.end(), [](const QAction* action) {
            return action->text().startsWith("A model that came after");
        }));
        const QRect frame(m_window->mapToGlobal(QPoint(0, 0)), m_window->size());
        EXPECT_GT(menu.width(), picker->width());
        EXPECT_LE(menu.geometry().right(), frame.right());
        EXPECT_GE(menu.geometry().left(), frame.left());
    });
}

TEST_F(MenusTest, WhereToGetAModelNamesWhatRunsAndAWayOn) {
    QString told;
    QTimer::singleShot(100, qApp, [&] {
        auto* box = qobject_cast<QMessageBox*>(QApplication::activeModalWidget());
        ASSERT_NE(box, nullptr);
        told = box->informativeText();
        box->reject();
    });
    m_window->findChild<ModelPicker*>()->showHelp();
    for (const char* word : {"Qwen", "gpt-oss", "Gemma", "Hugging Face", "GGUF"}) {
        EXPECT_TRUE(told.contains(QLatin1String(word))) << word;
    }
}

TEST_F(MenusTest, ANewChatAsksAllDocuments) {
    controller().setCollections(std::vector<CollectionId>{m_chats.policies});
    const QString one = chip().text();
    QTest::keyClick(m_window.get(), Qt::Key_N, Qt::ControlModifier);
    settle();
    EXPECT_FALSE(controller().settings().collections);
    EXPECT_NE(chip().text(), one);
    EXPECT_EQ(chip().text().trimmed(), "All documents");
}

TEST_F(MenusTest, TheCollectionsAreReadAgainWhenTheirMenuOpens) {
    m_services.addCollection("Added elsewhere", 1, 1, 0);
    whileOpen(chip(), [](const QMenu& menu) { EXPECT_TRUE(offers(menu, "Added elsewhere")); });
}

TEST_F(MenusTest, TheMenuOfTheDocumentsSwitchesHowTheChatAnswers) {
    open(m_chats.travel);
    const auto choose = [this](const QString& name) {
        whileOpen(chip(), [&](const QMenu& menu) {
            for (QAction* action : menu.actions()) {
                if (action->text() == name) action->trigger();
            }
        });
        settle();
    };
    choose("Answer only from documents");
    EXPECT_TRUE(controller().settings().onlyDocuments);
    EXPECT_TRUE(chip().text().trimmed().startsWith("Only: "));
    choose("Understand follow-up questions");
    EXPECT_FALSE(controller().settings().readsFollowUps);
    EXPECT_TRUE(controller().settings().onlyDocuments);
    choose("Answer only from documents");
    EXPECT_FALSE(controller().settings().onlyDocuments);
    EXPECT_FALSE(chip().text().trimmed().startsWith("Only: "));
}

TEST_F(MenusTest, LongNamesOfCollectionsLeaveTheWindowItsSize) {
    const CollectionId id = m_services.addCollection(
        "R&D archive of measurements, minutes and mails of all years since the company began", 1, 1,
        0);
    m_window->resize(460, 600);
    whileOpen(chip(), [](const QMenu& menu) { EXPECT_LE(menu.width(), 460); });
    controller().setCollections(std::vector<CollectionId>{id});
    settle();
    EXPECT_TRUE(chip().text().trimmed().startsWith("R&&D"));
    EXPECT_EQ(m_window->width(), 460);
    EXPECT_LE(chip().width(), 200);
}

TEST_F(MenusTest, OnlyThePageThatIsOpenIsMarked) {
    open(m_chats.travel);
    auto* list = m_window->sidebar().findChild<QListView*>();
    const auto nChosen = [&] { return list->selectionModel()->selectedIndexes().size(); };
    EXPECT_EQ(nChosen(), 1);
    for (const bool trash : {false, true}) {
        if (trash) {
            m_window->showTrash(true);
        } else {
            m_window->showDocuments(true);
        }
        m_window->sidebar().reload();
        settle();
        EXPECT_EQ(nChosen(), 0);
    }
    m_window->showDocuments(false);
    settle();
    EXPECT_EQ(nChosen(), 1);
}

TEST_F(MenusTest, ListsThatPopUpHaveAGroundOfTheirOwn) {
    for (const ThemeMode mode : {ThemeMode::Light, ThemeMode::Dark}) {
        Theme::instance().setMode(mode);
        QListView list;  // as a completer makes it: a window without anything below
        list.setWindowFlag(Qt::Popup);
        list.resize(120, 80);
        const QImage picture = list.grab().toImage();
        EXPECT_EQ(picture.pixelColor(60, 40), colors().surface);
    }
}

TEST_F(MenusTest, ASwitchIsSeenWhenItIsOff) {
    for (const ThemeMode mode : {ThemeMode::Light, ThemeMode::Dark}) {
        Theme::instance().setMode(mode);
        Switch off("Off", nullptr);
        off.resize(off.sizeHint());
        QImage picture(off.size(), QImage::Format_ARGB32);
        picture.fill(colors().surface);
        off.render(&picture, {}, {}, QWidget::DrawChildren);
        double best = 1.0;
        for (int x = 0; x < picture.width(); ++x) {
            best = std::max(
                best, contrastOf(picture.pixelColor(x, picture.height() / 2), colors().surface));
        }
        EXPECT_GE(best, 3.0);
    }
}

TEST_F(MenusTest, AChatUnderTheMouseHasASignThatOpensItsMenu) {
    auto* list = m_window->sidebar().findChild<QListView*>(QStringLiteral("chats"));
    const QModelIndex row = m_window->sidebar().chats().indexOf(m_chats.travel);
    const QRect place = list->visualRect(row);
    bool wasOpen = false;
    QTimer::singleShot(200, m_window.get(), [&] {
        for (auto* menu : m_window->sidebar().findChildren<QMenu*>()) {
            if (!menu->isVisible()) continue;
            wasOpen = offers(*menu, "Delete");
            menu->close();
        }
    });
    QTest::mouseClick(list->viewport(), Qt::LeftButton, {},
                      {place.right() - 16, place.center().y()});
    EXPECT_TRUE(wasOpen);
    EXPECT_NE(controller().chat(), m_chats.travel) << "it was opened";
    QTest::mouseClick(list->viewport(), Qt::LeftButton, {},
                      {place.left() + 30, place.center().y()});
    EXPECT_TRUE(QTest::qWaitFor([this] { return controller().chat() == m_chats.travel; }));
}

TEST(ChatText, IsTheShownBranchWithItsCitedSources) {
    ChatView view;
    view.chat.title = "Keys";
    const auto add = [&](MessageId id, std::optional<MessageId> parent, Role role,
                         const std::string& text) -> Message& {
        Message message;
        message.id = id;
        message.parent = parent;
        message.role = role;
        message.text = text;
        view.messages.push_back(message);
        return view.messages.back();
    };
    add(1, {}, Role::User, "Who keeps\nthe keys?");
    Message& answer = add(2, 1, Role::Assistant, "<think>Hm.</think>Marta does [2].");
    answer.details = AnswerDetails{};
    StoredPassage other;
    other.number = 1;
    other.title = "Not cited";
    StoredPassage cited;
    cited.number = 2;
    cited.title = "Minutes";
    cited.page = 3;
    cited.path = "/docs/minutes.pdf";
    answer.details->passages = {other, cited};
    StoredCitation citation;
    citation.passage = 2;
    answer.details->citations = {citation};
    add(3, 1, Role::Assistant, "Another branch.");
    view.chat.leaf = 2;
    EXPECT_EQ(chatAsMarkdown(view),
              "# Keys\n\n## Who keeps the keys?\n\nMarta does [2].\n\n"
              "- \\[2\\] Minutes, page 3: `/docs/minutes.pdf`\n");
}

}  // namespace
}  // namespace conclave::ui
