// The whole window over the real services, the built-in guide and the embedded model.
#include <gtest/gtest.h>

#include <unistd.h>
#include <QPainter>
#include <QPdfWriter>
#include <QTest>
#include <filesystem>

#include "ui/chat_controller.h"
#include "ui/main_window.h"
#include "ui/markdown/document_blocks.h"
#include "ui/theme.h"
#include "ui/widgets/chat_page.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/document_reader.h"
#include "ui/widgets/pdf_view.h"
#include "ui/widgets/sources_panel.h"

namespace conclave::ui {
namespace {

using namespace services;

class RealWindow : public ::testing::Test {
protected:
    void SetUp() override {
        m_home = std::filesystem::temp_directory_path() /
                 ("conclave-window-" + std::to_string(::getpid()));
        std::filesystem::remove_all(m_home);
        start();
    }
    void TearDown() override {
        m_window.reset();
        m_services.reset();
        std::filesystem::remove_all(m_home);
    }
    void start() {
        m_window.reset();
        m_services.reset();
        StartOptions options;
        options.places =
            Places{m_home / "config", m_home / "data", m_home / "cache", m_home / "state"};
        for (const auto& folder : {options.places->config, options.places->data,
                                   options.places->cache, options.places->state}) {
            std::filesystem::create_directories(folder);
        }
        auto started = Services::start(options);
        ASSERT_TRUE(started.has_value()) << started.error().detail;
        m_services = std::move(*started);
        m_window = std::make_unique<MainWindow>(*m_services, WindowOptions{});
        m_window->show();
    }
    bool guideIsReady() {
        auto all = wait<std::vector<Collection>>(
            [&](auto reply) { m_services->collections().list(reply); });
        return all && !all->empty() && all->front().nDocuments > 5;
    }
    ChatController& controller() { return m_window->controller(); }

    std::filesystem::path m_home;
    std::unique_ptr<Services> m_services;
    std::unique_ptr<MainWindow> m_window;
};

TEST_F(RealWindow, AnswersFromTheGuideAndOpensTheCitedPassage) {
    ASSERT_TRUE(QTest::qWaitFor([this] { return guideIsReady(); }, 60000));
    QTest::keyClicks(&m_window->chatPage().composer().edit(), "How do I add a folder?");
    QTest::keyClick(&m_window->chatPage().composer().edit(), Qt::Key_Return);
    ASSERT_TRUE(QTest::qWaitFor([this] { return controller().messages().rowCount() == 2; }, 10000))
        << controller().messages().rowCount()
        << " messages, in the field: " << m_window->chatPage().composer().text().toStdString()
        << "; the title: " << m_window->windowTitle().toStdString();
    ASSERT_TRUE(QTest::qWaitFor([this] { return !controller().isAnswering(); }, 120000));
    const Message answer = controller().messages().at(1);
    ASSERT_EQ(answer.state, MessageState::Complete) << answer.error;
    EXPECT_FALSE(answer.text.empty());
    ASSERT_TRUE(answer.details.has_value());
    ASSERT_FALSE(answer.details->passages.empty());
    EXPECT_TRUE(m_window->sources().isVisible());
    for (std::size_t i = 0; i < answer.details->citations.size(); ++i) {
        const StoredCitation& citation = answer.details->citations[i];
        if (!citation.supported) continue;
        emit m_window->chatPage().sourceAsked(answer.id, citation.passage, static_cast<int>(i));
        // The guide is Markdown: its marks are not to be seen.
        const QString quote = onOneLine(citation.quote, Markup::Markdown).text;
        EXPECT_TRUE(QTest::qWaitFor([&] {
            return m_window->sources().reader().markedText().simplified() == quote;
        })) << quote.toStdString();
    }

    // After a restart the chat is there again, as it was.
    const auto chat = controller().chat();
    m_window->close();
    start();
    ASSERT_TRUE(QTest::qWaitFor(
        [&] { return controller().chat() == chat && controller().messages().rowCount() == 2; },
        10000));
    EXPECT_EQ(controller().messages().at(1).text, answer.text);
}

/// Two pages; a sentence on the second.
void writePdf(const std::filesystem::path& file, const QString& sentence) {
    QPdfWriter writer(QString::fromStdString(file.string()));
    writer.setResolution(72);
    QPainter painter(&writer);
    painter.drawText(60, 80, QStringLiteral("A manual"));
    writer.newPage();
    painter.drawText(60, 80, QStringLiteral("The first line of the second page."));
    painter.drawText(60, 300, sentence);
}

TEST_F(RealWindow, MarksTheLineOnThePageOfAPdf) {
    const QString sentence = QStringLiteral("Marta Veldhuis keeps the spare keys.");
    const auto file = m_home / "keys.pdf";
    writePdf(file, sentence);
    CollectionService& collections = m_services->collections();
    const auto id = wait<CollectionId>([&](auto reply) { collections.create("Keys", reply); });
    ASSERT_TRUE(id.has_value());
    const auto report =
        wait<IndexReport>([&](auto reply) { collections.addPaths(*id, {file}, std::move(reply)); });
    ASSERT_TRUE(report.has_value()) << report.error().detail;
    const auto documents =
        wait<std::vector<Document>>([&](auto reply) { collections.documents(*id, reply); });
    ASSERT_TRUE(documents && documents->size() == 1);
    const auto view = wait<DocumentView>(
        [&](auto reply) { collections.open(documents->at(0).id, std::move(reply)); });
    ASSERT_TRUE(view.has_value());
    ASSERT_EQ(view->pages.size(), 2U);
    const std::size_t start = view->pages[1].text.find(sentence.toStdString());
    ASSERT_NE(start, std::string::npos) << view->pages[1].text;

    StoredPassage passage;
    passage.number = 1;
    passage.document = view->document.id;
    passage.path = view->document.path.string();
    passage.page = 2;
    passage.startByte = start;
    passage.endByte = start + static_cast<std::size_t>(sentence.size());
    passage.text = sentence.toStdString();
    Message answer;
    answer.details.emplace().passages = {passage};
    SourcesPanel& sources = m_window->sources();
    sources.show();
    sources.showAnswer(answer);
    sources.openPassage(1, -1);
    PdfView& pdf = sources.reader().pdf();
    ASSERT_TRUE(QTest::qWaitFor([&] { return !pdf.markedLines().empty(); }, 20000))
        << sources.reader().note().toStdString();
    // The panel finds its width meanwhile, and the page is drawn anew for it.
    int nDark = 0;
    int nMarked = 0;
    int width = 0;
    const auto isSeen = [&] {
        const std::vector<QRectF> lines = pdf.markedLines();
        if (lines.size() != 1) return false;
        const QImage seen = pdf.viewport()->grab(lines[0].toAlignedRect()).toImage();
        width = seen.width();
        nDark = nMarked = 0;
        for (int y = 0; y < seen.height(); ++y) {
            for (int x = 0; x < width; ++x) {
                if (seen.pixelColor(x, y).lightness() < 100) ++nDark;
                if (seen.pixelColor(x, y) == colors().paperMark) ++nMarked;
            }
        }
        return nDark > width / 4 && nMarked > width;
    };
    EXPECT_TRUE(QTest::qWaitFor(isSeen, 10000))
        << nDark << " pixels of words and " << nMarked << " of the mark, " << width << " wide";
    EXPECT_EQ(sources.reader().page(), 2);
    EXPECT_EQ(pdf.nPages(), 2);
    EXPECT_TRUE(pdf.viewport()->rect().contains(pdf.markedLines().at(0).toAlignedRect()));
}

}  // namespace
}  // namespace conclave::ui
