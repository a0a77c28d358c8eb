#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/services/saved_sessions.h"
#include "tests/services/chat_fixture.h"

namespace conclave::services {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;

/// The saved session of a chat; empty if it has not got exactly one.
fs::path onlyFileOf(const fs::path& folder, ChatId chat) {
    fs::path found;
    std::error_code problem;
    for (const auto& each : fs::directory_iterator(folder, problem)) {
        const std::string name = each.path().filename().string();
        if (!name.starts_with("chat-" + std::to_string(chat) + "-") || !name.ends_with(".kv")) {
            continue;
        }
        if (!found.empty()) return {};
        found = each.path();
    }
    return found;
}

TEST_F(ChatServiceTest, AOneOffChatIsNotListedAndLeavesNothing) {
    SendRequest request;
    request.text = "Hello zebrafinch!";
    request.retrieval = false;
    request.isOneOff = true;
    const auto answer = send(request);
    ASSERT_TRUE(answer.has_value());
    const auto listed = [&] {
        return wait<std::vector<Chat>>([&](auto reply) {
                   chats().list(std::move(reply));
               })->size() +
               wait<std::vector<DeletedChat>>([&](auto reply) {
                   chats().trash(std::move(reply));
               })->size();
    };
    EXPECT_EQ(listed(), 0U);
    const auto find = [&] {
        return wait<std::vector<MessageHit>>(
                   [&](auto reply) { chats().search("zebrafinch", 10, std::move(reply)); })
            ->size();
    };
    EXPECT_GE(find(), 1U);
    const auto forgotten =
        wait<void>([&](auto reply) { chats().forget(answer->chat, std::move(reply)); });
    ASSERT_TRUE(forgotten.has_value()) << forgotten.error().detail;
    EXPECT_EQ(find(), 0U);
    EXPECT_FALSE(
        wait<ChatView>([&](auto reply) { chats().load(answer->chat, reply); }).has_value());
}

TEST_F(ChatServiceTest, TheNextStartForgetsTheOneOffChatOfAKilledProcess) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    stopServices();
    const auto openDatabase = [&] {
        storage::OpenOptions options;
        options.analyzer = retrieval::analyze;
        options.analyzerVersion = retrieval::kAnalyzerVersion;
        return storage::Database::open(m_home.path() / "data/conclave.db", options).value();
    };
    storage::NewChat chat;
    chat.settings = {{"one_off", child}};
    const auto left = openDatabase()->chats().createChat(chat);
    chat.settings = {{"one_off", ::getpid()}};
    const auto alive = openDatabase()->chats().createChat(chat);
    ASSERT_TRUE(left && alive);
    startWithoutGuide();
    stopServices();  // short calls are finished
    const auto database = openDatabase();
    EXPECT_FALSE(database->chats().chat(*left).has_value());
    EXPECT_TRUE(database->chats().chat(*alive).has_value());
}

TEST_F(ChatServiceTest, ToolsGiveBackWhatTheLastAnswerAskedFor) {
    SendRequest request;
    request.text = "Hello!";
    request.retrieval = false;
    const auto answer = send(request);
    ASSERT_TRUE(answer.has_value()) << answer.error().detail;
    request.chat = answer->chat;
    request.text = "sunny";
    request.toolResults = {"sunny"};
    const auto unasked = send(request);
    ASSERT_FALSE(unasked.has_value());
    EXPECT_THAT(unasked.error().detail, HasSubstr("asked for no tool"));

    // The bundled model calls none: its answer is made one that does.
    stopServices();
    {
        storage::OpenOptions options;
        options.analyzer = retrieval::analyze;
        options.analyzerVersion = retrieval::kAnalyzerVersion;
        const auto database =
            storage::Database::open(m_home.path() / "data/conclave.db", options).value();
        AnswerDetails details = *answer->details;
        details.usage["tool_calls"] = {{{"name", "weather"}, {"arguments", {{"city", "Rome"}}}}};
        ASSERT_TRUE(database->chats().setAnswerDetails(answer->id, details));
    }
    startWithoutGuide();
    request.toolResults = {"sunny", "rainy"};
    const auto tooMany = send(request);
    ASSERT_FALSE(tooMany.has_value());
    EXPECT_THAT(tooMany.error().detail, HasSubstr("2 results"));
    request.toolResults = {"sunny"};
    const auto next = send(request);
    ASSERT_TRUE(next.has_value()) << next.error().detail;
    EXPECT_EQ(next->state, MessageState::Complete);
    const ChatView view = load(answer->chat);
    EXPECT_EQ(view.messages.size(), 4U);  // those that were refused left nothing
    EXPECT_EQ(view.chat.settings["tool_results"][std::to_string(*next->parent)],
              nlohmann::json::array({"sunny"}));
}

TEST_F(ChatServiceTest, ReportsItsStagesInOrderAndStoresBeforeItWrites) {
    std::vector<std::string> seen;
    std::string shown;
    const auto answer = wait<Message>([&](auto reply) {
        AnswerEvents events;
        events.onStarted = [&](const Chat& chat, const auto& question, const Message& empty) {
            seen.emplace_back("started");
            EXPECT_EQ(chat.title, "Hello!");
            EXPECT_TRUE(question.has_value());
            EXPECT_EQ(empty.state, MessageState::Streaming);
        };
        events.onStage = [&](const AnswerStage& stage) {
            if (stage.kind == AnswerStage::Kind::Writing) seen.emplace_back("writing");
        };
        events.onText = [&](std::string text, double) { shown = std::move(text); };
        events.onFinished = [&, reply](Result<Message> result) {
            seen.emplace_back("finished");
            reply(std::move(result));
        };
        SendRequest request;
        request.text = "Hello!";
        chats().send(request, std::move(events));
    });
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(seen, (std::vector<std::string>{"started", "writing", "finished"}));
    EXPECT_EQ(answer->text, "Hello! How can I help you today?");  // golden transcript 1
    EXPECT_EQ(shown, answer->text);
}

TEST_F(ChatServiceTest, ReusesTheKvCacheForAFollowUp) {
    SendRequest request;
    request.text = "Hello!";
    const auto first = send(request);
    ASSERT_TRUE(first.has_value());
    request.chat = first->chat;
    request.text = "And what else?";
    const auto second = send(request);
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ(first->details->usage["cached_tokens"].get<int>(), 0);
    const int before = first->details->usage["prompt_tokens"].get<int>() +
                       first->details->usage["completion_tokens"].get<int>();
    EXPECT_GE(second->details->usage["cached_tokens"].get<int>(), before - 2);
}

TEST_F(ChatServiceTest, GivesTheDemonstrationModelOlderTurnsOnlyWithAFollowUp) {
    SendRequest request;
    request.text = "Hello!";
    const auto first = send(request);
    ASSERT_TRUE(first.has_value());
    request.chat = first->chat;
    request.text = "What can you do?";
    const auto second = send(request);
    ASSERT_TRUE(second.has_value());
    EXPECT_LT(second->details->usage["prompt_tokens"].get<int>(),
              first->details->usage["prompt_tokens"].get<int>() +
                  first->details->usage["completion_tokens"].get<int>());
}

TEST_F(ChatServiceTest, StopsWithinATenthOfASecondAndKeepsTheText) {
    std::atomic<ChatId> chat = 0;
    std::atomic<bool> isWriting = false;
    Clock::time_point finished;
    std::promise<Result<Message>> promise;
    AnswerEvents events;
    events.onStarted = [&](const Chat& of, const auto&, const auto&) { chat = of.id; };
    events.onText = [&](const std::string& text, double) { isWriting = text.size() > 20; };
    events.onFinished = [&](Result<Message> result) {
        finished = Clock::now();
        promise.set_value(std::move(result));
    };
    chats().send(endless(), std::move(events));
    while (!isWriting) std::this_thread::sleep_for(1ms);
    const Clock::time_point stopped = Clock::now();
    chats().stop(chat);
    const Result<Message> answer = promise.get_future().get();
    EXPECT_LT(finished - stopped, 100ms);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->state, MessageState::Stopped);
    EXPECT_GT(answer->text.size(), 20U);
    EXPECT_EQ(load(chat).messages.back().text, answer->text);
}

TEST_F(ChatServiceTest, StopsAWaitingAnswerBeforeItsTurn) {
    std::promise<Result<Message>> running;
    std::atomic<ChatId> first = 0;
    AnswerEvents events;
    events.onStarted = [&](const Chat& of, const auto&, const auto&) { first = of.id; };
    events.onFinished = [&](Result<Message> result) { running.set_value(std::move(result)); };
    chats().send(endless(), std::move(events));
    while (first == 0) std::this_thread::sleep_for(1ms);

    std::promise<Result<Message>> waiting;
    std::atomic<ChatId> second = 0;
    AnswerEvents others;
    others.onStarted = [&](const Chat& of, const auto&, const auto&) { second = of.id; };
    others.onFinished = [&](Result<Message> result) { waiting.set_value(std::move(result)); };
    SendRequest request;
    request.text = "Hello!";
    chats().send(request, std::move(others));
    while (second == 0) std::this_thread::sleep_for(1ms);
    chats().stop(second);
    auto future = waiting.get_future();
    ASSERT_EQ(future.wait_for(2s), std::future_status::ready);
    const auto answer = future.get();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->state, MessageState::Stopped);
    chats().stop(first);
    EXPECT_EQ(running.get_future().get()->state, MessageState::Stopped);
}

TEST_F(ChatServiceTest, WhatIsShownIsStored) {
    // A kill between the two would take away what was read already.
    std::atomic<ChatId> chat = 0;
    std::promise<void> finished;
    std::size_t nShown = 0;
    AnswerEvents events;
    events.onStarted = [&](const Chat& of, const auto&, const auto&) { chat = of.id; };
    events.onText = [&](const std::string& text, double) {
        ++nShown;
        EXPECT_THAT(load(chat).messages.back().text, testing::StartsWith(text));
        if (nShown == 8) chats().stop(chat);
    };
    events.onFinished = [&](const Result<Message>&) { finished.set_value(); };
    chats().send(endless(), std::move(events));
    finished.get_future().wait();
    EXPECT_GE(nShown, 8U);
}

TEST_F(ChatServiceTest, CommitsStreamedTextTwiceASecond) {
    std::atomic<ChatId> chat = 0;
    std::promise<void> finished;
    AnswerEvents events;
    events.onStarted = [&](const Chat& of, const auto&, const auto&) { chat = of.id; };
    events.onFinished = [&](const Result<Message>&) { finished.set_value(); };
    chats().send(endless(), std::move(events));
    while (chat == 0) std::this_thread::sleep_for(1ms);
    auto done = finished.get_future();
    std::size_t nGrown = 0;
    std::size_t last = 0;
    while (done.wait_for(100ms) != std::future_status::ready && nGrown < 2) {
        const Message stored = load(chat).messages.back();
        if (stored.state != MessageState::Streaming) break;
        if (stored.text.size() > last) ++nGrown;
        last = stored.text.size();
    }
    chats().stop(chat);
    done.wait();
    EXPECT_GE(nGrown, 1U);
}

TEST_F(ChatServiceTest, RegeneratingAndEditingMakeBranches) {
    SendRequest request;
    request.text = "Hello!";
    const auto first = send(request);
    ASSERT_TRUE(first.has_value());
    const auto again = wait<Message>([&](auto reply) {
        AnswerEvents events;
        events.onFinished = reply;
        chats().regenerate(first->id, std::move(events));
    });
    ASSERT_TRUE(again.has_value());
    EXPECT_NE(again->id, first->id);
    EXPECT_EQ(again->parent, first->parent);

    const auto edited = wait<Message>([&](auto reply) {
        AnswerEvents events;
        events.onFinished = reply;
        chats().edit(*first->parent, "Who are you?", std::move(events));
    });
    ASSERT_TRUE(edited.has_value());
    const ChatView view = load(first->chat);
    EXPECT_EQ(view.messages.size(), 5U);  // two questions, three answers
    EXPECT_EQ(view.chat.leaf, edited->id);
    EXPECT_TRUE(wait<void>([&](auto reply) {
                    chats().selectBranch(first->chat, first->id, std::move(reply));
                }).has_value());
    EXPECT_EQ(load(first->chat).chat.leaf, first->id);
}

TEST_F(ChatServiceTest, RefusesAnEmptyMessage) {
    SendRequest request;
    request.text = " \n";
    EXPECT_FALSE(send(request).has_value());
    const auto all = wait<std::vector<Chat>>([&](auto reply) { chats().list(std::move(reply)); });
    EXPECT_TRUE(all->empty());
}

TEST_F(ChatServiceTest, SavesTheLastDraftEvenAtTheEnd) {
    for (int i = 0; i < 50; ++i) chats().saveDraft(std::nullopt, "draft " + std::to_string(i));
    startWithoutGuide();
    const auto draft =
        wait<std::string>([&](auto reply) { chats().draft(std::nullopt, std::move(reply)); });
    EXPECT_EQ(draft.value_or(""), "draft 49");
}

TEST_F(ChatServiceTest, KeepsSettingsThatAreItsOwnWhenTheOthersChange) {
    ChatSettings settings;
    settings.systemPrompt = "Be brief.";
    settings.collections = std::vector<CollectionId>{};
    settings.sampling = engine::SamplerSettings{};
    settings.sampling->seed = 42;
    settings.sampling->infill = true;
    settings.sampling->adaptiveTarget = 0.25f;
    settings.sampling->adaptiveDecay = 0.5f;
    settings.maxTokens = 9;
    const ChatSettings back = ChatSettings::fromJson(settings.toJson());
    EXPECT_EQ(back.systemPrompt, settings.systemPrompt);
    EXPECT_EQ(back.collections, settings.collections);
    EXPECT_EQ(back.sampling, settings.sampling);
    EXPECT_EQ(back.maxTokens, settings.maxTokens);
    EXPECT_FALSE(ChatSettings::fromJson(nlohmann::json::array()).sampling.has_value());
    EXPECT_FALSE(ChatSettings::fromJson({{"system_prompt", 3}}).systemPrompt.has_value());
}

TEST_F(ChatServiceTest, CountsTheContextThatADraftWouldTake) {
    const auto use = [&](const std::string& draft) {
        return wait<ContextUse>(
                   [&](auto reply) { chats().contextUse(std::nullopt, draft, std::move(reply)); })
            .value_or(ContextUse{});
    };
    EXPECT_EQ(use("").usedTokens, 0);
    EXPECT_EQ(use("").contextLength, 1024);
    EXPECT_EQ(use("Hello!").usedTokens, 8);  // golden transcript 1
    EXPECT_GT(use("Hello! How are you today?").usedTokens, 8);
}

TEST_F(ChatServiceTest, GoesOnAfterARestartWithWhatWasComputedBefore) {
    StartOptions options;
    options.indexGuide = false;
    options.savesSessions = true;
    start(options);
    SendRequest request;
    request.text = "Summarise:";
    for (int i = 0; i < 40; ++i) {
        request.text += " The tray of printer " + std::to_string(i) + " holds 250 sheets.";
    }
    request.retrieval = false;
    request.settings.maxTokens = 8;
    auto answer = send(request);
    ASSERT_TRUE(answer.has_value()) << answer.error().detail;
    const fs::path folder = m_home.path() / "cache/sessions";
    const auto only = [&] { return onlyFileOf(folder, answer->chat); };
    EXPECT_TRUE(only().empty()) << "not while the chat is in use";
    SendRequest other;
    other.text = "Hello!";
    other.retrieval = false;
    ASSERT_TRUE(send(other).has_value());
    // Saved after the other chat's answer, when nobody waits.
    for (int i = 0; i < 500 && only().empty(); ++i) std::this_thread::sleep_for(10ms);
    const fs::path file = only();
    EXPECT_TRUE(fs::exists(file));
    const auto again = [&] {
        return wait<Message>([&](auto reply) {
            AnswerEvents events;
            events.onFinished = reply;
            chats().regenerate(answer->id, std::move(events));
        });
    };
    const auto cachedTokens = [](const Result<Message>& message) {
        return message->details->usage["cached_tokens"].get<int>();
    };
    start(options);
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    const auto restored = again();
    ASSERT_TRUE(restored.has_value());
    EXPECT_EQ(cachedTokens(restored), restored->details->usage["prompt_tokens"].get<int>() - 1);
    EXPECT_EQ(restored->text, answer->text);

    // A damaged file is as good as none, and goes.
    stopServices();
    fs::resize_file(file, fs::file_size(file) - 1);
    start(options);
    const auto computed = again();
    ASSERT_TRUE(computed.has_value());
    EXPECT_LT(cachedTokens(computed), 5);
    EXPECT_EQ(computed->text, answer->text);
    EXPECT_FALSE(fs::exists(file));

    // Doctor counts it; deleting the chat deletes it, and ending the program does not bring it
    // back.
    start(options);
    const auto findings =
        wait<std::vector<Finding>>([&](auto reply) { m_services->doctor(std::move(reply)); });
    ASSERT_TRUE(findings.has_value());
    EXPECT_TRUE(std::any_of(findings->begin(), findings->end(), [](const Finding& finding) {
        return finding.subject == "saved sessions" && finding.detail.starts_with("1 chat,");
    }));
    ASSERT_TRUE(again().has_value());
    ASSERT_TRUE(wait<void>([&](auto reply) { chats().remove(answer->chat, std::move(reply)); }));
    EXPECT_FALSE(fs::exists(file));
    stopServices();
    EXPECT_FALSE(fs::exists(file));
    m_home.write("cache/sessions/chat-" + std::to_string(answer->chat) + "-0123456789abcdef.kv",
                 "left behind");
    m_home.write("cache/sessions/chat-5.kv", "of an earlier version");
    m_home.write("cache/sessions/chat-5.kv.partial", "left behind");
    start(options);
    stopServices();
    EXPECT_TRUE(fs::is_empty(m_home.path() / "cache/sessions"));
}

TEST_F(ChatServiceTest, ASessionOfAnotherKindCostsNoSavedOne) {
    const auto model = m_services->models().loaded().value();
    const auto computed = [&](const engine::SessionOptions& options) {
        auto session = engine::Session::create(model, options).value();
        const std::vector<engine::TokenId> tokens(300, 7);
        EXPECT_TRUE(session->evaluate(tokens, [](int, std::span<const float>) {}));
        return session;
    };
    const auto usual = computed({.nThreads = 1});
    const auto fewer = computed({.nThreads = 1, .nExpertsUsed = 1});
    const auto brief =
        engine::Session::create(model, {.contextLength = 100, .nThreads = 1}).value();
    const fs::path folder = m_home.path() / "cache/sessions";
    SavedSessions saved(folder, true);
    saved.save(1, *usual);
    EXPECT_FALSE(saved.restore(1, *fewer));
    EXPECT_FALSE(saved.restore(1, *brief)) << "longer than its context";
    saved.save(1, *fewer);
    EXPECT_TRUE(saved.restore(1, *usual));
    EXPECT_TRUE(saved.restore(1, *fewer));
    EXPECT_EQ(saved.use().nChats, 1);
    EXPECT_EQ(saved.use().bytes, usual->savedBytes() + fewer->savedBytes());
    saved.forget(1);
    EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(ChatServiceTest, AChatHasTheContextAndTheStopTextsOfItsSettings) {
    SendRequest request;
    request.text = "Hello!";
    request.retrieval = false;
    request.settings.sampling.emplace().temperature = 0.0f;
    request.settings.contextLength = 300;
    request.settings.stop = {"can I"};
    const auto answer = send(request);
    ASSERT_TRUE(answer.has_value()) << answer.error().detail;
    EXPECT_THAT(answer->text, Not(HasSubstr("can I")));
    EXPECT_EQ(answer->details->finishReason, "stop_string");
    const ChatView view = load(answer->chat);
    EXPECT_EQ(ChatSettings::fromJson(view.chat.settings).contextLength, 300);
    EXPECT_EQ(ChatSettings::fromJson(view.chat.settings).stop, std::vector<std::string>({"can I"}));
    const auto used = [&](std::optional<ChatId> chat) {
        return wait<ContextUse>([&](auto reply) { chats().contextUse(chat, {}, std::move(reply)); })
            .value_or(ContextUse{});
    };
    EXPECT_EQ(used(answer->chat).contextLength, 300);
    EXPECT_EQ(used(std::nullopt).contextLength, 1024);

    // What another one would take is told before it is chosen; the model has no more than its own.
    const auto need = [&](std::optional<int> asked) {
        return wait<ContextNeed>([&](auto reply) { chats().contextNeed(asked, std::move(reply)); })
            .value_or(ContextNeed{});
    };
    EXPECT_EQ(need(std::nullopt).contextLength, 1024);
    EXPECT_EQ(need(300).contextLength, 300);
    EXPECT_LT(need(300).bytes, need(1024).bytes);
    EXPECT_GT(need(300).bytes, 0U);
    EXPECT_EQ(need(5000).contextLength, 1024);
    EXPECT_EQ(need(5000).modelContextLength, 1024);
    EXPECT_TRUE(need(300).fits);

    // With another length the chat goes on, in a session of that length.
    ChatSettings changed = request.settings;
    changed.contextLength = 200;
    ASSERT_TRUE(wait<void>(
        [&](auto reply) { chats().changeSettings(answer->chat, changed, std::move(reply)); }));
    SendRequest next;
    next.chat = answer->chat;
    for (int i = 0; i < 60; ++i) next.text += "harbour " + std::to_string(i) + " ";
    next.retrieval = false;
    const auto tooLong = send(next);
    ASSERT_FALSE(tooLong.has_value());
    EXPECT_THAT(tooLong.error().detail, HasSubstr("--ctx N"));
}

TEST_F(ChatServiceTest, ATouchedModelKeepsItsSessionsAndAChangedOneDoesNot) {
    const fs::path folder = m_home.path() / "cache/sessions";
    const fs::path learnt = m_home.path() / "cache/model-contents";
    const fs::path path = m_home.path() / "model.gguf";
    fs::copy_file(fs::path(CONCLAVE_TEST_SOURCE) / "tests/parity/qwen3.gguf", path);
    const auto opened = [&] {
        return engine::Session::create(engine::Model::load(path).value(), {.nThreads = 1}).value();
    };
    const auto touch = [&] {
        fs::last_write_time(path, fs::last_write_time(path) + std::chrono::hours(1));
    };
    const std::vector<engine::TokenId> tokens(300, 7);
    const auto session = opened();
    ASSERT_TRUE(session->evaluate(tokens, [](int, std::span<const float>) {}));
    SavedSessions(folder, true).save(1, *session);
    EXPECT_TRUE(SavedSessions(folder, true).restore(1, *opened()));
    EXPECT_TRUE(fs::exists(learnt));

    for (int time = 0; time < 2; ++time) {
        touch();
        EXPECT_TRUE(SavedSessions(folder, true).restore(1, *opened()));
        EXPECT_TRUE(SavedSessions(folder, true).restore(1, *opened())) << "as untouched now";
    }
    std::stop_source stopped;
    stopped.request_stop();
    touch();
    EXPECT_FALSE(SavedSessions(folder, true).restore(1, *opened(), stopped.get_token()));
    EXPECT_TRUE(SavedSessions(folder, true).restore(1, *opened()));

    // A byte that is in no sample of a tensor.
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto flip = [&](std::streamoff at) {
        file.seekg(at);
        const auto flipped = static_cast<char>(file.get() ^ 1);
        file.seekp(at);
        file.put(flipped).flush();
    };
    const auto end = static_cast<std::streamoff>(fs::file_size(path));
    std::streamoff at = end / 2;
    for (flip(at); opened()->savedKind() != session->savedKind() && at < end; flip(at)) {
        flip(at);
        at += 1000;
    }
    ASSERT_LT(at, end);
    EXPECT_FALSE(SavedSessions(folder, true).restore(1, *opened()));
    flip(at);
    EXPECT_TRUE(SavedSessions(folder, true).restore(1, *opened()));

    // Nothing is taken on trust.
    fs::remove(learnt);
    EXPECT_TRUE(SavedSessions(folder, true).restore(1, *session));
    EXPECT_FALSE(SavedSessions(folder, true).restore(1, *opened()));
    m_home.write("cache/model-contents", "no numbers\n");
    EXPECT_FALSE(SavedSessions(folder, true).restore(1, *opened()));
}

TEST_F(ChatServiceTest, KeepsSavedSessionsWithinTheirBudget) {
    const auto model = m_services->models().loaded().value();
    constexpr int kTokens = 300;
    const auto session = engine::Session::create(model, {.nThreads = 1}).value();
    const std::vector<engine::TokenId> tokens(kTokens, 7);
    ASSERT_TRUE(session->evaluate(tokens, [](int, std::span<const float>) {}));
    const std::uint64_t fileBytes = session->savedBytes();
    const fs::path folder = m_home.path() / "cache/sessions";
    SavedSessions saved(folder, true, fileBytes * 5 / 2);
    const auto age = [&](ChatId chat, int hours) {
        fs::last_write_time(onlyFileOf(folder, chat),
                            fs::file_time_type::clock::now() - std::chrono::hours(hours));
    };
    saved.save(1, *session);
    EXPECT_EQ(saved.use().bytes, fileBytes);
    saved.save(2, *session);
    age(1, 3);
    age(2, 2);
    EXPECT_EQ(saved.use().nChats, 2);
    ASSERT_TRUE(saved.restore(1, *session));  // now 2 is the older one
    saved.save(3, *session);
    EXPECT_EQ(saved.use().nChats, 2);
    EXPECT_LE(saved.use().bytes, fileBytes * 5 / 2);
    EXPECT_FALSE(saved.restore(2, *session));
    EXPECT_TRUE(saved.restore(3, *session));
    saved.forget(3);
    saved.save(3, *session);
    EXPECT_EQ(saved.use().nChats, 1);
    saved.remember(3);
    saved.save(3, *session);
    EXPECT_EQ(saved.use().nChats, 2);

    const auto brief = engine::Session::create(model, {.nThreads = 1}).value();
    ASSERT_TRUE(
        brief->evaluate(std::vector<engine::TokenId>(100, 7), [](int, std::span<const float>) {}));
    saved.save(9, *brief);
    SavedSessions(folder, true, fileBytes).save(9, *session);  // more than half the budget
    SavedSessions(folder, false).save(9, *session);
    EXPECT_FALSE(saved.restore(9, *brief)) << "not worth a file";
}

}  // namespace
}  // namespace conclave::services
