#include "app/services/session_pool.h"

#include <algorithm>

#include "base/log.h"

namespace conclave::services {

Result<engine::Session*> SessionPool::take(ChatId chat,
                                           const std::shared_ptr<const engine::Model>& model,
                                           std::vector<engine::AdapterUse> adapters,
                                           int contextLength, const std::stop_token& cancel) {
    std::erase_if(m_entries, [&](const Entry& entry) { return entry.model != model; });
    const int longest = model->info().contextLength;
    contextLength = std::min(contextLength, longest);
    auto found = std::find_if(m_entries.begin(), m_entries.end(),
                              [&](const Entry& entry) { return entry.chat == chat; });
    if (found != m_entries.end() && found->contextLength != contextLength) {
        save(*found);
        m_entries.erase(found);
        found = m_entries.end();
    }
    if (found != m_entries.end()) {
        m_entries.splice(m_entries.begin(), m_entries, found);
        engine::Session* session = m_entries.front().session.get();
        if (auto used = session->useAdapters(adapters); !used) return tl::unexpected(used.error());
        if (session->cachedTokens().empty()) m_entries.front().saved.clear();
        return session;
    }
    constexpr std::size_t kMostSessions = 4;
    // An automatic context takes memory as it grows: that of other chats not before it needs it.
    constexpr int kUsualContext = 8192;
    if (m_entries.size() >= kMostSessions) dropOldest();
    const int wanted = contextLength > 0 ? contextLength : std::min(longest, kUsualContext);
    while (!m_entries.empty() && !model->forecast(wanted, m_options.kvType).fits()) dropOldest();

    engine::SessionOptions options = m_options;
    options.sharesPrefixes = true;
    options.contextLength = contextLength;
    options.adapters = std::move(adapters);
    auto session = engine::Session::create(model, options);
    if (!session) return tl::unexpected(session.error());
    log().debug("a new session of {} tokens", (*session)->contextLength());
    m_entries.push_front({chat, model, std::move(*session), contextLength, {}});
    Entry& entry = m_entries.front();
    if (m_saved.restore(chat, *entry.session, cancel)) {
        const auto tokens = entry.session->cachedTokens();
        entry.saved.assign(tokens.begin(), tokens.end());
        log().debug("a saved session of {} tokens", tokens.size());
    }
    return entry.session.get();
}

bool SessionPool::dropOthers(ChatId chat) {
    const std::size_t nBefore = m_entries.size();
    for (Entry& entry : m_entries) {
        if (entry.chat != chat) save(entry);
    }
    std::erase_if(m_entries, [&](const Entry& entry) { return entry.chat != chat; });
    return m_entries.size() < nBefore;
}

void SessionPool::forget(ChatId chat) {
    std::erase_if(m_entries, [&](const Entry& entry) { return entry.chat == chat; });
}

void SessionPool::saveIdle() {
    for (Entry& entry : m_entries) {
        if (&entry != &m_entries.front()) save(entry);
    }
    if (!m_entries.empty()) m_saved.prepare(*m_entries.front().session);
}

void SessionPool::saveAll() {
    for (Entry& entry : m_entries) save(entry);
}

void SessionPool::save(Entry& entry) {
    const auto tokens = entry.session->cachedTokens();
    if (std::equal(tokens.begin(), tokens.end(), entry.saved.begin(), entry.saved.end())) return;
    entry.saved.assign(tokens.begin(), tokens.end());
    m_saved.save(entry.chat, *entry.session);
}

void SessionPool::dropOldest() {
    save(m_entries.back());
    m_entries.pop_back();
}

}  // namespace conclave::services
