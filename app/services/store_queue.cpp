#include "app/services/store_queue.h"

#include <utility>

namespace conclave::services {
namespace {

/// So much in one change that others need not wait long for the database.
constexpr std::uint64_t kMany = std::uint64_t{1} << 20U;
constexpr std::uint64_t kTooMuch = 4 * kMany;
constexpr auto kStoreEvery = std::chrono::milliseconds(50);

}  // namespace

void StoreQueue::add(PreparedFile file) {
    const std::lock_guard lock(m_mutex);
    m_nBytes += file.document.content.sizeBytes;
    m_files.push_back(std::move(file));
}

Result<bool> StoreQueue::store(When when, const Write& write) {
    std::unique_lock storing(m_storing, std::defer_lock);
    if (when == When::All || nBytes() >= kTooMuch) {
        storing.lock();
    } else if (!storing.try_lock()) {
        return false;
    }
    const bool isDue = when != When::IfMany ||
                       std::chrono::steady_clock::now() - m_lastStored >= kStoreEvery ||
                       nBytes() >= kMany;
    if (!isDue) return false;
    const std::vector<PreparedFile> files = take();
    if (files.empty()) return false;
    const auto written = write(files);
    m_lastStored = std::chrono::steady_clock::now();
    if (!written) return tl::unexpected(written.error());
    return true;
}

std::uint64_t StoreQueue::nBytes() {
    const std::lock_guard lock(m_mutex);
    return m_nBytes;
}

std::vector<PreparedFile> StoreQueue::take() {
    const std::lock_guard lock(m_mutex);
    std::vector<PreparedFile> taken;
    std::uint64_t nTaken = 0;
    while (!m_files.empty() && nTaken < kMany) {
        nTaken += m_files.front().document.content.sizeBytes;
        taken.push_back(std::move(m_files.front()));
        m_files.pop_front();
    }
    m_nBytes -= nTaken;
    return taken;
}

}  // namespace conclave::services
