// The document reader: pages as they look, and the text.
#include <gtest/gtest.h>

#include <QLineEdit>
#include <QScrollBar>
#include <QTest>
#include <QToolButton>
#include <algorithm>

#include "tests/ui/support/window_fixture.h"
#include "ui/theme.h"
#include "ui/widgets/document_reader.h"
#include "ui/widgets/document_search.h"
#include "ui/widgets/pdf_view.h"
#include "ui/widgets/sources_panel.h"

namespace conclave::ui::test {
namespace {

/// White paper with a line for each mark.
services::PageView whitePage(const retrieval::PageRequest& request, std::size_t nPages) {
    services::PageView view;
    view.picture.width = request.widthPixels;
    view.picture.height = request.widthPixels * 3 / 2;
    view.picture.pixels.assign(
        static_cast<std::size_t>(view.picture.width * view.picture.height) * 4, '\xFF');
    for (std::size_t mark = 0; mark < request.marks.size(); ++mark) {
        view.picture.boxes.push_back({mark, 0.2, 0.6, 0.8, 0.62});
        view.picture.texts.emplace_back("as read");
    }
    if (request.withSizes) view.picture.sizes.assign(nPages, {400.0, 600.0});
    return view;
}

class ReaderTest : public WindowFixture {
protected:
    void SetUp() override {
        WindowFixture::SetUp();
        m_services.drawing = [](const retrieval::PageRequest& request) {
            return whitePage(request, 300);
        };
        m_window->resize(1400, 800);
        open(m_chats.travel);
    }
    DocumentReader& reader() { return m_window->sources().reader(); }
    PdfView& pdf() { return reader().pdf(); }
    void openCitation() { emit m_window->chatPage().sourceAsked(m_chats.answer, 1, 0); }
    [[nodiscard]] bool isDrawn(int page) {
        const std::vector<int> drawn = pdf().drawnPages();
        return std::find(drawn.begin(), drawn.end(), page) != drawn.end();
    }
    void openPages() {
        openCitation();
        ASSERT_TRUE(QTest::qWaitFor([this] { return reader().showsPages() && isDrawn(3); }));
        settle();
    }
};

TEST_F(ReaderTest, ShowsThePageWithTheQuoteMarked) {
    emit m_window->chatPage().sourceAsked(m_chats.answer, 0, -1);
    settle();
    const int narrow = m_window->sources().width();
    openPages();
    EXPECT_EQ(reader().page(), 3);
    EXPECT_EQ(reader().note(), "");
    const std::vector<QRectF> lines = pdf().markedLines();
    ASSERT_EQ(lines.size(), 1U);
    ASSERT_TRUE(pdf().viewport()->rect().contains(lines[0].center().toPoint()));
    const QImage seen = pdf().viewport()->grab().toImage();
    EXPECT_EQ(seen.pixelColor(lines[0].center().toPoint() * seen.devicePixelRatio()),
              colors().paperMark);
    // A page needs more room than a list of passages does, and gives it back.
    EXPECT_GT(m_window->sources().width(), narrow + 80)
        << narrow << " of " << m_window->width() << " pixels";
    QTest::keyClick(&pdf(), Qt::Key_Escape);
    settle();
    EXPECT_FALSE(reader().isVisible());
    EXPECT_EQ(m_window->sources().width(), narrow);
}

TEST_F(ReaderTest, RemembersThatTheTextIsPreferred) {
    openPages();
    named<QToolButton>("Show the text")->click();
    EXPECT_FALSE(reader().showsPages());
    EXPECT_EQ(reader().markedText(),
              "Employees may book up to 4 nights without a further approval.");
    ASSERT_TRUE(QTest::qWaitFor([this] {
        const std::scoped_lock lock(m_services.mutex);
        return m_services.settings["reader.view"] == "text";
    }));
    openWindow();
    open(m_chats.travel);
    openCitation();
    ASSERT_TRUE(QTest::qWaitFor([this] { return !reader().markedText().isEmpty(); }));
    settle();
    EXPECT_FALSE(reader().showsPages());
    named<QToolButton>("Show the pages")->click();
    EXPECT_TRUE(reader().showsPages());
    EXPECT_TRUE(QTest::qWaitFor([this] { return isDrawn(3); }));
}

TEST_F(ReaderTest, FindsWordsInTheDocumentThatIsRead) {
    openPages();
    pdf().setFocus();
    QTest::keyClick(&pdf(), Qt::Key_F, Qt::ControlModifier);
    auto* field = named<QLineEdit>("Find in this document");
    ASSERT_NE(field, nullptr);
    EXPECT_TRUE(field->isVisible());
    QTest::keyClicks(field, "FURTHER approval");
    ASSERT_TRUE(QTest::qWaitFor([this] {
        const std::scoped_lock lock(m_services.mutex);
        return !m_services.asked.empty() && !m_services.asked.back().marks.empty();
    }));
    named<QToolButton>("Show the text")->click();
    EXPECT_EQ(reader().markedText(), "further approval");
    field->clear();
    QTest::keyClicks(field, "nothing says this");
    EXPECT_NE(label("None"), nullptr);
    QTest::keyClick(field, Qt::Key_Escape);
    EXPECT_FALSE(field->isVisible());
    EXPECT_TRUE(reader().isVisible());
}

TEST(PlacesOfAText, AreBytesOfTheirPagesWhateverTheCase) {
    const std::vector<services::Page> pages = {{1, "Über Ämter. über alles"}, {4, "无线 ÜBER"}};
    const auto places = placesOf(pages, QStringLiteral("über"));
    ASSERT_EQ(places.size(), 3U);
    EXPECT_EQ(places[1].page, 1);
    EXPECT_EQ(pages[0].text.substr(places[1].markStart, places[1].markEnd - places[1].markStart),
              "über");
    EXPECT_EQ(places[2].page, 4);
    EXPECT_EQ(pages[1].text.substr(places[2].markStart), "ÜBER");
    EXPECT_TRUE(placesOf(pages, {}).empty());
}

TEST_F(ReaderTest, FallsBackToTheTextOfAFileThatChanged) {
    m_services.drawing = [](const retrieval::PageRequest&) {
        return services::PageView{.state = services::PageView::State::Changed, .picture = {}};
    };
    openCitation();
    ASSERT_TRUE(QTest::qWaitFor([this] { return reader().note().contains("has changed"); }));
    EXPECT_FALSE(reader().showsPages());
    EXPECT_FALSE(reader().markedText().isEmpty());

    m_services.drawing = [](const retrieval::PageRequest&) {
        return fail(ErrorCode::NotFound, "travel-policy.pdf does not exist");
    };
    openCitation();
    ASSERT_TRUE(QTest::qWaitFor([this] { return reader().note().contains("not where it was"); }));
    EXPECT_FALSE(reader().showsPages());
    EXPECT_EQ(named<QToolButton>("Show the pages"), nullptr);
}

TEST_F(ReaderTest, DrawsOnlyWhatIsNearAndForgetsTheRest) {
    openPages();
    EXPECT_EQ(pdf().nPages(), 300);
    pdf().verticalScrollBar()->triggerAction(QAbstractSlider::SliderToMaximum);
    ASSERT_TRUE(QTest::qWaitFor([this] { return isDrawn(300); }));
    EXPECT_EQ(reader().page(), 300);
    EXPECT_FALSE(isDrawn(3));
    EXPECT_LE(pdf().drawnPages().size(), 8U);
    const std::scoped_lock lock(m_services.mutex);
    EXPECT_LT(m_services.asked.size(), 24U);
}

TEST_F(ReaderTest, TurnsPagesAndZoomsByKeys) {
    openPages();
    named<QToolButton>("Next page")->click();
    EXPECT_EQ(reader().page(), 4);
    named<QToolButton>("Previous page")->click();
    EXPECT_EQ(reader().page(), 3);
    const double zoomOfText = Theme::instance().zoom();
    QTest::keyClick(&pdf(), Qt::Key_Plus, Qt::ControlModifier);
    EXPECT_GT(pdf().zoom(), 1.1);
    EXPECT_EQ(Theme::instance().zoom(), zoomOfText);
    // It is drawn anew, as sharp as it is large.
    ASSERT_TRUE(QTest::qWaitFor([this] {
        const std::scoped_lock lock(m_services.mutex);
        return m_services.asked.back().widthPixels > pdf().viewport()->width();
    }));
    QTest::keyClick(&pdf(), Qt::Key_0, Qt::ControlModifier);
    EXPECT_EQ(pdf().zoom(), 1.0);
    const int before = pdf().verticalScrollBar()->value();
    QTest::keyClick(&pdf(), Qt::Key_PageDown);
    EXPECT_GT(pdf().verticalScrollBar()->value(), before + 300);
}

}  // namespace
}  // namespace conclave::ui::test
