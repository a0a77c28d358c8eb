// scratch.h: a folder and running services that vanish after a test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "app/services/services.h"

namespace conclave::services {

class ScratchFolder {
public:
    ScratchFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "conclave-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
        m_path = std::filesystem::canonical(pattern);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

    /// Writes a file, with the folders above it.
    std::filesystem::path write(const std::string& name, std::string_view text) const {
        const std::filesystem::path file = m_path / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
        return file;
    }

private:
    std::filesystem::path m_path;
};

/// Services with a home of their own.
class ServicesTest : public testing::Test {
protected:
    void start(StartOptions options = {}) {
        m_services.reset();
        const std::filesystem::path home = m_home.path();
        for (const char* name : {"config", "data/models", "cache", "state"}) {
            std::filesystem::create_directories(home / name);
        }
        options.places = Places{home / "config", home / "data", home / "cache", home / "state"};
        auto started = Services::start(options);
        ASSERT_TRUE(started.has_value()) << started.error().detail;
        m_services = std::move(*started);
    }
    void startWithoutGuide() {
        StartOptions options;
        options.indexGuide = false;
        start(options);
    }
    void stopServices() { m_services.reset(); }

    ChatService& chats() { return m_services->chats(); }
    CollectionService& collections() { return m_services->collections(); }

    CollectionId makeCollection(const std::string& name) {
        const auto id =
            wait<CollectionId>([&](auto reply) { collections().create(name, std::move(reply)); });
        EXPECT_TRUE(id.has_value());
        return id.value_or(0);
    }
    IndexReport add(CollectionId id, const std::filesystem::path& path) {
        const auto report = wait<IndexReport>(
            [&](auto reply) { collections().addPaths(id, {path}, std::move(reply)); });
        EXPECT_TRUE(report.has_value()) << report.error().detail;
        return report.value_or(IndexReport{});
    }
    IndexReport update(CollectionId id, bool retryFailed = false) {
        const auto report = wait<IndexReport>(
            [&](auto reply) { collections().update(id, retryFailed, std::move(reply)); });
        EXPECT_TRUE(report.has_value()) << report.error().detail;
        return report.value_or(IndexReport{});
    }
    std::vector<Document> documents(CollectionId id) {
        return wait<std::vector<Document>>(
                   [&](auto reply) { collections().documents(id, std::move(reply)); })
            .value_or(std::vector<Document>{});
    }
    std::vector<SearchHit> search(const std::string& query, CollectionId id) {
        return wait<std::vector<SearchHit>>([&](auto reply) {
                   collections().search({.query = query, .collections = {id}}, std::move(reply));
               })
            .value_or(std::vector<SearchHit>{});
    }
    Result<Message> send(SendRequest request) {
        return wait<Message>([&](auto reply) {
            AnswerEvents events;
            events.onFinished = reply;
            chats().send(std::move(request), std::move(events));
        });
    }

    /// A question about one collection, in a chat of its own.
    Result<Message> askAbout(CollectionId collection, std::string question) {
        SendRequest request;
        request.text = std::move(question);
        request.settings.collections = std::vector<CollectionId>{collection};
        return send(std::move(request));
    }

    ScratchFolder m_home;
    ScratchFolder m_files;
    std::unique_ptr<Services> m_services;
};

}  // namespace conclave::services
