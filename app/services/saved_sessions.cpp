#include "app/services/saved_sessions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.h"

namespace conclave::services {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kSavedPrefix = "chat-";
constexpr std::string_view kSavedEnding = ".kv";
constexpr std::size_t kWorthIt = 256;  // tokens

struct SavedFile {
    fs::path path;
    std::optional<ChatId> chat;  ///< none: left behind by a program that was killed
    std::uint64_t bytes = 0;
    fs::file_time_type used;
};

/// Names are chat-NUMBER-KIND.kv.
std::optional<ChatId> chatOfFile(const std::string& name) {
    if (!name.starts_with(kSavedPrefix) || !name.ends_with(kSavedEnding)) return std::nullopt;
    const char* first = name.data() + kSavedPrefix.size();
    const char* last = name.data() + name.size() - kSavedEnding.size();
    ChatId chat = 0;
    const auto [end, problem] = std::from_chars(first, last, chat);
    return problem == std::errc() && end != last && *end == '-' ? std::optional(chat)
                                                                : std::nullopt;
}

std::vector<SavedFile> savedFilesIn(const fs::path& folder) {
    std::vector<SavedFile> files;
    std::error_code problem;
    for (fs::directory_iterator each(folder, problem), end; !problem && each != end;
         each.increment(problem)) {
        std::error_code ignored;
        if (!each->is_regular_file(ignored)) continue;
        const auto bytes = each->file_size(ignored);
        if (ignored) continue;
        files.push_back({each->path(), chatOfFile(each->path().filename().string()), bytes,
                         each->last_write_time(ignored)});
    }
    return files;
}

void deleteFile(const fs::path& path) {
    std::error_code problem;
    fs::remove(path, problem);
    if (problem) log().warn("a saved session could not be deleted: {}", problem.message());
}

}  // namespace

SavedSessions::SavedSessions(fs::path folder, bool saves, std::uint64_t budgetBytes)
    : m_folder(std::move(folder)),
      m_saves(saves),
      m_budgetBytes(budgetBytes),
      m_contents(m_folder.empty() ? fs::path() : m_folder.parent_path() / "model-contents") {}

fs::path SavedSessions::fileOf(ChatId chat, const engine::Session& session) const {
    std::array<char, 17> kind{};
    std::snprintf(kind.data(), kind.size(), "%016llx",
                  static_cast<unsigned long long>(session.savedKind()));
    return m_folder / (std::string(kSavedPrefix) + std::to_string(chat) + "-" + kind.data() +
                       std::string(kSavedEnding));
}

void SavedSessions::save(ChatId chat, engine::Session& session) {
    const std::size_t nTokens = session.cachedTokens().size();
    if (m_folder.empty() || !m_saves || nTokens < kWorthIt) return;
    const std::uint64_t bytes = session.savedBytes();
    if (bytes > m_budgetBytes / 2) {
        log().info("the session of chat {} takes {} MiB, too many to be saved", chat, bytes >> 20u);
        return;
    }
    const std::lock_guard lock(m_mutex);
    if (m_forgotten.contains(chat)) return;
    std::error_code problem;
    if (fs::create_directories(m_folder, problem)) {
        fs::permissions(m_folder, fs::perms::owner_all, problem);
    }
    const fs::space_info disk = fs::space(m_folder, problem);
    constexpr std::uintmax_t kShareOfFree = 4;
    if (!problem && bytes > disk.available / kShareOfFree) {
        log().info("the disk is too full to save the session of chat {}", chat);
        return;
    }
    if (const auto saved = session.save(fileOf(chat, session)); !saved) {
        log().warn("a session could not be saved: {}", saved.error().detail);
        return;
    }
    trim();
    m_contents.learn(session.model().files());
}

void SavedSessions::prepare(const engine::Session& session) {
    if (m_saves && session.cachedTokens().size() >= kWorthIt) {
        m_contents.learn(session.model().files());
    }
}

bool SavedSessions::restore(ChatId chat, engine::Session& session, const std::stop_token& cancel) {
    if (m_folder.empty()) return false;
    const std::lock_guard lock(m_mutex);
    const fs::path file = fileOf(chat, session);
    std::error_code problem;
    if (m_forgotten.contains(chat) || !fs::exists(file, problem)) return false;
    const auto hadSameContents = [&](std::uint64_t state) {
        return m_contents.hadSame(state, session.model().files(), cancel);
    };
    if (const auto restored = session.restore(file, hadSameContents); !restored) {
        log().info("{}", restored.error().detail);
        if (restored.error().code == ErrorCode::Corrupt) deleteFile(file);
        return false;
    }
    fs::last_write_time(file, fs::file_time_type::clock::now(), problem);
    return true;
}

void SavedSessions::forget(ChatId chat) {
    const std::lock_guard lock(m_mutex);
    m_forgotten.insert(chat);
    if (m_folder.empty()) return;
    for (const SavedFile& file : savedFilesIn(m_folder)) {
        if (file.chat == chat) deleteFile(file.path);
    }
}

void SavedSessions::remember(ChatId chat) {
    const std::lock_guard lock(m_mutex);
    m_forgotten.erase(chat);
}

void SavedSessions::keepOnly(std::span<const ChatId> chats) {
    if (m_folder.empty()) return;
    const std::lock_guard lock(m_mutex);
    for (const SavedFile& file : savedFilesIn(m_folder)) {
        const bool isWanted =
            file.chat && std::find(chats.begin(), chats.end(), *file.chat) != chats.end();
        if (!isWanted) deleteFile(file.path);
    }
}

SavedSessions::Use SavedSessions::use() const {
    Use use;
    if (m_folder.empty()) return use;
    const std::lock_guard lock(m_mutex);
    std::set<ChatId> chats;
    for (const SavedFile& file : savedFilesIn(m_folder)) {
        if (file.chat) chats.insert(*file.chat);
        use.bytes += file.bytes;
    }
    use.nChats = static_cast<int>(chats.size());
    return use;
}

void SavedSessions::trim() const {
    std::vector<SavedFile> files = savedFilesIn(m_folder);
    std::sort(files.begin(), files.end(),
              [](const SavedFile& a, const SavedFile& b) { return a.used > b.used; });
    std::uint64_t bytes = 0;
    for (const SavedFile& file : files) {
        bytes += file.bytes;
        if (bytes > m_budgetBytes) deleteFile(file.path);
    }
}

}  // namespace conclave::services
