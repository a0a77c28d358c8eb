#include "base/log.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include "base/visible_text.h"

namespace conclave {
namespace {

/// Names of files and models are part of messages; a log is read in a terminal.
class VisibleMessage final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
                spdlog::memory_buf_t& line) override {
        const std::string text = visibleControls({message.payload.data(), message.payload.size()});
        line.append(text.data(), text.data() + text.size());
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<VisibleMessage>();
    }
};

std::unique_ptr<spdlog::pattern_formatter> linesOf(const char* pattern) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<VisibleMessage>('*').set_pattern(pattern);
    return formatter;
}

/// A log that cannot be written, as on a full disk, is no reason to fill the terminal.
void tellOnce(const std::string& problem) {
    static std::atomic_flag isTold;
    if (isTold.test_and_set()) return;
    const std::string line =
        "conclave: the log cannot be written, going on without it: " + visibleControls(problem) +
        "\n";
    std::fputs(line.c_str(), stderr);
}

std::shared_ptr<spdlog::logger> makeLogger(const LogOptions& options) {
    const char* wanted = std::getenv("CONCLAVE_LOG");
    const auto chosen = [&](spdlog::level::level_enum fallback) {
        return wanted ? spdlog::level::from_str(wanted) : fallback;
    };
    std::vector<spdlog::sink_ptr> sinks;
    if (options.toStderr) {
        auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
        sink->set_level(chosen(spdlog::level::warn));
        sink->set_formatter(linesOf("conclave: %^%l%$: %*"));
        sinks.push_back(std::move(sink));
    }
    std::string fileProblem;
    if (!options.file.empty()) {
        try {
            constexpr std::size_t kFileBytes = 2u << 20;
            auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
                options.file.string(), kFileBytes, 2);
            sink->set_level(chosen(spdlog::level::info));
            sink->set_formatter(linesOf("[%Y-%m-%d %H:%M:%S.%e] [%n] [%l] %*"));
            sinks.push_back(std::move(sink));
        } catch (const spdlog::spdlog_ex& problem) {
            fileProblem = problem.what();
        }
    }
    auto logger = std::make_shared<spdlog::logger>("conclave", sinks.begin(), sinks.end());
    logger->set_error_handler(tellOnce);
    logger->set_level(spdlog::level::debug);
    logger->flush_on(spdlog::level::warn);
    if (!fileProblem.empty()) logger->warn("no log file: {}", fileProblem);
    return logger;
}

std::shared_ptr<spdlog::logger>& current() {
    static std::shared_ptr<spdlog::logger> logger = makeLogger({});
    return logger;
}

}  // namespace

void startLog(const LogOptions& options) { current() = makeLogger(options); }

spdlog::logger& log() { return *current(); }

}  // namespace conclave
