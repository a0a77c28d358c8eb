#include "app/services/download.h"

#include <array>
#include <atomic>
#include <sstream>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "app/services/sha256.h"
#include "tests/services/scratch.h"

namespace conclave::services {
namespace {

namespace fs = std::filesystem;

/// A web server on this machine that has one file and understands ranges.
class Server {
public:
    explicit Server(std::string content, std::string tag = "\"one\"")
        : m_content(std::move(content)), m_tag(std::move(tag)) {
        m_socket = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* generic = static_cast<sockaddr*>(static_cast<void*>(&address));
        if (::bind(m_socket, generic, length) != 0 || ::listen(m_socket, 4) != 0) {
            throw std::runtime_error("cannot listen");
        }
        ::getsockname(m_socket, generic, &length);
        m_port = ntohs(address.sin_port);
        m_thread = std::jthread([this] { serve(); });
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        ::shutdown(m_socket, SHUT_RDWR);
        ::close(m_socket);
    }

    [[nodiscard]] std::string url(const std::string& name) const {
        return "http://127.0.0.1:" + std::to_string(m_port) + "/some/" + name + "?download=1";
    }
    [[nodiscard]] std::size_t nSent() const { return m_nSent; }

private:
    void serve() {
        while (true) {
            const int client = ::accept(m_socket, nullptr, nullptr);
            if (client < 0) return;
            std::string request;
            std::array<char, 4096> bytes{};
            while (request.find("\r\n\r\n") == std::string::npos) {
                const ssize_t count = ::recv(client, bytes.data(), bytes.size(), 0);
                if (count <= 0) break;
                request.append(bytes.data(), static_cast<std::size_t>(count));
            }
            answer(client, request);
            ::close(client);
        }
    }

    void answer(int client, const std::string& request) {
        std::ostringstream head;
        std::string body = m_content;
        const std::size_t range = request.find("Range: bytes=");
        const bool isSame = request.find("If-Range: ") == std::string::npos ||
                            request.find("If-Range: " + m_tag) != std::string::npos;
        if (request.starts_with("GET /some/missing")) {
            head << "HTTP/1.1 404 Not Found\r\n";
            body = "<html>not here</html>";
        } else if (range != std::string::npos && isSame) {
            const std::size_t from = std::stoul(request.substr(range + 13));
            head << "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " << from << "-"
                 << m_content.size() - 1 << "/" << m_content.size() << "\r\n";
            body = m_content.substr(from);
        } else {
            head << "HTTP/1.1 200 OK\r\n";
        }
        head << "ETag: " << m_tag << "\r\nContent-Length: " << body.size()
             << "\r\nConnection: close\r\n\r\n";
        const std::string all = head.str() + body;
        m_nSent += body.size();
        for (std::size_t sent = 0; sent < all.size();) {
            const ssize_t count =
                ::send(client, all.data() + sent, all.size() - sent, MSG_NOSIGNAL);
            if (count <= 0) return;
            sent += static_cast<std::size_t>(count);
        }
    }

    std::string m_content;
    std::string m_tag;
    int m_socket = -1;
    int m_port = 0;
    std::atomic<std::size_t> m_nSent = 0;
    std::jthread m_thread;
};

std::string contentOf(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::string someBytes(std::size_t count) {
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>('a' + i * i % 23);
    return bytes;
}

TEST(Sha256, EqualsThePublishedValue) {
    const ScratchFolder folder;
    const auto hash = sha256OfFile(folder.write("abc", "abc"));
    ASSERT_TRUE(hash.has_value());
    EXPECT_EQ(*hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Download, KeepsAFileWithTheRightHash) {
    const ScratchFolder folder;
    const std::string content = someBytes(300'000);
    const Server server(content);
    const fs::path original = folder.write("original", content);
    std::uint64_t last = 0;
    const auto file = download({.url = server.url("m.gguf"),
                                .folder = folder.path(),
                                .sha256 = *sha256OfFile(original),
                                .progress = [&](std::uint64_t done, std::uint64_t) {
                                    last = done;
                                    return true;
                                }});
    ASSERT_TRUE(file.has_value()) << file.error().detail;
    EXPECT_EQ(*file, folder.path() / "m.gguf");
    EXPECT_EQ(contentOf(*file), content);
    EXPECT_EQ(last, content.size());
    EXPECT_FALSE(fs::exists(folder.path() / "m.gguf.part"));
}

TEST(Download, RemovesAFileWithAnotherHash) {
    const ScratchFolder folder;
    const Server server(someBytes(1000));
    const auto file = download({.url = server.url("m.gguf"),
                                .folder = folder.path(),
                                .sha256 = std::string(64, '0'),
                                .progress = {}});
    ASSERT_FALSE(file.has_value());
    EXPECT_EQ(file.error().code, ErrorCode::Corrupt);
    EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Download, GoesOnWhereItStopped) {
    const ScratchFolder folder;
    const std::string content = someBytes(200'000);
    folder.write("m.gguf.part", content.substr(0, 150'000));
    folder.write("m.gguf.part.tag", "\"one\"\n");
    const Server server(content);
    const auto file = download(
        {.url = server.url("m.gguf"), .folder = folder.path(), .sha256 = {}, .progress = {}});
    ASSERT_TRUE(file.has_value()) << file.error().detail;
    EXPECT_EQ(contentOf(*file), content);
    EXPECT_EQ(server.nSent(), 50'000U);
}

TEST(Download, BeginsAnewWhenTheServersFileHasChanged) {
    const ScratchFolder folder;
    folder.write("m.gguf.part", std::string(100, 'x'));
    folder.write("m.gguf.part.tag", "\"one\"\n");
    const std::string content = someBytes(5000);
    const Server server(content, "\"two\"");
    const auto file = download(
        {.url = server.url("m.gguf"), .folder = folder.path(), .sha256 = {}, .progress = {}});
    ASSERT_TRUE(file.has_value()) << file.error().detail;
    EXPECT_EQ(contentOf(*file), content);
}

TEST(Download, LeavesAPartToGoOnWithWhenStopped) {
    const ScratchFolder folder;
    const Server server(someBytes(4'000'000));
    const auto stopped =
        download({.url = server.url("m.gguf"),
                  .folder = folder.path(),
                  .sha256 = {},
                  .progress = [](std::uint64_t done, std::uint64_t) { return done < 1000; }});
    ASSERT_FALSE(stopped.has_value());
    EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
    EXPECT_TRUE(fs::exists(folder.path() / "m.gguf.part"));
    EXPECT_FALSE(fs::exists(folder.path() / "m.gguf"));
}

TEST(Download, TakesNoErrorPageForAModel) {
    const ScratchFolder folder;
    const Server server("x");
    const auto file = download(
        {.url = server.url("missing.gguf"), .folder = folder.path(), .sha256 = {}, .progress = {}});
    ASSERT_FALSE(file.has_value());
    EXPECT_EQ(file.error().code, ErrorCode::Io);
    EXPECT_NE(file.error().detail.find("404"), std::string::npos);
    EXPECT_FALSE(fs::exists(folder.path() / "missing.gguf"));
}

TEST(Download, RefusesOddAddressesAndNames) {
    const ScratchFolder folder;
    for (const char* url : {"ftp://x/m.gguf", "m.gguf", "https://x/", "https://x/m.zip",
                            "https://x/..%2fm.gguf", "https://x/.gguf", "https://x/m.gguf/"}) {
        const auto file =
            download({.url = url, .folder = folder.path(), .sha256 = {}, .progress = {}});
        ASSERT_FALSE(file.has_value()) << url;
        EXPECT_EQ(file.error().code, ErrorCode::InvalidArgument) << url;
    }
    EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Download, NeverReplacesAFile) {
    const ScratchFolder folder;
    folder.write("m.gguf", "mine");
    const auto file = download({.url = "http://127.0.0.1:1/m.gguf",
                                .folder = folder.path(),
                                .sha256 = {},
                                .progress = {}});
    ASSERT_FALSE(file.has_value());
    EXPECT_EQ(file.error().code, ErrorCode::Busy);
    EXPECT_EQ(contentOf(folder.path() / "m.gguf"), "mine");
}

}  // namespace
}  // namespace conclave::services
