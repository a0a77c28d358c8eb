// chat_fixture.h: a chat service with the model that comes with Conclave, and without its guide.
#pragma once

#include <gtest/gtest.h>

#include "tests/services/scratch.h"

namespace conclave::services {

class ChatServiceTest : public ServicesTest {
protected:
    void SetUp() override {
        startWithoutGuide();
        const auto model = m_services->models().loaded();
        ASSERT_TRUE(model.has_value()) << model.error().detail;
    }

    /// A long answer that does not end by itself soon.
    static SendRequest endless() {
        SendRequest request;
        request.text = "Tell a long story about the harbour of the town.";
        request.retrieval = false;
        engine::SamplerSettings wild;
        wild.temperature = 3.0f;
        wild.topK = 0;
        wild.topP = 1.0f;
        wild.minP = 0.0f;
        wild.seed = 1;
        request.settings.sampling = wild;
        request.settings.maxTokens = 900;
        return request;
    }
    ChatView load(ChatId id) {
        return wait<ChatView>([&](auto reply) { chats().load(id, std::move(reply)); })
            .value_or(ChatView{});
    }
};

}  // namespace conclave::services
