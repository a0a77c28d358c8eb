// The documents of a collection: what is said of each, what can be done with it, and how one is
// found.
#include <QComboBox>
#include <QContextMenuEvent>
#include <QCoreApplication>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QTimer>
#include <algorithm>
#include <vector>

#include "tests/ui/support/window_fixture.h"
#include "ui/panel_layout.h"
#include "ui/widgets/collection_page.h"
#include "ui/widgets/document_reader.h"
#include "ui/widgets/document_row.h"
#include "ui/widgets/sources_panel.h"

namespace conclave::ui {
namespace {

using namespace services;

class DocumentListTest : public test::WindowFixture {
protected:
    void showList() {
        m_window->showDocuments(true);
        ASSERT_TRUE(QTest::qWaitFor(
            [this] { return named<QPushButton>("Show the documents of Policies") != nullptr; }));
        named<QPushButton>("Show the documents of Policies")->click();
    }
    /// The documents in the order in which they stand.
    QStringList listed() {
        std::vector<DocumentRow*> rows;
        for (auto* row : m_window->findChildren<DocumentRow*>()) {
            if (row->isVisible()) rows.push_back(row);
        }
        std::sort(rows.begin(), rows.end(), [this](DocumentRow* a, DocumentRow* b) {
            return a->mapTo(m_window.get(), QPoint()).y() < b->mapTo(m_window.get(), QPoint()).y();
        });
        QStringList names;
        for (auto* row : rows) names << row->accessibleName();
        return names;
    }
};

TEST_F(DocumentListTest, TellsTheStateOfEachDocument) {
    m_services.addDocument(m_chats.policies, "/media/usb/lost.pdf", {"text"},
                           DocumentState::Unavailable);
    m_window->showDocuments(true);
    settle();
    const auto says = [&](const QString& text) {
        for (const auto* label : m_window->findChildren<QLabel*>()) {
            if (label->isVisible() && label->text().contains(text)) return true;
        }
        return false;
    };
    EXPECT_FALSE(says("Read: 3 pages"));
    EXPECT_TRUE(QTest::qWaitFor([&] { return says("1 unavailable"); }));
    EXPECT_TRUE(says("1 document cannot be reached: connect its drive."));
    for (auto* each : m_window->findChildren<QPushButton*>()) {
        if (each->isVisible() && each->text() == "Show") each->click();
    }
    EXPECT_TRUE(QTest::qWaitFor([&] { return says("Read: 3 pages"); }));
    EXPECT_TRUE(says("Needs OCR:"));
    EXPECT_TRUE(says("protected by a password"));
    EXPECT_TRUE(says("Unavailable: its folder cannot be reached."));
    EXPECT_NE(button<QPushButton>("Read the failed ones again"), nullptr);
    EXPECT_NE(named<QPushButton>("Hide the documents of Policies"), nullptr);
}

TEST_F(DocumentListTest, OpensReadsAgainAndLeavesOut) {
    const DocumentId lease =
        m_services.addDocument(m_chats.policies, "/docs/lease-of-the-mill.md", {"The mill."});
    m_window->showDocuments(true);
    named<QPushButton>("Show the documents of Policies")->click();
    ASSERT_TRUE(QTest::qWaitFor([&] { return named<DocumentRow>("lease-of-the-mill.md"); }));
    auto* row = named<DocumentRow>("lease-of-the-mill.md");
    EXPECT_EQ(row->accessibleDescription().left(5), "Read:");
    auto* panel = m_window->findChild<SourcesPanel*>();
    EXPECT_FALSE(panel->isVisible());
    QTest::mouseClick(row, Qt::LeftButton);
    ASSERT_TRUE(QTest::qWaitFor([&] { return panel->reader().shownText() == "The mill."; }));
    EXPECT_TRUE(panel->isVisible());
    emit panel->reader().backAsked();
    EXPECT_FALSE(panel->isVisible());
    row->setFocus();
    QTest::keyClick(row, Qt::Key_Return);
    EXPECT_TRUE(panel->isVisible());
    m_window->showDocuments(false);
    EXPECT_FALSE(panel->reader().isVisible());
    m_window->showDocuments(true);

    const auto choose = [&](const QString& text) {
        QContextMenuEvent event(QContextMenuEvent::Keyboard, {}, row->mapToGlobal(QPoint(5, 5)));
        QCoreApplication::sendEvent(row, &event);
        for (QAction* action : row->findChild<QMenu*>()->actions()) {
            if (action->text() == text) action->trigger();
        }
        delete row->findChild<QMenu*>();
    };
    choose("Read again");
    EXPECT_EQ(m_services.readAgainAsked, std::vector{lease});
    QTimer::singleShot(0, m_window.get(), [&] { button<QPushButton>("Leave out")->click(); });
    choose("Leave out…");
    EXPECT_EQ(m_services.leftOut, std::vector{lease});
}

TEST_F(DocumentListTest, ADocumentBesideTheListLeavesItAllOfItsWidthAndClosesWithEsc) {
    m_services.addDocument(m_chats.policies, "/docs/hidden.md", {"text"});
    m_window->resize(1240, 800);
    showList();
    ASSERT_TRUE(QTest::qWaitFor([&] { return named<DocumentRow>("hidden.md"); }));
    named<DocumentRow>("hidden.md")->setFocus();
    QTest::keyClick(named<DocumentRow>("hidden.md"), Qt::Key_Return);
    auto* panel = m_window->findChild<SourcesPanel*>();
    ASSERT_TRUE(QTest::qWaitFor([&] { return panel->reader().shownText() == "text"; }));
    EXPECT_NE(label("Document"), nullptr);
    // As narrow as the page beside a PDF.
    m_window->panels().setReading(true);
    settle();
    auto* page = m_window->findChild<CollectionPage*>();
    EXPECT_LT(page->width(), 600);
    auto* bar = page->findChild<QScrollArea*>()->horizontalScrollBar();
    EXPECT_TRUE(QTest::qWaitFor([&] { return bar->maximum() == 0; })) << bar->maximum();

    QTest::keyClick(m_window.get(), Qt::Key_Escape);
    EXPECT_FALSE(panel->isVisible());
    EXPECT_TRUE(page->isVisible());
    EXPECT_TRUE(named<DocumentRow>("hidden.md")->hasFocus());
    QTest::keyClick(m_window.get(), Qt::Key_Escape);
    EXPECT_FALSE(page->isVisible());
}

TEST_F(DocumentListTest, IsSearchedAndPutInOrder) {
    for (int i = 0; i < 120; ++i) {
        m_services.addDocument(m_chats.policies,
                               "/docs/2024/minutes-" + std::to_string(1000 + i) + ".md", {"text"});
    }
    m_services.addDocument(m_chats.policies, "/docs/Übersicht 租赁合同.md", {"text"});
    showList();
    ASSERT_TRUE(QTest::qWaitFor([&] { return listed().size() == 100; }));
    ASSERT_NE(button<QPushButton>("Show more: 100 of 124 are shown"), nullptr);
    button<QPushButton>("Show more: 100 of 124 are shown")->click();
    settle();
    EXPECT_EQ(listed().size(), 124);

    auto* find = named<QLineEdit>("Find a document");
    ASSERT_NE(find, nullptr);
    QTest::keyClicks(find, "MINUTES 1007");
    settle();
    EXPECT_EQ(listed(), QStringList{"minutes-1007.md"});
    find->setText("租赁");
    settle();
    EXPECT_EQ(listed(), QStringList{"Übersicht 租赁合同.md"});
    find->setText("no such name");
    settle();
    EXPECT_TRUE(listed().isEmpty());
    EXPECT_NE(label("No document of that name"), nullptr);
    // Esc takes back what is typed, and leaves the page only then.
    QTest::keyClick(find, Qt::Key_Escape);
    settle();
    EXPECT_EQ(find->text(), "");
    EXPECT_EQ(listed().size(), 100);

    named<QComboBox>("Order")->setCurrentText("Name");
    find->setText("minutes 111");
    settle();
    const QStringList sorted = listed();
    ASSERT_EQ(sorted.size(), 10);
    EXPECT_EQ(sorted.first(), "minutes-1110.md");
    EXPECT_EQ(sorted.last(), "minutes-1119.md");

    // From the field into the rows and from one to the next.
    find->setFocus();
    QTest::keyClick(find, Qt::Key_Down);
    EXPECT_TRUE(named<DocumentRow>("minutes-1110.md")->hasFocus());
    QTest::keyClick(named<DocumentRow>("minutes-1110.md"), Qt::Key_Down);
    EXPECT_TRUE(named<DocumentRow>("minutes-1111.md")->hasFocus());
    QTest::keyClick(named<DocumentRow>("minutes-1111.md"), Qt::Key_Up);
    QTest::keyClick(named<DocumentRow>("minutes-1110.md"), Qt::Key_Up);
    EXPECT_TRUE(find->hasFocus());
}

TEST_F(DocumentListTest, ProblemsStandBeforeWhatWaitsAndWhatIsRead) {
    const CollectionId id = m_services.addCollection("Mixed", 1, 1, 1);
    m_services.addDocument(id, "/docs/read.md", {"text"});
    m_services.addDocument(id, "/docs/later.md", {}, DocumentState::Pending);
    m_services.addDocument(id, "/docs/broken.md", {}, DocumentState::Failed, "it is damaged");
    m_window->showDocuments(true);
    ASSERT_TRUE(QTest::qWaitFor(
        [&] { return named<QPushButton>("Show the documents of Mixed") != nullptr; }));
    named<QPushButton>("Show the documents of Mixed")->click();
    ASSERT_TRUE(QTest::qWaitFor([&] { return listed().size() == 3; }));
    EXPECT_EQ(listed(), (QStringList{"broken.md", "later.md", "read.md"}));
}

TEST_F(DocumentListTest, ShowsWhatOnlyWaits) {
    const CollectionId id = m_services.addCollection("Waiting", 0, 0, 0);
    m_services.addDocument(id, "/docs/later.md", {}, DocumentState::Pending);
    m_window->showDocuments(true);
    ASSERT_TRUE(QTest::qWaitFor([&] { return label("1 document waits to be read"); }));
    auto* show = named<QPushButton>("Show the documents of Waiting");
    ASSERT_NE(show, nullptr);
    show->click();
    ASSERT_TRUE(QTest::qWaitFor([&] { return listed().contains("later.md"); }));
    EXPECT_EQ(named<DocumentRow>("later.md")->accessibleDescription(), "Waiting to be read.");
}

TEST_F(DocumentListTest, CtrlFFindsADocument) {
    m_services.addDocument(m_chats.policies, "/docs/lease-of-the-mill.md", {"The mill."});
    m_window->showDocuments(true);
    ASSERT_TRUE(QTest::qWaitFor(
        [this] { return named<QPushButton>("Show the documents of Policies") != nullptr; }));
    // In the first collection of the person's own, however few documents it has.
    QTest::keyClick(m_window.get(), Qt::Key_F, Qt::ControlModifier);
    EXPECT_TRUE(m_window->findChild<CollectionPage*>()->isVisible());
    auto* find = named<QLineEdit>("Find a document");
    ASSERT_NE(find, nullptr);
    EXPECT_TRUE(find->hasFocus());
    ASSERT_TRUE(QTest::qWaitFor([this] { return listed().size() == 4; }));
    EXPECT_TRUE(find->hasFocus());
    QTest::keyClicks(find, "mill");
    settle();
    EXPECT_EQ(listed(), QStringList{"lease-of-the-mill.md"});
    // In the chat it finds words.
    m_window->showDocuments(false);
    QTest::keyClick(m_window.get(), Qt::Key_F, Qt::ControlModifier);
    ASSERT_NE(named<QLineEdit>("Find in this chat"), nullptr);
    EXPECT_TRUE(named<QLineEdit>("Find in this chat")->hasFocus());
}

TEST_F(DocumentListTest, TheNumbersOfACardAddUp) {
    const CollectionId id = m_services.addCollection("Sums", 31, 900, 3);
    m_services.addDocument(id, "/docs/later.md", {}, DocumentState::Pending);
    m_services.addDocument(id, "/docs/away.md", {"text"}, DocumentState::Unavailable);
    const DocumentId first = m_services.addDocument(id, "/docs/a.md", {"text"});
    const DocumentId second = m_services.addDocument(id, "/docs/copy of a.md", {"text"});
    m_services.setHash(first, "aa");
    m_services.setHash(second, "aa");
    m_window->showDocuments(true);
    EXPECT_TRUE(QTest::qWaitFor([this] {
        return label(
                   "32 of 36 documents read  ·  900 passages  ·  1 waiting  ·  1 unavailable  "
                   "·  1 copy") != nullptr;
    }));
    EXPECT_NE(button<QPushButton>("3 documents could not be read: show why"), nullptr);
    EXPECT_NE(label("14 documents  ·  212 passages"), nullptr);  // all are read
}

}  // namespace
}  // namespace conclave::ui
