#include "app/services/session_pool.h"

#include <algorithm>

#include "base/log.h"

namespace conclave::services {

Result<engine::Session*> SessionPool::take(ChatId chat,
                                           const std::shared_ptr<const engine::Model>& model) {
    std::erase_if(m_entries, [&](const Entry& entry) { return entry.model != model; });
    const auto found = std::find_if(m_entries.begin(), m_entries.end(),
                                    [&](const Entry& entry) { return entry.chat == chat; });
    if (found != m_entries.end()) {
        m_entries.splice(m_entries.begin(), m_entries, found);
        return m_entries.front().session.get();
    }
    constexpr std::size_t kMostSessions = 4;
    constexpr int kAutomaticContext = 8192;
    if (m_entries.size() >= kMostSessions) m_entries.pop_back();
    const int wanted = m_contextLength > 0
                           ? m_contextLength
                           : std::min(model->info().contextLength, kAutomaticContext);
    while (!m_entries.empty() && !model->forecast(wanted).fits()) m_entries.pop_back();

    auto session =
        engine::Session::create(model, {.contextLength = m_contextLength, .nThreads = m_nThreads});
    if (!session) return tl::unexpected(session.error());
    log().debug("a new session of {} tokens", (*session)->contextLength());
    m_entries.push_front({chat, model, std::move(*session)});
    return m_entries.front().session.get();
}

}  // namespace conclave::services
