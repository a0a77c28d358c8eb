#include "retrieval/worker_protocol.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace conclave::retrieval {
namespace {

using Descriptors = std::array<int, 2>;

struct alignas(cmsghdr) ControlBytes {
    std::array<char, CMSG_SPACE(sizeof(Descriptors))> bytes{};
};

msghdr messageFor(iovec& text, ControlBytes& control) {
    msghdr message{};
    message.msg_iov = &text;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    return message;
}

}  // namespace

bool sendRequest(int socket, const WorkerRequest& request) {
    if (request.arguments.empty() || request.arguments.size() > kMostRequestBytes) return false;
    std::string text = request.arguments;
    iovec vector{text.data(), text.size()};
    ControlBytes control;
    msghdr message = messageFor(vector, control);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(Descriptors));
    const Descriptors both{request.input, request.output};
    std::memcpy(CMSG_DATA(header), both.data(), sizeof both);
    while (true) {
        const ssize_t n = ::sendmsg(socket, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        return n == static_cast<ssize_t>(text.size());
    }
}

bool receiveRequest(int socket, WorkerRequest& request) {
    std::string text(kMostRequestBytes, '\0');
    iovec vector{text.data(), text.size()};
    ControlBytes control;
    msghdr message = messageFor(vector, control);
    ssize_t n = 0;
    do {
        n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (n <= 0 || header == nullptr || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof(Descriptors))) {
        return false;
    }
    Descriptors both{};
    std::memcpy(both.data(), CMSG_DATA(header), sizeof both);
    text.resize(static_cast<std::size_t>(n));
    request = {std::move(text), both[0], both[1]};
    return true;
}

std::vector<std::string> argumentsOf(const WorkerRequest& request) {
    std::vector<std::string> arguments;
    std::string_view rest = request.arguments;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\0'), rest.size());
        arguments.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return arguments;
}

}  // namespace conclave::retrieval
