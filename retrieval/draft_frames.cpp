#include "retrieval/draft_frames.h"

#include <charconv>
#include <utility>

namespace conclave::retrieval {
namespace {

constexpr std::string_view kName = "draft ";

/// The number that `text` begins with, and `end` behind it.
template <typename Number>
bool takeNumber(std::string_view& text, char end, Number& number) {
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || rest == text.data() + text.size() || *rest != end) return false;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()) + 1);
    return true;
}

}  // namespace

std::string toBytes(const DraftFrame& frame) {
    std::string bytes(kName);
    bytes += std::to_string(frame.lastPage) + ' ' + std::to_string(frame.bytes.size()) + '\n';
    return bytes += frame.bytes;
}

std::optional<DraftFrame> takeFrame(std::string& output) {
    std::string_view left = output;
    if (!left.starts_with(kName)) return std::nullopt;
    left.remove_prefix(kName.size());
    DraftFrame frame;
    std::size_t nBytes = 0;
    if (!takeNumber(left, ' ', frame.lastPage) || !takeNumber(left, '\n', nBytes) ||
        left.size() < nBytes) {
        return std::nullopt;
    }
    frame.bytes = left.substr(0, nBytes);
    output.erase(0, output.size() - left.size() + nBytes);
    return frame;
}

}  // namespace conclave::retrieval
