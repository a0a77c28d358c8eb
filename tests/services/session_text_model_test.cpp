// A model that is held to a form, with the one that comes with Conclave: it knows no instructions,
// so what comes out shows the form alone.
#include "app/services/session_text_model.h"

#include "tests/services/scratch.h"

namespace conclave::services {
namespace {

class SessionTextModelTest : public ServicesTest {
protected:
    void SetUp() override {
        startWithoutGuide();
        const auto model = m_services->models().loaded();
        ASSERT_TRUE(model.has_value()) << model.error().detail;
        auto made = SessionTextModel::create(*model, {.nThreads = 1});
        ASSERT_TRUE(made.has_value()) << made.error().detail;
        m_model = std::move(*made);
    }
    std::unique_ptr<SessionTextModel> m_model;
};

TEST_F(SessionTextModelTest, CannotLeaveTheForm) {
    for (const OutputForm form : {OutputForm{OutputForm::Kind::NumberedLines, 3},
                                  OutputForm{OutputForm::Kind::Select, 0}}) {
        const ModelTask task{.instructions = "Be brief.",
                             .text = "[1] The spare keys are kept by Marta.\n\nWho keeps the keys?",
                             .form = form,
                             .maxTokens = 40};
        const auto written = m_model->write(task, {});
        ASSERT_TRUE(written.has_value()) << written.error().detail;
        EXPECT_FALSE(written->empty());
        FormChecker checker(form);
        EXPECT_TRUE(checker.accept(*written)) << *written;
        EXPECT_EQ(m_model->write(task, {}).value_or(""), *written) << "the likeliest words only";
    }
}

TEST_F(SessionTextModelTest, SaysWhatItCannotRead) {
    std::string text;
    for (int i = 0; i < 4000; ++i) text += "word ";
    const auto written =
        m_model->write({.instructions = {}, .text = text, .form = {}, .maxTokens = 8}, {});
    ASSERT_FALSE(written.has_value());
    EXPECT_EQ(written.error().code, ErrorCode::InvalidArgument);
    std::stop_source stop;
    stop.request_stop();
    const auto stopped = m_model->write(
        {.instructions = {}, .text = "Hello!", .form = {}, .maxTokens = 8}, stop.get_token());
    ASSERT_FALSE(stopped.has_value());
    EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace conclave::services
